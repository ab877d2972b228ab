import { afterEach, beforeEach, expect, test } from "vitest";

import {
  createClient,
  emptyView,
  failureOf,
  foldTask,
  isTaskEvent,
  platformEnvironment,
  type ErrandClient,
} from "../../../src/client/index.ts";
import { adminKey, keyFor, openDoor, until, type Door } from "./door.ts";
import { listen, type Listening } from "./listen.ts";

let door: Door;
let http: Listening;
let client: ErrandClient;
beforeEach(async () => {
  door = await openDoor();
  http = await listen(door);
  client = createClient({ baseUrl: http.url });
});
afterEach(async () => {
  await http.close();
  await door.close();
});

test("[HTTP7] the client reads every answer about tasks", async () => {
  const input = { acts: [{ say: "hello" }, { event: "go" }, { output: { text: "hello" } }] };
  const { task, replayed } = await client.tasks.submit(
    { type: "script", input, title: "mine", priority: "batch", delayMs: 0 },
    { idempotencyKey: "k" },
  );
  expect(replayed).toBe(false);
  expect(
    (
      await client.tasks.submit(
        { type: "script", input, title: "mine", priority: "batch", delayMs: 0 },
        { idempotencyKey: "k" },
      )
    ).replayed,
  ).toBe(true);
  await until(door, task.id, ({ status }) => status === "waiting");
  expect(await client.tasks.get(task.id)).toMatchObject({
    status: "waiting",
    partial: "hello",
    reason: { code: "event" },
  });
  expect(
    (await client.tasks.list({ status: "active", type: "script", limit: 5 })).tasks,
  ).toMatchObject([{ id: task.id }]);
  expect((await client.tasks.why(task.id)).message).toContain("waits for an event");
  expect((await client.tasks.log(task.id, { after: 0, limit: 2 })).nextAfter).toBe(2);
  expect((await client.overview()).queues.map(({ name }) => name)).toContain("steered");

  const seen: string[] = [];
  for await (const item of client.follow(task.id)) {
    if (item.kind !== "event") continue;
    seen.push(item.event.type);
    if (item.event.type === "up-to-date") await client.tasks.sendEvent(task.id, "go", 1);
  }
  expect(seen).toContain("token");
  expect(seen.at(-1)).toBe("end");

  const again = await client.tasks.rerun(task.id);
  expect(await client.tasks.cancel(again.id)).toMatchObject({
    status: "cancelled",
    error: { code: "cancelled" },
  });
  expect((await client.tasks.retry(again.id)).id).toBe(again.id);
});

test("[HTTP7] the client reads every answer about chats", async () => {
  const sent = await client.chat.send({
    message: "help",
    sessionId: "s1",
    client_action_id: "act-1",
  });
  expect(
    await client.chat.send({ message: "help", sessionId: "s1", client_action_id: "act-1" }),
  ).toEqual(sent);
  await door.engine.ended(sent.taskId);
  const session = await client.chat.session("s1");
  expect(session?.messages.map(({ role, status }) => `${role} ${status}`)).toEqual([
    "user completed",
    "assistant completed",
  ]);
  expect(await client.chat.session("s1", { etag: session?.etag ?? null })).toBeNull();
  expect(await client.chat.stop("s1")).toEqual({ stopped: null });
  expect((await client.chat.sessions()).sessions).toMatchObject([{ id: "s1", title: "help" }]);
  await client.chat.remove("s1");
  expect((await client.chat.sessions()).sessions).toEqual([]);
});

test("[HTTP7] the client reads the feed of everything", async () => {
  const stop = new AbortController();
  const types = new Set<string>();
  for await (const item of client.events({ signal: stop.signal })) {
    if (item.kind !== "event") continue;
    types.add(item.event.type);
    if (item.event.type === "up-to-date") {
      const text = {
        acts: [
          { say: "x" },
          { progress: 1 },
          { step: "s" },
          { tool: "look", input: 1 },
          { output: null },
        ],
      };
      await client.chat.send({ message: "help", sessionId: "s1" });
      await client.tasks.submit({ type: "script", input: text });
    }
    if (item.event.type === "end" && item.event.task.type === "script") stop.abort();
  }
  expect([...types].toSorted()).toEqual([
    "end",
    "progress",
    "session",
    "state",
    "step",
    "token",
    "tool",
    "up-to-date",
  ]);
});

test("[SEC25] the client reads every refusal: its code, its fields, its request's id", async () => {
  const locked = await openDoor({ auth: true });
  const behind = await listen(locked);
  const clientOf = (apiKey: string | null): ErrandClient =>
    createClient({ baseUrl: behind.url, apiKey });
  const failure = async (work: Promise<unknown>): Promise<unknown> => {
    try {
      return await work;
    } catch (error) {
      return failureOf(error);
    }
  };
  expect(await failure(clientOf(null).tasks.list())).toMatchObject({
    kind: "refused",
    status: 401,
    code: "unauthenticated",
  });
  const key = await keyFor(locked, "u1");
  const user = clientOf(key);
  expect(await failure(user.tasks.get("task_01k7x5q2m0f3v8k2n6r4t9w1ya"))).toMatchObject({
    kind: "refused",
    code: "not_found",
    requestId: expect.stringMatching(/^req_/),
  });
  expect(await failure(user.chat.send({ message: "x", sessionId: "a b" }))).toMatchObject({
    code: "invalid_request",
    fields: [{ field: "sessionId" }],
  });
  expect(await failure(user.tasks.submit({ type: "nothing", input: 1 }))).toMatchObject({
    status: 422,
    code: "unknown_type",
  });
  expect((await clientOf(adminKey).tasks.list()).tasks).toEqual([]);
  await behind.close();
  await locked.close();
});

test("[CLIENT6] over WebSockets a task is followed past lost connections to its stored text", async () => {
  const said = Array.from({ length: 40 }, (_, index) => `word ${index} `);
  const { task } = await client.tasks.submit({
    type: "script",
    input: { acts: [...said.map((say) => ({ say })), { output: { text: said.join("") } }] },
  });
  let opened = 0;
  /** Loses each connection after a few messages. */
  class LossySocket extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      opened += 1;
      let left = 3 + (opened % 4);
      this.addEventListener("message", () => {
        left -= 1;
        if (left === 0) this.close();
      });
    }
  }
  const environment = platformEnvironment();
  const lossy = createClient({
    baseUrl: http.url,
    WebSocket: LossySocket,
    // Tries again at once; the long waits are those of pings and silence.
    environment: {
      ...environment,
      after: (delayMs, callback) => environment.after(delayMs > 20_000 ? delayMs : 0, callback),
    },
  });
  let view = emptyView(task.id);
  for await (const item of lossy.follow(task.id, { transport: "websocket" })) {
    if (item.kind !== "event" || !isTaskEvent(item.event)) continue;
    view = foldTask(view, item.event);
  }
  expect(opened).toBeGreaterThan(5);
  expect(view).toMatchObject({
    stream: { text: said.join(""), broken: false },
    task: { status: "completed" },
  });
});

test("[CLIENT6] over WebSockets a refusal is told as over HTTP, and the feed of everything is read", async () => {
  const locked = await openDoor({ auth: true });
  const behind = await listen(locked);
  const key = await keyFor(locked, "u1");
  const refusalOf = async (apiKey: string | null): Promise<unknown> => {
    const user = createClient({ baseUrl: behind.url, apiKey });
    const feed = user.follow("task_01k7x5q2m0f3v8k2n6r4t9w1ya", { transport: "websocket" });
    try {
      for await (const item of feed) expect(item.kind).toBe("connection");
      return "no refusal";
    } catch (error) {
      return failureOf(error);
    }
  };
  expect(await refusalOf(key)).toMatchObject({ kind: "refused", status: 404, code: "not_found" });
  expect(await refusalOf("errand_wrong")).toMatchObject({ status: 401, code: "unauthenticated" });
  const user = createClient({ baseUrl: behind.url, apiKey: key });
  const stop = new AbortController();
  const ended: string[] = [];
  for await (const item of user.events({ transport: "websocket", signal: stop.signal })) {
    if (item.kind !== "event") continue;
    if (item.event.type === "up-to-date") await user.tasks.submit({ type: "echo", input: 1 });
    if (item.event.type === "end") {
      ended.push(item.event.task.type);
      stop.abort();
    }
  }
  expect(ended).toEqual(["echo"]);
  await behind.close();
  await locked.close();
});
