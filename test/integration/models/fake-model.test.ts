/** The fake model is only worth something if other people's clients take it for an OpenAI server. */
import {
  APIConnectionError,
  APIUserAbortError,
  NotFoundError,
  OpenAI,
  RateLimitError,
} from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { type FakeModel, startFakeModel } from "../../fake-model/index.ts";

let fake: FakeModel;
let client: OpenAI;
beforeAll(async () => {
  fake = await startFakeModel({ timestamps: true, models: ["one", "two"] });
  client = new OpenAI({ baseURL: fake.baseUrl, apiKey: "none", maxRetries: 0 });
});
afterAll(() => fake.close());
beforeEach(() => {
  fake.control({ reset: true, slots: Infinity, pace: { ttftMs: 0, tokensPerSecond: 0 } });
});

const user = (content: string) => [{ role: "user" as const, content }];

const create = (content: string) =>
  client.chat.completions.create({ model: "one", messages: user(content) });

async function control(body: object): Promise<Response> {
  return fetch(`${fake.url}/control`, { method: "POST", body: JSON.stringify(body) });
}

describe("as the official client sees it", () => {
  test("[MODEL18] whole and streamed answers are the same", async () => {
    const messages = user("How does a durable queue work? [[think so]]");
    const whole = await client.chat.completions.create({ model: "one", messages });
    const stream = client.chat.completions.stream({
      model: "one",
      messages,
      stream_options: { include_usage: true },
    });
    const streamed = await stream.finalChatCompletion();
    expect(streamed.choices[0]?.message.content).toBe(whole.choices[0]?.message.content);
    expect(streamed.usage).toEqual(whole.usage);
    expect(whole.model).toBe("one");
  });

  test("[MODEL18] its tool loop runs to the end", async () => {
    const runner = client.chat.completions.runTools({
      model: "one",
      stream: true,
      messages: user('[[tool add {"a":1,"b":2}]]'),
      tools: [
        {
          type: "function",
          function: {
            name: "add",
            description: "adds",
            parameters: { type: "object" },
            parse: JSON.parse,
            function: ({ a, b }: { a: number; b: number }) => String(a + b),
          },
        },
      ],
    });
    expect(await runner.finalContent()).toBe("The tool add answered: 3");
  });

  test("[MODEL18] models and vectors", async () => {
    const models = await client.models.list();
    expect(models.data.map(({ id }) => id)).toEqual(["one", "two"]);
    const { data } = await client.embeddings.create({ model: "two", input: "hello" });
    expect(data[0]?.embedding).toHaveLength(64);
  });

  test("[MODEL20] faults have the status and the body that it knows", async () => {
    await expect(create("[[fault rate_limit]]")).rejects.toBeInstanceOf(RateLimitError);
    await expect(create("[[fault overflow]]")).rejects.toMatchObject({
      code: "context_length_exceeded",
    });
    await expect(create("[[fault loading]]")).rejects.toMatchObject({ status: 503 });
    await expect(create("[[fault cut]]")).rejects.toBeInstanceOf(APIConnectionError);
    await expect(client.get("/nothing")).rejects.toBeInstanceOf(NotFoundError);
  });
});

describe("control", () => {
  test("[MODEL20] faults are queued over HTTP, and the log tells of them", async () => {
    const answer = await control({ faults: [{ kind: "status", status: 418 }] });
    expect(answer.status).toBe(200);
    await expect(create("hi")).rejects.toMatchObject({ status: 418 });
    await create("hi");
    const log: unknown = await (await fetch(`${fake.url}/control/log`)).json();
    expect(log).toMatchObject({
      runningMax: 1,
      requests: [
        { status: 418, fault: "status", tokensSent: 0, prompt: "hi" },
        { status: 200, aborted: false },
      ],
    });
  });

  test.each(["{", "[]", '{"speed":1}'])("[MODEL20] %s is refused in words", async (body) => {
    const answer = await fetch(`${fake.url}/control`, { method: "POST", body });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { message: expect.stringMatching(/./) } });
  });

  test("[MODEL20] the fault of a prompt plays as often as it says", async () => {
    const statuses: unknown[] = [];
    for (let count = 0; count < 3; count++)
      statuses.push(
        await create("[[say ok]] [[fault status times=2]]").then(
          (answer) => answer.choices[0]?.message.content,
          ({ status }) => status,
        ),
      );
    expect(statuses).toEqual([500, 500, "ok"]);
  });
});

describe("pace and slots", () => {
  test("[MODEL19] no more calls run than there are slots, and none is lost", async () => {
    await control({ slots: 2, pace: { ttftMs: 5 } });
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        client.chat.completions.create({ model: "one", messages: user(`[[say ${index}]]`) }),
      ),
    );
    expect(answers.map((answer) => answer.choices[0]?.message.content)).toEqual(
      Array.from({ length: 8 }, (_, index) => String(index)),
    );
    expect(fake.load()).toEqual({ runningMax: 2, waiting: 0 });
  });

  test("[MODEL19] token chunks say when they were written, no earlier than their pace allows", async () => {
    const messages = user("[[repeat 6 w]] [[pace ttftMs=20 tokensPerSecond=100]]");
    const stream = await client.chat.completions.create({ model: "one", messages, stream: true });
    const times: number[] = [];
    for await (const chunk of stream)
      if ("t" in chunk && typeof chunk.t === "number") times.push(chunk.t);
    expect(times).toHaveLength(6);
    const startedAtMs = fake.log()[0]?.startedAtMs ?? Number.NaN;
    for (const [index, atMs] of times.entries())
      expect(atMs - startedAtMs).toBeGreaterThanOrEqual(20 + index * 10 - 1);
  });
});

test("[MODEL20] without stream every fault that needs one ends the call", async () => {
  const controller = new AbortController();
  const stalled = client.chat.completions.create(
    { model: "one", messages: user("[[fault stall]]") },
    { signal: controller.signal },
  );
  await fake.find(({ startedAtMs }) => startedAtMs !== undefined);
  controller.abort();
  await expect(stalled).rejects.toBeInstanceOf(APIUserAbortError);
  expect(await fake.find(({ aborted }) => aborted)).toMatchObject({ fault: "stall" });
});
