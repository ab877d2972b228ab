import type { Json } from "../core/json.ts";
import { decodeTask } from "./decode.ts";
import type { Http } from "./http.ts";
import { fieldsOf, type Fields } from "./shape.ts";
import type { Task } from "./wire.ts";

/** A question of a task that waits for a yes or no. Times are ISO 8601. */
export interface Approval {
  readonly id: string;
  readonly taskId: string;
  readonly taskType: string;
  readonly question: string;
  readonly details: Json;
  readonly askedAt: string;
  /** When it counts as a no by itself. */
  readonly untilAt: string | null;
}

/** A question has come, or needs no answer any more (`approval` is null). */
export interface ApprovalChange {
  readonly approvalId: string;
  readonly approval: Approval | null;
}

/** What can be done with approvals. Every call throws `RequestFailed`. */
export interface ApprovalApi {
  /** What waits for an answer, the oldest first. */
  list(signal?: AbortSignal): Promise<readonly Approval[]>;
  /** Final when it answers. Answers the task that asked. */
  answer(approvalId: string, approved: boolean, comment?: string): Promise<Task>;
}

/** Builds the approval calls on a caller. */
export function createApprovalApi(http: Http): ApprovalApi {
  return {
    list: (signal) =>
      http.json(
        "/api/approvals",
        (value) => fieldsOf(value, "approvals").list("approvals", decodeApproval),
        { signal },
      ),
    answer(approvalId, approved, comment) {
      const verb = approved ? "approve" : "reject";
      const path = `/api/approvals/${encodeURIComponent(approvalId)}/${verb}`;
      const body = comment === undefined ? {} : { comment };
      return http.json(path, (value) => decodeTask(value), { method: "POST", body });
    },
  };
}

/** Reads an approval. */
export function decodeApproval(value: unknown, at = "approval"): Approval {
  const f = fieldsOf(value, at);
  return {
    id: f.text("id"),
    taskId: f.text("taskId"),
    taskType: f.text("taskType"),
    question: f.text("question"),
    details: f.json("details"),
    askedAt: f.text("askedAt"),
    untilAt: f.textOrNull("untilAt"),
  };
}

/** Reads what a feed tells of approvals. */
export function decodeApprovalChange(f: Fields): ApprovalChange {
  const approval = f.json("approval");
  return {
    approvalId: f.text("approvalId"),
    approval: approval === null ? null : decodeApproval(approval, "approval.approval"),
  };
}
