import { describe, expect, test } from "vitest";

import {
  type CallTimes,
  decodeSpeed,
  levelsUpTo,
  loadMs,
  promptSpeed,
  speedMax,
  stillRises,
  usefulSlots,
} from "./endpoint-speed.ts";

function call(given: Partial<CallTimes>): CallTimes {
  const [firstMs, inputTokens] = [given.firstMs ?? 0, given.inputTokens ?? 0];
  return {
    startedMs: 0,
    firstMs,
    firstTokens: 1,
    lastMs: firstMs,
    inputTokens,
    outputTokens: 1,
    ...given,
  };
}
const prompt = (inputTokens: number, firstMs: number): CallTimes => call({ inputTokens, firstMs });

describe("prompt speed", () => {
  test("[CLI18] what every call waits for in any case drops out of two lengths", () => {
    const short = [prompt(200, 400), prompt(200, 410)];
    const long = [prompt(1_200, 2_400), prompt(1_200, 2_410)];
    expect(promptSpeed(short, long)).toEqual({ tokensPerSecond: 500, atLeast: false });
  });

  test("[CLI18] a difference that drowns in noise gives a bound", () => {
    const noisy = promptSpeed(
      [prompt(200, 100), prompt(200, 180)],
      [prompt(1_200, 200), prompt(1_200, 200)],
    );
    expect(noisy).toEqual({ tokensPerSecond: 6_000, atLeast: true });
  });

  test("[CLI18] a clock that stands still, or a longer prompt that came sooner, gives a bound that is finite", () => {
    const still = promptSpeed([prompt(200, 0)], [prompt(1_200, 0)]);
    expect(still).toEqual({ tokensPerSecond: speedMax, atLeast: true });
    const sooner = promptSpeed([prompt(200, 600)], [prompt(1_200, 300)]);
    expect(sooner).toEqual({ tokensPerSecond: 4_000, atLeast: true });
    expect(promptSpeed([prompt(0, 9)], [prompt(0, 9)]).tokensPerSecond).toBe(1);
  });
});

describe("decode speed", () => {
  test("[CLI18] tokens behind the first over the time behind the first", () => {
    const one = call({ firstMs: 1_000, lastMs: 3_000, firstTokens: 1, outputTokens: 61 });
    expect(decodeSpeed([one])).toEqual({ tokensPerSecond: 30, atLeast: false });
  });

  test("[CLI18] calls side by side add up, calls that wait for each other do not", () => {
    const at = (firstMs: number): CallTimes =>
      call({ firstMs, lastMs: firstMs + 2_000, outputTokens: 61 });
    expect(decodeSpeed([at(100), at(100)]).tokensPerSecond).toBe(60);
    expect(decodeSpeed([at(100), at(2_100)]).tokensPerSecond).toBe(30);
  });

  test("[CLI18] an answer in one piece is counted over all of its time", () => {
    const piece = call({ firstMs: 2_000, lastMs: 2_000, firstTokens: 1, outputTokens: 60 });
    expect(decodeSpeed([piece])).toEqual({ tokensPerSecond: 30, atLeast: true });
    expect(decodeSpeed([call({ outputTokens: 0 })])).toEqual({ tokensPerSecond: 1, atLeast: true });
  });
});

test("[CLI18] loading is what the first call waited longer, and never negative", () => {
  expect(loadMs(prompt(200, 9_000), prompt(200, 500))).toBe(8_500);
  expect(loadMs(prompt(200, 500), prompt(200, 600))).toBe(0);
});

describe("slots", () => {
  const levels = (...speeds: readonly number[]): { calls: number; tokensPerSecond: number }[] =>
    speeds.map((tokensPerSecond, at) => ({ calls: 2 ** at, tokensPerSecond }));

  test("[CLI18] the levels double up to the most, which is tried too", () => {
    expect(levelsUpTo(1)).toEqual([1]);
    expect(levelsUpTo(8)).toEqual([1, 2, 4, 8]);
    expect(levelsUpTo(6)).toEqual([1, 2, 4, 6]);
  });

  test.each([
    [[], 1],
    [[30], 1],
    [[30, 31], 1],
    [[100, 115], 2],
    [[30, 55, 60], 2],
    [[30, 60, 110, 115], 4],
    [[30, 60, 110, 200], 8],
    [[30, 20, 110], 1],
  ])("[CLI18] aggregate speeds %j make %i slots of use", (speeds, useful) => {
    expect(usefulSlots(levels(...speeds))).toBe(useful);
  });

  test("[CLI18] trying ends with the first level that does not rise", () => {
    expect(stillRises(levels(30))).toBe(true);
    expect(stillRises(levels(30, 60))).toBe(true);
    expect(stillRises(levels(30, 60, 66))).toBe(false);
  });
});
