import { retryDefault } from "./spec.ts";
import type { TaskState } from "./state.ts";

/**
 * True for a task that failed because its attempts are used up, or because its worker died too often: nothing tries it
 * again unless somebody opens it. A task whose deadline passed, or that failed for good at its first error while it had
 * attempts left, is none.
 */
export function isDeadLetter({ status, error, failures, spec }: TaskState): boolean {
  if (status !== "failed" || spec === null) return false;
  if (error?.code === "worker_lost") return true;
  // The failure that ended it is one of them.
  return (
    error?.code !== "deadline_exceeded" && failures >= (spec.retry ?? retryDefault).attemptsMax
  );
}
