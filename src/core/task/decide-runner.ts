import { refuse, type DecideContext } from "../decider.ts";
import { errorData } from "../errors.ts";
import { unreachable } from "../invariant.ts";
import { operationsMax, spawnDepthMax, spawnWidthMax } from "../limits.ts";
import { taskScope } from "../scope.ts";
import { askApproval } from "./approval.ts";
import {
  draft,
  finish,
  known,
  leaveStartSlot,
  rowWhenWoken,
  specOf,
  unchanged,
  type TaskBatch,
} from "./batch.ts";
import type { RunnerCommand, TaskCommand } from "./commands.ts";
import { askForCall, callDone, callFailed, callWasCut } from "./decide-call.ts";
import type { TaskSpec } from "./spec.ts";
import type { TaskState } from "./state.ts";

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
    case "callCut":
      return callWasCut(state, command);
    case "toolIntend":
      return toolIntend(state, command);
    case "toolSettle":
      return toolSettle(state, command);
    default:
      return unreachable(command, "runner command");
  }
}

function step(state: TaskState, command: Command<"step">): TaskBatch {
  const before = known(state, command.op, "step");
  if (before !== null) return before;
  const made = draft();
  made.events.push({ type: "step.completed", op: command.op, result: command.result });
  rowWhenWoken(made, state);
  return finish(made);
}

function sleep(state: TaskState, command: Command<"sleep">, ctx: DecideContext): TaskBatch {
  const before = known(state, command.op, "sleep");
  if (before !== null) return before;
  const made = draft();
  const untilMs = ctx.nowMs + command.ms;
  const { beside } = command;
  const besides = beside === undefined ? null : { beside };
  made.events.push({ type: "sleep.started", op: command.op, untilMs, ...besides });
  made.timers.push({ name: `op:${command.op}`, atMs: untilMs });
  leaveStartSlot(made, state, specOf(state), "waiting", beside);
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
    ...(command.beside === undefined ? {} : { beside: command.beside }),
  });
  if (asked !== undefined) askApproval(made, state, asked, untilMs);
  const kept = asked === undefined ? state.inbox.get(command.name) : undefined;
  if (kept !== undefined) {
    made.events.push({ type: "wait.ended", op: command.op, payload: kept[0] });
    made.signals.push({ kind: "task.wake", taskId: state.id, op: command.op });
  } else if (untilMs !== undefined) {
    made.timers.push({ name: `op:${command.op}`, atMs: untilMs });
  }
  const status = kept === undefined ? "waiting" : "running";
  leaveStartSlot(made, state, specOf(state), status, command.beside);
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
  rowWhenWoken(made, state);
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
  const { beside } = command;
  made.events.push({
    type: "child.awaited",
    ops: open,
    ...(beside === undefined ? null : { beside }),
  });
  leaveStartSlot(made, state, specOf(state), "waiting", beside);
  return finish(made);
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
  rowWhenWoken(made, state);
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
  rowWhenWoken(made, state);
  return finish(made);
}
