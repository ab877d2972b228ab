import { errorData } from "../errors.ts";
import { refuse } from "../decider.ts";
import { bandOf, type Priority, type QueueCommand } from "../queue/protocol.ts";
import { queueScope } from "../scope.ts";
import { draft, finish, specOf, unchanged, type TaskBatch } from "./batch.ts";
import type { TaskState } from "./state.ts";
import { isEnd } from "./status.ts";

/** Promotes or demotes a task: what it asks for from now on, and what it has waiting (SPEC TASK28). */
export function prioritize(state: TaskState, priority: Priority): TaskBatch {
  if (isEnd(state.status)) {
    return refuse(
      errorData("conflict", `task ${state.id} is ${state.status} and has no place in line`),
    );
  }
  const spec = specOf(state);
  if (spec.priority === priority) return unchanged();
  const made = draft();
  made.events.push({ type: "task.prioritized", priority });
  const move = (queue: string, call: string): void => {
    const body: QueueCommand = { type: "move", call, band: bandOf(priority) };
    made.messages.push({ to: queueScope(queue), body });
  };
  if (state.phase === "queued" && state.lease !== null) move(spec.queue, state.lease);
  for (const operation of state.operations.values()) {
    if (operation.kind === "call" && operation.state === "pending")
      move(operation.queue, operation.call);
  }
  return finish(made);
}
