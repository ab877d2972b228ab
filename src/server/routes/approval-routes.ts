import { z } from "@hono/zod-openapi";

import { ErrandError } from "../../core/errors.ts";
import { json } from "../answer.ts";
import { approvalIdField } from "../input/fields.ts";
import { operation, type Operation } from "../operation.ts";
import { approvalJson } from "../wire/approval.ts";
import { approvalShape, approvalsShape } from "../wire/planner-schemas.ts";
import { taskShape } from "../wire/schemas.ts";
import { readTask } from "./task-routes.ts";

const params = z.strictObject({ approvalId: approvalIdField });
const body = {
  schema: z.strictObject({ comment: z.string().max(2_000).optional() }).openapi("ApprovalAnswer"),
  required: false,
} as const;

/** What tasks ask their people. Another user's question is not found. */
export function approvalRoutes(): readonly Operation[] {
  return [listRoute(), getRoute(), answerRoute("approve"), answerRoute("reject")];
}

function listRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/approvals",
    policy: "user",
    id: "listApprovals",
    tag: "tasks",
    summary: "What your tasks ask you, the oldest question first",
    answers: { 200: { description: "All that waits for an answer", schema: approvalsShape } },
    async handle({ who }, server) {
      const approvals = await server.engine.approvals.list(who.userId);
      return json({ approvals: approvals.map(approvalJson) });
    },
  });
}

function getRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/approvals/{approvalId}",
    policy: "user",
    id: "getApproval",
    tag: "tasks",
    summary: "Read a question that waits",
    params,
    answers: { 200: { description: "The question", schema: approvalShape } },
    errors: ["not_found"],
    async handle({ who, params: { approvalId } }, server) {
      const approval = await server.engine.approvals.get(who.userId, approvalId);
      if (approval === null)
        throw new ErrandError("not_found", `there is no approval ${approvalId}`);
      return json(approvalJson(approval));
    },
  });
}

function answerRoute(verb: "approve" | "reject"): Operation {
  return operation({
    method: "post",
    path: `/api/approvals/{approvalId}/${verb}`,
    policy: "user",
    id: `${verb}Approval`,
    tag: "tasks",
    summary:
      verb === "approve" ? "Say yes: the task goes on" : "Say no: the task goes on with that",
    description: "Final when it answers. A question that has its answer is not found any more.",
    params,
    body,
    answers: { 200: { description: "The task that asked", schema: taskShape } },
    errors: ["not_found", "conflict", "storage_full", "unavailable"],
    async handle({ who, requestId, params: { approvalId }, body: { comment } }, server) {
      const answer = {
        approved: verb === "approve",
        ...(comment === undefined ? {} : { comment }),
      };
      const { approvals } = server.engine;
      const { taskId } = await approvals.answer(who.userId, approvalId, answer, { requestId });
      return json(await readTask(server, taskId, who));
    },
  });
}
