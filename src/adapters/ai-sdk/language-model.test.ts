import { APICallError, generateText, streamText } from "ai";
import { describe, expect, test } from "vitest";

import { ErrandError } from "../../core/errors.ts";
import { type Delta, type ModelCall, ModelError } from "../../ports/models.ts";
import { languageModel, type ModelRun } from "./language-model.ts";
import type { SdkStreamPart } from "./sdk-types.ts";

const end: readonly Delta[] = [
  { type: "usage", inputTokens: 3, outputTokens: 4 },
  { type: "finish", reason: "stop" },
];

/** A run that answers the same batches every time and notes its calls. */
function scripted(...batches: readonly (readonly Delta[])[]) {
  const calls: ModelCall[] = [];
  const run: ModelRun = async function* (call) {
    calls.push(call);
    yield* batches;
  };
  return { calls, run };
}

/** A run that fails after some text. */
function failing(error: unknown) {
  const calls: ModelCall[] = [];
  const run: ModelRun = async function* (call) {
    calls.push(call);
    yield [{ type: "text", text: "half" }];
    throw error;
  };
  return { calls, run };
}

const prompt = [{ role: "user" as const, content: [{ type: "text" as const, text: "hi" }] }];

async function partsOf(run: ModelRun): Promise<SdkStreamPart[]> {
  const { stream } = await languageModel(run).doStream({ prompt });
  const parts: SdkStreamPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

const retryable = (): APICallError =>
  new APICallError({
    message: "busy",
    url: "u",
    requestBodyValues: {},
    statusCode: 429,
    isRetryable: true,
  });

describe("parts", () => {
  test("[MODEL15] text and reasoning come in blocks that begin and end", async () => {
    const { run } = scripted(
      [
        { type: "reasoning", text: "h" },
        { type: "reasoning", text: "m" },
      ],
      [],
      [{ type: "text", text: "a" }],
      [
        { type: "toolCall", call: { id: "t", name: "f", input: { x: 1 } } },
        { type: "text", text: "b" },
      ],
      end,
    );
    expect(await partsOf(run)).toEqual([
      { type: "stream-start", warnings: [] },
      { type: "reasoning-start", id: "reasoning-0" },
      { type: "reasoning-delta", id: "reasoning-0", delta: "h" },
      { type: "reasoning-delta", id: "reasoning-0", delta: "m" },
      { type: "reasoning-end", id: "reasoning-0" },
      { type: "text-start", id: "text-1" },
      { type: "text-delta", id: "text-1", delta: "a" },
      { type: "text-end", id: "text-1" },
      { type: "tool-call", toolCallId: "t", toolName: "f", input: '{"x":1}' },
      { type: "text-start", id: "text-2" },
      { type: "text-delta", id: "text-2", delta: "b" },
      { type: "text-end", id: "text-2" },
      {
        type: "finish",
        usage: expect.objectContaining({ inputTokens: expect.objectContaining({ total: 3 }) }),
        finishReason: { unified: "stop", raw: "stop" },
      },
    ]);
  });

  test("[MODEL15] a whole answer holds the same", async () => {
    const { run, calls } = scripted(
      [
        { type: "text", text: "a" },
        { type: "text", text: "b" },
      ],
      end,
    );
    const answer = await languageModel(run, { modelId: "big" }).doGenerate({ prompt });
    expect(answer.content).toEqual([{ type: "text", text: "ab" }]);
    expect(answer.usage.outputTokens.total).toBe(4);
    expect(calls[0]?.model).toBe("big");
  });

  test.each([
    ["stop", "stop"],
    ["length", "length"],
    ["toolCalls", "tool-calls"],
    ["filter", "content-filter"],
  ] as const)("[MODEL15] finish %s is %s for the SDK", async (reason, unified) => {
    const { run } = scripted([{ type: "finish", reason }]);
    expect((await languageModel(run).doGenerate({ prompt })).finishReason.unified).toBe(unified);
  });

  test("[MODEL15] a run that ends without finish is an error", async () => {
    await expect(partsOf(scripted([]).run)).rejects.toThrow(/finish/);
    await expect(languageModel(scripted([]).run).doGenerate({ prompt })).rejects.toThrow(/finish/);
  });
});

describe("errors", () => {
  test.each([
    ["ours", () => new ModelError("rate_limited", "busy")],
    ["ErrandError", () => new ErrandError("cancelled")],
    ["one that the SDK would retry", retryable],
    ["a frozen one", () => Object.freeze(new Error("frozen"))],
  ])("[MODEL16] %s leaves generateText as it was, after one call", async (_, make) => {
    const error = make();
    const { run, calls } = failing(error);
    const caught: unknown = await generateText({
      model: languageModel(run),
      prompt: "hi",
      maxRetries: 5,
    }).catch((thrown: unknown) => thrown);
    expect(caught).toMatchObject({ message: error.message, isRetryable: false });
    if (!Object.isFrozen(error)) expect(caught).toBe(error);
    expect(calls).toHaveLength(1);
  });

  test("[MODEL16] in a stream the text before it arrives, then it is thrown, and stream retries do nothing", async () => {
    const error = retryable();
    const { run, calls } = failing(error);
    const seen: string[] = [];
    const result = streamText({
      model: languageModel(run),
      prompt: "hi",
      maxRetries: 5,
      streamRetries: 5,
      onError: () => {},
    });
    const reading = async (): Promise<void> => {
      for await (const text of result.textStream) seen.push(text);
    };
    await expect(reading()).rejects.toBe(error);
    expect([seen, calls.length]).toEqual([["half"], 1]);
  });

  test("[MODEL16] what is thrown and no error becomes one", async () => {
    const caught = languageModel(failing("just words").run).doGenerate({ prompt });
    await expect(caught).rejects.toMatchObject({ message: "just words", isRetryable: false });
  });

  test("[MODEL15] an image is refused before anything runs", async () => {
    const { run, calls } = scripted(end);
    const image = { type: "file" as const, mediaType: "image/png", data: new Uint8Array([1]) };
    const generating = generateText({
      model: languageModel(run),
      messages: [{ role: "user", content: [image] }],
    });
    await expect(generating).rejects.toMatchObject({ code: "invalid_request" });
    expect(calls).toEqual([]);
  });
});

describe("cancelling", () => {
  test("[MODEL15] the SDK's signal reaches the run", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const run: ModelRun = async function* (_, { signal }) {
      yield [{ type: "text", text: "a" }];
      controller.abort(reason);
      signal.throwIfAborted();
    };
    const answer = languageModel(run).doGenerate({ prompt, abortSignal: controller.signal });
    await expect(answer).rejects.toBe(reason);
  });

  test("[MODEL15] a reader that goes away aborts the run and ends its iteration", async () => {
    const seen: string[] = [];
    const run: ModelRun = async function* (_, { signal }) {
      signal.addEventListener("abort", () => seen.push("aborted"));
      try {
        for (;;) yield [{ type: "text", text: "a" }];
      } finally {
        seen.push("ended");
      }
    };
    const { stream } = await languageModel(run).doStream({ prompt });
    const reader = stream.getReader();
    await reader.read();
    await reader.read();
    await reader.cancel();
    expect(seen).toEqual(["aborted", "ended"]);
  });
});
