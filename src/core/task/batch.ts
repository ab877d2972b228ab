import {
  nothing,
  ok,
  refuse,
  type Batch,
  type Message,
  type Reply,
  type TimerChange,
} from "../decider.ts";
import { errorData, type ErrorData } from "../errors.ts";
import { bandOf, type CallRequest, type QueueCommand } from "../queue/protocol.ts";
import type { CallEnd } from "../schedule/opening.ts";
import type { Row, TaskRow } from "../rows.ts";
import { queueScope, sessionScope, taskScope, userScope } from "../scope.ts";
import type { SessionCommand } from "../session/decider.ts";
import type { UserCommand } from "../user/decider.ts";
import type { TaskCommand, TaskSignal } from "./commands.ts";
import type { ChildEnd, TaskEvent } from "./events.ts";
import type { TaskSpec } from "./spec.ts";
import type { Operation, TaskState } from "./state.ts";
import type { TaskStatus } from "./status.ts";

/** A batch of a task scope. */
export type TaskBatch = Batch<TaskEvent>;

/** The parts of a batch, as they are gathered. */
export interface Draft {
  readonly events: TaskEvent[];
  readonly messages: Message[];
  readonly timers: TimerChange[];
  readonly rows: Row[];
  readonly signals: TaskSignal[];
}

/** An empty draft. */
export function draft(): Draft {
  return { events: [], messages: [], timers: [], rows: [], signals: [] };
}

/** Ends a draft. */
export function finish(made: Draft, value: unknown = null): TaskBatch {
  const reply: Reply = ok(value);
  return { ...made, reply };
}

/** The spec of an accepted task; the decider checks acceptance first. */
export function specOf(state: TaskState): TaskSpec {
  if (state.spec === null) throw new TypeError(`task ${state.id} was not accepted`);
  return state.spec;
}

/** What a task asks of its pool for the start of an attempt. */
function startRequest(state: TaskState, spec: TaskSpec): CallRequest {
  const { capTotal = null, capPerKey = null, cost = 0.05, slots } = spec;
  const asked = { ...requestOf(state, spec), cost, capTotal, capPerKey };
  return slots === undefined ? asked : { ...asked, slots };
}

/**
 * What a task asks of an endpoint for one model call. Caps of a task type bound how many of its tasks run; a model
 * call inside a running one is not counted again.
 */
export function modelRequest(
  state: TaskState,
  spec: TaskSpec,
  call: Pick<
    CallRequest,
    | "role"
    | "cost"
    | "lead"
    | "tokens"
    | "cuttable"
    | "cuts"
    | "ran"
    | "model"
    | "input"
    | "slots"
    | "line"
  > & { readonly capTotal?: number | null },
): CallRequest {
  const { capTotal = null, ...asked } = call;
  return { ...requestOf(state, spec), capTotal, capPerKey: null, ...asked };
}

function requestOf(state: TaskState, spec: TaskSpec) {
  return {
    task: state.id,
    type: spec.type,
    user: spec.userId,
    key: spec.key ?? spec.userId,
    weight: spec.weight ?? 1,
    band: bandOf(spec.priority),
    root: spec.rootId,
  };
}

/**
 * An operation that is in the state already must be of the kind that is asked for now: nothing more is to be done, or
 * it is refused with `nondeterministic`. `null`: it is not known.
 */
export function known(state: TaskState, op: string, kind: string): TaskBatch | null {
  const operation = state.operations.get(op);
  if (operation === undefined) return null;
  if (operation.kind === kind) return unchanged();
  const message = `operation "${op}" of task ${state.id} was a ${operation.kind} before and is a ${kind} now`;
  return refuse(errorData("nondeterministic", message));
}

/** Id of the next call of a task. */
export function nextCall(state: TaskState): string {
  // Joined, not put together: see `formatId`.
  return [state.id, state.calls + 1].join(".");
}

/** Asks a queue for a slot. */
export function requestCall(made: Draft, queue: string, call: string, request: CallRequest): void {
  const body: QueueCommand = { type: "request", call, request };
  made.messages.push({ to: queueScope(queue), body });
}

/** Gives a slot back, or takes a pending request back: for a queue both are the same word. */
export function settleCall(made: Draft, queue: string, call: string, end?: CallEnd): void {
  const body: QueueCommand =
    end === undefined ? { type: "settle", call } : { type: "settle", call, end };
  made.messages.push({ to: queueScope(queue), body });
}

/** Puts the task into its pool's line. */
export function enqueue(made: Draft, state: TaskState, spec: TaskSpec): void {
  const call = nextCall(state);
  made.events.push({ type: "task.queued", call });
  requestCall(made, spec.queue, call, startRequest(state, spec));
}

/** The task as lists see it, with another status where the batch changes it. */
export function taskRow(
  state: TaskState,
  spec: TaskSpec,
  status: TaskStatus,
  times: { createdAtMs?: number; endedAtMs?: number } = {},
): TaskRow {
  return {
    table: "task",
    id: state.id,
    userId: spec.userId,
    type: spec.type,
    status,
    queue: spec.queue,
    sessionId: spec.sessionId ?? null,
    parentId: spec.parentId ?? null,
    createdAtMs: times.createdAtMs ?? state.createdAtMs,
    endedAtMs: times.endedAtMs ?? null,
  };
}

/**
 * True if the task's row says `waiting`: the attempt waits, no model call of it is under way and nothing goes on beside.
 * Else the row says `running`, because the handler may go on without another row (SPEC RECOVER2).
 */
function isParked(state: TaskState): boolean {
  return state.status === "waiting" && !state.beside && !hasOpenCall(state);
}

function hasOpenCall(state: TaskState): boolean {
  for (const operation of state.operations.values()) {
    if (operation.kind !== "call") continue;
    if (
      operation.state === "pending" ||
      operation.state === "granted" ||
      operation.state === "backoff"
    )
      return true;
  }
  return false;
}

/**
 * The first suspension of an attempt gives the start slot back and makes the row say that the task is inside an
 * attempt: from here on no lease points at it, and recovery finds it by its row (SPEC RECOVER2).
 */
export function leaveStartSlot(
  made: Draft,
  state: TaskState,
  spec: TaskSpec,
  status: "running" | "waiting",
  beside = false,
): void {
  const waits = status === "waiting" && !beside && !state.beside && !hasOpenCall(state);
  if (state.lease !== null) settleCall(made, spec.queue, state.lease);
  else if (waits === isParked(state)) return;
  made.rows.push(taskRow(state, spec, waits ? "waiting" : "running"));
}

/** The row of a task whose handler goes on, be it beside what it waits for, unless it says `running` already. */
export function rowWhenWoken(made: Draft, state: TaskState): void {
  if (isParked(state)) made.rows.push(taskRow(state, specOf(state), "running"));
}

/** Calls that hold or wait for a slot of a queue. */
function openCalls(state: TaskState): {
  granted: { queue: string; call: string }[];
  pending: { queue: string; call: string }[];
} {
  const granted: { queue: string; call: string }[] = [];
  const pending: { queue: string; call: string }[] = [];
  for (const operation of state.operations.values()) {
    if (operation.kind !== "call") continue;
    if (operation.state === "granted")
      granted.push({ queue: operation.queue, call: operation.call });
    else if (operation.state === "pending")
      pending.push({ queue: operation.queue, call: operation.call });
  }
  return { granted, pending };
}

/** Names of the timers an open task may have set. */
function openTimers(state: TaskState, spec: TaskSpec): string[] {
  const names: string[] = [];
  if (state.phase === "delayed") names.push("due");
  if (spec.ttlMs !== undefined) names.push("ttl");
  if (spec.deadlineMs !== undefined) names.push("deadline");
  for (const [op, operation] of state.operations) {
    if (operation.kind === "sleep" && !operation.done) names.push(`op:${op}`);
    if (operation.kind === "wait" && !operation.done && operation.untilMs !== null)
      names.push(`op:${op}`);
    if (operation.kind === "call" && operation.state === "backoff") names.push(`op:${op}`);
  }
  return names;
}

/**
 * Everything an end does besides its event: calls settled or handed to the worker to settle, timers cleared,
 * children cancelled, and parent, session and lane told. `byWorker`: the attempt itself ended, so nothing of it
 * is live any more; otherwise a worker may still hold sockets and is told to abort.
 */
export function endTask(
  made: Draft,
  state: TaskState,
  end: ChildEnd,
  options: { nowMs: number; byWorker: boolean },
): void {
  const spec = specOf(state);
  const { granted, pending } = openCalls(state);
  for (const call of pending) settleCall(made, call.queue, call.call);
  const start = state.lease === null ? [] : [{ queue: spec.queue, call: state.lease }];
  const live = state.phase === "active" && !options.byWorker;
  for (const call of live ? [] : [...start, ...granted]) settleCall(made, call.queue, call.call);
  if (live)
    made.signals.push({ kind: "task.abort", taskId: state.id, calls: [...start, ...granted] });
  if (state.id === spec.rootId) tellEndpoints(made, state, end.status !== "completed");
  for (const name of openTimers(state, spec)) made.timers.push({ name, atMs: null });
  settleApprovals(made, state);
  for (const operation of state.operations.values()) {
    if (operation.kind !== "child" || operation.end !== null) continue;
    const body: TaskCommand = { type: "cancel", by: "parent" };
    made.messages.push({ to: taskScope(operation.child), body });
  }
  if (spec.parentId !== undefined) {
    const body: TaskCommand = { type: "childEnded", child: state.id, end };
    made.messages.push({ to: taskScope(spec.parentId), body });
  }
  if (spec.sessionId !== undefined && spec.messageId !== undefined) {
    const body: SessionCommand = {
      type: "turnEnded",
      taskId: state.id,
      messageId: spec.messageId,
      ending: state.ends + 1,
      end,
    };
    made.messages.push({ to: sessionScope(spec.userId, spec.sessionId), body });
  }
  if (spec.lane !== undefined) tellLane(made, spec, spec.lane, state.id, state.ends + 1);
  made.rows.push(taskRow(state, spec, end.status, { endedAtMs: options.nowMs }));
}

/** Tells the endpoints that a root task called that its tree is over. What ended early says nothing of others. */
function tellEndpoints(made: Draft, state: TaskState, failed: boolean): void {
  const told = new Set<string>();
  for (const operation of state.operations.values()) {
    if (operation.kind !== "call" || told.has(operation.queue)) continue;
    told.add(operation.queue);
    const body: QueueCommand = failed
      ? { type: "over", root: state.id, failed }
      : { type: "over", root: state.id };
    made.messages.push({ to: queueScope(operation.queue), body });
  }
}

/** Ends the task as failed. */
export function failTask(
  made: Draft,
  state: TaskState,
  error: ErrorData,
  options: { nowMs: number; byWorker: boolean },
): void {
  made.events.push({ type: "task.failed", error });
  endTask(made, state, { status: "failed", error }, options);
}

/** Tells a lane that its task is over, for the `ending`th time. */
export function tellLane(
  made: Draft,
  spec: TaskSpec,
  lane: string,
  taskId: string,
  ending: number,
): void {
  const body: UserCommand = { type: "laneEnded", lane, taskId, ending };
  made.messages.push({ to: userScope(spec.userId), body });
}

/** The same task, unchanged: a message or command that came twice. */
export function unchanged(value: unknown = null): TaskBatch {
  return nothing(value);
}

/** Tells the user's list that a wait's question needs no answer any more; nothing for a wait that asks nobody. */
export function settleApproval(
  made: Draft,
  state: TaskState,
  wait: Extract<Operation, { kind: "wait" }>,
): void {
  if (wait.approval === undefined) return;
  const body: UserCommand = { type: "approvalSettled", id: wait.approval.id };
  made.messages.push({ to: userScope(specOf(state).userId), body });
}

/** Takes the questions of a task that ends off the user's list. */
function settleApprovals(made: Draft, state: TaskState): void {
  for (const operation of state.operations.values())
    if (operation.kind === "wait" && !operation.done) settleApproval(made, state, operation);
}
