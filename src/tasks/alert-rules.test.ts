import { expect, test } from "vitest";

import { alertsDefault, findingsOf, type AlertSight } from "./alert-rules.ts";
import { EndedTasks } from "./ended-tasks.ts";

const quiet: AlertSight = {
  nowMs: 1_000_000,
  ended: 0,
  failed: 0,
  dead: 0,
  queues: [],
  endpoints: [],
};

function look(
  sight: Partial<AlertSight>,
  settings = alertsDefault,
): Record<string, [boolean, boolean]> {
  const found = findingsOf(settings, { ...quiet, ...sight });
  return Object.fromEntries(
    found.map(({ rule, subject, fires, stays }) => [`${rule}:${subject}`, [fires, stays]]),
  );
}

test("[ALERT1] each rule fires at its level, stays above 0.8 of it, and clears below", () => {
  for (const [failed, expected] of [
    [10, [true, true]],
    [8, [false, true]],
    [7, [false, false]],
  ] as const)
    expect(look({ ended: 20, failed })["failure_rate:"]).toEqual(expected);
  // Two failures of two say little.
  expect(look({ ended: 9, failed: 9 })["failure_rate:"]).toEqual([false, false]);

  const queue = { name: "q", pending: 0, late: 0, stuckSinceMs: null };
  for (const [pending, expected] of [
    [1_000, [true, true]],
    [800, [false, true]],
    [799, [false, false]],
  ] as const)
    expect(look({ queues: [{ ...queue, pending }] })["queue_depth:q"]).toEqual(expected);
  expect(look({ queues: [{ ...queue, late: 5 }] })["late_promises:q"]).toEqual([true, true]);
  for (const [dead, expected] of [
    [3, [true, true]],
    [2, [false, false]],
    [0, [false, false]],
  ] as const)
    expect(look({ dead })["dead_letters:"]).toEqual(expected);
  const strict = look({ dead: 1 }, { ...alertsDefault, deadLetters: 1 });
  expect(strict["dead_letters:"]).toEqual([true, true]);
});

test("[ALERT1] what must last fires when it has lasted, and clears when it is over", () => {
  const queue = { name: "q", pending: 3, late: 0 };
  const since = (stuckSinceMs: number | null) => look({ queues: [{ ...queue, stuckSinceMs }] });
  expect(since(1_000_000 - 59_999)["queue_stuck:q"]).toEqual([false, true]);
  expect(since(1_000_000 - 60_000)["queue_stuck:q"]).toEqual([true, true]);
  expect(since(null)["queue_stuck:q"]).toEqual([false, false]);
  const endpoint = { name: "e", reason: "refused", downSinceMs: 1_000_000 - 30_000 };
  expect(look({ endpoints: [endpoint] })["endpoint_down:e"]).toEqual([true, true]);
});

test("[ALERT4] a rule whose level is null is not looked at", () => {
  const off = { ...alertsDefault, failureShare: null, deadLetters: null };
  expect(look({ ended: 20, failed: 20, dead: 9 }, off)).toEqual({});
});

test("[ALERT1] ends count by the minute, in any order, for an hour", () => {
  const ended = new EndedTasks();
  const minute = 60_000;
  for (const at of [100, 41, 95, 96]) ended.add(at * minute, { failed: at > 95, dead: at === 100 });
  expect(ended.since(100 * minute, 10 * minute)).toEqual({ ended: 3, failed: 2, dead: 1 });
  expect(ended.since(100 * minute, 60 * minute)).toEqual({ ended: 4, failed: 2, dead: 1 });
  for (let at = 101; at < 500; at += 1) ended.add(at * minute, { failed: false, dead: false });
  expect(ended.since(499 * minute, 1_000 * minute).ended).toBe(61);
});
