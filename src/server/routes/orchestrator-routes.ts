import { z } from "@hono/zod-openapi";

import { messageCharsMax } from "../../core/limits.ts";
import type { TaskStatus } from "../../core/task/status.ts";
import { json } from "../answer.ts";
import type { ServerContext } from "../context.ts";
import type { Identity } from "../guard/identify.ts";
import { taskIdField } from "../input/fields.ts";
import { operation, type Operation } from "../operation.ts";
import { workflowShape } from "../wire/schemas.ts";
import { errorJson } from "../wire/task.ts";
import { idempotencyHeader, ownerOf, submitMeta } from "./task-routes.ts";

/** Subtasks that are shown; a task has at most 64 children. */
const subtasksMax = 200;

/** Cloudflare's word for a status, which clients of seed 004's door expect. */
const workflowStatus: Readonly<Record<TaskStatus, string>> = {
  delayed: "waiting",
  queued: "queued",
  running: "running",
  waiting: "waiting",
  completed: "complete",
  failed: "errored",
  cancelled: "terminated",
  expired: "terminated",
};

const promptBody = z
  .strictObject({ prompt: z.string().min(1).max(messageCharsMax) })
  .openapi("Prompt");
const createdShape = z
  .strictObject({ id: z.string(), details: workflowShape })
  .openapi("WorkflowCreated");
const statusShape = z.strictObject({ status: workflowShape }).openapi("WorkflowStatus");

/** Seed 004's door: a prompt becomes a plan, parallel workers and one answer. */
export function orchestratorRoutes(): readonly Operation[] {
  return [
    operation({
      method: "post",
      path: "/",
      policy: "user",
      id: "orchestrate",
      tag: "orchestrator",
      summary: "Start a workflow",
      submits: true,
      headers: [idempotencyHeader],
      body: { schema: promptBody, required: true },
      answers: {
        201: {
          description: "It has started",
          schema: createdShape,
          headers: { Location: "Path of its status" },
        },
        200: {
          description: "It was started before, under the same key",
          schema: createdShape,
          headers: { "Idempotency-Replayed": "true" },
        },
      },
      errors: ["unknown_type", "idempotency_mismatch", "queue_full", "storage_full", "unavailable"],
      async handle(call, server) {
        const { taskId, replayed } = await server.engine.submit(
          "orchestrate",
          { prompt: call.body.prompt },
          submitMeta(call),
        );
        const body = { id: taskId, details: await workflow(server, taskId, call.who) };
        const location = `/${taskId}`;
        return replayed
          ? json(body, 200, { location, "idempotency-replayed": "true" })
          : json(body, 201, { location });
      },
    }),
    operation({
      method: "get",
      path: "/{taskId}",
      // Anything else at the root is not this door's: a file of the page, or nothing.
      route: "/:taskId{task_[^/]+}",
      policy: "user",
      id: "workflowStatus",
      tag: "orchestrator",
      summary: "Where a workflow stands",
      params: z.strictObject({ taskId: taskIdField }),
      answers: { 200: { description: "Its status, result and subtasks", schema: statusShape } },
      errors: ["not_found"],
      handle: async ({ params, who }, server) =>
        json({ status: await workflow(server, params.taskId, who) }),
    }),
  ];
}

async function workflow(server: ServerContext, taskId: string, who: Identity): Promise<unknown> {
  const { reader } = server.engine;
  const view = await reader.view(taskId, ownerOf(who));
  const { tasks } = await reader.tasks({
    userId: view.userId,
    parentId: taskId,
    // Its children are older than its end: what came later is not looked at.
    ...(view.completedAt === null ? {} : { createdToMs: Date.parse(view.completedAt) + 1 }),
    limit: subtasksMax,
  });
  const subtasks = tasks.toReversed().map(({ id, type, title, status, output, error }) => ({
    id,
    type,
    title,
    state: status,
    output: output ?? null,
    error: errorJson(error),
  }));
  return {
    status: workflowStatus[view.status],
    state: view.status,
    output: view.output ?? null,
    error: errorJson(view.error),
    subtasks,
  };
}
