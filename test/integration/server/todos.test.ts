import { afterEach, beforeEach, expect, test } from "vitest";

import { isRecord } from "../../../src/core/json.ts";
import { openDoor, type Door } from "./door.ts";
import { readEvents } from "./event-reader.ts";

let door: Door;
beforeEach(async () => {
  door = await openDoor();
});
afterEach(async () => {
  await door.close();
});

const one = (answer: {
  readonly body: Readonly<Record<string, unknown>>;
}): Record<string, unknown> => {
  const [first] = answer.body["todos"] as Record<string, unknown>[];
  return first ?? {};
};

async function add(text: string, more: object = {}): Promise<Record<string, unknown>> {
  const added = await door.json("POST", "/api/todos", { body: { text, ...more } });
  expect(added.status).toBe(201);
  return one(added);
}

test("[TODO1] a todo is added, changed, completed, opened again and removed over HTTP", async () => {
  const todo = await add("buy milk", { dueDay: "2026-12-01" });
  expect(todo).toMatchObject({
    text: "buy milk",
    status: "open",
    dueDay: "2026-12-01",
    source: null,
  });
  const path = `/api/todos/${String(todo["id"])}`;
  const change = async (body: object): Promise<unknown> =>
    one(await door.json("POST", path, { body }));
  expect(await change({ text: "buy oat milk", dueDay: null })).toMatchObject({
    text: "buy oat milk",
    dueDay: null,
  });
  expect(await change({ done: true })).toMatchObject({
    status: "done",
    doneAt: expect.any(String),
  });
  expect(await change({ done: false })).toMatchObject({ status: "open", doneAt: null });
  const gone = await door.json("DELETE", path);
  expect(gone).toMatchObject({ status: 200, body: { todos: [], todoIds: [todo["id"]] } });
  expect((await door.json("POST", path, { body: { done: true } })).status).toBe(404);
  expect((await door.json("GET", "/api/todos")).body).toMatchObject({ state: { todos: [] } });
});

test("[TODO2] under one event id or action id a wish is done once; another wish under it is refused", async () => {
  const body = { text: "buy milk", event_id: "event-1", client_action_id: "click-1" };
  const first = await door.json("POST", "/api/todos", { body });
  expect(first).toMatchObject({ status: 201, body: { event_id: "event-1" } });
  const again = await door.json("POST", "/api/todos", { body });
  expect([again.status, one(again)["id"]]).toEqual([200, one(first)["id"]]);
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  const { client_action_id: _gone, ...byEvent } = body;
  expect(one(await door.json("POST", "/api/todos", { body: byEvent }))["id"]).toBe(
    one(first)["id"],
  );
  const other = await door.json("POST", "/api/todos", { body: { ...body, text: "buy bread" } });
  expect([other.status, other.body["code"]]).toEqual([422, "idempotency_mismatch"]);
  const keyed = { body: { text: "by header" }, headers: { "idempotency-key": "k" } };
  await door.json("POST", "/api/todos", keyed);
  expect((await door.json("POST", "/api/todos", keyed)).status).toBe(200);
  const { body: listed } = await door.json("GET", "/api/todos");
  expect(listed).toMatchObject({ state: { todos: [{ text: "buy milk" }, { text: "by header" }] } });
});

test("[TODO4] the feed tells each fact with the ids of its envelope, and so does the session's log", async () => {
  const feed = await door.send("GET", "/api/events");
  const todo = await add("buy milk", { event_id: "event-1", client_action_id: "click-1" });
  await door.json("POST", `/api/todos/${String(todo["id"])}`, {
    body: { done: true, client_action_id: "click-2" },
    headers: { "x-request-id": "req-of-mine" },
  });
  const reader = readEvents(feed);
  const seen = await reader.until(({ data }) => data["type"] === "todo.completed");
  await reader.leave();
  const told = seen.filter(({ name }) => name === "todo").map(({ data }) => data);
  expect(told).toMatchObject([
    {
      type: "todo.added",
      event_id: "event-1",
      client_action_id: "click-1",
      seq: 1,
      sessionId: "planner",
    },
    {
      type: "todo.completed",
      client_action_id: "click-2",
      seq: 2,
      todo: { id: todo["id"], status: "done" },
    },
  ]);
  const log = await door.json("GET", "/api/sessions/planner/log");
  expect(log.body["events"]).toMatchObject([
    {
      event_id: "event-1",
      seq: 1,
      type: "todo.added",
      client_action_id: "click-1",
      session_id: "planner",
    },
    {
      type: "todo.completed",
      request_id: "req-of-mine",
      client_action_id: "click-2",
      user_id: "local",
    },
  ]);
  const page = await door.json("GET", "/api/sessions/planner/log?after=1");
  expect(page.body["events"]).toHaveLength(1);
  expect((await door.json("GET", "/api/sessions/none/log")).status).toBe(404);
});

test("[TODO5] the list and its session are snapshots: 304 while they are the same, a higher seq when not", async () => {
  const empty = await door.send("GET", "/api/todos");
  expect([empty.status, empty.headers.get("etag"), await empty.json()]).toEqual([
    200,
    '"0"',
    { state: { sessionId: "planner", todos: [] }, seq: 0 },
  ]);
  await add("buy milk");
  for (const path of ["/api/todos", "/api/sessions/planner"]) {
    const first = await door.send("GET", path);
    const etag = first.headers.get("etag") ?? "";
    expect(await first.json()).toMatchObject({ state: { todos: [{ text: "buy milk" }] }, seq: 1 });
    const headers = { "if-none-match": etag };
    expect((await door.send("GET", path, { headers })).status).toBe(304);
  }
  await add("buy bread");
  const { body } = await door.json("GET", "/api/todos", { headers: { "if-none-match": '"1"' } });
  expect(body["seq"]).toBe(2);
});

test("[TODO3] what a task proposed is accepted one by one, or taken back", async () => {
  const operationId = "task_01k7x5q2m0f3v8k2n6r4t9w1ya";
  await door.engine.todos.add("local", [{ text: "a" }, { text: "b" }], {
    operationId,
    proposed: true,
  });
  const { body } = await door.json("GET", "/api/todos");
  const { todos } = body["state"] as { todos: { id: string; status: string }[] };
  expect(todos.map(({ status }) => status)).toEqual(["proposed", "proposed"]);
  await door.json("POST", `/api/todos/${todos[0]?.id}`, { body: { accepted: true, done: true } });
  const undone = await door.json("POST", "/api/todos/undo", { body: { operationId } });
  expect(undone.body["todoIds"]).toEqual([todos[1]?.id]);
  const after = await door.json("GET", "/api/todos");
  expect(after.body).toMatchObject({ state: { todos: [{ text: "a", status: "done" }] } });
});

test("[TODO5] a list of another session is another list", async () => {
  await add("in the project", { sessionId: "project" });
  await add("my own");
  const { body } = await door.json("GET", "/api/todos?sessionId=project");
  expect(body).toMatchObject({
    state: { sessionId: "project", todos: [{ text: "in the project" }] },
  });
});

test("[TODO6,HTTP4] a bad day, a blank text and a long one are refused by name", async () => {
  for (const [body, field] of [
    [{ text: "x", dueDay: "2026-02-30" }, "dueDay"],
    [{ text: "  " }, "text"],
    [{ text: "x".repeat(2_001) }, "text"],
    [{ text: "x", event_id: "with space" }, "event_id"],
  ] as const) {
    const refused = await door.json("POST", "/api/todos", { body });
    const [error] = refused.body["errors"] as unknown[];
    expect([refused.status, isRecord(error) ? error["field"] : null]).toEqual([400, field]);
  }
});
