import type { DecideContext } from "../decider.ts";
import { errorData } from "../errors.ts";
import {
  draft,
  endTask,
  enqueue,
  failTask,
  finish,
  rowWhenWoken,
  settleApproval,
  specOf,
  taskRow,
  unchanged,
  type Draft,
  type TaskBatch,
} from "./batch.ts";
import { requestOperation } from "./decide-runner.ts";
import type { TaskSpec } from "./spec.ts";
import type { TaskState } from "./state.ts";

/**
 * A timer of the task has fired. One that the task does not wait for changes nothing. One whose time has not come,
 * because an older copy of it fired after it was set anew, is set again: nothing happens early (SPEC TASK27).
 */
export function decideTimer(state: TaskState, name: string, ctx: DecideContext): TaskBatch {
  if (state.phase === "ended") return unchanged();
  const spec = specOf(state);
  const dueMs = dueOf(state, spec, name);
  if (dueMs === null) return unchanged();
  const made = draft();
  if (ctx.nowMs < dueMs) made.timers.push({ name, atMs: dueMs });
  else if (name === "due") {
    enqueue(made, state, spec);
    made.rows.push(taskRow(state, spec, "queued"));
  } else if (name === "ttl") expire(made, state, spec, ctx);
  else if (name === "deadline") {
    const message = `task ${state.id} did not end within its deadline of ${spec.deadlineMs ?? 0} ms`;
    const options = { nowMs: ctx.nowMs, byWorker: false };
    failTask(made, state, errorData("deadline_exceeded", message), options);
  } else endOfWait(made, state, spec, operationOf(name));
  return finish(made);
}

/** When the named timer is due; `null`: the task does not wait for it, or an older version set it. */
function dueOf(state: TaskState, spec: TaskSpec, name: string): number | null {
  if (name === "due") return state.phase === "delayed" ? (state.reason?.untilMs ?? 0) : null;
  const { deadlineMs, ttlMs } = spec;
  if (name === "deadline") return deadlineMs === undefined ? null : state.openedAtMs + deadlineMs;
  if (name === "ttl") {
    // A delay counts before the ttl, once: a task that is opened again is not delayed again.
    const delayMs = state.ends === 0 ? (spec.delayMs ?? 0) : 0;
    return ttlMs === undefined || state.attempt > 0 ? null : state.openedAtMs + delayMs + ttlMs;
  }
  const operation = state.operations.get(operationOf(name));
  if (operation?.kind === "sleep") return operation.done ? null : operation.untilMs;
  if (operation?.kind === "wait") return operation.done ? null : operation.untilMs;
  if (operation?.kind !== "call" || operation.state !== "backoff") return null;
  return state.phase === "active" ? operation.untilMs : null;
}

function operationOf(name: string): string {
  return name.startsWith("op:") ? name.slice("op:".length) : "";
}

function expire(made: Draft, state: TaskState, spec: TaskSpec, ctx: DecideContext): void {
  const message = `task ${state.id} was not started within its ttl of ${spec.ttlMs ?? 0} ms`;
  const error = errorData("expired", message);
  made.events.push({ type: "task.expired", error });
  endTask(made, state, { status: "expired", error }, { nowMs: ctx.nowMs, byWorker: false });
}

/** A sleep, a wait or a call's backoff is over. */
function endOfWait(made: Draft, state: TaskState, spec: TaskSpec, op: string): void {
  const operation = state.operations.get(op);
  if (operation?.kind === "call") return requestOperation(made, state, spec, { op, ...operation });
  if (operation?.kind === "wait") settleApproval(made, state, operation);
  if (operation?.kind === "sleep") made.events.push({ type: "sleep.ended", op });
  else made.events.push({ type: "wait.ended", op, timedOut: true });
  if (state.phase !== "active") return;
  made.signals.push({ kind: "task.wake", taskId: state.id, op });
  rowWhenWoken(made, state);
}
