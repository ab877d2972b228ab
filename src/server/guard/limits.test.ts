import { expect, test } from "vitest";

import { ErrandError } from "../../core/errors.ts";
import { StreamGate } from "./stream-gate.ts";
import { TokenBuckets } from "./token-bucket.ts";

function clockAt(startMs: number): { nowMs: () => number; set: (ms: number) => void } {
  let nowMs = startMs;
  return { nowMs: () => nowMs, set: (ms) => void (nowMs = ms) };
}

test("[SEC6] a user may submit a burst at once, and then as often as the rate allows", () => {
  const clock = clockAt(1_000);
  const buckets = new TokenBuckets(10, 3, clock);
  expect([1, 2, 3, 4].map(() => buckets.take("u1"))).toEqual([
    { retryAfterMs: 0, left: 2 },
    { retryAfterMs: 0, left: 1 },
    { retryAfterMs: 0, left: 0 },
    { retryAfterMs: 100, left: 0 },
  ]);
  expect(buckets.take("u2").retryAfterMs).toBe(0);
  clock.set(1_090);
  expect(buckets.take("u1").retryAfterMs).toBeGreaterThan(0);
  clock.set(1_101);
  expect(buckets.take("u1").retryAfterMs).toBe(0);
  clock.set(1_000_000);
  expect(buckets.take("u1").left).toBe(2);
});

test("[SEC6] a clock that is set back gives no tokens and takes none", () => {
  const clock = clockAt(1_000_000);
  const buckets = new TokenBuckets(1, 2, clock);
  buckets.take("u1");
  clock.set(0);
  expect(buckets.take("u1")).toEqual({ retryAfterMs: 0, left: 0 });
  expect(buckets.take("u1").retryAfterMs).toBe(1_000);
});

test("[SEC6] users who come and go do not fill the memory, and nobody's debt is forgotten", () => {
  const clock = clockAt(0);
  const buckets = new TokenBuckets(1, 1, clock);
  for (let user = 0; user < 30_000; user += 1) {
    clock.set(user * 10);
    buckets.take(`u${user}`);
  }
  expect(buckets.size).toBeLessThanOrEqual(10_001);
  expect(buckets.take("u29999").retryAfterMs).toBeGreaterThan(0);
});

test("[SEC6] streams are counted for each user and for all, and leaving twice is leaving once", () => {
  const gate = new StreamGate(2, 3);
  const leave = gate.enter("u1");
  gate.enter("u1");
  expect(() => gate.enter("u1")).toThrow(ErrandError);
  const other = gate.enter("u2");
  expect(() => gate.enter("u3")).toThrow(/the most is 3/);
  leave();
  leave();
  expect(gate.size).toBe(2);
  gate.enter("u1");
  expect(() => gate.enter("u1")).toThrow(/the most is 2/);
  other();
  expect(gate.size).toBe(2);
});
