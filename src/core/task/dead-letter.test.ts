import { expect, test } from "vitest";

import { START_MS } from "../../../test/given.ts";
import { running, task } from "../../../test/task-facts.ts";
import { isDeadLetter } from "./dead-letter.ts";
import type { TaskEvent } from "./events.ts";
import { retryDefault } from "./spec.ts";

const error = { code: "handler_failed", message: "no" } as const;
const failed: TaskEvent = { type: "task.failed", error };
const retrying: TaskEvent = { type: "task.retrying", error, untilMs: START_MS + 9 };

test.each([
  [1, 0, true],
  [2, 0, false],
  [2, 1, true],
  [3, 1, false],
  [3, 2, true],
])(
  "[METRIC1] of %i attempts, %i failed and then one for good: a dead letter, %s",
  (attemptsMax, before, isDead) => {
    const facts = running({ retry: { ...retryDefault, attemptsMax } });
    const past = task(...facts, ...Array.from({ length: before }, () => retrying), failed);
    expect(isDeadLetter(past.state())).toBe(isDead);
  },
);

test("[METRIC1] who has lost its worker too often is a dead letter, and who was late is none", () => {
  const end = (code: "worker_lost" | "deadline_exceeded"): TaskEvent => ({
    type: "task.failed",
    error: { code, message: "no" },
  });
  const once = running({ retry: { ...retryDefault, attemptsMax: 1 } });
  expect(isDeadLetter(task(...running(), end("worker_lost")).state())).toBe(true);
  expect(isDeadLetter(task(...once, end("deadline_exceeded")).state())).toBe(false);
  expect(isDeadLetter(task(...once, { type: "task.completed", output: 1 }).state())).toBe(false);
});
