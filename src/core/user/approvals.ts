import { nothing, ok, type Batch } from "../decider.ts";

/** What a task asks its person: it goes on when somebody has said yes or no. */
export interface ApprovalAsk {
  readonly id: string;
  readonly taskId: string;
  readonly taskType: string;
  readonly question: string;
  /** What it is about, for a closer look. */
  readonly details?: unknown;
  /** When it counts as a no by itself. */
  readonly untilMs?: number;
}

/** A question that waits for its answer. */
export interface Approval extends ApprovalAsk {
  readonly askedAtMs: number;
}

/** Facts of approvals, in the log of their user: a list of what waits. The answer is a fact of the task. */
export type ApprovalEvent =
  | { readonly type: "approval.asked"; readonly approval: ApprovalAsk }
  | { readonly type: "approval.settled"; readonly id: string };

/** From tasks, each at least once. */
export type ApprovalCommand =
  | { readonly type: "approvalAsked"; readonly approval: ApprovalAsk }
  /** Answered, timed out, or its task has ended. */
  | { readonly type: "approvalSettled"; readonly id: string };

/** True for a fact of approvals. */
export function isApprovalEvent(event: { readonly type: string }): event is ApprovalEvent {
  return event.type.startsWith("approval.");
}

/** Folds a fact. */
export function evolveApprovals(
  approvals: Map<string, Approval>,
  event: ApprovalEvent,
  atMs: number,
): void {
  if (event.type === "approval.settled") approvals.delete(event.id);
  else approvals.set(event.approval.id, { ...event.approval, askedAtMs: atMs });
}

/** What a task's message comes to. Neither is ever refused: the task is the truth, this is its list. */
export function decideApprovals(
  approvals: ReadonlyMap<string, Approval>,
  command: ApprovalCommand,
): Batch<ApprovalEvent> {
  if (command.type === "approvalAsked") {
    const { approval } = command;
    if (approvals.has(approval.id)) return nothing();
    return { events: [{ type: "approval.asked", approval }], reply: ok() };
  }
  if (!approvals.has(command.id)) return nothing();
  return { events: [{ type: "approval.settled", id: command.id }], reply: ok() };
}
