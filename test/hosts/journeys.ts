import type { Journey, Traveller } from "./journey.ts";
import { socketJourneys } from "./socket-journeys.ts";

/** Inputs that come back as they went in. */
const inputs: Readonly<Record<string, unknown>> = {
  text: "hello",
  nothing: null,
  list: [1, "two", null],
  unicode: 'Grüße 👋 \u0000 \\ "',
  deep: { a: [{ b: [[1, 2.5, -0.1e-7]] }], c: { d: { e: true } } },
  long: "x".repeat(2_000),
};

function echoes(): [string, Journey][] {
  return Object.entries(inputs).flatMap(([name, input]) =>
    ([undefined, "main"] as const).map((sessionId): [string, Journey] => [
      `an input comes back: ${name}${sessionId === undefined ? "" : ", in a session"}`,
      async (user) => {
        const more = sessionId === undefined ? {} : { sessionId };
        await user.ended(await user.submit("repeat", input, more));
      },
    ]),
  );
}

/** What is typed into a chat, one message after the other. */
const chats: Readonly<Record<string, readonly string[]>> = {
  help: ["help"],
  "an empty list": ["list"],
  "jobs are added and listed": ["enqueue one", "enqueue two", "list"],
  "work with nothing to do": ["work"],
  "plain English without a model": [
    "can you add 'call the bank' to the queue",
    "what jobs are in the list",
  ],
  "status and why": ["enqueue one", "status", "why"],
  "cancel the last": ["enqueue one", "cancel last", "list"],
  "cancel what is not there": ["cancel zzzzzz"],
  "a question without a model": ["why is the sky blue"],
  "an empty command": ["enqueue"],
  "todos in a chat": ["todo buy milk", "todos", "done 1", "todos"],
};

function talks(): [string, Journey][] {
  return Object.entries(chats).map(([name, messages]) => [
    `a chat: ${name}`,
    async (user) => {
      // oxlint-disable-next-line no-await-in-loop -- One message after the other.
      for (const message of messages) await user.say(message);
    },
  ]);
}

async function waitingTask(user: Traveller, more: object = {}): Promise<string> {
  const id = await user.submit("waiting", null, more);
  await user.until(id, ({ status }) => status === "waiting");
  return id;
}

const others: readonly [string, Journey][] = [
  [
    "an event that is waited for",
    async (user) => {
      const id = await waitingTask(user);
      await user.ask("POST", `/api/tasks/${id}/event`, { name: "go", payload: { n: 1 } });
      await user.ended(id);
    },
  ],
  [
    "an event that comes early is kept",
    async (user) => {
      const id = await user.submit("waiting", null, { delayMs: 300_000 });
      await user.ask("POST", `/api/tasks/${id}/event`, { name: "go", payload: 2 });
      await user.ask("POST", `/api/tasks/${id}/cancel`, { reason: "enough" });
      await user.ended(id);
    },
  ],
  [
    "a waiting task of a session is cancelled, twice",
    async (user) => {
      const id = await waitingTask(user, { sessionId: "main" });
      await user.ask("POST", `/api/tasks/${id}/cancel`, {});
      await user.ask("POST", `/api/tasks/${id}/cancel`, {});
      await user.ended(id);
    },
  ],
  [
    "a completed task cannot be cancelled nor tried again, but run anew",
    async (user) => {
      const id = await user.submit("repeat", "again", { sessionId: "main" });
      await user.ended(id);
      await user.ask("POST", `/api/tasks/${id}/cancel`, {});
      await user.ask("POST", `/api/tasks/${id}/retry`, {});
      const { id: second } = await user.ask("POST", `/api/tasks/${id}/rerun`, {});
      await user.ended(String(second));
    },
  ],
  [
    "a cancelled task is tried again",
    async (user) => {
      const id = await user.submit("repeat", "later", { delayMs: 300_000 });
      await user.ask("POST", `/api/tasks/${id}/cancel`, {});
      await user.ask("POST", `/api/tasks/${id}/retry`, {});
      await user.ended(id);
    },
  ],
  ["children of a task", async (user) => user.ended(await user.submit("parent"))],
  [
    "children of a task in a session",
    async (user) => user.ended(await user.submit("parent", null, { sessionId: "main" })),
  ],
  [
    "a model call waits for its slot and streams",
    async (user) => {
      const id = await user.submit("calling");
      await user.ended(id);
      const feed = await user.feed(id);
      user.note(
        feed
          .filter(({ name }) => name === "token")
          .map(({ text }) => text)
          .join(""),
      );
    },
  ],
  [
    "a feed is resumed behind each of its events",
    async (user) => {
      const id = await user.submit("calling", null, { sessionId: "main" });
      await user.ended(id);
      const whole = await user.feed(id);
      // How many events there are is a matter of time: tokens that come together are stored together.
      const missing: unknown[] = [];
      for (const [index, event] of whole.entries()) {
        // oxlint-disable-next-line no-await-in-loop -- One reader after the other.
        const rest = await user.feed(id, event.id);
        if (rest.length !== whole.length - index - 1) missing.push([event.id, rest.length]);
      }
      user.note(missing);
    },
  ],
  [
    "one key is one task, and no other body's",
    async (user) => {
      const headers = { "idempotency-key": "k" };
      const first = await user.ask("POST", "/api/tasks", { type: "repeat", input: 1 }, headers);
      const again = await user.ask("POST", "/api/tasks", { type: "repeat", input: 1 }, headers);
      user.note(first["id"] === again["id"]);
      await user.ask("POST", "/api/tasks", { type: "repeat", input: 2 }, headers);
      await user.ended(String(first["id"]));
    },
  ],
  [
    "one action id is one message",
    async (user) => {
      const body = { message: "help", sessionId: "main", client_action_id: "a1" };
      const first = await user.ask("POST", "/api/chat", body);
      const again = await user.ask("POST", "/api/chat", body);
      user.note(first["taskId"] === again["taskId"]);
    },
  ],
  [
    "what cannot be is refused by name",
    async (user) => {
      await user.ask("POST", "/api/tasks", { type: "nonsense" });
      await user.ask("POST", "/api/tasks", { type: "repeat", role: "admin" });
      await user.ask("POST", "/api/tasks", { type: "repeat", delayMs: -1 });
      await user.ask("POST", "/api/chat", { message: "" });
      await user.ask("POST", "/api/chat", { message: "hi", sessionId: "stream" });
      await user.ask("GET", "/api/tasks/task_00000000000000000000000000");
      await user.ask("GET", "/api/sessions/nowhere");
      await user.ask("DELETE", "/api/tasks");
      await user.ask("GET", "/api/nonsense");
    },
  ],
  [
    "nobody else sees a task, its feed, or a session",
    async (user) => {
      const id = await user.submit("repeat", "mine", { sessionId: "main" });
      await user.ended(id);
      for (const path of [`/api/tasks/${id}`, `/api/tasks/${id}/stream`, `/api/tasks/${id}/log`]) {
        // oxlint-disable-next-line no-await-in-loop -- Few.
        const { status } = await user.other("GET", path);
        user.note(status);
      }
      user.note((await user.other("POST", `/api/tasks/${id}/cancel`, {})).status);
      user.note((await user.other("GET", "/api/sessions/main")).status);
    },
  ],
  [
    "two sessions share a user's line of notes",
    async (user) => {
      await user.say("enqueue from one", "one");
      await user.say("enqueue from two", "two");
      await user.say("list", "one");
    },
  ],
  [
    "a session is read, not changed, and deleted",
    async (user) => {
      await user.say("help");
      const { state } = await user.ask("GET", "/api/sessions/main");
      user.note((state as { messages: { role: string }[] }).messages.map(({ role }) => role));
      const { sessions } = await user.ask("GET", "/api/sessions");
      user.note((sessions as { id: string; title: string }[]).map(({ id, title }) => [id, title]));
      await user.ask("DELETE", "/api/sessions/main");
      await user.ask("GET", "/api/sessions/main");
      const after = await user.ask("GET", "/api/sessions");
      user.note(after["sessions"]);
    },
  ],
  [
    "nothing is stopped where nothing is answered",
    async (user) => {
      await user.say("help");
      user.note(await user.ask("POST", "/api/chat/main/stop", {}));
    },
  ],
  [
    "todos are added, completed and listed",
    async (user) => {
      const { todoIds } = await user.ask("POST", "/api/todos", { text: "buy milk" });
      const [id] = todoIds as string[];
      await user.ask("POST", `/api/todos/${id}`, { done: true });
      const answer = JSON.stringify(await user.ask("GET", "/api/todos"));
      user.note(answer.match(/"(?:text|done)":(?:"[^"]*"|\w+)/g));
    },
  ],
  [
    "a task is found in its lists",
    async (user) => {
      await user.ended(await user.submit("repeat", 1));
      await user.ended(await user.submit("repeat", 2, { sessionId: "main" }));
      await user.settled();
      for (const query of ["", "?type=repeat", "?session=main", "?status=active", "?limit=1"]) {
        // oxlint-disable-next-line no-await-in-loop -- Few.
        const { tasks } = await user.ask("GET", `/api/tasks${query}`);
        user.note((tasks as { input: unknown }[]).map(({ input }) => input));
      }
    },
  ],
];

/** Journeys that give the same story on every host. */
export const journeys: readonly (readonly [string, Journey])[] = [
  ...echoes(),
  ...talks(),
  ...others,
  ...socketJourneys,
];
