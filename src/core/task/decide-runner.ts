import { refuse, type DecideContext } from "../decider.ts";
import { errorData } from "../errors.ts";
import { unreachable } from "../invariant.ts";
import { operationsMax, spawnDepthMax, spawnWidthMax } from "../limits.ts";
import { taskScope } from "../scope.ts";
import { askApproval } from "./approval.ts";
import {
  modelRequest,
  draft,
  enqueue,
  finish,
  leaveStartSlot,
  nextCall,
  requestCall,
  settleCall,
  specOf,
  unchanged,
  type Draft,
  type TaskBatch,
} from "./batch.ts";
import type { RunnerCommand, TaskCommand } from "./commands.ts";
import { retryDefault, retryDelayMs, type TaskSpec } from "./spec.ts";
import type { CallEnd } from "../schedule/opening.ts";
import type { CallOperation, TaskState } from "./state.ts";
import { isEnd } from "./status.ts";

type Operating = Exclude<RunnerCommand, { type: "complete" | "fail" | "progress" | "handBack" }>;
type Command<T extends Operating["type"]> = Extract<Operating, { type: T }>;

/**
 * Operations of a live attempt, whose epoch was checked before. Each is idempotent by `op`: an operation the task
 * knows already is answered from the state and adds no event.
 */
export function decideRunner(state: TaskState, command: Operating, ctx: DecideContext): TaskBatch {
  if (
    state.operations.size >= operationsMax &&
    "op" in command &&
    !state.operations.has(command.op)
  ) {
    return refuse(
      errorData(
        "limit_exceeded",
        `task ${state.id} has ${operationsMax} operations, the most a task may have`,
      ),
    );
  }
  switch (command.type) {
    case "step":
      return step(state, command);
    case "sleep":
      return sleep(state, command, ctx);
    case "wait":
      return wait(state, command, ctx);
    case "spawn":
      return spawn(state, command, ctx);
    case "join":
      return join(state, command);
    case "call":
      return askForCall(state, command);
    case "callDone":
      return callDone(state, command);
    case "callFailed":
      return callFailed(state, command, ctx);
    case "toolIntend":
      return toolIntend(state, command);
    case "toolSettle":
      return toolSettle(state, command);
    default:
      return unreachable(command, "runner command");
  }
}

/** An operation is in the state already; its kind must be the one that is asked for now. */
function known(state: TaskState, op: string, kind: string): TaskBatch | null {
  const operation = state.operations.get(op);
  if (operation === undefined) return null;
  if (operation.kind === kind) return unchanged();
  const message = `operation "${op}" of task ${state.id} was a ${operation.kind} before and is a ${kind} now`;
  return refuse(errorData("nondeterministic", message));
}

function step(state: TaskState, command: Command<"step">): TaskBatch {
  const before = known(state, command.op, "step");
  if (before !== null) return before;
  const made = draft();
  made.events.push({ type: "step.completed", op: command.op, result: command.result });
  return finish(made);
}

function sleep(state: TaskState, command: Command<"sleep">, ctx: DecideContext): TaskBatch {
  const before = known(state, command.op, "sleep");
  if (before !== null) return before;
  const made = draft();
  const untilMs = ctx.nowMs + command.ms;
  made.events.push({ type: "sleep.started", op: command.op, untilMs });
  made.timers.push({ name: `op:${command.op}`, atMs: untilMs });
  leaveStartSlot(made, state, specOf(state), "waiting");
  return finish(made);
}

function wait(state: TaskState, command: Command<"wait">, ctx: DecideContext): TaskBatch {
  const before = known(state, command.op, "wait");
  if (before !== null) return before;
  const made = draft();
  const untilMs = command.timeoutMs === undefined ? undefined : ctx.nowMs + command.timeoutMs;
  const until = untilMs === undefined ? {} : { untilMs };
  const asked =
    command.approval === undefined ? undefined : { id: ctx.id("appr"), ...command.approval };
  made.events.push({
    type: "wait.started",
    op: command.op,
    name: command.name,
    ...until,
    ...(asked === undefined ? {} : { approval: asked }),
  });
  if (asked !== undefined) askApproval(made, state, asked, untilMs);
  const kept = asked === undefined ? state.inbox.get(command.name) : undefined;
  if (kept !== undefined) {
    made.events.push({ type: "wait.ended", op: command.op, payload: kept[0] });
    made.signals.push({ kind: "task.wake", taskId: state.id, op: command.op });
  } else if (untilMs !== undefined) {
    made.timers.push({ name: `op:${command.op}`, atMs: untilMs });
  }
  leaveStartSlot(made, state, specOf(state), kept === undefined ? "waiting" : "running");
  return finish(made);
}

function spawn(state: TaskState, command: Command<"spawn">, ctx: DecideContext): TaskBatch {
  const before = state.operations.get(command.op);
  if (before?.kind === "child") return unchanged({ child: before.child });
  if (before !== undefined) return known(state, command.op, "child") ?? unchanged();
  const spec = specOf(state);
  const depth = (spec.depth ?? 0) + 1;
  if (depth > spawnDepthMax) {
    return refuse(
      errorData(
        "limit_exceeded",
        `a task may spawn ${spawnDepthMax} levels deep, this would be level ${depth}`,
      ),
    );
  }
  let width = 0;
  for (const operation of state.operations.values()) if (operation.kind === "child") width += 1;
  if (width >= spawnWidthMax) {
    return refuse(
      errorData(
        "limit_exceeded",
        `a task may spawn ${spawnWidthMax} children, this would be one more`,
      ),
    );
  }
  const child = ctx.id("task");
  const childSpec: TaskSpec = { ...command.spec, rootId: spec.rootId, parentId: state.id, depth };
  const made = draft();
  made.events.push({ type: "child.spawned", op: command.op, child, taskType: childSpec.type });
  const body: TaskCommand = { type: "submit", spec: childSpec };
  made.messages.push({ to: taskScope(child), body });
  return finish(made, { child });
}

function join(state: TaskState, command: Command<"join">): TaskBatch {
  const open: string[] = [];
  for (const op of command.ops) {
    const operation = state.operations.get(op);
    if (operation?.kind !== "child") {
      return refuse(
        errorData("nondeterministic", `task ${state.id} waits for "${op}", which it did not spawn`),
      );
    }
    if (operation.end === null && !state.awaited.has(op)) open.push(op);
  }
  if (open.length === 0) return unchanged();
  const made = draft();
  made.events.push({ type: "child.awaited", ops: open });
  leaveStartSlot(made, state, specOf(state), "waiting");
  return finish(made);
}

function askForCall(state: TaskState, command: Command<"call">): TaskBatch {
  const operation = state.operations.get(command.op);
  if (operation !== undefined) {
    const other = known(state, command.op, "call");
    if (operation.kind !== "call") return other ?? unchanged();
    if (operation.hash !== command.hash || operation.role !== command.role) {
      const message = `model call "${command.op}" of task ${state.id} had another prompt when it ran before; give parallel calls a name and keep prompts the same on replay`;
      return refuse(errorData("nondeterministic", message));
    }
    if (operation.state !== "idle") return unchanged();
  }
  const made = draft();
  const spec = specOf(state);
  requestOperation(made, state, spec, command);
  leaveStartSlot(made, state, spec, "running");
  return finish(made);
}

/** Asks the queue for a slot of a model call. */
export function requestOperation(
  made: Draft,
  state: TaskState,
  spec: TaskSpec,
  wanted: {
    readonly op: string;
    readonly queue: string;
    readonly role: string;
    readonly hash: string;
    readonly cost: number;
    readonly lead?: number;
    readonly tokens?: number;
  },
): void {
  const id = nextCall(state);
  const { op, queue, role, hash, cost } = wanted;
  const { lead = 0, tokens = 0 } = wanted;
  const parts = { ...(lead === 0 ? null : { lead }), ...(tokens === 0 ? null : { tokens }) };
  made.events.push({ type: "call.requested", op, call: id, queue, role, hash, cost, ...parts });
  requestCall(made, queue, id, modelRequest(state, spec, { role, cost, ...parts }));
}

function liveCall(state: TaskState, op: string, id: string): CallOperation | null {
  const operation = state.operations.get(op);
  if (operation?.kind !== "call" || operation.call !== id || operation.state !== "granted")
    return null;
  return operation;
}

function callDone(state: TaskState, command: Command<"callDone">): TaskBatch {
  const operation = liveCall(state, command.op, command.call);
  if (operation === null) return unchanged();
  const made = draft();
  made.events.push({ type: "call.completed", op: command.op, result: command.result });
  const { usage } = command.result;
  settleCall(made, operation.queue, operation.call, {
    failed: null,
    ...(usage === undefined ? null : { tokens: usage.inputTokens + usage.outputTokens }),
  });
  return finish(made);
}

/** What a failed call tells its queue of the endpoint; `undefined`: nothing. */
function endOf({ error, retryAfterMs }: Command<"callFailed">): CallEnd | undefined {
  switch (error.code) {
    case "model_unavailable":
    case "model_broken":
    case "model_stalled":
      return { failed: "down" };
    case "model_rate_limited":
      return { failed: "limited", ...(retryAfterMs === undefined ? null : { retryAfterMs }) };
    case "model_rejected":
    case "context_overflow":
      return { failed: null };
    default:
      return undefined;
  }
}

function callFailed(
  state: TaskState,
  command: Command<"callFailed">,
  ctx: DecideContext,
): TaskBatch {
  const operation = liveCall(state, command.op, command.call);
  if (operation === null) return unchanged();
  const made = draft();
  settleCall(made, operation.queue, operation.call, endOf(command));
  const again = operation.tries < command.triesMax;
  if (!again) {
    made.events.push({ type: "call.failed", op: command.op, error: command.error });
    return finish(made, { again: false });
  }
  const waitMs = command.retryAfterMs ?? retryDelayMs(retryDefault, operation.tries, ctx.random());
  const untilMs = ctx.nowMs + waitMs;
  made.events.push({ type: "call.failed", op: command.op, error: command.error, untilMs });
  made.timers.push({ name: `op:${command.op}`, atMs: untilMs });
  return finish(made, { again: true, untilMs });
}

function toolIntend(state: TaskState, command: Command<"toolIntend">): TaskBatch {
  const operation = state.operations.get(command.op);
  if (operation !== undefined) {
    const other = known(state, command.op, "tool");
    if (operation.kind !== "tool" || operation.hash === command.hash) return other ?? unchanged();
    return refuse(
      errorData(
        "nondeterministic",
        `tool call "${command.op}" of task ${state.id} had other arguments before`,
      ),
    );
  }
  const made = draft();
  const { op, id, name, hash } = command;
  made.events.push({ type: "tool.intended", op, id, name, hash });
  return finish(made);
}

function toolSettle(state: TaskState, command: Command<"toolSettle">): TaskBatch {
  const operation = state.operations.get(command.op);
  if (operation?.kind !== "tool") {
    return refuse(
      errorData(
        "nondeterministic",
        `tool call "${command.op}" of task ${state.id} was never intended`,
      ),
    );
  }
  // `unknown` may still be resolved by a reconciliation; a known outcome never changes.
  if (
    operation.state !== "intended" &&
    (operation.state !== "unknown" || command.state === "unknown")
  )
    return unchanged();
  const made = draft();
  made.events.push({
    type: "tool.settled",
    op: command.op,
    id: operation.id,
    state: command.state,
    ...(command.output === undefined ? {} : { output: command.output }),
    ...(command.error === undefined ? {} : { error: command.error }),
  });
  return finish(made);
}

/** A queue granted a call: the start of an attempt, or a model call inside it. A grant nobody wants goes back. */
export function callGranted(
  state: TaskState,
  command: Extract<TaskCommand, { type: "callGranted" }>,
): TaskBatch {
  const made = draft();
  if (state.phase === "queued" && state.lease === command.call) {
    const attempt = state.attempt + 1;
    const epoch = state.epoch + 1;
    made.events.push({ type: "task.started", attempt, epoch });
    if (specOf(state).ttlMs !== undefined && state.attempt === 0)
      made.timers.push({ name: "ttl", atMs: null });
    made.signals.push({ kind: "task.start", taskId: state.id, attempt, epoch });
    return finish(made);
  }
  if (state.phase === "active" && state.lease === command.call) return unchanged();
  for (const [op, operation] of state.operations) {
    if (operation.kind !== "call" || operation.call !== command.call || isEnd(state.status))
      continue;
    if (operation.state === "granted") return unchanged();
    if (operation.state !== "pending") break;
    made.events.push({ type: "call.started", op, call: command.call });
    made.signals.push({ kind: "task.wake", taskId: state.id, op });
    return finish(made);
  }
  settleCall(made, command.queue, command.call);
  return finish(made);
}

/** Gives a granted call back that has no task any more. */
export function giveBack(queue: string, call: string): TaskBatch {
  const made = draft();
  settleCall(made, queue, call);
  return finish(made);
}

/**
 * A queue has voided a call whose grant this task has not seen. The grant may still be on its way from the queue's
 * home, and a task that took it would run without a slot: so the call is asked for anew, under another id. `null`:
 * the task does not wait for this call.
 */
export function voidedWhileWaiting(state: TaskState, call: string): TaskBatch | null {
  const made = draft();
  if (state.phase === "queued" && state.lease === call) {
    enqueue(made, state, specOf(state));
    return finish(made);
  }
  for (const [op, operation] of state.operations) {
    if (operation.kind !== "call" || operation.call !== call) continue;
    if (operation.state !== "pending" || isEnd(state.status)) return null;
    requestOperation(made, state, specOf(state), { op, ...operation });
    return finish(made);
  }
  return null;
}
