/** Facts and specs of one task that the tests of the task scope begin with. */
import type { QueueCommand } from "../src/core/queue/protocol.ts";
import type { CallEnd } from "../src/core/schedule/opening.ts";
import { formatId } from "../src/core/ids.ts";
import { queueScope, taskScope, type Scope } from "../src/core/scope.ts";
import { taskDecider } from "../src/core/task/decider.ts";
import type { TaskCommand } from "../src/core/task/commands.ts";
import type { TaskEvent } from "../src/core/task/events.ts";
import type { TaskSpec } from "../src/core/task/spec.ts";
import type { TaskState } from "../src/core/task/state.ts";
import { START_MS, given, type Past } from "./given.ts";

/** The task of every test. */
export const TASK: string = formatId("task", START_MS, new Uint8Array(10));
/** Its first call, which starts it. */
export const CALL_1: string = `${TASK}.1`;

/** A task of ann in the pool `tasks`. */
export function spec(changes: Partial<TaskSpec> = {}): TaskSpec {
  const input = { note: "hello" };
  return {
    type: "note",
    userId: "ann",
    input,
    queue: "tasks",
    priority: "background",
    rootId: TASK,
    ...changes,
  };
}

/** Accepted, and waits for its first slot. */
export function queued(changes: Partial<TaskSpec> = {}): TaskEvent[] {
  return [
    { type: "task.accepted", spec: spec(changes) },
    { type: "task.queued", call: CALL_1 },
  ];
}

/** Runs its first attempt with epoch 1, and holds its start slot. */
export function running(changes: Partial<TaskSpec> = {}): TaskEvent[] {
  return [...queued(changes), { type: "task.started", attempt: 1, epoch: 1 }];
}

/** Its first attempt asks for model call `c` with its second call. */
export function calling(changes: Partial<TaskSpec> = {}): TaskEvent[] {
  return [...running(changes), callRequested("c", 2)];
}

/** The request of a model call; `number` is the call's own. */
export function callRequested(op: string, number: number): TaskEvent {
  const call = `${TASK}.${number}`;
  return { type: "call.requested", op, call, queue: "model", role: "chat", hash: "h", cost: 2 };
}

/** Starts a specification of the task scope. */
export function task(
  ...facts: readonly Past<TaskEvent>[]
): ReturnType<typeof given<TaskState, TaskCommand, TaskEvent>> {
  return given(taskDecider, taskScope(TASK), facts);
}

/** The message with which a task gives a slot back, or takes its request back. */
export function settles(
  queue: string,
  call: string,
  end?: CallEnd,
): { to: Scope; body: QueueCommand } {
  const body: QueueCommand =
    end === undefined ? { type: "settle", call } : { type: "settle", call, end };
  return { to: queueScope(queue), body };
}

/** The message with which the task of {@link spec} asks for a slot to start. */
export function asksToStart(call: string): { to: Scope; body: QueueCommand } {
  return {
    to: queueScope("tasks"),
    body: {
      type: "request",
      call,
      request: {
        task: TASK,
        type: "note",
        user: "ann",
        key: "ann",
        weight: 1,
        band: 1,
        root: TASK,
        cost: 0.05,
        capTotal: null,
        capPerKey: null,
      },
    },
  };
}
