import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { type Delta, ModelError, type ModelCall, type Models } from "../ports/models.ts";
import { callsOf, measureEndpoint, type Measured } from "./measure-endpoint.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "Date"] }));
afterEach(() => void vi.useRealTimers());

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Pace {
  readonly promptTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
  readonly loadMs: number;
  readonly slots: number;
  /** More calls at once are refused. */
  readonly callsMax?: number;
  readonly contextTokens?: number;
}

/** An endpoint on an invented clock, with as many slots of equal speed. */
function endpoint(pace: Pace): { readonly models: Models; readonly calls: ModelCall[] } {
  const calls: ModelCall[] = [];
  const free: (() => void)[] = [];
  let running = 0;
  async function* stream(call: ModelCall): AsyncGenerator<readonly Delta[]> {
    calls.push(call);
    const isFirst = calls.length === 1;
    const inputTokens = (call.messages[0]?.content ?? "").split(" ").length;
    if (inputTokens > (pace.contextTokens ?? Infinity))
      throw new ModelError("context_overflow", "the prompt is too long");
    if (running + free.length >= (pace.callsMax ?? Infinity))
      throw new ModelError("rate_limited", "too many calls");
    if (running >= pace.slots) await new Promise<void>((resolve) => free.push(resolve));
    running += 1;
    try {
      await wait((isFirst ? pace.loadMs : 0) + (1_000 * inputTokens) / pace.promptTokensPerSecond);
      const outputTokens = call.maxTokens ?? 0;
      for (let token = 0; token < outputTokens; token += 1) {
        if (token > 0) await wait(1_000 / pace.decodeTokensPerSecond);
        yield [{ type: "text", text: "x" }];
      }
      yield [
        { type: "usage", inputTokens, outputTokens },
        { type: "finish", reason: "length" },
      ];
    } finally {
      running -= 1;
      free.shift()?.();
    }
  }
  const models: Models = {
    stream,
    probe: () => Promise.resolve("continue"),
    list: () => Promise.resolve(["one"]),
    embed: () => Promise.resolve({ vectors: [] }),
  };
  return { models, calls };
}

async function measured(models: Models, slotsMax = 8): Promise<Measured> {
  const { signal } = new AbortController();
  const measuring = { models, model: "one", slotsMax, nonce: "n", signal, say: () => undefined };
  const result = measureEndpoint({ ...measuring, nowMs: () => Date.now() });
  // Whatever fails is told to who awaits it below.
  result.catch(() => undefined);
  await vi.runAllTimersAsync();
  return await result;
}

const pace: Pace = {
  promptTokensPerSecond: 500,
  decodeTokensPerSecond: 50,
  loadMs: 7_000,
  slots: 4,
};

test("[CLI16] loading, prompt, decode and slots of an endpoint on an invented clock are found", async () => {
  const { models, calls } = endpoint(pace);
  const found = await measured(models);
  expect(found.loadMs).toBe(7_000);
  expect(found.prompt).toMatchObject({ atLeast: false, tokensPerSecond: expect.closeTo(500, 0) });
  expect(found.decode).toEqual({ atLeast: false, tokensPerSecond: 50 });
  expect(found.slots).toMatchObject({ useful: 4, refusal: null });
  expect(found.slots.levels.map((level) => level.calls)).toEqual([1, 2, 4, 8]);
  expect(found.resumes).toBe("continue");
  expect(calls.length).toBeLessThanOrEqual(callsOf(8));
});

test("[CLI16] no prompt begins like one before", async () => {
  const { models, calls } = endpoint(pace);
  await measured(models);
  const heads = calls.map(({ messages }) => messages[0]?.content.slice(0, 20));
  expect(new Set(heads).size).toBe(calls.length);
});

test("[CLI16] one slot ends the trying at two calls; a refusal of more is told and ends it too", async () => {
  const one = await measured(endpoint({ ...pace, slots: 1 }).models);
  expect(one.slots.levels.map(({ calls }) => calls)).toEqual([1, 2]);
  expect(one.slots.useful).toBe(1);
  const refusing = await measured(endpoint({ ...pace, slots: 8, callsMax: 2 }).models);
  expect(refusing.slots).toMatchObject({ useful: 2, refusal: "too many calls" });
});

test("[CLI16] a context too small for a long prompt leaves a bound", async () => {
  const { prompt } = await measured(endpoint({ ...pace, contextTokens: 1_000 }).models);
  expect(prompt.atLeast).toBe(true);
  expect(prompt.samples).toHaveLength(2);
});

test("[CLI16] what fails alone is thrown", async () => {
  const { models } = endpoint({ ...pace, contextTokens: 10 });
  await expect(measured(models)).rejects.toThrow("the prompt is too long");
});
