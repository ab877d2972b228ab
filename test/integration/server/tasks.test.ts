import { afterEach, beforeEach, expect, test } from "vitest";

import { formatId } from "../../../src/core/ids.ts";
import { tasksLookedAt } from "../../../src/engine/reader.ts";
import { ended, group, task as taskRow } from "../../contracts/store-groups.ts";
import { webhookTask } from "../../../src/tasks/webhook.ts";
import { openDoor, until, type Door } from "./door.ts";

let door: Door;
beforeEach(async () => {
  door = await openDoor();
});
afterEach(async () => {
  await door.close();
});

const finished = (shown: Readonly<Record<string, unknown>>): boolean =>
  shown["completedAt"] !== null;

test("[HTTP5] a submit answers 201 with the task and where it is, and the task runs", async () => {
  const { status, headers, body } = await door.json("POST", "/api/tasks", {
    body: { type: "echo", input: { a: [1, "ü"] }, title: "mine", priority: "batch" },
  });
  expect(status).toBe(201);
  expect(headers.get("location")).toBe(`/api/tasks/${String(body["id"])}`);
  expect(body).toMatchObject({
    userId: "local",
    chatId: null,
    type: "echo",
    input: { a: [1, "ü"] },
    title: "mine",
    priority: "batch",
    queue: "steered",
    attempts: expect.any(Number),
  });
  await until(door, String(body["id"]), finished);
  const read = await door.json("GET", `/api/tasks/${String(body["id"])}`);
  expect(read.body).toMatchObject({
    status: "completed",
    output: { a: [1, "ü"] },
    partial: null,
    retryCount: 0,
    completedAt: expect.stringMatching(/^20.*Z$/),
  });
});

test("[HTTP5] the same key with the same body is the same task, with another body it is refused", async () => {
  const key = {
    headers: {
      "idempotency-key": "k-1",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    },
  };
  const first = await door.json("POST", "/api/tasks", {
    body: { type: "echo", input: { b: 1, a: 2 } },
    ...key,
  });
  // The order of fields is no difference, and neither is another try's trace.
  const again = await door.json("POST", "/api/tasks", {
    body: { input: { a: 2, b: 1 }, type: "echo" },
    headers: { "idempotency-key": "k-1" },
  });
  expect([first.status, again.status]).toEqual([201, 200]);
  expect(again.body["id"]).toBe(first.body["id"]);
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  expect(first.headers.get("idempotency-replayed")).toBeNull();
  const other = await door.json("POST", "/api/tasks", { body: { type: "echo", input: 3 }, ...key });
  expect([other.status, other.body["code"]]).toEqual([422, "idempotency_mismatch"]);
});

test("[HTTP5] a client_action_id in the body is such a key", async () => {
  const body = { type: "echo", input: 1, client_action_id: "act-1" };
  const [one, two] = await Promise.all([
    door.json("POST", "/api/tasks", { body }),
    door.json("POST", "/api/tasks", { body }),
  ]);
  expect([one.status, two.status].toSorted((a, b) => a - b)).toEqual([200, 201]);
  expect(one.body["id"]).toBe(two.body["id"]);
  expect((await door.json("GET", "/api/tasks")).body["tasks"]).toHaveLength(1);
});

test.each([
  ["a space", "a b"],
  ["201 characters", "k".repeat(201)],
  ["umlauts", "\u00fc"],
])("[HTTP5] an Idempotency-Key of %s is refused", async (_, key) => {
  const { status, body } = await door.json("POST", "/api/tasks", {
    body: { type: "echo" },
    headers: { "idempotency-key": key },
  });
  expect([status, body["code"]]).toEqual([400, "invalid_request"]);
});

test("[HTTP5] an unknown type is refused with the types there are", async () => {
  const { status, body } = await door.json("POST", "/api/tasks", { body: { type: "brew" } });
  expect([status, body["code"]]).toEqual([422, "unknown_type"]);
  expect(body["detail"]).toContain("echo");
});

test("[HTTP6] a list goes page by page, newest first, and filters", async () => {
  const ids: string[] = [];
  for (let index = 0; index < 5; index += 1) ids.push(await door.submit("echo", index));
  const open = await door.submit("script", { acts: [{ say: "so far" }, { gate: "g" }] });
  await until(door, open, (task) => task["partial"] === "so far");
  for (const id of ids) await until(door, id, finished);

  const first = await door.json("GET", "/api/tasks?limit=4");
  const second = await door.json(
    "GET",
    `/api/tasks?limit=4&cursor=${String(first.body["nextCursor"])}`,
  );
  const listed = [first, second].flatMap(({ body }) =>
    (body["tasks"] as { id: string }[]).map(({ id }) => id),
  );
  expect(listed).toEqual([open, ...ids.toReversed()]);
  expect(second.body["nextCursor"]).toBeNull();

  const idsOf = async (query: string): Promise<unknown[]> =>
    ((await door.json("GET", `/api/tasks?${query}`)).body["tasks"] as { id: string }[]).map(
      ({ id }) => id,
    );
  expect(await idsOf("status=active")).toEqual([open]);
  expect(await idsOf("status=completed&type=echo")).toHaveLength(5);
  expect(await idsOf("status=failed")).toEqual([]);
  expect(await idsOf("from=2020-01-01&to=2020-02-01T00:00:00Z")).toEqual([]);
  expect(await idsOf("from=2020-01-01T00:00:00%2B01:00")).toHaveLength(6);
  expect(await door.json("GET", "/api/tasks/user/local?status=active")).toMatchObject({
    status: 200,
    body: { tasks: [{ id: open, partial: "so far", cursor: expect.any(String) }] },
  });
});

test("[HTTP16] what only the server submits is no task type for anybody else", async () => {
  for (const type of ["completion", "response", "embedding"]) {
    const body = { type, input: {} };
    const refused = await door.json("POST", "/api/tasks", { body });
    expect(refused.body).toMatchObject({ code: "unknown_type" });
    expect(refused.body["detail"]).not.toContain("completion,");
    const schedule = { name: "s", cron: "@daily", type, input: {} };
    const planned = await door.json("POST", "/api/schedules", { body: schedule });
    expect(planned.body).toMatchObject({ code: "unknown_type" });
  }
});

test("[HTTP16] nobody but the server makes a delivery that it signs", async () => {
  const delivered: string[] = [];
  const deliver = (_target: string, { body }: { readonly body: string }): Promise<number> =>
    Promise.resolve(delivered.push(body) + 199);
  const signing = await openDoor({ tasks: [webhookTask(deliver, async () => {})] });
  const input = { target: "default", event: { id: "evt_forged" } };
  const refused = await signing.json("POST", "/api/tasks", { body: { type: "webhook", input } });
  const tasks = await signing.json("GET", "/api/tasks");
  await signing.close();
  expect(refused).toMatchObject({ status: 422, body: { code: "unknown_type" } });
  expect([tasks.body["tasks"], delivered]).toEqual([[], []]);
});

test("[HTTP14] a list by a rare type looks at a limited stretch at a time, and finds what lies far below", async () => {
  const rare = await door.submit("echo", "rare");
  await until(door, rare, finished);
  const usual = Array.from({ length: 3 * tasksLookedAt }, (_, at) =>
    ended(taskRow(at, { userId: "local", type: "usual", id: laterId(at) }), at),
  );
  door.store.commit(group({ tasks: usual }));

  const query = { userId: "local", types: ["echo"], statusClass: "completed", limit: 20 } as const;
  const first = await door.engine.reader.tasks(query);
  expect(first).toEqual({ tasks: [], next: laterId(2 * tasksLookedAt) });
  expect((await door.engine.reader.tasksAll(query)).map(({ id }) => id)).toEqual([rare]);
  const page = await door.json("GET", "/api/tasks?type=echo&limit=2");
  expect(page.body).toMatchObject({ tasks: [{ id: rare }], nextCursor: null });
});

/** Ids of tasks that are younger than all that the tests submit, in order. */
function laterId(at: number): string {
  return formatId("task", 2 ** 42 + at, new Uint8Array(10));
}

test("[HTTP6] a page of large tasks ends early, and the next goes on behind it", async () => {
  const input = "x".repeat(900_000);
  const ids: string[] = [];
  for (let index = 0; index < 7; index += 1) ids.push(await door.submit("echo", input));
  for (const id of ids) await until(door, id, finished);
  const seen: string[] = [];
  const sizes: number[] = [];
  let cursor: string | null = null;
  do {
    const { body } = await door.json(
      "GET",
      `/api/tasks?limit=7${cursor === null ? "" : `&cursor=${cursor}`}`,
    );
    const page = (body["tasks"] as { id: string }[]).map(({ id }) => id);
    seen.push(...page);
    sizes.push(page.length);
    cursor = body["nextCursor"] as string | null;
  } while (cursor !== null);
  expect(seen).toEqual(ids.toReversed());
  expect(sizes.length).toBeGreaterThan(1);
});

test.each([
  "limit=0",
  "limit=201",
  "limit=1.5",
  "limit=",
  "status=done",
  "cursor=task_x",
  "from=yesterday",
  "from=2030-02-30",
  "to=%2B275760-09-13",
  "type=a%20b",
  "stauts=active",
  "limit=1&limit=2",
  "session=stream",
])("[HTTP4] a list with %s is refused and says which parameter", async (query) => {
  const { status, body } = await door.json("GET", `/api/tasks?${query}`);
  expect([status, body["code"]]).toEqual([400, "invalid_request"]);
  expect(body["errors"]).toMatchObject([{ field: /^\w+/.exec(query)?.[0] }]);
});

test("[HTTP4] an action on a task answers with the task, and on an ended one it conflicts", async () => {
  const id = await door.submit("script", {
    acts: [{ say: "some" }, { event: "go" }, { output: 1 }],
  });
  await until(door, id, (task) => task["status"] === "waiting");
  expect((await door.json("GET", `/api/tasks/${id}/why`)).body).toMatchObject({
    status: "waiting",
    reason: { code: "event" },
    queue: null,
    message: expect.stringContaining("waits for an event"),
  });
  const sent = await door.json("POST", `/api/tasks/${id}/event`, {
    body: { name: "go", payload: { x: 1 } },
  });
  expect(sent.status).toBe(200);
  await until(door, id, finished);

  expect((await door.json("POST", `/api/tasks/${id}/cancel`)).status).toBe(409);
  expect((await door.json("POST", `/api/tasks/${id}/retry`, { body: {} })).body["code"]).toBe(
    "conflict",
  );
  expect((await door.json("POST", `/api/tasks/${id}/event`, { body: { name: "go" } })).status).toBe(
    409,
  );
  const rerun = await door.json("POST", `/api/tasks/${id}/rerun`, {
    headers: { "idempotency-key": "r" },
  });
  expect(rerun).toMatchObject({
    status: 201,
    body: { type: "script", status: expect.stringMatching(/queued|running|waiting/) },
  });
  expect(rerun.body["id"]).not.toBe(id);
  const again = await door.json("POST", `/api/tasks/${id}/rerun`, {
    headers: { "idempotency-key": "r" },
  });
  expect([again.status, again.body["id"]]).toEqual([200, rerun.body["id"]]);
});

test("[HTTP4] cancelling twice is cancelling once, and what was said is kept", async () => {
  const id = await door.submit("script", { acts: [{ say: "so far" }, { gate: "g" }] });
  await until(door, id, (task) => task["partial"] === "so far");
  const one = await door.json("POST", `/api/tasks/${id}/cancel`, {
    body: { reason: "wrong question" },
  });
  const two = await door.json("POST", `/api/tasks/${id}/cancel`);
  for (const { status, body } of [one, two]) {
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: "cancelled",
      error: { code: "cancelled", message: "wrong question" },
    });
  }
  expect((await door.json("GET", `/api/tasks/${id}`)).body["partial"]).toBe("so far");
  expect((await door.json("POST", `/api/tasks/${id}/retry`)).body).toMatchObject({
    id,
    attempts: expect.any(Number),
  });
});

test("[HTTP12] the log holds numbered facts with the request that made them, page by page", async () => {
  const { body } = await door.json("POST", "/api/tasks", {
    body: { type: "echo", input: "secret", client_action_id: "act-9" },
    headers: {
      "x-request-id": "my-request",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    },
  });
  const id = String(body["id"]);
  await until(door, id, finished);
  const log = await door.json("GET", `/api/tasks/${id}/log`);
  const events = log.body["events"] as Record<string, unknown>[];
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events[0]).toMatchObject({
    type: "task.accepted",
    request_id: "my-request",
    client_action_id: "act-9",
    operation_id: id,
    user_id: "local",
    payload: { spec: { traceparent: expect.stringContaining("0af7651916cd43dd") } },
  });
  const page = await door.json("GET", `/api/tasks/${id}/log?after=1&limit=1`);
  expect(page.body).toMatchObject({ events: [{ seq: 2 }], nextAfter: 2 });
  expect((await door.json("GET", `/api/tasks/${id}/log?after=${events.length}`)).body).toEqual({
    events: [],
    nextAfter: null,
  });
});

test("[HTTP9] metrics count tasks, requests and queues, and hold no data of anybody", async () => {
  const id = await door.submit("echo", { secret: "payload-canary" });
  await until(door, id, finished);
  await door.send("GET", "/api/tasks/task_nothing");
  const response = await door.send("GET", "/metrics");
  const text = await response.text();
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(text).toContain('errand_tasks_ended_total{type="echo",status="completed"} 1\n');
  expect(text).toContain('errand_queue_slots{queue="steered"} 2\n');
  expect(text).toContain('errand_http_requests_total{operation="refused",status="4xx"} 1\n');
  expect(text).not.toMatch(/canary|task_0/);
  expect(text.match(/local/g)?.length).toBe(1);
});

test("[HTTP6] the overview says what runs where, under both of its names", async () => {
  await door.submit("script", { acts: [{ gate: "a" }] });
  const ids = [
    await door.submit("script", { acts: [{ gate: "b" }] }),
    await door.submit("script", { acts: [{ gate: "c" }] }),
  ];
  const overview = await door.json("GET", "/api/overview");
  expect(overview.body).toEqual((await door.json("GET", "/api/queue")).body);
  expect(overview.body).toMatchObject({ active: 3, model: { connected: false } });
  const { queues } = (await door.json("GET", "/api/queues")).body as {
    queues: Record<string, unknown>[];
  };
  expect(queues.find(({ name }) => name === "steered")).toEqual({
    name: "steered",
    slots: 2,
    running: 2,
    taken: 2,
    lines: [],
    pending: 1,
    paused: false,
    perBand: [0, 1, 0],
    swapMs: null,
    loaded: null,
    models: [],
    slotsPerKey: null,
    requestsPerMinute: null,
    tokensPerMinute: null,
    cuts: { count: 0, tokens: 0 },
    closed: null,
  });
  expect((await door.json("GET", `/api/tasks/${ids[1]}`)).body).toMatchObject({
    status: "queued",
    reason: { code: "slot", position: 1 },
  });
  expect((await door.json("GET", `/api/tasks/${ids[1]}/why`)).body).toMatchObject({
    queue: { name: "steered", position: 1, running: 2, slots: 2, pending: 1 },
  });
});

test("[ORCHDOOR1] a prompt at the root starts a workflow, and its path tells where it stands", async () => {
  const made = await door.json("POST", "/", { body: { prompt: "Say hello" } });
  expect(made).toMatchObject({
    status: 201,
    body: { id: expect.stringMatching(/^task_/), details: { subtasks: [] } },
  });
  const id = String(made.body["id"]);
  await until(door, id, finished);
  const status = await door.json("GET", `/${id}`);
  // No model is connected: the workflow says so instead of hanging.
  expect(status).toMatchObject({
    status: 200,
    body: { status: { status: "errored", state: "failed", error: { code: "model_unavailable" } } },
  });
  expect((await door.json("GET", "/task_01k7x5q2m0f3v8k2n6r4t9w1ya")).status).toBe(404);
  expect((await door.json("GET", "/nothing")).body["code"]).toBe("not_found");
  expect((await door.json("POST", "/nothing", { body: {} })).status).toBe(404);
});
