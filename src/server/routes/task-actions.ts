import { z } from "@hono/zod-openapi";

import { ErrandError, type ErrorCode } from "../../core/errors.ts";
import { resultCharsMax } from "../../core/limits.ts";
import { json } from "../answer.ts";
import { nameField, taskIdField } from "../input/fields.ts";
import { operation, type Operation } from "../operation.ts";
import { taskShape } from "../wire/schemas.ts";
import { idempotencyHeader, ownTask, readTask, submitMeta, submitted } from "./task-routes.ts";

const taskParams = z.strictObject({ taskId: taskIdField });
/** Actions that take nothing: a body may be left out, or be `{}`. */
const nothing = { schema: z.strictObject({}), required: false } as const;

const cancelBody = z
  .strictObject({ reason: z.string().min(1).max(500).optional() })
  .openapi("Cancel");
const priorityBody = z
  .strictObject({ priority: z.enum(["interactive", "background", "batch"]) })
  .openapi("Priority");
const eventBody = z
  .strictObject({ name: nameField, payload: z.unknown().optional() })
  .openapi("TaskEvent");

/** What all actions on a task have. */
const shared = {
  method: "post",
  policy: "user",
  tag: "tasks",
  params: taskParams,
  answers: { 200: { description: "The task as it is now", schema: taskShape } },
} as const;
const errors: readonly ErrorCode[] = ["not_found", "conflict", "storage_full", "unavailable"];

/** Operations that change a task: cancel, retry, rerun, release, event. Another user's task is not found. */
export function taskActions(): readonly Operation[] {
  return [cancelRoute(), retryRoute(), rerunRoute(), releaseRoute(), priorityRoute(), eventRoute()];
}

function cancelRoute(): Operation {
  return operation({
    ...shared,
    errors,
    path: "/api/tasks/{taskId}/cancel",
    id: "cancelTask",
    summary: "Cancel a task",
    description:
      "Final when it answers, also through a crash. Cancelling twice is cancelling once; a task with another end is a conflict.",
    body: { schema: cancelBody, required: false },
    async handle({ params: { taskId }, who, body }, server) {
      await ownTask(server, who, taskId);
      await server.engine.cancel(taskId, body.reason);
      return json(await readTask(server, taskId, who));
    },
  });
}

function retryRoute(): Operation {
  return operation({
    ...shared,
    errors,
    path: "/api/tasks/{taskId}/retry",
    id: "retryTask",
    summary: "Try a failed, cancelled or expired task again",
    description:
      "The same task, next attempt: finished steps do not run again. A completed task is a conflict.",
    submits: true,
    body: nothing,
    async handle({ params: { taskId }, who }, server) {
      await ownTask(server, who, taskId);
      await server.engine.retry(taskId);
      return json(await readTask(server, taskId, who));
    },
  });
}

function rerunRoute(): Operation {
  return operation({
    ...shared,
    path: "/api/tasks/{taskId}/rerun",
    id: "rerunTask",
    summary: "Submit a task's input again",
    description: "A new task with the same type, input and priority.",
    submits: true,
    headers: [idempotencyHeader],
    body: nothing,
    answers: {
      201: {
        description: "The new task",
        schema: taskShape,
        headers: { Location: "Path of the new task" },
      },
      200: {
        description: "Made before, under the same key",
        schema: taskShape,
        headers: { "Idempotency-Replayed": "true" },
      },
    },
    errors: [...errors, "unknown_type", "idempotency_mismatch", "queue_full"],
    async handle(call, server) {
      const { taskId } = call.params;
      await ownTask(server, call.who, taskId);
      // Whose task it is stays: an admin's rerun of a user's task is the user's.
      const { userId: _asker, ...meta } = submitMeta(call);
      const made = await server.engine.rerun(taskId, meta);
      return submitted(await readTask(server, made.taskId, call.who), made.replayed);
    },
  });
}

function releaseRoute(): Operation {
  return operation({
    ...shared,
    errors,
    path: "/api/tasks/{taskId}/release",
    id: "releaseTask",
    summary: "Let a held task go",
    body: nothing,
    async handle({ params: { taskId }, who }, server) {
      await ownTask(server, who, taskId);
      await server.engine.release(taskId);
      return json(await readTask(server, taskId, who));
    },
  });
}

function priorityRoute(): Operation {
  return operation({
    ...shared,
    errors,
    path: "/api/tasks/{taskId}/priority",
    id: "prioritizeTask",
    summary: "Promote or demote a task",
    description: "What it has waiting moves to the other class with the time it has waited.",
    body: { schema: priorityBody, required: true },
    async handle({ params: { taskId }, who, body }, server) {
      await ownTask(server, who, taskId);
      await server.engine.prioritize(taskId, body.priority);
      return json(await readTask(server, taskId, who));
    },
  });
}

function eventRoute(): Operation {
  return operation({
    ...shared,
    errors: [...errors, "limit_exceeded", "too_large"],
    path: "/api/tasks/{taskId}/event",
    id: "sendTaskEvent",
    summary: "Send a task the event it waits for",
    description: "An event that nothing waits for yet is kept, first in, first out by name.",
    submits: true,
    body: { schema: eventBody, required: true },
    async handle({ params: { taskId }, who, body }, server) {
      await ownTask(server, who, taskId);
      const payload = body.payload ?? null;
      const { length } = JSON.stringify(payload);
      if (length > resultCharsMax)
        throw new ErrandError(
          "too_large",
          `payload has ${length} characters of JSON, the most is ${resultCharsMax}`,
        );
      await server.engine.sendEvent(taskId, body.name, payload);
      return json(await readTask(server, taskId, who));
    },
  });
}
