/** The AI SDK in both directions against real sockets: its providers as our port, our port as its model. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, isStepCount, jsonSchema, Output, streamText, tool } from "ai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { aiSdkModels } from "../../../src/adapters/ai-sdk/ai-sdk-models.ts";
import { languageModel, type ModelRun } from "../../../src/adapters/ai-sdk/language-model.ts";
import { openaiModels } from "../../../src/adapters/openai/openai-models.ts";
import type { Delta, ModelCall, Models } from "../../../src/ports/models.ts";
import { type FakeModel, startFakeModel } from "../../fake-model/index.ts";

const never = new AbortController().signal;

let fake: FakeModel;
let viaSdk: Models;
let direct: Models;
beforeAll(async () => {
  fake = await startFakeModel();
  const provider = createOpenAICompatible({
    name: "fake",
    baseURL: fake.baseUrl,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  viaSdk = aiSdkModels(provider);
  direct = openaiModels({ baseUrl: fake.baseUrl });
});
afterAll(() => fake.close());
beforeEach(() => {
  fake.control({ reset: true });
});

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

const addSpec = {
  name: "add",
  description: "adds",
  inputSchema: { type: "object", properties: {} },
};
const schema = {
  type: "object",
  properties: { subtasks: { type: "array", items: { type: "string" } } },
  additionalProperties: false,
};

describe("a provider as our port", () => {
  test.each([
    ["text and reasoning", ask("[[think so]] [[repeat 20 word]]")],
    ["an answer without directives", ask("How does a durable queue work?")],
    [
      "tool calls",
      ask('[[tool add {"a":1}]] [[tool add {"a":2}]]', { tools: [addSpec], toolChoice: "auto" }),
    ],
    ["a required tool", ask("hello", { tools: [addSpec], toolChoice: "required" })],
    ["no tool", ask("[[tool add {}]] hello", { tools: [addSpec], toolChoice: "none" })],
    ["a JSON schema", ask("Open a shop", { jsonSchema: { name: "plan", schema } })],
    ["a length limit", ask("[[repeat 9 word]]", { maxTokens: 3, temperature: 0 })],
    [
      "a conversation with a tool's result",
      ask("", {
        messages: [
          { role: "system", content: "You add." },
          { role: "user", content: "1 + 2?" },
          {
            role: "assistant",
            content: "",
            toolCalls: [{ id: "a", name: "add", input: { a: 1 } }],
          },
          { role: "tool", toolCallId: "a", content: "3" },
        ],
        tools: [addSpec],
      }),
    ],
  ])("[MODEL14] %s: the same deltas as over our own client", async (_, call) => {
    const expected = await read(direct, call);
    expect(expected.at(-1)).toMatchObject({ type: "finish" });
    expect(await read(viaSdk, call)).toEqual(expected);
  });

  test.each([
    "refuse",
    "rate_limit retryAfterMs=2000",
    "status status=500",
    "status status=404",
    "loading",
    "overflow",
    "cut afterTokens=3",
    "no_finish afterTokens=3",
    "malformed afterTokens=3",
    "error afterTokens=3",
    // Before the first token.
    "cut",
    "no_finish",
    "malformed",
    "error",
  ])("[MODEL14] the fault %s: the same failure as over our own client", async (fault) => {
    const call = ask(`[[repeat 5 w]] [[fault ${fault}]]`);
    const failureOf = (models: Models): Promise<unknown> =>
      read(models, call).then(
        () => expect.fail("it did not fail"),
        ({ failure, retryAfterMs }) => ({ failure, retryAfterMs }),
      );
    expect(await failureOf(viaSdk)).toEqual(await failureOf(direct));
    expect(fake.log()).toHaveLength(2);
  });

  test("[MODEL8] aborting closes the socket within a second", { timeout: 1_000 }, async () => {
    const controller = new AbortController();
    const reason = new Error("stop");
    const reading = async (): Promise<void> => {
      const call = ask("[[repeat 9 w]] [[fault stall afterTokens=2]]");
      for await (const batch of viaSdk.stream(call, { signal: controller.signal }))
        if (batch.length > 0) controller.abort(reason);
    };
    await expect(reading()).rejects.toBe(reason);
    await fake.find(({ aborted }) => aborted);
  });

  test("[MODEL8] leaving the loop closes the socket", { timeout: 1_000 }, async () => {
    const call = ask("[[repeat 9 w]] [[fault stall afterTokens=2]]");
    for await (const batch of viaSdk.stream(call, { signal: never })) if (batch.length > 0) break;
    await fake.find(({ aborted }) => aborted);
  });

  test("[MODEL12] vectors", async () => {
    const call = { model: "fake-embed", texts: ["a b", "c"] };
    const vectors = await viaSdk.embed(call, { signal: never });
    expect(vectors).toEqual(await direct.embed(call, { signal: never }));
  });
});

describe("our port as a language model", () => {
  const calls: ModelCall[] = [];
  const run: ModelRun = (call, options) => {
    calls.push(call);
    return direct.stream(call, options);
  };
  const model = languageModel(run, { modelId: "fake-large" });
  const tools = {
    add: tool({
      description: "adds",
      inputSchema: jsonSchema<{ a: number; b: number }>({
        type: "object",
        properties: { a: { type: "number" }, b: { type: "number" } },
      }),
      execute: ({ a, b }) => ({ sum: a + b }),
    }),
  };
  const question = 'What is 1 + 2? [[tool add {"a":1,"b":2}]]';

  beforeEach(() => {
    calls.length = 0;
  });

  test("[MODEL15] generateText runs a tool and answers with its result", async () => {
    const result = await generateText({ model, prompt: question, tools, stopWhen: isStepCount(5) });
    expect(result.text).toBe('The tool add answered: {"sum":3}');
    expect(result.steps).toHaveLength(2);
    expect(result.totalUsage.outputTokens).toBeGreaterThan(0);
    expect(calls[1]?.messages.at(-1)).toMatchObject({ role: "tool", content: '{"sum":3}' });
  });

  test("[MODEL15] streamText runs a tool and streams the answer", async () => {
    const result = streamText({ model, prompt: question, tools, stopWhen: isStepCount(5) });
    const types: string[] = [];
    for await (const part of result.stream) types.push(part.type);
    expect(await result.text).toBe('The tool add answered: {"sum":3}');
    expect(types.filter((type) => type === "text-delta")).toHaveLength(5);
    expect(types).toContain("tool-result");
    expect(await result.finishReason).toBe("stop");
  });

  test("[MODEL15] an object with a schema", async () => {
    const output = Output.object({ schema: jsonSchema<{ subtasks: string[] }>(schema as object) });
    const result = await generateText({ model, prompt: "Open a shop [[subtasks 2]]", output });
    expect(result.output.subtasks).toHaveLength(2);
    expect(calls[0]?.jsonSchema).toMatchObject({ schema: { type: "object" } });
  });

  test("[MODEL16] a rate limit is not repeated by the SDK", async () => {
    const prompt = "hi [[fault rate_limit]]";
    await expect(generateText({ model, prompt })).rejects.toMatchObject({
      name: "ModelError",
      failure: "rate_limited",
      isRetryable: false,
    });
    expect(fake.log()).toHaveLength(1);
  });

  test(
    "[MODEL8] aborting streamText closes the socket within a second",
    { timeout: 1_000 },
    async () => {
      const controller = new AbortController();
      const prompt = "[[repeat 9 w]] [[fault stall afterTokens=2]]";
      const result = streamText({
        model,
        prompt,
        abortSignal: controller.signal,
        onError: () => {},
      });
      const types: string[] = [];
      for await (const part of result.stream) {
        types.push(part.type);
        if (part.type === "text-delta") controller.abort();
      }
      expect(types.at(-1)).toBe("abort");
      await fake.find(({ aborted }) => aborted);
    },
  );
});
