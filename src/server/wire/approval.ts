import { isoTime } from "../../core/task/view.ts";
import type { Approval } from "../../core/user/approvals.ts";
import type { ApprovalChange } from "../../engine/index.ts";

/** A question of a task, as the own API shows it. */
export interface WireApproval {
  readonly id: string;
  readonly taskId: string;
  readonly taskType: string;
  readonly question: string;
  readonly details: unknown;
  readonly askedAt: string;
  readonly untilAt: string | null;
}

/** A question that waits. */
export function approvalJson(approval: Approval): WireApproval {
  const { id, taskId, taskType, question, details = null, askedAtMs, untilMs } = approval;
  return {
    id,
    taskId,
    taskType,
    question,
    details,
    askedAt: isoTime(askedAtMs),
    untilAt: untilMs === undefined ? null : isoTime(untilMs),
  };
}

/** What the feed tells of it. */
export function approvalChangeJson({ seq, fact, approvalId, approval }: ApprovalChange): object {
  return {
    type: fact,
    seq,
    approvalId,
    approval: approval === null ? null : approvalJson(approval),
  };
}
