import { APICallError } from "ai";
import { describe, expect, test } from "vitest";

import type { Delta, ModelCall, ModelError } from "../../ports/models.ts";
import { aiSdkModels } from "./ai-sdk-models.ts";
import { sdkFailure } from "./sdk-failure.ts";
import type { AnySdkModel } from "./sdk-types.ts";

const never = new AbortController().signal;
const call: ModelCall = { model: "m", messages: [{ role: "user", content: "hi" }] };

function streamOf(parts: readonly object[]): ReadableStream<object> {
  return new ReadableStream({
    start: (controller) => {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
}

/** A model of any interface version whose stream holds these parts. */
function modelOf(specificationVersion: string, parts: readonly object[]): AnySdkModel {
  return {
    specificationVersion,
    provider: "p",
    modelId: "m",
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error("not streamed")),
    doStream: () => Promise.resolve({ stream: streamOf(parts) }),
  } as unknown as AnySdkModel;
}

async function collect(model: AnySdkModel): Promise<Delta[]> {
  const deltas: Delta[] = [];
  for await (const batch of aiSdkModels(() => model).stream(call, { signal: never }))
    deltas.push(...batch);
  return deltas;
}

const usage = { inputTokens: { total: 3 }, outputTokens: { total: 4 } };
const notJson = Object.assign(new Error("no JSON"), { name: "AI_JSONParseError" });
const finish = (unified: string): object => ({
  type: "finish",
  usage,
  finishReason: { unified, raw: "x" },
});
const text = { type: "text-delta", id: "0", delta: "a" };

const api = (fields: object): APICallError =>
  new APICallError({ message: "failed", url: "u", requestBodyValues: {}, ...fields });

describe("streams", () => {
  test.each([
    ["v4", finish("stop")],
    ["v3", finish("stop")],
    [
      "v2",
      {
        type: "finish",
        usage: { inputTokens: 3, outputTokens: 4, totalTokens: 7 },
        finishReason: "stop",
      },
    ],
  ])("[MODEL14] a model of interface %s gives our deltas", async (version, end) => {
    const parts = [
      { type: "stream-start", warnings: [] },
      { type: "reasoning-delta", id: "r", delta: "hm" },
      text,
      { type: "text-delta", id: "0", delta: "" },
      { type: "source", sourceType: "url", id: "s", url: "https://example.com" },
      end,
    ];
    expect(await collect(modelOf(version, parts))).toEqual([
      { type: "reasoning", text: "hm" },
      { type: "text", text: "a" },
      { type: "usage", inputTokens: 3, outputTokens: 4 },
      { type: "finish", reason: "stop" },
    ]);
  });

  test.each([
    ["length", "length"],
    ["content-filter", "filter"],
    ["other", "stop"],
    ["tool-calls", "stop"],
  ])("[MODEL14] finish reason %s without tool calls means %s", async (unified, reason) => {
    expect((await collect(modelOf("v4", [finish(unified)]))).at(-1)).toEqual({
      type: "finish",
      reason,
    });
  });

  test("[MODEL14] tool calls are parsed; those the provider runs itself are left out", async () => {
    const parts = [
      { type: "tool-call", toolCallId: "a", toolName: "f", input: '{"x":1}' },
      { type: "tool-call", toolCallId: "b", toolName: "g", input: "" },
      { type: "tool-call", toolCallId: "c", toolName: "web", input: "{}", providerExecuted: true },
      finish("stop"),
    ];
    const deltas = await collect(modelOf("v4", parts));
    expect(deltas.slice(0, 2)).toEqual([
      { type: "toolCall", call: { id: "a", name: "f", input: { x: 1 } } },
      { type: "toolCall", call: { id: "b", name: "g", input: {} } },
    ]);
    expect(deltas.at(-1)).toEqual({ type: "finish", reason: "toolCalls" });
  });

  test.each([
    [
      "a tool call that is no JSON",
      [{ type: "tool-call", toolCallId: "a", toolName: "f", input: "{" }],
    ],
    ["a tool call without a name", [{ type: "tool-call", toolCallId: "a", input: "{}" }]],
    ["an error that it is no JSON", [text, { type: "error", error: notJson }]],
  ])("[MODEL14] %s is a broken answer", async (_, parts) => {
    await expect(collect(modelOf("v4", parts))).rejects.toMatchObject({ failure: "broken" });
  });

  test.each([
    ["without a finish part behind its first token", [text], "generating"],
    ["without a finish part before it", [], "prefill"],
    ["as an error", [text, finish("error")], "generating"],
    ["interrupted", [text, finish("interrupted")], "generating"],
    ["by an error part", [text, { type: "error", error: { message: "boom" } }], "generating"],
    ["by an error part before it", [{ type: "error", error: { message: "boom" } }], "prefill"],
    ["by an error", [text, { type: "error", error: new Error("boom") }], "generating"],
  ])("[MODEL14] a stream that ends %s has broken off", async (_, parts, failure) => {
    await expect(collect(modelOf("v4", parts))).rejects.toMatchObject({ failure });
  });

  test("[MODEL6] an answer of more characters than can be stored breaks", async () => {
    const long = { type: "text-delta", id: "0", delta: "x".repeat(100_000) };
    const parts = Array.from({ length: 11 }, () => long);
    await expect(collect(modelOf("v4", parts))).rejects.toThrow(/more than 1000000 characters/);
  });

  const toolCall = (id: string, input = "{}"): object => ({
    type: "tool-call",
    toolCallId: id,
    toolName: "f",
    input,
  });

  test.each([
    ["input is nested too deep", [toolCall("a", `${"[".repeat(65)}${"]".repeat(65)}`)]],
    ["id is too long", [toolCall("a".repeat(257))]],
    ["number is too great", Array.from({ length: 129 }, (_, at) => toolCall(`c${at}`))],
  ])("[MODEL6] a tool call whose %s breaks the answer", async (_, parts) => {
    const whole = collect(modelOf("v4", [...parts, finish("stop")]));
    await expect(whole).rejects.toMatchObject({ failure: "broken" });
  });

  test.each([[Number.NaN], [-1], [0.5], [Infinity]])(
    "[MODEL14] %d tokens are none",
    async (total) => {
      const end = {
        ...finish("stop"),
        usage: { inputTokens: { total: 3 }, outputTokens: { total } },
      };
      expect(await collect(modelOf("v4", [end]))).toEqual([{ type: "finish", reason: "stop" }]);
    },
  );

  test.each([
    ["stream", new ReadableStream<object>({ start: (open) => open.enqueue(text) })],
    ["open", null],
  ])(
    "[MODEL8] an abort ends what a provider would %s for ever, although it ignores its signal",
    async (_, stream) => {
      const model = {
        ...modelOf("v4", []),
        doStream: () =>
          stream === null ? new Promise(() => undefined) : Promise.resolve({ stream }),
      } as unknown as AnySdkModel;
      const stop = new AbortController();
      const answer = aiSdkModels(() => model).stream(call, { signal: stop.signal });
      const reading = answer[Symbol.asyncIterator]();
      if (stream !== null) await reading.next();
      const next = reading.next();
      const reason = new Error("stopped");
      stop.abort(reason);
      await expect(next).rejects.toBe(reason);
    },
  );

  test("[MODEL14] a provider that cannot make the model is a rejection", async () => {
    const missing = Object.assign(new Error("no key"), { name: "AI_LoadAPIKeyError" });
    const models = aiSdkModels(() => {
      throw missing;
    });
    const reading = models.stream(call, { signal: never })[Symbol.asyncIterator]();
    await expect(reading.next()).rejects.toMatchObject({ failure: "rejected" });
  });

  test("[MODEL14] models are listed from the settings, and vectors need a provider that has them", async () => {
    const models = aiSdkModels(() => modelOf("v4", []), { models: ["a", "b"] });
    expect(await models.list({ signal: never })).toEqual(["a", "b"]);
    const embedding = models.embed({ model: "e", texts: ["x"] }, { signal: never });
    await expect(embedding).rejects.toMatchObject({ failure: "rejected" });
  });
});

describe("errors", () => {
  test.each<[string, unknown, Partial<ModelError>]>([
    [
      "a rate limit",
      api({ statusCode: 429, responseHeaders: { "retry-after": "3" } }),
      { failure: "rate_limited", status: 429, retryAfterMs: 3_000 },
    ],
    [
      "an overflow",
      api({ statusCode: 400, responseBody: '{"error":{"code":"context_length_exceeded"}}' }),
      { failure: "context_overflow" },
    ],
    [
      "a bad request",
      api({ statusCode: 400, responseBody: '{"error":"no"}' }),
      { failure: "rejected", message: "no" },
    ],
    ["a connection that failed", api({ isRetryable: true }), { failure: "refused" }],
    ["a good status with a bad body", api({ statusCode: 200 }), { failure: "broken" }],
    [
      "an error of the SDK's user",
      Object.assign(new Error("x"), { name: "AI_NoSuchModelError" }),
      { failure: "rejected" },
    ],
    [
      "an answer whose connection was cut before its first token",
      api({ statusCode: 200, isRetryable: true }),
      { failure: "prefill" },
    ],
    [
      "the same as the platform says it",
      new TypeError("terminated", { cause: { code: "UND_ERR_SOCKET" } }),
      { failure: "prefill" },
    ],
    [
      "a connection that was never made",
      new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } }),
      { failure: "refused" },
    ],
    [
      "a body that ended without a finish reason",
      Object.assign(new Error("Response stream ended without a finish reason."), {
        name: "AI_InvalidResponseDataError",
      }),
      { failure: "prefill" },
    ],
    [
      "a body that is no answer",
      Object.assign(new Error("Expected 'id' to be a string."), {
        name: "AI_InvalidResponseDataError",
      }),
      { failure: "broken" },
    ],
    ["any other error", new Error("x"), { failure: "broken", message: "x" }],
    ["an error object", { message: "x", code: 429 }, { failure: "rate_limited" }],
    ["a text", "boom", { failure: "prefill" }],
  ])("[MODEL14] %s is read by its fields", (_, error, expected) => {
    expect(sdkFailure(error)).toMatchObject(expected);
  });
});
