import { expect, test } from "vitest";

import { rankOf, rootsMax, tidyCost, tidyWeight } from "./rule.ts";

test.each([
  [1.23456, 1.235],
  [0.0001, 0.001],
  [0, 0.001],
  [-5, 0.001],
  [Number.NaN, 0.001],
  [Number.POSITIVE_INFINITY, 1_000_000],
])("[QUEUE12] a predicted cost of %d is charged as %d", (cost, tidy) => {
  expect(tidyCost(cost)).toBe(tidy);
});

test.each([
  [2.5, 2.5],
  [0, 0.001],
  [-1, 0.001],
  [Number.NaN, 1],
  [1e9, 1_000],
])("[QUEUE12] a weight of %d counts as %d", (weight, tidy) => {
  expect(tidyWeight(weight)).toBe(tidy);
});

test("[QUEUE8] waiting ranks a call higher in the lower bands and not among interactive work", () => {
  expect(rankOf(0, 10, 2, 4, 1_000_000)).toBe(12);
  expect(rankOf(1, 10, 2, 4, 1_000_000)).toBe(32);
  expect(rankOf(2, 10, 2, 4, 0)).toBe(12);
});

test("[QUEUE7] a queue remembers more root tasks the more slots it has", () => {
  expect(rootsMax(1)).toBe(1_028);
  expect(rootsMax(10_000)).toBe(41_024);
});
