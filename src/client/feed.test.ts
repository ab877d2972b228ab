import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { followFeed, retryDelayMs } from "./feed.ts";
import type { EventStreamSource, FeedItem, FeedSource } from "./feed.ts";
import type { FeedEnvironment, WakeCause } from "./feed-environment.ts";
import { isTaskEvent } from "./feed-event.ts";
import { RequestFailed } from "./failure.ts";
import type { Refusal } from "./failure.ts";
import { emptyView, foldTask } from "./task-view.ts";
import type { TaskView } from "./task-view.ts";

const taskId = "task_1";
const network = { kind: "network", detail: "" } as const;

/** Surroundings whose time stands still until a test moves it. Pauses between tries pass by themselves. */
function handEnvironment(): FeedEnvironment & {
  advance(ms: number): void;
  wake(cause: WakeCause): void;
  readonly pauses: number[];
} {
  const timers = new Set<{ atMs: number; callback: () => void }>();
  const wakes = new Set<(cause: WakeCause) => void>();
  const pauses: number[] = [];
  let nowMs = 0;
  return {
    pauses,
    nowMs: () => nowMs,
    random: () => 0,
    after(delayMs, callback) {
      const timer = { atMs: nowMs + delayMs, callback };
      timers.add(timer);
      if (delayMs <= 10_000) {
        pauses.push(delayMs);
        queueMicrotask(() => timers.delete(timer) && callback());
      }
      return () => void timers.delete(timer);
    },
    onWake(callback) {
      wakes.add(callback);
      return () => void wakes.delete(callback);
    },
    advance(ms) {
      nowMs += ms;
      for (const timer of timers) {
        if (timer.atMs <= nowMs && timers.delete(timer)) timer.callback();
      }
    },
    wake: (cause) => wakes.forEach((callback) => callback(cause)),
  };
}

/** A response that gives `text` in small pieces, and then closes or breaks. */
function response(text: string, then: "close" | "break" = "close"): Response {
  return pieces(text, (controller) => {
    if (then === "close") controller.close();
    else controller.error(new TypeError("terminated"));
  });
}

/** A response that gives a comment and then hangs until `signal`; `onSilence` is called when it begins to hang. */
function silentResponse(signal: AbortSignal, onSilence: () => void): Response {
  return pieces(": hello\n\n", (controller) => {
    signal.addEventListener("abort", () => controller.error(signal.reason));
    queueMicrotask(onSilence);
  });
}

function pieces(
  text: string,
  atEnd: (controller: ReadableStreamDefaultController<Uint8Array>) => void,
): Response {
  const bytes = new TextEncoder().encode(text);
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent >= bytes.length) return atEnd(controller);
      controller.enqueue(bytes.subarray(sent, sent + 7));
      sent += 7;
    },
  });
  return new Response(body);
}

function frame(name: string, data: object, id: string | null): string {
  return `${id === null ? "" : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

const taskFields = { id: taskId, type: "chat", createdAt: "2026-01-01T00:00:00Z" };
const endFrame = frame("end", { task: { ...taskFields, status: "completed" } }, "9");

function source(open: EventStreamSource["open"], after: string | null = null): FeedSource {
  return { open, after, taskId, signal: new AbortController().signal };
}

async function collect(items: AsyncIterable<FeedItem>): Promise<FeedItem[]> {
  const collected: FeedItem[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

function refusal(fields: Partial<Refusal>): Refusal {
  return {
    code: "not_found",
    status: 404,
    detail: "",
    fields: [],
    retryAfterMs: null,
    requestId: null,
    ...fields,
  };
}

describe("following a feed", () => {
  test("[CLIENT3] after a lost connection it continues behind the last cursor", async () => {
    const asked: (string | null)[] = [];
    const answers = [
      response(frame("token", { text: "He", offset: 0 }, "1"), "break"),
      response(frame("token", { text: "y", offset: 2 }, "2") + endFrame),
    ];
    const items = await collect(
      followFeed(
        source(async (cursor) => {
          asked.push(cursor);
          return answers[asked.length - 1]!;
        }, "0"),
        handEnvironment(),
      ),
    );
    expect(asked).toEqual(["0", "1"]);
    const events = items.flatMap((item) => (item.kind === "event" ? [item.event.type] : []));
    expect(events).toEqual(["token", "token", "end"]);
  });

  test("[CLIENT3] it says when it connects, lives and retries, and why", async () => {
    const items = await collect(
      followFeed(
        source(async (cursor) => {
          return response(cursor === null ? frame("step", { name: "a" }, "1") : endFrame);
        }),
        handEnvironment(),
      ),
    );
    const states = items.flatMap((item) =>
      item.kind === "connection" ? [item.connection.state] : [],
    );
    expect(states).toEqual(["connecting", "live", "retrying", "connecting", "live"]);
  });

  test("[CLIENT3] 204 ends it: nothing is left behind that cursor", async () => {
    const items = await collect(
      followFeed(
        source(async () => new Response(null, { status: 204 })),
        handEnvironment(),
      ),
    );
    expect(items).toEqual([{ kind: "connection", connection: { state: "connecting" } }]);
  });

  test("[CLIENT3] a feed of all tasks goes on behind the end of one", async () => {
    const stop = new AbortController();
    const text = endFrame + frame("step", { taskId, name: "of another" }, "10");
    const events: string[] = [];
    const { signal } = stop;
    const feed = { after: null, signal, open: async () => response(text) };
    for await (const item of followFeed(feed, handEnvironment())) {
      if (item.kind !== "event") continue;
      events.push(item.event.type);
      if (item.event.type === "step") stop.abort();
    }
    expect(events).toEqual(["end", "step"]);
  });

  test("[CLIENT3] a refusal that a repeat cannot change is thrown; 429, 5xx and no network are tried again", async () => {
    const failures = [
      new RequestFailed(network),
      new RequestFailed({ kind: "server", ...refusal({ code: "unavailable", status: 503 }) }),
      new RequestFailed({ kind: "refused", ...refusal({ code: "rate_limited", status: 429 }) }),
      new RequestFailed({ kind: "refused", ...refusal({}) }),
    ];
    let tries = 0;
    const run = collect(
      followFeed(
        source(async () => {
          throw failures[tries++]!;
        }),
        handEnvironment(),
      ),
    );
    await expect(run).rejects.toBe(failures[3]);
    expect(tries).toBe(4);
  });

  test("[CLIENT3] a connection silent for 40 s is given up, however half-open it is", async () => {
    const environment = handEnvironment();
    let opened = 0;
    let abortedBefore = true;
    const items = collect(
      followFeed(
        source(async (_cursor, signal) => {
          opened += 1;
          if (opened === 2) return response(endFrame);
          return silentResponse(signal, () => {
            environment.advance(39_999);
            abortedBefore = signal.aborted;
            environment.advance(1);
          });
        }),
        environment,
      ),
    );
    expect((await items).at(-1)).toMatchObject({ kind: "event", event: { type: "end" } });
    expect(abortedBefore).toBe(false);
    expect(opened).toBe(2);
  });

  test("[CLIENT3] coming back to the page gives up a connection that missed its heartbeat, and keeps a fresh one", async () => {
    const environment = handEnvironment();
    let opened = 0;
    let abortedAtFreshWake = true;
    await collect(
      followFeed(
        source(async (_cursor, signal) => {
          opened += 1;
          if (opened === 2) return response(endFrame);
          return silentResponse(signal, () => {
            environment.advance(10_000);
            environment.wake("visible");
            abortedAtFreshWake = signal.aborted;
            environment.advance(7_000);
            environment.wake("visible");
          });
        }),
        environment,
      ),
    );
    expect(abortedAtFreshWake).toBe(false);
    expect(opened).toBe(2);
  });

  test("[CLIENT3] the signal ends it without an error, also in the middle of a silent connection", async () => {
    const stop = new AbortController();
    const items = collect(
      followFeed(
        {
          after: null,
          signal: stop.signal,
          open: async (_cursor, signal) => silentResponse(signal, () => stop.abort()),
        },
        handEnvironment(),
      ),
    );
    expect((await items).length).toBe(2);
  });

  test("[CLIENT3] an event of another shape is not swallowed: the connection counts as confusing", async () => {
    let opened = 0;
    const items = await collect(
      followFeed(
        source(async () => {
          opened += 1;
          const bad = frame("token", { text: 1, offset: 0 }, "1");
          return response(opened === 1 ? bad : endFrame);
        }),
        handEnvironment(),
      ),
    );
    expect(items).toContainEqual({
      kind: "connection",
      connection: {
        state: "retrying",
        delayMs: 250,
        failure: { kind: "confusing", detail: "token.text must be a text, got 1" },
      },
    });
  });

  test("[CLIENT3] delays double from 250 ms to 10 s, lose up to half by chance, and respect Retry-After", () => {
    const delays = [1, 2, 3, 6, 7, 50].map((losses) => retryDelayMs(losses, network, 0));
    expect(delays).toEqual([250, 500, 1000, 8000, 10_000, 10_000]);
    expect(retryDelayMs(1, network, 1)).toBe(125);
    const asked = refusal({ status: 503, code: "unavailable", retryAfterMs: 3_000 });
    expect(retryDelayMs(1, { kind: "server", ...asked }, 0)).toBe(3_000);
  });
});

/** What a server may store for one task: pieces of text, resets inside an attempt, new attempts. */
const scripts = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant("say" as const),
        text: fc.string({ unit: "grapheme", minLength: 1, maxLength: 5 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("void" as const),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("again" as const) }) },
  ),
  { maxLength: 30 },
);

/** Writes a script as the frames of its feed, each with a cursor, and the text that is stored in the end. */
function framesOf(script: readonly ScriptStep[]): {
  frames: string[];
  text: string;
} {
  let text = "";
  let attempt = 1;
  const frames = script.map((step, index) => {
    const id = String(index + 1);
    if (step.do === "say") {
      const data = { text: step.text, offset: text.length };
      text += step.text;
      return frame("token", data, id);
    }
    attempt += step.do === "again" ? 1 : 0;
    const offset = step.do === "again" ? 0 : Math.floor(step.share * text.length);
    text = text.slice(0, offset);
    return frame("reset", { taskId, attempt, offset, reason: "lost" }, id);
  });
  const end = { ...taskFields, status: "completed", attempts: attempt };
  return { frames: [...frames, frame("end", { task: end }, String(script.length + 1))], text };
}

type ScriptStep = { do: "say"; text: string } | { do: "void"; share: number } | { do: "again" };

describe("following a feed to its end", () => {
  test("[CLIENT4] losing the connection anywhere, any number of times, gives the stored text", async () => {
    await fc.assert(
      fc.asyncProperty(
        scripts,
        fc.array(fc.record({ chars: fc.nat(400), behind: fc.nat(3) }), { maxLength: 8 }),
        async (script, losses) => {
          const { frames, text } = framesOf(script);
          let connections = 0;
          const open = async (cursor: string | null): Promise<Response> => {
            const loss = losses[connections];
            connections += 1;
            // A server may also begin a little earlier than asked: at least once, never less.
            const seen = Math.max(0, Number(cursor ?? 0) - (loss?.behind ?? 0));
            const rest = frames.slice(seen).join("");
            return loss === undefined
              ? response(rest)
              : response(rest.slice(0, loss.chars), "break");
          };
          let view: TaskView = emptyView(taskId);
          for await (const item of followFeed(source(open), handEnvironment())) {
            if (item.kind !== "event") continue;
            const { event } = item;
            if (isTaskEvent(event)) {
              view = foldTask(view, event);
            }
          }
          expect(view.stream.broken).toBe(false);
          expect(view.stream.text).toBe(text);
        },
      ),
      { numRuns: 300 },
    );
  });
});
