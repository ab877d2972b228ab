/**
 * What a user of the edge finds different from the embedded host, and why. Journeys keep clear of these, and whatever
 * else differs fails there. Each is looked at on both hosts (SPEC HOME13): one that no longer occurs fails as well.
 */
import type { Send } from "./journey.ts";

/** A host, to somebody who looks for differences. */
export interface Sight {
  readonly own: Send;
  readonly admin: Send;
  /** Opens a WebSocket and sends so many pings at once: is it closed, or was each answered? */
  pings(count: number): Promise<"closed" | "answered">;
}

/** One difference. */
export interface Difference {
  readonly what: string;
  readonly why: string;
  /** What is seen, and where. */
  readonly seen:
    | {
        readonly look: (sight: Sight) => Promise<unknown>;
        readonly embedded: unknown;
        readonly edge: unknown;
      }
    /** Words that stand in the sources of the embedded host, and not in those of the edge. */
    | { readonly words: readonly string[] }
    /** Cannot be seen in a test without waiting for luck. */
    | { readonly never: string };
}

/** All of them. */
export const edgeDifferences: readonly Difference[] = [
  {
    what: "Lists of tasks and sessions may be behind by milliseconds after a change that nobody asked for.",
    why: "Rows of a session's tasks come to the user's object as messages (decision 0010).",
    seen: { never: "how far behind, if at all, is a matter of time" },
  },
  {
    what: "An admin reads another user's tasks by /api/tasks/user/{userId} only, not by a task's id.",
    why: "Where a task lives its own user's object knows, and an id does not tell the user.",
    seen: {
      look: async ({ own, admin }) => {
        const { id } = await bodyOf(own("POST", "/api/tasks", { type: "repeat", input: 1 }));
        return (await admin("GET", `/api/tasks/${id}`)).status;
      },
      embedded: 200,
      edge: 404,
    },
  },
  {
    what: "A WebSocket is not closed for being slow, is not pinged, and its `ping` is not counted as a message.",
    why: "The platform does not say what waits for a reader, keeps sockets alive itself, and answers while the object sleeps.",
    seen: { look: (sight) => sight.pings(300), embedded: "closed", edge: "answered" },
  },
  {
    what: "errand.config.ts, webhooks and isolate are not there.",
    why: "A Worker loads no files; webhooks are sent by an adapter of Node; there are no threads.",
    seen: { words: ["errand.config.ts", "webhook", "isolate"] },
  },
  {
    what: "/metrics tells of one object, that of whoever asks.",
    why: "An object counts what happens in it; nothing adds them up yet.",
    seen: {
      look: async ({ own, admin }) => {
        const { id } = await bodyOf(own("POST", "/api/tasks", { type: "repeat", input: 2 }));
        await own("GET", `/api/tasks/${id}`);
        const text = await (await admin("GET", "/metrics")).text();
        return /errand_tasks_accepted_total\{[^}]*type="repeat"/.test(text);
      },
      embedded: true,
      edge: false,
    },
  },
  {
    what: "A submit is not refused because its queue is full, or because its ttlMs or deadlineMs most likely cannot be kept.",
    why: "What waits in a queue is known in its own object only; the task ends as expired instead.",
    seen: {
      look: async ({ own, admin }) => {
        await admin("POST", "/api/queues/tasks/settings", { slots: 1 });
        const stuck = { type: "gated", input: { name: "never" } };
        await Promise.all(Array.from({ length: 60 }, () => own("POST", "/api/tasks", stuck)));
        const late = { type: "repeat", input: 3, ttlMs: 1_000 };
        return (await own("POST", "/api/tasks", late)).status;
      },
      embedded: 429,
      edge: 201,
    },
  },
];

async function bodyOf(answer: Promise<Response>): Promise<{ readonly id: string }> {
  return (await (await answer).json()) as { id: string };
}
