import { refuse, type DecideContext } from "../decider.ts";
import { errorData } from "../errors.ts";
import { userScope } from "../scope.ts";
import type { SessionCommand } from "../session/decider.ts";
import type { UserCommand } from "../user/decider.ts";
import { draft, enqueue, finish, specOf, taskRow, unchanged, type TaskBatch } from "./batch.ts";
import type { TurnOfTask } from "./commands.ts";
import type { TaskState } from "./state.ts";
import { isEnd } from "./status.ts";

/** Opens an ended task again (decision 0006); one that has completed stays so. */
export function retry(
  state: TaskState,
  held: "session" | undefined,
  ctx: DecideContext,
): TaskBatch {
  if (state.status === "completed") {
    return refuse(
      errorData(
        "conflict",
        `task ${state.id} is completed; use rerun for a new task with the same input`,
      ),
    );
  }
  if (!isEnd(state.status)) return unchanged({ status: state.status });
  const spec = specOf(state);
  const made = draft();
  made.events.push({ type: "task.reopened" });
  if (held !== undefined) made.events.push({ type: "task.held", by: held });
  else if (spec.lane === undefined) enqueue(made, state, spec);
  else {
    // Beside its lane it would run beside what the lane runs.
    made.events.push({ type: "task.held", by: "manual" });
    const { lane } = spec;
    const body: UserCommand = { type: "laneAgain", lane, taskId: state.id, ends: state.ends };
    made.messages.push({ to: userScope(spec.userId), body });
  }
  if (spec.ttlMs !== undefined && state.attempt === 0)
    made.timers.push({ name: "ttl", atMs: ctx.nowMs + spec.ttlMs });
  if (spec.deadlineMs !== undefined)
    made.timers.push({ name: "deadline", atMs: ctx.nowMs + spec.deadlineMs });
  made.rows.push(taskRow(state, spec, "queued"));
  return finish(made, { status: "queued" });
}

/** A session may try again a turn whose task is gone after its retention: the turn ends at once, and the next goes on. */
export function goneForTurn(state: TaskState, turn: TurnOfTask): TaskBatch {
  const made = draft();
  const error = errorData(
    "gone",
    `task ${state.id} was removed after its retention and cannot be tried again; send the message again`,
  );
  const body: SessionCommand = {
    type: "turnEnded",
    taskId: state.id,
    messageId: turn.messageId,
    end: { status: "failed", error },
  };
  made.messages.push({ to: turn.session, body });
  return finish(made);
}
