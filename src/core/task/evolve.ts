import { unreachable } from "../invariant.ts";
import type { TaskEvent } from "./events.ts";
import { evolveCall } from "./evolve-call.ts";
import { goOnBeside, goOnFrom, put, roughBytes, run, suspend } from "./fold.ts";
import type { Reason, TaskState } from "./state.ts";

/** Facts that keep a result, so that the next attempt does not come by here again. */
const keeping: ReadonlySet<TaskEvent["type"]> = new Set([
  "step.completed",
  "call.completed",
  "tool.settled",
  "child.ended",
]);

/** What kills its worker comes no further; what gets on was killed by something else. */
function gotOn(state: TaskState, event: TaskEvent): TaskState {
  if (keeping.has(event.type)) state.losses = 0;
  return state;
}

/** Folds one fact into a task's state, in place. Total: it never refuses, because the log is the truth. */
export function evolveTask(state: TaskState, event: TaskEvent, atMs: number): TaskState {
  switch (event.type) {
    case "task.accepted":
      state.spec = event.spec;
      state.createdAtMs = atMs;
      state.openedAtMs = atMs;
      state.heldBytes += roughBytes(event.spec.input);
      return state;
    case "task.prioritized":
      if (state.spec !== null) state.spec = { ...state.spec, priority: event.priority };
      return state;
    case "task.delayed":
      return waitOutside(state, "delayed", { code: "delay", untilMs: event.untilMs });
    case "task.held":
      return waitOutside(state, "held", { code: "held" });
    case "task.queued":
      state.calls += 1;
      state.lease = event.call;
      return waitOutside(state, "queued", { code: "slot", queue: state.spec?.queue ?? "" });
    case "task.started":
      state.attempt = event.attempt;
      state.epoch = event.epoch;
      state.phase = "active";
      state.resumes = 0;
      state.startedAtMs ??= atMs;
      return run(state);
    case "task.resumed":
      state.resumes += 1;
      state.epoch = event.epoch;
      return run(state);
    case "task.progressed":
      state.progress = event.progress;
      return goOnBeside(state);
    case "task.lost":
      if (event.graceful === undefined) state.losses += 1;
      return leaveAttempt(state);
    case "task.retrying":
      state.failures += 1;
      state.error = event.error;
      leaveAttempt(state);
      return waitOutside(state, "delayed", { code: "backoff", untilMs: event.untilMs });
    case "task.reopened":
      return reopen(state, atMs);
    case "task.completed":
    case "task.failed":
    case "task.cancelled":
    case "task.expired":
      return evolveEnd(state, event, atMs);
    case "step.completed":
    case "sleep.started":
    case "sleep.ended":
    case "wait.started":
    case "wait.ended":
    case "event.received":
    case "child.spawned":
    case "child.awaited":
    case "child.ended":
      return evolveWait(gotOn(state, event), event);
    case "call.requested":
    case "call.started":
    case "call.completed":
    case "call.cut":
    case "call.failed":
    case "tool.intended":
    case "tool.settled":
      return evolveCall(gotOn(state, event), event);
    default:
      return unreachable(event, "task event");
  }
}

/** The owner asked for another try after an end: counters begin anew, finished operations stay. */
function reopen(state: TaskState, atMs: number): TaskState {
  state.openedAtMs = atMs;
  state.endedAtMs = null;
  state.error = null;
  state.failures = 0;
  state.losses = 0;
  forgetUnfinished(state);
  return leaveAttempt(state);
}

type EndEvent = Extract<
  TaskEvent,
  { type: `task.${"completed" | "failed" | "cancelled" | "expired"}` }
>;

function evolveEnd(state: TaskState, event: EndEvent, atMs: number): TaskState {
  if (event.type === "task.completed") {
    state.output = event.output;
    state.error = null;
    state.heldBytes += roughBytes(event.output);
    return end(state, "completed", atMs);
  }
  state.error = event.error;
  if (event.type === "task.cancelled") return end(state, "cancelled", atMs);
  if (event.type === "task.expired") return end(state, "expired", atMs);
  state.failures += 1;
  return end(state, "failed", atMs);
}

type WaitEvent = Extract<
  TaskEvent,
  { type: `${"step" | "sleep" | "wait" | "event" | "child"}.${string}` }
>;

function evolveWait(state: TaskState, event: WaitEvent): TaskState {
  switch (event.type) {
    case "step.completed":
      put(state, event.op, { kind: "step", result: event.result }, roughBytes(event.result));
      return goOnBeside(state);
    case "sleep.started":
      put(state, event.op, { kind: "sleep", untilMs: event.untilMs, done: false }, 0);
      return suspend(state, { code: "sleep", untilMs: event.untilMs, op: event.op }, event.beside);
    case "sleep.ended": {
      const sleep = state.operations.get(event.op);
      if (sleep?.kind === "sleep") sleep.done = true;
      return run(state);
    }
    case "wait.started":
      return startWait(state, event);
    case "wait.ended":
      return endWait(state, event);
    case "event.received": {
      const kept = state.inbox.get(event.name);
      if (kept === undefined) state.inbox.set(event.name, [event.payload]);
      else kept.push(event.payload);
      state.heldBytes += roughBytes(event.payload);
      return state;
    }
    case "child.spawned":
      put(state, event.op, { kind: "child", child: event.child, end: null }, 64);
      return goOnBeside(state);
    case "child.awaited":
      for (const op of event.ops) state.awaited.add(op);
      return suspend(
        state,
        { code: "child", ...(event.ops[0] === undefined ? {} : { op: event.ops[0] }) },
        event.beside,
      );
    case "child.ended": {
      const child = state.operations.get(event.op);
      if (child?.kind === "child") child.end = event.end;
      state.heldBytes += roughBytes(event.end.output);
      if (!state.awaited.delete(event.op)) return state;
      // Who waits for this one goes on, although others are waited for as well.
      return state.awaited.size > 0 ? goOnBeside(state) : run(state);
    }
    default:
      return unreachable(event, "task event");
  }
}

function startWait(
  state: TaskState,
  event: Extract<TaskEvent, { type: "wait.started" }>,
): TaskState {
  const untilMs = event.untilMs ?? null;
  const { approval } = event;
  const asked = approval === undefined ? {} : { approval };
  put(
    state,
    event.op,
    {
      kind: "wait",
      name: event.name,
      untilMs,
      ...asked,
      done: false,
      payload: null,
      timedOut: false,
    },
    approval === undefined ? 0 : roughBytes(approval),
  );
  const reason: Reason = {
    code: approval === undefined ? "event" : "approval",
    op: event.op,
    ...(approval === undefined
      ? {}
      : { approval: { id: approval.id, question: approval.question } }),
    ...(untilMs === null ? {} : { untilMs }),
  };
  return suspend(state, reason, event.beside);
}

function endWait(state: TaskState, event: Extract<TaskEvent, { type: "wait.ended" }>): TaskState {
  const wait = state.operations.get(event.op);
  if (wait?.kind === "wait") {
    // A wait that an event of the inbox answers at once takes the oldest one out.
    const kept = wait.approval === undefined ? state.inbox.get(wait.name) : undefined;
    if (event.timedOut === undefined && kept !== undefined) {
      kept.shift();
      if (kept.length === 0) state.inbox.delete(wait.name);
    }
    wait.done = true;
    wait.payload = event.payload ?? null;
    wait.timedOut = event.timedOut === true;
    state.heldBytes += roughBytes(event.payload);
  }
  return run(state);
}

/** Outside an attempt: not started, or between two attempts. */
function waitOutside(
  state: TaskState,
  phase: "delayed" | "held" | "queued",
  reason: Reason,
): TaskState {
  state.phase = phase;
  state.status = phase === "delayed" ? "delayed" : "queued";
  state.reason = reason;
  return state;
}

/** The attempt is over without an end: what was in flight is asked for again when the handler is replayed. */
function leaveAttempt(state: TaskState): TaskState {
  state.lease = null;
  state.awaited.clear();
  state.beside = false;
  for (const operation of state.operations.values()) {
    if (operation.kind === "call" && operation.state !== "done") {
      operation.state = "idle";
      operation.call = "";
      operation.untilMs = null;
      operation.tries = 0;
      operation.error = null;
      operation.cuts = 0;
      operation.paused = false;
      goOnFrom(state, operation, null);
    }
  }
  return state;
}

/**
 * A task that is opened again keeps what succeeded. Its end has cleared the timers of open sleeps and waits and
 * cancelled the children, so those operations, and children that failed, begin anew when the handler is replayed.
 */
function forgetUnfinished(state: TaskState): void {
  for (const [op, operation] of state.operations) {
    const open = (operation.kind === "sleep" || operation.kind === "wait") && !operation.done;
    const childless = operation.kind === "child" && operation.end?.status !== "completed";
    if (open || childless) state.operations.delete(op);
  }
}

function end(
  state: TaskState,
  status: "completed" | "failed" | "cancelled" | "expired",
  atMs: number,
): TaskState {
  state.phase = "ended";
  state.status = status;
  state.reason = null;
  state.lease = null;
  state.beside = false;
  state.ends += 1;
  state.endedAtMs = atMs;
  return state;
}
