import type { PartialAnswer } from "./events.ts";
import type { CallOperation, Operation, Reason, TaskState } from "./state.ts";

/* What folding the facts of a task has in common. */

/** Adds an operation, and what it holds. */
export function put(state: TaskState, op: string, operation: Operation, bytes: number): void {
  state.operations.set(op, operation);
  state.heldBytes += bytes + op.length * 2 + 96;
}

/** A call begins where it had left off; `null`: at its beginning. */
export function goOnFrom(
  state: TaskState,
  call: CallOperation,
  partial: PartialAnswer | null,
): void {
  const before = call.partial?.text.length ?? 0;
  call.partial = partial;
  state.heldBytes += ((partial?.text.length ?? 0) - before) * 2;
}

/** The handler goes on, if an attempt owns the task. */
export function run(state: TaskState): TaskState {
  // A wait may end while the task is queued for its next try: that does not start it.
  if (state.phase !== "active") return state;
  state.status = "running";
  state.reason = null;
  return state;
}

/** Inside an attempt, an operation waits. While another call streams the task still counts as running. */
export function suspend(state: TaskState, reason: Reason): TaskState {
  if (state.phase !== "active") return state;
  state.lease = null;
  for (const operation of state.operations.values()) {
    if (operation.kind === "call" && operation.state === "granted") return run(state);
  }
  state.status = reason.code === "backoff" ? "delayed" : "waiting";
  state.reason = reason;
  return state;
}

/** Bytes a JSON value takes in memory, roughly: strings and numbers counted, to a bounded depth of work. */
export function roughBytes(value: unknown): number {
  if (typeof value === "string") return value.length * 2;
  if (typeof value !== "object" || value === null) return 8;
  let bytes = 32;
  for (const inner of Object.values(value)) bytes += 16 + roughBytes(inner);
  return bytes;
}
