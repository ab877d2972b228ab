import { expect, test } from "vitest";

import { errorData, type ErrorCode } from "../errors.ts";
import { isDeadLetter } from "./dead-letter.ts";
import { retryDefault } from "./spec.ts";

const spec = {
  type: "completion",
  userId: "ann",
  input: null,
  queue: "completions",
  priority: "interactive",
  rootId: "task_1",
} as const;

test("[METRIC1] a dead letter has used up its attempts on errors that another one might have cured", () => {
  const failed = (code: ErrorCode, attemptsMax: number, failures = 1): boolean =>
    isDeadLetter({
      status: "failed",
      error: errorData(code, "why"),
      failures,
      spec: { ...spec, retry: { ...retryDefault, attemptsMax } },
    });
  expect(failed("model_unavailable", 1)).toBe(true);
  expect(failed("handler_failed", 3, 3)).toBe(true);
  expect(failed("handler_failed", 3, 2)).toBe(false);
  expect(failed("worker_lost", 3)).toBe(true);
  // Whoever sends a prompt that is too long, or wrong, is told; nobody else has anything to mend.
  for (const code of ["context_overflow", "model_rejected", "fatal", "deadline_exceeded"] as const)
    expect(failed(code, 1)).toBe(false);
  expect(isDeadLetter({ status: "completed", error: null, failures: 0, spec })).toBe(false);
});
