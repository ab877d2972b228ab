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

/** The handler goes on, if an attempt owns the task; what its other calls wait for is said all the same. */
export function run(state: TaskState): TaskState {
  // A wait may end while the task is queued for its next try: that does not start it.
  if (state.phase !== "active") return state;
  const { streams, waits } = callsOf(state);
  if (waits !== null && !streams) return wait(state, waits);
  state.status = "running";
  state.beside = false;
  state.reason = waits?.code === "backoff" ? waits : null;
  return state;
}

/** Something of the handler has worked while the attempt waits: it goes on beside what it waits for. */
export function goOnBeside(state: TaskState): TaskState {
  if (state.phase === "active" && state.status === "waiting") state.beside = true;
  return state;
}

/** Inside an attempt, an operation waits. While a call streams the task still counts as running. */
export function suspend(state: TaskState, reason: Reason, beside = false): TaskState {
  if (state.phase !== "active") return state;
  state.lease = null;
  if (beside) state.beside = true;
  const { streams, waits } = callsOf(state);
  if (streams) return run(state);
  return wait(state, waits?.code === "backoff" ? waits : reason);
}

function wait(state: TaskState, reason: Reason): TaskState {
  state.status = reason.code === "backoff" ? "delayed" : "waiting";
  state.reason = reason;
  return state;
}

/**
 * Whether a call streams, and what those that do not stream wait for: the next try of one that has failed, because
 * that is what people want to know, else a slot.
 */
function callsOf(state: TaskState): { readonly streams: boolean; readonly waits: Reason | null } {
  let streams = false;
  let again: Reason | null = null;
  let slot: Reason | null = null;
  for (const [op, operation] of state.operations) {
    if (operation.kind !== "call") continue;
    const { state: at, untilMs, queue } = operation;
    if (at === "granted") streams = true;
    else if (at === "backoff" && untilMs !== null && untilMs < (again?.untilMs ?? Infinity))
      again = { code: "backoff", untilMs, op };
    else if (at === "pending") slot ??= { code: operation.paused ? "cut" : "slot", queue, op };
  }
  return { streams, waits: again ?? slot };
}

/** Bytes a JSON value takes in memory, roughly: strings and numbers counted, to a bounded depth of work. */
export function roughBytes(value: unknown): number {
  if (typeof value === "string") return value.length * 2;
  if (typeof value !== "object" || value === null) return 8;
  let bytes = 32;
  for (const inner of Object.values(value)) bytes += 16 + roughBytes(inner);
  return bytes;
}
