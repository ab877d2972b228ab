import { refuse } from "../decider.ts";
import { errorData } from "../errors.ts";
import { userScope } from "../scope.ts";
import type { UserCommand } from "../user/decider.ts";
import {
  draft,
  finish,
  rowWhenWoken,
  settleApproval,
  specOf,
  unchanged,
  type Draft,
  type TaskBatch,
} from "./batch.ts";
import type { ApprovalAnswer, ApprovalQuestion } from "./events.ts";
import type { Operation, TaskState } from "./state.ts";
import { isEnd } from "./status.ts";

type Wait = Extract<Operation, { kind: "wait" }>;

/** Tells the user's list of a question. */
export function askApproval(
  made: Draft,
  state: TaskState,
  approval: ApprovalQuestion,
  untilMs: number | undefined,
): void {
  const { userId, type } = specOf(state);
  const body: UserCommand = {
    type: "approvalAsked",
    approval: {
      taskId: state.id,
      taskType: type,
      ...approval,
      ...(untilMs === undefined ? {} : { untilMs }),
    },
  };
  made.messages.push({ to: userScope(userId), body });
}

/**
 * Somebody has answered. The first answer counts: the same one again is answered like it, another one with `conflict`,
 * and so is one for a task that has ended meanwhile; `not_found` if the task has not asked that.
 */
export function answerApproval(state: TaskState, id: string, answer: ApprovalAnswer): TaskBatch {
  for (const [op, operation] of state.operations) {
    if (operation.kind !== "wait" || operation.approval?.id !== id) continue;
    if (operation.done) return answeredBefore(operation, id, answer);
    if (isEnd(state.status)) {
      const message = `task ${state.id} is ${state.status} and needs no answer any more`;
      return refuse(errorData("conflict", message));
    }
    const made = draft();
    made.events.push({ type: "wait.ended", op, payload: answer });
    if (operation.untilMs !== null) made.timers.push({ name: `op:${op}`, atMs: null });
    settleApproval(made, state, operation);
    if (state.phase === "active") {
      made.signals.push({ kind: "task.wake", taskId: state.id, op });
      rowWhenWoken(made, state);
    }
    return finish(made, { taskId: state.id });
  }
  return refuse(errorData("not_found", `there is no approval ${id}`));
}

function answeredBefore(wait: Wait, id: string, answer: ApprovalAnswer): TaskBatch {
  const before = wait.payload;
  const approved =
    typeof before === "object" &&
    before !== null &&
    "approved" in before &&
    before.approved === true;
  if (!wait.timedOut && approved === answer.approved) return unchanged();
  const words = wait.timedOut ? "timed out" : approved ? "was approved" : "was rejected";
  return refuse(errorData("conflict", `approval ${id} ${words} already and stays so`));
}
