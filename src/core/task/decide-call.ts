import { refuse, type DecideContext } from "../decider.ts";
import { errorData } from "../errors.ts";
import type { CallEnd } from "../schedule/opening.ts";
import {
  draft,
  enqueue,
  finish,
  known,
  leaveStartSlot,
  modelRequest,
  nextCall,
  requestCall,
  settleCall,
  specOf,
  unchanged,
  type Draft,
  type TaskBatch,
} from "./batch.ts";
import type { RunnerCommand, TaskCommand } from "./commands.ts";
import type { DeviceShare, PartialAnswer } from "./events.ts";
import { retryDefault, retryDelayMs, type TaskSpec } from "./spec.ts";
import type { CallOperation, TaskState } from "./state.ts";
import { isEnd } from "./status.ts";

type Command<T extends RunnerCommand["type"]> = Extract<RunnerCommand, { type: T }>;

/** A handler asks for a model call; one that the task knows is answered from the log. */
export function askForCall(state: TaskState, command: Command<"call">): TaskBatch {
  const operation = state.operations.get(command.op);
  if (operation !== undefined) {
    const other = known(state, command.op, "call");
    if (operation.kind !== "call") return other ?? unchanged();
    if (isUnused(state, command.op, operation) && !isSame(operation, command))
      return askForOther(state, operation, command);
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

/** True for the first call of a task as long as nothing has come of it: it may not be what the handler wants. */
function isUnused(state: TaskState, op: string, operation: CallOperation): boolean {
  const isOpen = operation.state === "pending" || operation.state === "granted";
  return (
    isOpen &&
    specOf(state).firstCall?.op === op &&
    operation.tries <= 1 &&
    operation.partial === null
  );
}

function isSame(operation: CallOperation, wanted: Command<"call">): boolean {
  const { hash, role, queue } = operation;
  return hash === wanted.hash && role === wanted.role && queue === wanted.queue;
}

/**
 * The handler's first call is another than was foreseen when the task was accepted, because its program or what serves
 * its role has changed since: the foreseen one goes back.
 */
function askForOther(
  state: TaskState,
  operation: CallOperation,
  command: Command<"call">,
): TaskBatch {
  const made = draft();
  settleCall(made, operation.queue, operation.call);
  requestOperation(made, state, specOf(state), command);
  return finish(made, { call: nextCall(state) });
}

/** Asks for the call that an attempt is known to begin with, unless an earlier attempt has made it. */
function askForFirst(made: Draft, state: TaskState): void {
  const spec = specOf(state);
  const { firstCall } = spec;
  if (firstCall === undefined) return;
  const before = state.operations.get(firstCall.op);
  const isIdle = before?.kind === "call" && before.state === "idle";
  if (before !== undefined && !(isIdle && before.hash === firstCall.hash)) return;
  requestOperation(made, state, spec, firstCall);
  leaveStartSlot(made, state, spec, "running");
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
    readonly cuttable?: boolean;
    readonly model?: string | null;
    readonly input?: number | null;
    readonly share?: DeviceShare | null;
    readonly cuts?: number;
    readonly partial?: PartialAnswer | null;
  },
): void {
  const id = nextCall(state);
  const { op, queue, role, hash, cost } = wanted;
  const { lead = 0, tokens = 0, cuttable = false, cuts = 0, partial = null } = wanted;
  const { model = null, input = null, share = null } = wanted;
  const parts = {
    ...(lead === 0 ? null : { lead }),
    ...(tokens === 0 ? null : { tokens }),
    ...(cuttable ? { cuttable } : null),
    ...(model === null ? null : { model }),
    ...(input === null ? null : { input }),
  };
  const shared = share === null ? null : { share };
  made.events.push({
    type: "call.requested",
    op,
    call: id,
    queue,
    role,
    hash,
    cost,
    ...parts,
    ...shared,
  });
  const before = {
    ...(cuts === 0 ? null : { cuts }),
    ...(partial === null ? null : { ran: partial.ran }),
  };
  const asked = { role, cost, ...parts, ...before, ...shareParts(share) };
  requestCall(made, queue, id, modelRequest(state, spec, asked));
}

/** What a queue is asked of a device: a line with slots of its own. */
function shareParts(share: DeviceShare | null) {
  if (share === null) return null;
  const { line, total, slots } = share;
  return { line, capTotal: total, ...(slots === 1 ? null : { slots }) };
}

function liveCall(state: TaskState, op: string, id: string): CallOperation | null {
  const operation = state.operations.get(op);
  if (operation?.kind !== "call" || operation.call !== id || operation.state !== "granted")
    return null;
  return operation;
}

/** A model has answered: the result is kept, and the slot is free. */
export function callDone(state: TaskState, command: Command<"callDone">): TaskBatch {
  const operation = liveCall(state, command.op, command.call);
  if (operation === null) return unchanged();
  const made = draft();
  made.events.push({ type: "call.completed", op: command.op, result: command.result });
  const { usage } = command.result;
  settleCall(made, operation.queue, operation.call, {
    failed: null,
    ...(usage === undefined ? null : { tokens: usage.inputTokens + usage.outputTokens }),
    ...(command.speed === undefined ? null : { speed: command.speed }),
  });
  return finish(made);
}

/** A queue needs the slot of a call. One that has ended, or waits, has none to give. */
export function cutCall(state: TaskState, call: string): TaskBatch {
  for (const operation of state.operations.values()) {
    if (operation.kind !== "call" || operation.call !== call) continue;
    if (operation.state !== "granted" || state.phase !== "active") break;
    const made = draft();
    const { queue } = operation;
    made.signals.push({ kind: "task.cut", taskId: state.id, queue, call });
    return finish(made);
  }
  return unchanged();
}

/** A call has made room: its slot is free, and it asks for the next one to go on with what it has said. */
export function callWasCut(state: TaskState, command: Command<"callCut">): TaskBatch {
  const operation = liveCall(state, command.op, command.call);
  if (operation === null) return unchanged();
  const made = draft();
  const { op, partial, inputTokens, cost, lead } = command;
  const wrote = partial.tokens - (operation.partial?.tokens ?? 0);
  made.events.push({ type: "call.cut", op, partial });
  settleCall(made, operation.queue, operation.call, {
    failed: null,
    tokens: inputTokens + wrote,
    cut: inputTokens + partial.tokens,
  });
  const { queue, role, hash, tokens, cuttable, model, share } = operation;
  // What it has said is read again like a prompt.
  const input = operation.input === null ? null : inputTokens + partial.tokens;
  const cuts = operation.cuts + 1;
  requestOperation(made, state, specOf(state), {
    op,
    queue,
    role,
    hash,
    cost,
    lead,
    tokens,
    cuttable,
    model,
    input,
    share,
    cuts,
    partial,
  });
  return finish(made);
}

/** What a failed call tells its queue of the endpoint; `undefined`: nothing. */
function endOf({ error, retryAfterMs }: Command<"callFailed">): CallEnd | undefined {
  switch (error.code) {
    case "model_unavailable":
    case "model_silent":
    case "model_interrupted":
    case "model_stalled":
    case "model_broken":
      return { failed: "down", cause: error.code };
    case "model_loading":
    case "model_rate_limited": {
      const failed = error.code === "model_loading" ? "loading" : "limited";
      return { failed, ...(retryAfterMs === undefined ? null : { retryAfterMs }) };
    }
    case "model_rejected":
    case "context_overflow":
      return { failed: null };
    default:
      return undefined;
  }
}

/** A try of a model call has failed: it is asked for again after a backoff, or the operation has failed. */
export function callFailed(
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
  const waitMs =
    command.waitMs ??
    command.retryAfterMs ??
    retryDelayMs(retryDefault, operation.tries, ctx.random());
  const untilMs = ctx.nowMs + waitMs;
  const { partial } = command;
  made.events.push({
    type: "call.failed",
    op: command.op,
    error: command.error,
    untilMs,
    ...(partial === undefined ? null : { partial }),
  });
  made.timers.push({ name: `op:${command.op}`, atMs: untilMs });
  return finish(made, { again: true, untilMs });
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
    askForFirst(made, state);
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
