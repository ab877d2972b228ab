import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { createTimeoutWaker } from "./waker.ts";

const START_MS = 1_800_000_000_000;
const DAY_MS = 86_400_000;
let nowMs: number;
let wokenAtMs: number[];

/** Lets the computer be awake for `delayMs`: timeouts and clock go on together. */
function pass(delayMs: number): void {
  const stepMs = 1_000;
  for (let left = delayMs; left > 0; left -= stepMs) {
    nowMs += Math.min(left, stepMs);
    vi.advanceTimersByTime(Math.min(left, stepMs));
  }
}

const waker = () =>
  createTimeoutWaker({ nowMs: () => nowMs }, () => wokenAtMs.push(nowMs - START_MS));

beforeEach(() => {
  vi.useFakeTimers();
  nowMs = START_MS;
  wokenAtMs = [];
});

afterEach(() => vi.useRealTimers());

test("[NODE1] a waker wakes once, at its time and not before", () => {
  waker().arm(START_MS + 5_000);
  pass(4_000);
  expect(wokenAtMs).toEqual([]);
  pass(20_000);
  expect(wokenAtMs).toEqual([5_000]);
});

test("[NODE1] a later arm replaces an earlier one, null disarms, and a time that has passed wakes at once", () => {
  const one = waker();
  one.arm(START_MS + 5_000);
  one.arm(START_MS + 9_000);
  one.arm(START_MS + 9_000);
  pass(8_000);
  expect(wokenAtMs).toEqual([]);
  one.arm(null);
  pass(9_000);
  expect(wokenAtMs).toEqual([]);
  one.arm(START_MS);
  pass(1);
  expect(wokenAtMs).toEqual([17_001]);
  one.arm(START_MS);
  pass(1);
  expect(wokenAtMs).toEqual([17_001, 17_002]);
  expect(vi.getTimerCount()).toBe(0);
});

test("[NODE1] a time beyond what setTimeout can count does not wake at once", () => {
  waker().arm(START_MS + 40 * DAY_MS);
  expect(vi.getTimerCount()).toBe(1);
  pass(DAY_MS);
  expect(wokenAtMs).toEqual([]);
  nowMs = START_MS + 40 * DAY_MS - 500;
  vi.advanceTimersByTime(60_000);
  expect(wokenAtMs).toEqual([]);
  pass(1_000);
  expect(wokenAtMs).toHaveLength(1);
});

test("[NODE1] after the computer slept, what is due wakes within a minute", () => {
  waker().arm(START_MS + 8 * 3_600_000);
  pass(1_000);
  nowMs += DAY_MS;
  vi.advanceTimersByTime(60_000);
  expect(wokenAtMs).toHaveLength(1);
});

test("[NODE1] a clock that was set back makes the waker wait and not fire early", () => {
  waker().arm(START_MS + 10_000);
  pass(5_000);
  nowMs -= 60_000;
  pass(20_000);
  expect(wokenAtMs).toEqual([]);
  pass(50_000);
  expect(wokenAtMs).toEqual([10_000]);
});
