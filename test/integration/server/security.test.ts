import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Operation } from "../../../src/server/index.ts";
import {
  adminKey,
  keyFor,
  memoryKeys,
  openDoor,
  until,
  type Door,
  type DoorOptions,
} from "./door.ts";
import { readEvents } from "./event-reader.ts";
import { bodyOf, checkAnswer, makeSights, pathOf, visit, type Sights } from "./tour.ts";

let door: Door;
const open = async (options: DoorOptions = {}): Promise<Door> =>
  (door = await openDoor({ auth: true, ...options }));
beforeEach(() => vi.useRealTimers());
afterEach(async () => {
  vi.useRealTimers();
  await door.close();
});

const nowhere: Sights = {
  taskId: "task_01k7x5q2m0f3v8k2n6r4t9w1ya",
  sessionId: "nowhere",
  schedule: "never",
  todoId: "todo_01k7x5q2m0f3v8k2n6r4t9w1ya",
  reminderId: "rem_01k7x5q2m0f3v8k2n6r4t9w1ya",
  approvalId: "appr_01k7x5q2m0f3v8k2n6r4t9w1ya",
  userId: "u8",
};
const isPublic = ({ policy }: Operation): boolean => policy === "public";

test("[SEC1] every operation says who may use it, and only these are for everybody", async () => {
  const { operations } = (await open()).server;
  expect(operations.length).toBeGreaterThan(25);
  for (const { policy } of operations) expect(["public", "user", "admin"]).toContain(policy);
  expect(operations.filter(isPublic).map(({ path }) => path)).toEqual([
    "/healthz",
    "/readyz",
    "/ws/tasks",
    "/",
    "/openapi.json",
    "/asyncapi.json",
    "/docs",
  ]);
  expect(operations.filter(({ policy }) => policy === "admin").map(({ path }) => path)).toEqual([
    "/api/queues/{queue}/pause",
    "/api/queues/{queue}/resume",
    "/api/queues/{queue}/settings",
    "/api/alerts",
    "/metrics",
    "/api/admin/keys",
    "/api/admin/keys",
    "/api/admin/keys/{userId}/{keyId}",
    "/api/admin/keys/{userId}",
  ]);
});

test("[SEC1] without a key every other operation answers 401 and how to show one, before it reads anything", async () => {
  await open();
  for (const operation of door.server.operations.filter((one) => !isPublic(one))) {
    for (const ask of [
      {},
      { key: "errand_wrong" },
      { raw: "{not json", headers: { "x-api-key": "nope" } },
    ]) {
      if (operation.method !== "post" && "raw" in ask) continue;
      const response = await visit(door, operation, nowhere, ask);
      expect([operation.id, response.status, response.headers.get("www-authenticate")]).toEqual([
        operation.id,
        401,
        'Bearer realm="errand"',
      ]);
      expect(await response.json()).toMatchObject(
        operation.path.startsWith("/v1/")
          ? { error: { code: "invalid_api_key" } }
          : { code: "unauthenticated" },
      );
    }
  }
});

test("[SEC3] a user's key opens no operation of the admin's", async () => {
  await open();
  const key = await keyFor(door, "u1");
  for (const operation of door.server.operations) {
    const { status } = await visit(door, operation, nowhere, { key });
    expect([operation.id, status === 403]).toEqual([operation.id, operation.policy === "admin"]);
  }
  expect((await door.send("GET", "/metrics", { key: adminKey })).status).toBe(200);
});

test("[SEC2] what is another user's answers exactly like what never was, on every operation", async () => {
  await open();
  const [one, two] = [await keyFor(door, "u1"), await keyFor(door, "u2")];
  const sights = await makeSights(door, "u1", one);
  const aboutSomething = door.server.operations.filter(
    ({ path, policy }) => /\{/.test(path) && policy === "user",
  );
  expect(aboutSomething.length).toBeGreaterThan(12);
  for (const operation of aboutSomething) {
    const foreign = await visit(door, operation, sights, { key: two });
    const unknown = await visit(door, operation, nowhere, { key: two });
    expect([operation.id, foreign.status]).toEqual([operation.id, unknown.status]);
    // A chat's name is the user's own: nobody's chat of that name is there for u2.
    const expected = operation.tag === "chat" ? [200, 204] : [404];
    expect(expected).toContain(foreign.status);
    const words = (text: string, named: Sights): string =>
      Object.values(named)
        .toSorted((a: string, b: string) => b.length - a.length)
        .reduce((said: string, name: string) => said.replace(name, "ID"), text)
        .replace(/req_\w+/, "REQ");
    expect(words(await checkAnswer(operation, foreign), sights)).toBe(
      words(await checkAnswer(operation, unknown), nowhere),
    );
  }
  // Nothing of all that touched it.
  expect((await door.json("GET", `/api/tasks/${sights.taskId}`, { key: one })).body).toMatchObject({
    status: "waiting",
  });
  expect((await door.json("GET", `/api/sessions/${sights.sessionId}`, { key: one })).status).toBe(
    200,
  );
});

test("[SEC2] lists and feeds hold one's own things only; the admin may read everybody's", async () => {
  await open();
  const [one, two] = [await keyFor(door, "u1"), await keyFor(door, "u2")];
  const feed = readEvents(await door.send("GET", "/api/events", { key: two }));
  await feed.until(({ name }) => name === "up-to-date");
  const sights = await makeSights(door, "u1", one);
  for (const path of ["/api/tasks", "/api/tasks?status=active", "/api/sessions"])
    expect(JSON.stringify((await door.json("GET", path, { key: two })).body)).not.toMatch(
      /task_|session-of/,
    );
  expect((await door.json("GET", "/api/overview", { key: two })).body).toMatchObject({ active: 0 });
  const own = await door.json("POST", "/api/tasks", {
    key: two,
    body: { type: "echo", input: "mine" },
  });
  const seen = await feed.until(({ name }) => name === "end");
  expect(JSON.stringify(seen)).toContain(String(own.body["id"]));
  expect(JSON.stringify(seen)).not.toContain("u1");
  await feed.leave();

  expect(
    (await door.json("GET", `/api/tasks/${sights.taskId}`, { key: adminKey })).body,
  ).toMatchObject({ userId: "u1" });
  expect(
    (await door.json("GET", "/api/tasks/user/u1?status=active", { key: adminKey })).body["tasks"],
  ).toHaveLength(1);
  expect((await door.json("GET", "/api/tasks", { key: adminKey })).body["tasks"]).toEqual([]);
});

test("[SEC4] fields that are the server's to set are refused and named", async () => {
  await open();
  const key = await keyFor(door, "u1");
  for (const operation of door.server.operations.filter(
    ({ body, policy, path }) => body !== undefined && policy === "user" && !path.startsWith("/v1/"),
  )) {
    for (const field of [
      "userId",
      "role",
      "state",
      "status",
      "attempts",
      "price",
      "id",
      "rootId",
      "heldBy",
      "__proto__",
    ]) {
      const body = bodyOf(operation);
      const raw = JSON.stringify(body).replace(
        /^\{/,
        `{${JSON.stringify(field)}:{"x":1}${JSON.stringify(body) === "{}" ? "" : ","}`,
      );
      const response = await visit(
        door,
        operation,
        { ...nowhere, taskId: nowhere.taskId },
        { key, raw },
      );
      const text = await checkAnswer(operation, response);
      expect([operation.id, field, response.status]).toEqual([operation.id, field, 400]);
      expect(JSON.parse(text)).toMatchObject({ errors: [{ field }] });
    }
  }
});

test("[SEC14] a key is shown once, works at once, is the user's only, and is taken back with all of the user's", async () => {
  const keys = memoryKeys();
  await open({ settings: { auth: { adminKey, keys } } });
  const key = await keyFor(door, "u1");
  expect(JSON.stringify([...keys.rows.values()])).not.toContain(key.slice("errand_".length));
  expect(
    (await door.json("POST", "/api/tasks", { key, body: { type: "echo" } })).body,
  ).toMatchObject({ userId: "u1" });
  expect(
    (await door.json("GET", "/api/tasks", { headers: { "x-api-key": key } })).body["tasks"],
  ).toHaveLength(1);
  expect((await door.json("DELETE", "/api/admin/keys/u1", { key: adminKey })).body).toEqual({
    revoked: 1,
  });
  expect((await door.send("GET", "/api/tasks", { key })).status).toBe(401);
});

test("[SEC26] keys are listed without themselves, taken back one by one, and open nothing once they have expired", async () => {
  let nowMs = Date.parse("2026-11-28T00:00:00Z");
  await open({ settings: { clock: { nowMs: () => nowMs } } });
  const kept = await keyFor(door, "u1");
  const made = await door.json("POST", "/api/admin/keys", {
    body: { user: "u1", expiresInMs: 60_000 },
    key: adminKey,
  });
  expect(made.body).toMatchObject({ expiresAt: "2026-11-28T00:01:00.000Z" });
  const key = String(made.body["key"]);
  const { body } = await door.json("GET", "/api/admin/keys", { key: adminKey });
  expect(body).toEqual({
    keys: [
      {
        id: expect.any(String),
        user: "u1",
        createdAt: "2026-11-28T00:00:00.000Z",
        expiresAt: null,
      },
      {
        id: made.body["id"],
        user: "u1",
        createdAt: "2026-11-28T00:00:00.000Z",
        expiresAt: "2026-11-28T00:01:00.000Z",
      },
    ],
  });
  expect((await door.send("GET", "/api/tasks", { key })).status).toBe(200);
  nowMs += 60_000;
  expect((await door.send("GET", "/api/tasks", { key })).status).toBe(401);
  const [{ id }] = body["keys"] as [{ id: string }];
  for (const [user, status] of [
    ["u2", 404],
    ["u1", 200],
    ["u1", 404],
  ] as const) {
    const path = `/api/admin/keys/${user}/${id}`;
    expect((await door.send("DELETE", path, { key: adminKey })).status).toBe(status);
  }
  expect((await door.send("GET", "/api/tasks", { key: kept })).status).toBe(401);
});

test("[SEC13] a key that was taken back loses its streams within 5 s, the others keep theirs", async () => {
  await open();
  const [one, two] = [await keyFor(door, "u1"), await keyFor(door, "u2")];
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const streams = [one, two].map(async (key) => await door.send("GET", "/api/events", { key }));
  const [lost, kept] = (await Promise.all(streams)).map((response) => readEvents(response));
  await door.json("DELETE", "/api/admin/keys/u1", { key: adminKey });
  const ending = expect(lost?.rest()).rejects.toThrow("taken back");
  await vi.advanceTimersByTimeAsync(5_000);
  await ending;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(await kept?.next()).toMatchObject({ name: "up-to-date" });
  await kept?.leave();
});

test("[SEC14] a server without keys makes none, and its one user is the admin of the same server with keys", async () => {
  await open({ auth: false });
  const { status, body } = await door.json("POST", "/api/admin/keys", { body: { user: "u1" } });
  expect([status, body["code"]]).toEqual([409, "conflict"]);
  const id = await door.submit("echo", "mine");
  await until(door, id, (task) => task["completedAt"] !== null);
  const store = door.store.fork();
  await door.close();
  await open({ store });
  expect((await door.json("GET", `/api/tasks/${id}`, { key: adminKey })).body).toMatchObject({
    userId: "local",
    output: "mine",
  });
});

test("[SEC13] pages of other origins may not change anything or open streams, and strange names are not answered", async () => {
  await open({ auth: false });
  for (const operation of door.server.operations.filter(({ method }) => method !== "get")) {
    const response = await visit(door, operation, nowhere, {
      headers: { origin: "https://evil.test", "sec-fetch-site": "cross-site" },
    });
    expect([operation.id, response.status]).toEqual([operation.id, 403]);
    await checkAnswer(operation, response);
  }
  for (const operation of door.server.operations) {
    const response = await door.server.fetch(
      new Request(`http://evil.test:8787${pathOf(operation, nowhere)}`, {
        method: operation.method.toUpperCase(),
      }),
    );
    expect([
      operation.id,
      response.status,
      response.headers.get("access-control-allow-origin"),
    ]).toEqual([operation.id, 403, null]);
  }
  const preflight = await door.send("OPTIONS", "/api/tasks", {
    headers: { origin: "https://evil.test", "access-control-request-method": "POST" },
  });
  expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([
    405,
    null,
  ]);
});

test("[SEC25] a bug is told as a problem with the request's id and nothing from inside; the log has the rest", async () => {
  await open({ auth: false });
  vi.spyOn(door.engine.reader, "queues").mockRejectedValue(
    new Error("cannot open /secret/path: canary-7"),
  );
  const { status, body, headers } = await door.json("GET", "/api/queues", {
    headers: { "x-request-id": "req-of-mine" },
  });
  expect(status).toBe(500);
  expect(body).toEqual({
    type: "urn:errand:error:internal",
    title: "Errand has a bug here",
    status: 500,
    detail: "Errand has a bug here",
    code: "internal",
    requestid: "req-of-mine",
  });
  expect(headers.get("x-request-id")).toBe("req-of-mine");
  expect(door.errors.splice(0)).toMatchObject([
    ["a request failed", expect.any(Error), { requestId: "req-of-mine", path: "/api/queues" }],
  ]);
});

test("[SEC17] no key and no payload is in a log, an error, the document or a metric", async () => {
  await open();
  const key = await keyFor(door, "u1");
  const canary = "payload-canary-4711";
  const texts: string[] = [];
  for (const operation of door.server.operations) {
    for (const ask of [
      { key, raw: `{"${canary}` },
      { key, body: { type: canary, message: [canary], prompt: { canary } } },
      { headers: { authorization: `Bearer ${key}x` } },
    ]) {
      if (operation.method === "get" && !("headers" in ask)) continue;
      texts.push(await (await visit(door, operation, nowhere, ask)).text());
    }
  }
  for (const path of ["/metrics", "/openapi.json", "/api/overview"])
    texts.push(await (await door.send("GET", path, { key: adminKey })).text());
  const all = `${texts.join("\n")}${JSON.stringify(door.errors)}`;
  expect(all).not.toContain(key.slice(10));
  expect(all).not.toContain(adminKey);
  // What a client sent as a name may be named back to it; never as a value.
  expect(all.replaceAll(/no task type "[^"]*"/g, "")).not.toContain(canary);
});

test("[SEC6] who submits too fast gets 429 with when to try again, and others are not slowed down", async () => {
  await open({
    settings: { limits: { submitsPerSecond: 1, submitsBurst: 2 }, clock: { nowMs: () => 0 } },
  });
  const [one, two] = [await keyFor(door, "u1"), await keyFor(door, "u2")];
  const submit = (key: string) => door.json("POST", "/api/tasks", { key, body: { type: "echo" } });
  const answers = [await submit(one), await submit(one), await submit(one), await submit(two)];
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 429, 201]);
  expect(answers[0]?.headers.get("ratelimit-policy")).toBe('"submits";q=2;w=2');
  expect(answers[1]?.headers.get("ratelimit")).toBe('"submits";r=0;t=2');
  expect(answers[2]).toMatchObject({ body: { code: "rate_limited", retryAfterMs: 1_000 } });
  expect(answers[2]?.headers.get("retry-after")).toBe("1");
  expect(answers[2]?.headers.get("ratelimit")).toBe('"submits";r=0;t=2');
  expect((await door.send("GET", "/api/tasks", { key: one })).status).toBe(200);
});

test("[SEC6] more streams than a user may have are refused, and one that leaves makes room", async () => {
  await open({ auth: false, settings: { limits: { streamsPerUser: 2 } } });
  const id = await door.submit("script", { acts: [{ gate: "g" }] });
  const first = readEvents(await door.send("GET", `/api/tasks/${id}/stream`));
  const second = await door.send("GET", "/api/events");
  const third = await door.json("GET", "/api/events");
  expect([third.status, third.body["code"], third.headers.get("retry-after")]).toEqual([
    429,
    "rate_limited",
    "5",
  ]);
  await first.leave();
  expect((await door.send("GET", `/api/tasks/${id}/stream`)).status).toBe(200);
  await second.body?.cancel();
});

test("[SEC6] a session takes a hundred waiting messages and refuses the next with 429", async () => {
  await open({ auth: false });
  await door.engine.pauseQueue("chat_tasks", true);
  const send = () =>
    door.json("POST", "/api/chat/stream", { body: { message: "help", sessionId: "s" } });
  for (let turn = 0; turn < 100; turn += 1) expect((await send()).status).toBe(202);
  const { status, body, headers } = await send();
  expect([status, body["code"], headers.get("retry-after")]).toEqual([429, "queue_full", "5"]);
});
