import { afterEach, expect, test } from "vitest";

import type OpenAI from "openai";
import { adminKey, keyFor, openDoor, until, type Door, type DoorOptions } from "./door.ts";
import type { PacedModels } from "./paced-models.ts";
import {
  ask,
  breaking,
  chunksOf,
  contentOf,
  openaiClient,
  openClient,
  scripted,
  stored,
} from "./openai-client.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(
  options: DoorOptions = {},
): Promise<{ readonly door: Door; readonly models: PacedModels; readonly client: OpenAI }> {
  const opened = await openClient(options);
  closing.push(opened.close);
  return opened;
}

test("[OAI6] each request is a task: listed, readable, cancelled from outside with an error to its client", async () => {
  const { door, models } = await open();
  const response = await door.send("POST", "/v1/chat/completions", {
    body: { ...ask, stream: true },
  });
  const taskId = response.headers.get("x-errand-task") ?? "";
  await models.say("begun");
  const { body } = await door.json("GET", "/api/tasks?type=completion");
  expect(body["tasks"]).toMatchObject([
    { id: taskId, type: "completion", priority: "interactive" },
  ]);
  await door.json("POST", `/api/tasks/${taskId}/cancel`);
  const text = await response.text();
  expect(text).toContain('"code":"cancelled"');
  expect(models.aborted).toBe(1);
});

test("[OAI6,OAI9] behind others its place is in the headers, which come at once, and in comments", async () => {
  const { door, models } = await open();
  const first: Response[] = [];
  for (let n = 0; n < 8; n += 1)
    first.push(await door.send("POST", "/v1/chat/completions", { body: { ...ask, stream: true } }));
  // Who has its slot at once stands in no line, the last of them neither.
  for (const { headers } of first) expect(headers.get("x-errand-position")).toBeNull();
  await until(
    door,
    first.at(-1)?.headers.get("x-errand-task") ?? "",
    ({ status }) => status === "running",
  );
  const ninth = await door.send("POST", "/v1/chat/completions", { body: { ...ask, stream: true } });
  expect(ninth.headers.get("x-errand-position")).toBe("1");
  await until(door, ninth.headers.get("x-errand-task") ?? "", ({ status }) => status === "waiting");
  const tenth = await door.send("POST", "/v1/chat/completions", { body: { ...ask, stream: true } });
  expect(tenth.headers.get("x-errand-position")).toBe("2");
  const reader = ninth.body?.getReader();
  const decoder = new TextDecoder();
  let told = "";
  const readUntil = async (mark: string): Promise<void> => {
    while (!told.includes(mark)) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done) break;
      told += decoder.decode(value);
    }
  };
  await readUntil(": position 1\n\n");
  expect(told).not.toContain("data:");
  models.finishAll();
  await readUntil("[DONE]");
  expect(told).toContain("[DONE]");
  for (const response of [...first, tenth]) await response.body?.cancel();
});

test("[OAI7] service_tier is a band, and the one that was used is told", async () => {
  const { door, client } = await open({ models: scripted([{ type: "finish", reason: "stop" }]) });
  for (const [asked, priority, told] of [
    [undefined, "interactive", "default"],
    ["auto", "interactive", "default"],
    ["priority", "interactive", "default"],
    ["flex", "background", "flex"],
    ["batch", "batch", "batch"],
  ] as const) {
    const { data, response } = await client.chat.completions
      .create({ ...ask, ...(asked === undefined ? {} : { service_tier: asked as "auto" }) })
      .withResponse();
    expect(data.service_tier).toBe(told);
    const view = await door.engine.reader.view(response.headers.get("x-errand-task") ?? "", null);
    expect(view.priority).toBe(priority);
  }
});

test("[OAI8] tasks are their key's user's; the admin's are charged to the user that is named", async () => {
  const { door } = await open({
    auth: true,
    models: scripted([{ type: "finish", reason: "stop" }]),
  });
  const key = await keyFor(door, "ann");
  const keyed = async (options: { key: string; user: string }): Promise<string> => {
    const { response } = await openaiClient(door, options)
      .chat.completions.create({ ...ask, user: options.user })
      .withResponse();
    return response.headers.get("x-errand-task") ?? "";
  };
  const own = await keyed({ key, user: "somebody" });
  const named = await keyed({ key: adminKey, user: "bob" });
  const odd = await keyed({ key: adminKey, user: "b o b" });
  const keys = await Promise.all(
    [own, named, odd].map(async (taskId) => {
      const { events } = await door.engine.reader.log(taskId, null, 0, 1);
      return ((events[0]?.payload ?? {}) as { spec?: { key?: string; userId: string } }).spec;
    }),
  );
  expect(keys[0]).toMatchObject({ userId: "ann" });
  expect(keys[0]).not.toHaveProperty("key");
  expect(keys[1]).toMatchObject({ userId: "local", key: "user:bob" });
  expect(keys[2]?.key).toMatch(/^user:[0-9a-f]{32}$/);
});

test("[OAI10] a client that leaves a plain stream cancels its task and closes the upstream call", async () => {
  const { door, models } = await open();
  const response = await door.send("POST", "/v1/chat/completions", {
    body: { ...ask, stream: true },
  });
  const taskId = response.headers.get("x-errand-task") ?? "";
  await models.say("begun");
  await response.body?.cancel();
  await until(door, taskId, ({ status }) => status === "cancelled");
  expect(models.aborted).toBe(1);
});

test("[OAI10] a client that leaves a whole answer cancels its task too", async () => {
  const { door, models } = await open();
  const leaving = new AbortController();
  const answer = door.send("POST", "/v1/chat/completions", { body: ask, signal: leaving.signal });
  await models.say("begun");
  leaving.abort();
  expect((await answer).status).toBe(499);
  const { body } = await door.json("GET", "/api/tasks?type=completion");
  const [task] = body["tasks"] as { id: string }[];
  await until(door, task?.id ?? "", ({ status }) => status === "cancelled");
  expect(models.aborted).toBe(1);
});

test.each([{ "x-errand-on-disconnect": "continue" }, { "idempotency-key": "k1" }])(
  "[OAI10] with %j the task goes on when its client leaves",
  async (headers) => {
    const { door, models } = await open();
    const response = await door.send("POST", "/v1/chat/completions", {
      body: { ...ask, stream: true },
      headers,
    });
    const taskId = response.headers.get("x-errand-task") ?? "";
    await models.say("begun");
    await response.body?.cancel();
    await models.say(", done");
    await models.finish();
    expect(await stored(door, taskId)).toMatchObject({ text: "begun, done" });
  },
);

test("[OAI11] an answer that breaks off goes on where the next try says the same, and nothing comes twice", async () => {
  const broken = breaking(["The quick brown ", "fox"], ["The quick ", "brown fox jumps"]);
  const door = await openDoor({ models: broken });
  closing.push(() => door.close());
  const response = await door.send("POST", "/v1/chat/completions", {
    body: { ...ask, stream: true },
  });
  const text = await response.text();
  expect(contentOf(chunksOf(text))).toBe("The quick brown fox jumps");
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
});

test("[OAI11] where the next try differs the stream ends with an error, without [DONE] and without a splice", async () => {
  const broken = breaking(["The quick brown "], ["The slow brown ox"]);
  const door = await openDoor({ models: broken });
  closing.push(() => door.close());
  const response = await door.send("POST", "/v1/chat/completions", {
    body: { ...ask, stream: true },
  });
  const text = await response.text();
  const said = contentOf(chunksOf(text));
  expect("The quick brown ".startsWith(said)).toBe(true);
  expect(text).toContain('"code":"answer_diverged"');
  expect(text).not.toContain("[DONE]");
});

test("[OAI12] a whole answer is waited for a bounded time; the same Idempotency-Key asks for it again", async () => {
  const { door, models } = await open({ settings: { limits: { replyWaitMs: 30 } } });
  const headers = { "idempotency-key": "k" };
  const late = await door.json("POST", "/v1/chat/completions", { body: ask, headers });
  expect(late).toMatchObject({ status: 503, body: { error: { code: "unavailable" } } });
  expect(late.headers.get("retry-after")).toBe("1");
  expect(late.headers.get("x-should-retry")).toBe("true");
  await models.say("here");
  await models.finish();
  await door.engine.ended(late.headers.get("x-errand-task") ?? "");
  const again = await door.json("POST", "/v1/chat/completions", { body: ask, headers });
  expect(again).toMatchObject({
    status: 200,
    body: { choices: [{ message: { content: "here" } }] },
  });
  expect(again.headers.get("x-errand-task")).toBe(late.headers.get("x-errand-task"));
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  const other = await door.json("POST", "/v1/chat/completions", {
    body: { ...ask, messages: [{ role: "user", content: "other" }] },
    headers,
  });
  expect(other).toMatchObject({ status: 422, body: { error: { code: "idempotency_mismatch" } } });
  expect(models.calls).toBe(1);
});

test("[OAI12] without a key the late task is cancelled, and no repeat is invited", async () => {
  const { door } = await open({ settings: { limits: { replyWaitMs: 30 } } });
  const late = await door.json("POST", "/v1/chat/completions", { body: ask });
  expect(late.status).toBe(503);
  expect(late.headers.get("x-should-retry")).toBe("false");
  await until(
    door,
    late.headers.get("x-errand-task") ?? "",
    ({ status }) => status === "cancelled",
  );
});

test("[OAI15] a plain request that would wait in vain is refused at once, and one that need not be waited for is taken", async () => {
  const { door } = await open({ settings: { limits: { replyWaitMs: 5_000 } } });
  // Eight run and forty wait, each predicted to take 3 s: some 15 s of work, however far those that run are.
  for (let n = 0; n < 48; n += 1)
    await door.send("POST", "/v1/chat/completions", { body: { ...ask, stream: true } });
  const refused = await door.json("POST", "/v1/chat/completions", { body: ask });
  expect(refused).toMatchObject({
    status: 429,
    body: { error: { type: "rate_limit_error", code: "rate_limit_exceeded" } },
  });
  expect(JSON.stringify(refused.body)).toContain("at most 5 s: stream it, use /v1/responses");
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(refused.headers.get("x-should-retry")).toBe("true");
  expect(refused.headers.get("x-errand-task")).toBeNull();
  const taken = [
    door.send("POST", "/v1/chat/completions", { body: { ...ask, stream: true } }),
    door.send("POST", "/v1/responses", {
      body: { model: ask.model, input: "hello", background: true },
    }),
  ];
  for (const { status } of await Promise.all(taken)) expect(status).toBe(200);
});

test("[OAI5] too many requests are 429 with OpenAI's code and a wait", async () => {
  const { door } = await open({
    settings: { limits: { submitsPerSecond: 0.1, submitsBurst: 1 } },
    models: scripted([{ type: "finish", reason: "stop" }]),
  });
  await door.json("POST", "/v1/chat/completions", { body: ask });
  const { status, body, headers } = await door.json("POST", "/v1/chat/completions", { body: ask });
  expect({ status, body }).toMatchObject({
    status: 429,
    body: { error: { type: "rate_limit_error", code: "rate_limit_exceeded" } },
  });
  expect(Number(headers.get("retry-after"))).toBeGreaterThan(5);
  expect(headers.get("x-ratelimit-limit-requests")).toBe("1");
  expect(headers.get("x-ratelimit-remaining-requests")).toBe("0");
  expect(headers.get("x-ratelimit-reset-requests")).toBe("10s");
  expect(headers.get("x-should-retry")).toBe("true");
});
