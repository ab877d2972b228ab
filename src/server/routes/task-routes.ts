import { z } from "@hono/zod-openapi";

import { ErrandError } from "../../core/errors.ts";
import { attemptsMaxMax, durationMsMax } from "../../core/limits.ts";
import { cursorStart, type Cursor } from "../../core/stream/cursor.ts";
import { isEnd } from "../../core/task/status.ts";
import type { SubmitOptions } from "../../engine/index.ts";
import { empty, json } from "../answer.ts";
import type { ServerContext } from "../context.ts";
import type { Identity } from "../guard/identify.ts";
import {
  actionIdField,
  cursorField,
  nameField,
  sessionIdField,
  taskIdField,
  whole,
} from "../input/fields.ts";
import { parse } from "../input/parse.ts";
import { operation, type Call, type Operation } from "../operation.ts";
import { traceparentOf } from "../request-id.ts";
import { waitsInLine } from "../stream/position-watch.ts";
import { openTaskStream } from "../stream/task-stream.ts";
import { logPageShape, taskShape, whyShape } from "../wire/schemas.ts";
import { taskJson, type WireTask } from "../wire/task.ts";
import { taskLists } from "./task-lists.ts";

const taskParams = z.strictObject({ taskId: taskIdField });
const durationField = (min: number): z.ZodNumber => z.number().min(min).max(durationMsMax);

const retryField = z.strictObject({
  attemptsMax: z.int().min(1).max(attemptsMaxMax).optional(),
  minDelayMs: durationField(0).optional(),
  maxDelayMs: durationField(0).optional(),
  factor: z.number().min(1).max(100).optional(),
  jitter: z.number().min(0).max(1).optional(),
});

const submitBody = z
  .strictObject({
    type: nameField,
    input: z.unknown().optional(),
    priority: z.enum(["interactive", "background", "batch"]).optional(),
    sessionId: sessionIdField.optional(),
    delayMs: durationField(0).optional(),
    ttlMs: durationField(1).optional(),
    timeoutMs: durationField(1).optional(),
    deadlineMs: durationField(1).optional(),
    idleTimeoutMs: durationField(1).optional(),
    retry: retryField.optional(),
    weight: z
      .number()
      .min(0.01)
      .max(100)
      .optional()
      .openapi({ description: "Weight of who is charged, against others; the admin's to say" }),
    fairnessKey: nameField
      .optional()
      .openapi({ description: "Who is charged for it; the admin's to say. Default: its user" }),
    title: z.string().max(200).optional(),
    client_action_id: actionIdField.optional(),
  })
  .openapi("NewTask");

/** The header by which a submit may be sent again, and its answer's mark. */
export const idempotencyHeader: { readonly name: string; readonly description: string } = {
  name: "Idempotency-Key",
  description:
    "The same key with the same body is the same task: 200 instead of 201. With another body: 422",
};

/** Whose tasks `who` may touch: the admin's question names nobody. */
export function ownerOf(who: Identity): string | null {
  return who.isAdmin ? null : who.userId;
}

/** Throws `not_found` unless the task is `who`'s to read and change. */
export async function ownTask(server: ServerContext, who: Identity, taskId: string): Promise<void> {
  await server.engine.reader.view(taskId, ownerOf(who));
}

/** A task as an answer, with its place in line while it waits in one. */
export async function readTask(
  server: ServerContext,
  taskId: string,
  who: Identity,
): Promise<WireTask> {
  const { reader } = server.engine;
  const { view, cursor } = await reader.task(taskId, ownerOf(who));
  return taskJson(view, {
    cursor,
    ...(waitsInLine(view) ? await reader.place(taskId) : null),
  });
}

/** The idempotency key of a request; undefined without one. Throws `invalid_request` for one that cannot be. */
export function idempotencyKeyOf(request: Request): string | undefined {
  const key = request.headers.get("idempotency-key");
  if (key === null) return undefined;
  if (/^[\x21-\x7e]{1,200}$/.test(key)) return key;
  throw new ErrandError(
    "invalid_request",
    "Idempotency-Key must be 1..200 printable ASCII characters without spaces",
  );
}

/** What of a request goes with a submit, whatever it submits. */
export function submitMeta({
  request,
  requestId,
  who,
}: Call<unknown, unknown, unknown>): SubmitOptions {
  const traceparent = traceparentOf(request.headers);
  const idempotencyKey = idempotencyKeyOf(request);
  return {
    userId: who.userId,
    requestId,
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
}

/** Operations on tasks: submit, read, list, follow. */
export function taskRoutes(): readonly Operation[] {
  return [submitRoute(), ...taskLists(), getRoute(), whyRoute(), logRoute(), streamRoute()];
}

function submitRoute(): Operation {
  return operation({
    method: "post",
    path: "/api/tasks",
    policy: "user",
    id: "submitTask",
    tag: "tasks",
    summary: "Submit a task",
    description:
      "Answers when the task is on disk: from then on it survives a crash at any instant.",
    submits: true,
    headers: [idempotencyHeader],
    body: { schema: submitBody, required: true },
    answers: {
      201: {
        description: "Accepted",
        schema: taskShape,
        headers: { Location: "Path of the task" },
      },
      200: {
        description: "Accepted before, under the same key",
        schema: taskShape,
        headers: { "Idempotency-Replayed": "true" },
      },
    },
    errors: [
      "forbidden",
      "unknown_type",
      "idempotency_mismatch",
      "queue_full",
      "storage_full",
      "unavailable",
    ],
    async handle(call, server) {
      const { type, input, client_action_id: actionId, ...given } = call.body;
      const options = {
        ...defined(given),
        ...(actionId === undefined ? {} : { actionId }),
        ...submitMeta(call),
      };
      server.engine.types.offered(type);
      checkCharged(call.who, given);
      const { taskId, replayed } = await server.engine.submit(type, input ?? null, options);
      return submitted(await readTask(server, taskId, call.who), replayed);
    },
  });
}

/** Who is charged, and with which weight, is not for the charged to say (SPEC SEC27). */
function checkCharged(who: Identity, given: Readonly<Record<string, unknown>>): void {
  const field = (["weight", "fairnessKey"] as const).find((name) => given[name] !== undefined);
  if (who.isAdmin || field === undefined) return;
  const message = "is only the admin's key to say: your tasks are charged to your key's user";
  throw new ErrandError("forbidden", `${field} ${message}`, { fields: [{ field, message }] });
}

/** Answer to a submit: 201 with where the task is, or 200 for one that was accepted before. */
export function submitted(task: WireTask, replayed: boolean): Response {
  const location = `/api/tasks/${task.id}`;
  return replayed
    ? json(task, 200, { location, "idempotency-replayed": "true" })
    : json(task, 201, { location });
}

/** Drops absent fields, which exact optional types tell from undefined ones. */
function defined(given: Readonly<Record<string, unknown>>): SubmitOptions {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function getRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/tasks/{taskId}",
    policy: "user",
    id: "getTask",
    tag: "tasks",
    summary: "Read a task",
    params: taskParams,
    answers: { 200: { description: "The task", schema: taskShape } },
    errors: ["not_found"],
    handle: async ({ params, who }, server) => json(await readTask(server, params.taskId, who)),
  });
}

function whyRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/tasks/{taskId}/why",
    policy: "user",
    id: "whyTask",
    tag: "tasks",
    summary: "Why a task is where it is",
    description: "From the log's facts only.",
    params: taskParams,
    answers: { 200: { description: "Its status, reason and place in line", schema: whyShape } },
    errors: ["not_found"],
    async handle({ params, who }, server) {
      const { status, reason, queue, message } = await server.engine.reader.why(
        params.taskId,
        ownerOf(who),
      );
      return json({ status, reason, queue, message });
    },
  });
}

function logRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/tasks/{taskId}/log",
    policy: "user",
    id: "logOfTask",
    tag: "tasks",
    summary: "A task's numbered facts",
    params: taskParams,
    query: z.strictObject({
      after: whole(0, Number.MAX_SAFE_INTEGER, "Facts with higher numbers only").optional(),
      limit: whole(1, 1_000, "Facts of one page").optional(),
    }),
    answers: { 200: { description: "Facts in order", schema: logPageShape } },
    errors: ["not_found"],
    async handle({ params, query, who }, server) {
      const { events, next } = await server.engine.reader.log(
        params.taskId,
        ownerOf(who),
        query.after ?? 0,
        query.limit ?? 100,
      );
      return json({ events, nextAfter: next });
    },
  });
}

function streamRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/tasks/{taskId}/stream",
    policy: "user",
    id: "followTask",
    tag: "tasks",
    summary: "Follow a task",
    description:
      "Server-sent events `state`, `progress`, `step`, `tool`, `token`, `reset`, `end`, each with its place as `id`, and `up-to-date` once everything stored was sent. " +
      "Places in line come as `state` without an id. Reconnect with Last-Event-ID: nothing comes twice and nothing is missed.",
    params: taskParams,
    query: z.strictObject({ after: cursorField.optional() }),
    headers: [
      { name: "Last-Event-ID", description: "Id of the last event seen; counts before `after`" },
    ],
    answers: {
      200: { description: "The feed", schema: z.string(), mediaType: "text/event-stream" },
      204: { description: "The task has ended and everything was seen" },
    },
    errors: ["not_found", "rate_limited"],
    async handle(call, server) {
      const { request, params, query, who } = call;
      const after = lastEventId(request) ?? query.after ?? cursorStart;
      const { reader } = server.engine;
      const view = await reader.view(params.taskId, ownerOf(who));
      if (isEnd(view.status) && after.seq > 0) {
        const { cursor } = await reader.task(params.taskId, ownerOf(who));
        if (after.seq >= cursor.seq) return empty(204);
      }
      if (request.method === "HEAD") return server.streams.headersOnly();
      return openTaskStream(server, call, params.taskId, after);
    },
  });
}

function lastEventId(request: Request): Cursor | undefined {
  const id = request.headers.get("last-event-id");
  return id === null || id === "" ? undefined : parse(cursorField, id, "Last-Event-ID");
}
