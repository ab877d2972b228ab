import { refuse, type DecideContext } from "../decider.ts";
import { errorData } from "../errors.ts";
import { inboxBytesMax, inboxMax, lossesMax, resumesMax } from "../limits.ts";
import { answerApproval } from "./approval.ts";
import {
  draft,
  endTask,
  enqueue,
  failTask,
  finish,
  rowWhenWoken,
  settleCall,
  specOf,
  taskRow,
  tellLane,
  unchanged,
  type Draft,
  type TaskBatch,
} from "./batch.ts";
import type { RunnerCommand, TaskCommand } from "./commands.ts";
import { callGranted, cutCall, giveBack, voidedWhileWaiting } from "./decide-call.ts";
import { goneForTurn, retry } from "./decide-retry.ts";
import { decideRunner } from "./decide-runner.ts";
import { prioritize } from "./decide-priority.ts";
import { decideTimer } from "./decide-timer.ts";
import { roughBytes } from "./fold.ts";
import { retryDefault, retryDelayMs, type TaskSpec } from "./spec.ts";
import type { TaskState } from "./state.ts";
import { isEnd, type TaskStatus } from "./status.ts";

/**
 * What a command does to a task. States in words: a task is accepted into `delayed`, `held` or `queued`; a granted
 * start call makes it `active` (running, or waiting inside); a failed or lost attempt leads back to `delayed` or
 * `queued`; four ends. Every message may come twice or late, so each is checked against the state it expects.
 */
export function decideTask(state: TaskState, command: TaskCommand, ctx: DecideContext): TaskBatch {
  if (command.type === "submit") return submit(state, command.spec, ctx);
  if (state.spec === null) {
    // For a task that purge removed: a grant is given back, and a session that waits for it is told. Anything else
    // has no task to speak to.
    if (command.type === "callGranted") return giveBack(command.queue, command.call);
    if (command.type === "retry" && command.turn !== undefined)
      return goneForTurn(state, command.turn);
    return refuse(errorData("not_found", `there is no task ${state.id}`));
  }
  switch (command.type) {
    case "callGranted":
      return callGranted(state, command);
    case "cutCall":
      return cutCall(state, command.call);
    case "callLost":
      return voidedWhileWaiting(state, command.call) ?? lost(state, ctx, command.call);
    case "lost":
      if (command.epoch !== undefined && command.epoch !== state.epoch) return unchanged();
      return lost(state, ctx, null);
    case "rehydrate":
      return rehydrate(state);
    case "cancel":
      return cancel(state, command, ctx);
    case "retry":
      return retry(state, command.held, ctx);
    case "release":
      return release(state, command, ctx);
    case "prioritize":
      return prioritize(state, command.priority);
    case "event":
      return receive(state, command.name, command.payload);
    case "answer":
      return answerApproval(state, command.id, command.answer);
    case "childEnded":
      return childEnded(state, command);
    case "timer":
      return decideTimer(state, command.name, ctx);
    default:
      return runner(state, command, ctx);
  }
}

function submit(state: TaskState, spec: TaskSpec, ctx: DecideContext): TaskBatch {
  if (state.spec !== null) return submittedAgain(state, state.spec);
  const made = draft();
  made.events.push({ type: "task.accepted", spec });
  let status: TaskStatus = "queued";
  if (spec.heldBy === undefined)
    status = enqueueWhenDue(made, state, spec, {
      dueMs: ctx.nowMs + (spec.delayMs ?? 0),
      nowMs: ctx.nowMs,
    });
  else made.events.push({ type: "task.held", by: spec.heldBy });
  if (spec.ttlMs !== undefined) {
    made.timers.push({ name: "ttl", atMs: ctx.nowMs + (spec.delayMs ?? 0) + spec.ttlMs });
  }
  if (spec.deadlineMs !== undefined)
    made.timers.push({ name: "deadline", atMs: ctx.nowMs + spec.deadlineMs });
  made.rows.push(taskRow(state, spec, status, { createdAtMs: ctx.nowMs }));
  return finish(made, { taskId: state.id });
}

/**
 * A submit that came twice changes nothing. But a lane that adds a task again after its end, because somebody asked
 * twice, would wait for it for ever: it is told of the end once more (SPEC LANE4).
 */
function submittedAgain(state: TaskState, spec: TaskSpec): TaskBatch {
  if (state.phase !== "ended" || spec.lane === undefined) return unchanged({ taskId: state.id });
  const made = draft();
  tellLane(made, spec, spec.lane, state.id, state.ends);
  return finish(made, { taskId: state.id });
}

/** Puts the task into its pool's line, now or when its delay is over. Answers its status then. */
function enqueueWhenDue(
  made: Draft,
  state: TaskState,
  spec: TaskSpec,
  times: { dueMs: number; nowMs: number },
): "queued" | "delayed" {
  if (times.dueMs <= times.nowMs) {
    enqueue(made, state, spec);
    return "queued";
  }
  made.events.push({ type: "task.delayed", untilMs: times.dueMs });
  made.timers.push({ name: "due", atMs: times.dueMs });
  return "delayed";
}

function runner(state: TaskState, command: RunnerCommand, ctx: DecideContext): TaskBatch {
  if (state.phase !== "active" || command.epoch !== state.epoch) {
    const why = isEnd(state.status)
      ? `it is ${state.status}`
      : `epoch ${command.epoch} is not ${state.epoch}`;
    return refuse(errorData("fenced", `task ${state.id} belongs to another worker: ${why}`));
  }
  switch (command.type) {
    case "complete": {
      const made = draft();
      made.events.push({ type: "task.completed", output: command.output });
      endTask(
        made,
        state,
        { status: "completed", output: command.output },
        { nowMs: ctx.nowMs, byWorker: true },
      );
      return finish(made);
    }
    case "fail":
      return fail(state, command, ctx);
    case "progress": {
      const made = draft();
      made.events.push({ type: "task.progressed", progress: command.progress });
      rowWhenWoken(made, state);
      return finish(made);
    }
    case "handBack": {
      const made = draft();
      backToQueue(made, state, true);
      return finish(made);
    }
    default:
      return decideRunner(state, command, ctx);
  }
}

function fail(
  state: TaskState,
  command: Extract<RunnerCommand, { type: "fail" }>,
  ctx: DecideContext,
): TaskBatch {
  const spec = specOf(state);
  const policy = spec.retry ?? retryDefault;
  const made = draft();
  const failures = state.failures + 1;
  if (command.retry === "never" || failures >= policy.attemptsMax) {
    failTask(made, state, command.error, { nowMs: ctx.nowMs, byWorker: true });
    return finish(made, { end: "failed" });
  }
  const delayMs =
    command.retry === "policy"
      ? retryDelayMs(policy, failures, ctx.random())
      : command.retry.afterMs;
  const untilMs = ctx.nowMs + delayMs;
  leaveCalls(made, state, spec);
  made.events.push({ type: "task.retrying", error: command.error, untilMs });
  made.timers.push({ name: "due", atMs: untilMs });
  made.rows.push(taskRow(state, spec, "delayed"));
  return finish(made, { end: "retrying", untilMs });
}

/** An attempt that leaves without an end gives every slot back; its open calls are asked for again on replay. */
function leaveCalls(made: Draft, state: TaskState, spec: TaskSpec): void {
  if (state.lease !== null) settleCall(made, spec.queue, state.lease);
  for (const [op, operation] of state.operations) {
    if (operation.kind !== "call") continue;
    if (operation.state === "pending" || operation.state === "granted")
      settleCall(made, operation.queue, operation.call);
    if (operation.state === "backoff") made.timers.push({ name: `op:${op}`, atMs: null });
  }
}

function backToQueue(made: Draft, state: TaskState, graceful: boolean): void {
  const spec = specOf(state);
  leaveCalls(made, state, spec);
  made.events.push(graceful ? { type: "task.lost", graceful: true } : { type: "task.lost" });
  enqueue(made, state, spec);
  made.rows.push(taskRow(state, spec, "queued"));
}

/** `call`: the lease that is void, or null when recovery found the task itself without a worker. */
function lost(state: TaskState, ctx: DecideContext, call: string | null): TaskBatch {
  if (state.phase !== "active" || (state.status !== "running" && !state.beside)) return unchanged();
  if (call !== null && call !== state.lease && !holds(state, call)) return unchanged();
  const made = draft();
  const open = call === null ? openWait(state) : null;
  if (open !== null && state.resumes < resumesMax) {
    made.signals.push({ kind: "task.wake", taskId: state.id, op: open });
    return finish(made);
  }
  if (state.losses + 1 >= lossesMax) {
    const error = errorData(
      "worker_lost",
      `the worker died ${lossesMax} times in a row while running task ${state.id}`,
    );
    made.events.push({ type: "task.lost" });
    failTask(made, state, error, { nowMs: ctx.nowMs, byWorker: true });
    return finish(made);
  }
  backToQueue(made, state, false);
  return finish(made);
}

/**
 * An operation that the task still waits for. A task that runs beside a wait of its own (one of two events has come)
 * may have had nothing at work when its process died: it is replayed in the same attempt, and no loss is counted.
 */
function openWait(state: TaskState): string | null {
  for (const [op, operation] of state.operations) {
    if ((operation.kind === "sleep" || operation.kind === "wait") && !operation.done) return op;
    if (operation.kind === "child" && operation.end === null && state.awaited.has(op)) return op;
    if (
      operation.kind === "call" &&
      (operation.state === "pending" || operation.state === "backoff")
    )
      return op;
  }
  return null;
}

function holds(state: TaskState, call: string): boolean {
  for (const operation of state.operations.values()) {
    if (operation.kind === "call" && operation.state === "granted" && operation.call === call)
      return true;
  }
  return false;
}

function rehydrate(state: TaskState): TaskBatch {
  if (state.phase !== "active")
    return refuse(errorData("fenced", `task ${state.id} is ${state.status}`));
  const made = draft();
  const epoch = state.epoch + 1;
  made.events.push({ type: "task.resumed", epoch });
  made.rows.push(taskRow(state, specOf(state), "running"));
  return finish(made, { epoch, attempt: state.attempt });
}

function cancel(
  state: TaskState,
  command: Extract<TaskCommand, { type: "cancel" }>,
  ctx: DecideContext,
): TaskBatch {
  if (state.status === "cancelled") return unchanged({ status: "cancelled" });
  if (isEnd(state.status))
    return refuse(
      errorData("conflict", `task ${state.id} is ${state.status} already and stays so`),
    );
  const made = draft();
  const by = command.by ?? "user";
  const error = errorData("cancelled", command.reason ?? `cancelled by its ${by}`);
  made.events.push({ type: "task.cancelled", error });
  endTask(made, state, { status: "cancelled", error }, { nowMs: ctx.nowMs, byWorker: false });
  return finish(made, { status: "cancelled" });
}

/** A delay goes on while the task is held: a task that is let go early still waits for its time. */
function release(
  state: TaskState,
  { by, ends }: Extract<TaskCommand, { type: "release" }>,
  ctx: DecideContext,
): TaskBatch {
  if (state.phase !== "held") {
    if (!isEnd(state.status)) return unchanged();
    const { spec } = state;
    if (by !== "lane" || spec?.lane === undefined)
      return refuse(errorData("conflict", `task ${state.id} is ${state.status}`));
    const made = draft();
    tellLane(made, spec, spec.lane, state.id, state.ends);
    return finish(made);
  }
  // Let go before it ended and came back: its lane lets it go again in its turn.
  if (ends !== undefined && ends < state.ends) return unchanged();
  const spec = specOf(state);
  const made = draft();
  const times = { dueMs: state.createdAtMs + (spec.delayMs ?? 0), nowMs: ctx.nowMs };
  if (enqueueWhenDue(made, state, spec, times) === "delayed")
    made.rows.push(taskRow(state, spec, "delayed"));
  return finish(made);
}

function receive(state: TaskState, name: string, payload: unknown): TaskBatch {
  if (isEnd(state.status))
    return refuse(errorData("conflict", `task ${state.id} is ${state.status} and takes no events`));
  const made = draft();
  for (const [op, operation] of state.operations) {
    if (operation.kind !== "wait" || operation.done || operation.name !== name) continue;
    // What a person is asked no event answers.
    if (operation.approval !== undefined) continue;
    made.events.push({ type: "wait.ended", op, payload });
    if (operation.untilMs !== null) made.timers.push({ name: `op:${op}`, atMs: null });
    wake(made, state, op);
    return finish(made);
  }
  let unread = 0;
  let bytes = roughBytes(payload);
  for (const kept of state.inbox.values()) {
    unread += kept.length;
    for (const one of kept) bytes += roughBytes(one);
  }
  if (unread >= inboxMax || (unread > 0 && bytes > inboxBytesMax)) {
    return refuse(
      errorData(
        "limit_exceeded",
        `task ${state.id} keeps at most ${inboxMax} events that nothing has waited for, and about ${inboxBytesMax} bytes of them`,
      ),
    );
  }
  made.events.push({ type: "event.received", name, payload });
  return finish(made);
}

function childEnded(
  state: TaskState,
  command: Extract<TaskCommand, { type: "childEnded" }>,
): TaskBatch {
  for (const [op, operation] of state.operations) {
    if (operation.kind !== "child" || operation.child !== command.child) continue;
    if (operation.end !== null || isEnd(state.status)) return unchanged();
    const made = draft();
    made.events.push({ type: "child.ended", op, end: command.end });
    if (state.phase === "active") made.signals.push({ kind: "task.wake", taskId: state.id, op });
    // While it waits for other children it goes on waiting, but who waits for this one goes on beside.
    if (state.awaited.has(op)) rowWhenWoken(made, state);
    return finish(made);
  }
  return unchanged();
}

/** An operation ended: the handler goes on, hot or by replay, if an attempt owns the task. */
function wake(made: Draft, state: TaskState, op: string): void {
  if (state.phase !== "active") return;
  made.signals.push({ kind: "task.wake", taskId: state.id, op });
  rowWhenWoken(made, state);
}
