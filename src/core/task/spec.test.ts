import * as fc from "fast-check";
import { expect, test } from "vitest";

import { retryDefault, retryDelayMs, type RetryPolicy } from "./spec.ts";
import { isEnd, statusClass, type TaskStatus } from "./status.ts";

const policy: RetryPolicy = {
  attemptsMax: 9,
  minDelayMs: 100,
  maxDelayMs: 1_500,
  factor: 3,
  jitter: 0,
};

test("[TASK6] the wait grows by its factor from try to try, up to its limit", () => {
  const waits = [1, 2, 3, 4, 99].map((failures) => retryDelayMs(policy, failures, 0));
  expect(waits).toEqual([100, 300, 900, 1_500, 1_500]);
});

test("[TASK6] jitter shortens the wait by at most its share", () => {
  expect(retryDelayMs({ ...policy, jitter: 0.5 }, 2, 0.5)).toBe(225);
  expect(retryDelayMs({ ...policy, jitter: 1 }, 2, 0)).toBe(300);
  expect(retryDelayMs({ ...policy, minDelayMs: 5_000 }, 1, 0)).toBe(1_500);
});

test("[TASK6] every wait is a whole number of milliseconds within its limits", () => {
  const anyPolicy = fc.record({
    attemptsMax: fc.integer({ min: 1, max: 100 }),
    minDelayMs: fc.nat(100_000),
    maxDelayMs: fc.nat(1_000_000),
    factor: fc.double({ min: 1, max: 10, noNaN: true }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const failures = fc.integer({ min: 1, max: 1_000 });
  const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(anyPolicy, failures, unit, (some, count, random) => {
      const waitMs = retryDelayMs(some, count, random);
      const longestMs = retryDelayMs({ ...some, jitter: 0 }, count, 0);
      expect(Number.isInteger(waitMs)).toBe(true);
      expect(longestMs).toBeLessThanOrEqual(some.maxDelayMs);
      expect(waitMs).toBeLessThanOrEqual(longestMs);
      expect(waitMs).toBeGreaterThanOrEqual(Math.floor(longestMs * (1 - some.jitter)) - 1);
    }),
  );
  expect(retryDefault.attemptsMax).toBe(3);
});

test("[TASK2] four statuses are ends; lists put every end but `completed` under failed", () => {
  const ends: TaskStatus[] = ["completed", "failed", "cancelled", "expired"];
  const open: TaskStatus[] = ["delayed", "queued", "running", "waiting"];
  expect(ends.every(isEnd)).toBe(true);
  expect(open.some(isEnd)).toBe(false);
  expect(ends.map(statusClass)).toEqual(["completed", "failed", "failed", "failed"]);
  expect(new Set(open.map(statusClass))).toEqual(new Set(["active"]));
});
