import { expect, test } from "vitest";

import { START_MS } from "../../../test/given.ts";
import { queued, running, spec, task } from "../../../test/task-facts.ts";
import { taskDecider } from "./decider.ts";
import type { TaskEvent } from "./events.ts";

test("[SEAL10] a task is sealed with its user's key, from its first fact on", () => {
  expect(taskDecider.owner(task().state())).toBe("");
  expect(taskDecider.owner(task(...queued()).state())).toBe("ann");
});

test("[KERNEL12] a task weighs what it holds, so that the cache can be limited", () => {
  const small = taskDecider.weigh(task(...running()).state());
  const big = taskDecider.weigh(
    task(...running({ input: "x".repeat(1_000) }), {
      type: "step.completed",
      op: "a",
      result: { deep: [["y".repeat(2_000)]] },
    }).state(),
  );
  expect(big - small).toBeGreaterThan(6_000);
  expect(big - small).toBeLessThan(7_000);
});

test("[KERNEL12] only a task that has ended may be forgotten at once", () => {
  const end: TaskEvent = { type: "task.completed", output: null };
  expect(taskDecider.settled(task(...running(), end).state())).toBe(true);
  expect(taskDecider.settled(task().state())).toBe(true);
  const delayed = task().when({ type: "submit", spec: spec({ delayMs: 5 }) }, { nowMs: START_MS });
  expect(taskDecider.settled(delayed.state)).toBe(false);
  expect(taskDecider.settled(task(...running()).state())).toBe(false);
});
