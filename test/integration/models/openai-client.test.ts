/** The OpenAI-compatible client against real sockets, over the global fetch and over node:http. */
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { nodeFetch } from "../../../src/adapters/node/http-fetch.ts";
import type { EndpointFetch } from "../../../src/adapters/openai/endpoint.ts";
import { openaiModels } from "../../../src/adapters/openai/openai-models.ts";
import type { Delta, ModelCall, Models } from "../../../src/ports/models.ts";
import { type FakeModel, startFakeModel } from "../../fake-model/index.ts";

const never = new AbortController().signal;
const ask = (content: string, fields: Partial<ModelCall> = {}): ModelCall => ({
  model: "m",
  messages: [{ role: "user", content }],
  ...fields,
});

async function read(models: Models, call: ModelCall, signal = never): Promise<Delta[]> {
  const deltas: Delta[] = [];
  for await (const batch of models.stream(call, { signal })) deltas.push(...batch);
  return deltas;
}

const textOf = (deltas: readonly Delta[]): string =>
  deltas.map((delta) => (delta.type === "text" ? delta.text : "")).join("");

let fake: FakeModel;
beforeAll(async () => {
  fake = await startFakeModel();
});
afterAll(() => fake.close());
beforeEach(() => {
  fake.control({ reset: true, slots: Infinity, pace: { ttftMs: 0, tokensPerSecond: 0 } });
});

/** A server whose answers the test writes by hand. */
async function listen(answer: (response: ServerResponse, number: number) => void) {
  let connections = 0;
  let requests = 0;
  const server: Server = createServer((request, response) => {
    request.resume().on("end", () => answer(response, ++requests));
  });
  server.on("connection", () => connections++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const ways: readonly (readonly [string, () => EndpointFetch | undefined])[] = [
  ["global fetch", () => undefined],
  ["nodeFetch", () => nodeFetch()],
];

describe.each(ways)("over %s", (_, fetchOf) => {
  const modelsAt = (baseUrl: string): Models => openaiModels({ baseUrl, fetch: fetchOf() });

  test("[MODEL1,MODEL4] an answer arrives whole, with usage and finish at its end", async () => {
    const deltas = await read(modelsAt(fake.baseUrl), ask("[[think so]] [[repeat 500 word]]"));
    expect(deltas[0]).toEqual({ type: "reasoning", text: "so" });
    expect(textOf(deltas)).toBe(Array.from({ length: 500 }, () => "word").join(" "));
    expect(deltas.slice(-2)).toEqual([
      { type: "usage", inputTokens: 10, outputTokens: 501 },
      { type: "finish", reason: "stop" },
    ]);
  });

  test("[MODEL3] tools are called, and their results answered", async () => {
    const models = modelsAt(fake.baseUrl);
    const tools = [{ name: "add", description: "adds", inputSchema: { type: "object" } }];
    const first = ask('What is 1 + 2? [[tool add {"a":1,"b":2}]]', { tools });
    const [called] = await read(models, first);
    if (called?.type !== "toolCall") expect.fail("no tool was called");
    expect(called.call).toMatchObject({ name: "add", input: { a: 1, b: 2 } });
    const messages: ModelCall["messages"] = [
      ...first.messages,
      { role: "assistant", content: "", toolCalls: [called.call] },
      { role: "tool", toolCallId: called.call.id, content: "3" },
    ];
    expect(textOf(await read(models, { ...first, messages }))).toBe("The tool add answered: 3");
  });

  test("[MODEL11] a schema is answered by JSON that fits it", async () => {
    const schema = {
      type: "object",
      properties: { subtasks: { type: "array", items: { type: "string" } } },
    };
    const call = ask("Open a shop [[subtasks 4]]", { jsonSchema: { name: "plan", schema } });
    const plan: unknown = JSON.parse(textOf(await read(modelsAt(fake.baseUrl), call)));
    expect(plan).toEqual({ subtasks: Array.from({ length: 4 }, () => expect.any(String)) });
  });

  test.each([
    ["refuse", "refused", "model_unavailable"],
    ["rate_limit retryAfterMs=2000", "rate_limited", "model_rate_limited"],
    ["status status=500", "broken", "model_broken"],
    ["status status=404", "rejected", "model_rejected"],
    ["loading", "loading", "model_loading"],
    ["overflow", "context_overflow", "context_overflow"],
    ["cut afterTokens=3", "generating", "model_interrupted"],
    ["cut", "prefill", "model_silent"],
    ["no_finish afterTokens=3", "generating", "model_interrupted"],
    ["status status=504", "prefill", "model_silent"],
    ["malformed afterTokens=3", "broken", "model_broken"],
    ["huge_line afterTokens=3", "broken", "model_broken"],
    ["error afterTokens=3", "generating", "model_interrupted"],
    ["error", "prefill", "model_silent"],
  ])("[MODEL5,MODEL7] the fault %s is %s", async (fault, failure, code) => {
    const reading = read(modelsAt(fake.baseUrl), ask(`[[repeat 5 w]] [[fault ${fault}]]`));
    await expect(reading).rejects.toMatchObject({ name: "ModelError", failure, code });
    expect(fake.log()).toHaveLength(1);
  });

  test("[MODEL7] a closed port and an unknown host are refused", async () => {
    for (const host of ["127.0.0.1:9", "no-such-host.invalid"]) {
      const reading = read(modelsAt(`http://${host}/v1`), ask("hi"));
      await expect(reading).rejects.toMatchObject({ failure: "refused" });
    }
  });

  test("[MODEL10] a redirect is refused, not followed", async () => {
    await using other = await listen((response) => response.end());
    await using server = await listen((response) => {
      response.writeHead(307, { location: `${other.baseUrl}/chat/completions` }).end();
    });
    const reading = read(modelsAt(server.baseUrl), ask("hi"));
    await expect(reading).rejects.toMatchObject({ failure: "rejected", status: 307 });
    expect(other.connections()).toBe(0);
  });

  test(
    "[MODEL8] aborting a stream closes its socket within a second",
    { timeout: 1_000 },
    async () => {
      const controller = new AbortController();
      const reason = new Error("the user pressed stop");
      const models = modelsAt(fake.baseUrl);
      const seen: Delta[] = [];
      const reading = async (): Promise<void> => {
        const call = ask("[[repeat 9 w]] [[fault stall afterTokens=2]]");
        for await (const batch of models.stream(call, { signal: controller.signal })) {
          seen.push(...batch);
          if (textOf(seen) === "w w") controller.abort(reason);
        }
      };
      await expect(reading()).rejects.toBe(reason);
      expect(await fake.find(({ aborted }) => aborted)).toMatchObject({ tokensSent: 2 });
    },
  );

  test(
    "[MODEL8] aborting while nobody reads closes the socket too",
    { timeout: 1_000 },
    async () => {
      const controller = new AbortController();
      const call = ask("[[repeat 9 w]] [[fault stall afterTokens=2]]");
      const stream = modelsAt(fake.baseUrl).stream(call, { signal: controller.signal });
      const answer = stream[Symbol.asyncIterator]();
      await answer.next();
      controller.abort(new Error("stop"));
      await fake.find(({ aborted }) => aborted);
      await expect(answer.next()).rejects.toThrow("stop");
    },
  );

  test(
    "[MODEL8] aborting before the first token closes the socket",
    { timeout: 1_000 },
    async () => {
      fake.control({ slots: 1 });
      const controller = new AbortController();
      const models = modelsAt(fake.baseUrl);
      const holder = new AbortController();
      const held = read(models, ask("[[fault stall]] hold"), holder.signal).catch(() => "stopped");
      await fake.find(({ startedAtMs }) => startedAtMs !== undefined);
      const waiting = read(models, ask("wait"), controller.signal);
      await fake.find(({ prompt }) => prompt === "wait");
      controller.abort(new Error("stop"));
      await expect(waiting).rejects.toThrow("stop");
      expect(await fake.find(({ aborted }) => aborted)).toMatchObject({ prompt: "wait" });
      holder.abort();
      expect(await held).toBe("stopped");
    },
  );

  test("[MODEL8] leaving the loop closes the socket", { timeout: 1_000 }, async () => {
    const call = ask("[[repeat 9 w]] [[fault stall afterTokens=2]]");
    for await (const batch of modelsAt(fake.baseUrl).stream(call, { signal: never }))
      if (batch.length > 0) break;
    expect(await fake.find(({ aborted }) => aborted)).toMatchObject({ fault: "stall" });
  });

  test("[MODEL9] calls one after another share a connection", async () => {
    await using server = await listen((response, number) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`data: {"choices":[{"delta":{"content":"${number}"}}]}\n\ndata: [DONE]\n\n`);
      // The end comes in a packet of its own, as behind some proxies.
      setImmediate(() => response.end());
    });
    const models = modelsAt(server.baseUrl);
    const texts: string[] = [];
    for (let count = 0; count < 5; count++) {
      texts.push(textOf(await read(models, ask("hi"))));
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    }
    expect(texts).toEqual(["1", "2", "3", "4", "5"]);
    expect(server.connections()).toBeLessThan(5);
  });

  test("[MODEL9] 500 streams at once from one origin", async () => {
    const models = modelsAt(fake.baseUrl);
    fake.control({ slots: 0, pace: { tokensPerSecond: 50 } });
    const reading = Array.from({ length: 500 }, (__, index) =>
      read(models, ask(`[[repeat 20 w${index}]]`)),
    );
    await fake.find(() => fake.load().waiting === 500);
    fake.control({ slots: Infinity });
    const answers = await Promise.all(reading);
    for (const [index, deltas] of answers.entries())
      expect(textOf(deltas)).toBe(Array.from({ length: 20 }, () => `w${index}`).join(" "));
    expect(fake.load().runningMax).toBe(500);
  });

  test("[MODEL12] models and vectors", async () => {
    const models = modelsAt(fake.baseUrl);
    expect(await models.list({ signal: never })).toEqual([
      "fake-large",
      "fake-small",
      "fake-embed",
    ]);
    const { vectors } = await models.embed(
      { model: "e", texts: ["a b", "a b"] },
      { signal: never },
    );
    expect(vectors[0]).toHaveLength(64);
    expect(vectors[0]).toEqual(vectors[1]);
  });
});

test("[MODEL6] an endpoint that never ends is cut off at the limit of an answer", async () => {
  const reading = read(
    openaiModels({ baseUrl: fake.baseUrl }),
    ask(`[[repeat 9999999 ${"word".repeat(50)}]]`),
  );
  await expect(reading).rejects.toThrow(/more than 1000000 characters/);
  await fake.find(({ aborted }) => aborted);
});
