import { describeError } from "../errors.ts";
import { retryDefault } from "./spec.ts";
import type { TaskState } from "./state.ts";

/**
 * True for a task that failed because its attempts are used up, or because its worker died too often: nothing tries it
 * again unless somebody opens it. A task that failed for good, by an error that no other attempt would change (a wrong
 * request, a passed deadline), is none, however many attempts it had.
 */
export function isDeadLetter({
  status,
  error,
  failures,
  spec,
}: Pick<TaskState, "status" | "error" | "failures" | "spec">): boolean {
  if (status !== "failed" || spec === null) return false;
  if (error?.code === "worker_lost") return true;
  if (error !== null && describeError(error.code).retry === "never") return false;
  // The failure that ended it is one of them.
  return failures >= (spec.retry ?? retryDefault).attemptsMax;
}
