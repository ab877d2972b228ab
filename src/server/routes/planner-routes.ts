import { z } from "@hono/zod-openapi";

import { ErrandError } from "../../core/errors.ts";
import type { DayPlan, Summary } from "../../core/session/planner.ts";
import { isoTime } from "../../core/task/view.ts";
import { plannerChatId, type Submitted } from "../../engine/index.ts";
import type { ServerContext } from "../context.ts";
import { sessionIdField } from "../input/fields.ts";
import { operation, type Call, type Operation } from "../operation.ts";
import { snapshotAnswer, snapshotHeader } from "../snapshot-answer.ts";
import { planShape, summaryShape } from "../wire/planner-schemas.ts";
import { taskShape } from "../wire/schemas.ts";
import { idempotencyHeader, readTask, submitMeta, submitted } from "./task-routes.ts";

const planBody = z
  .strictObject({
    timeZone: z.string().min(1).max(64).optional().openapi({ description: "Default: yours" }),
    tell: z
      .boolean()
      .optional()
      .openapi({ description: "Say it in the planner's chat as well. Default true" }),
  })
  .openapi("NewPlan");
const sessionBody = z.strictObject({ sessionId: sessionIdField }).openapi("OfSession");
const errors = [
  "unknown_type",
  "queue_full",
  "idempotency_mismatch",
  "storage_full",
  "unavailable",
] as const;
const taskAnswers = {
  201: {
    description: "The task; follow it, or read the result when it has ended",
    schema: taskShape,
    headers: { Location: "Path of the new task" },
  },
  200: { description: "The task of the first request with this key", schema: taskShape },
} as const;

/** The plan of the day, summaries, and the search for todos. Making one is a task; reading one is a snapshot. */
export function plannerRoutes(): readonly Operation[] {
  return [planRoute(), makePlanRoute(), summaryRoute(), summarizeRoute(), extractRoute()];
}

function planRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/plan",
    policy: "user",
    id: "getPlan",
    tag: "todos",
    summary: "Read your last plan of a day",
    headers: [snapshotHeader],
    answers: {
      200: {
        description: "The plan, null if none was made",
        schema: planShape,
        headers: { ETag: "Names this state" },
      },
      304: { description: "It still has that ETag" },
    },
    async handle({ request, who }, server) {
      const found = await server.engine.reader.memory(who.userId, plannerChatId);
      const { plan, seq } = found ?? { plan: null, seq: 0 };
      const snapshot = { state: { plan: plan === null ? null : planJson(plan) }, seq };
      return snapshotAnswer(request, snapshot, `${snapshot.seq}`);
    },
  });
}

function makePlanRoute(): Operation {
  return operation({
    method: "post",
    path: "/api/plan",
    policy: "user",
    id: "makePlan",
    tag: "todos",
    summary: "Plan your day: order, date and propose todos",
    description:
      "A task of the type `daily_plan`, which a schedule can submit every morning. Order and days are facts of the todos; what it proposes waits for a yes.",
    submits: true,
    headers: [idempotencyHeader],
    body: { schema: planBody, required: false },
    answers: taskAnswers,
    errors,
    handle: (call, server) => make(server, call, "daily_plan", call.body),
  });
}

function summaryRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/summary",
    policy: "user",
    id: "getSummary",
    tag: "todos",
    summary: "Read the stored summary of a session",
    query: z.strictObject({ sessionId: sessionIdField }),
    headers: [snapshotHeader],
    answers: {
      200: {
        description: "The summary, null if none was made",
        schema: summaryShape,
        headers: { ETag: "Names this state" },
      },
      304: { description: "It still has that ETag" },
    },
    errors: ["not_found"],
    async handle({ request, who, query: { sessionId } }, server) {
      const found = await server.engine.reader.memory(who.userId, sessionId);
      if (found === null) throw new ErrandError("not_found", `there is no session ${sessionId}`);
      const { summary, seq } = found;
      const state = { sessionId, summary: summary === null ? null : summaryJson(summary) };
      return snapshotAnswer(request, { state, seq }, `${seq}`);
    },
  });
}

function summarizeRoute(): Operation {
  return operation({
    method: "post",
    path: "/api/summary",
    policy: "user",
    id: "makeSummary",
    tag: "todos",
    summary: "Sum a session up; its messages stay as they are",
    submits: true,
    headers: [idempotencyHeader],
    body: { schema: sessionBody, required: true },
    answers: taskAnswers,
    errors: ["not_found", ...errors],
    handle: (call, server) => makeOf(server, call, "summary"),
  });
}

function extractRoute(): Operation {
  return operation({
    method: "post",
    path: "/api/todos/extract",
    policy: "user",
    id: "extractTodos",
    tag: "todos",
    summary: "Look for todos in what you said in a session, and propose them",
    description:
      "Nothing is on your list before you accept it. `POST /api/todos/undo` with the task's id takes all of it back.",
    submits: true,
    headers: [idempotencyHeader],
    body: { schema: sessionBody, required: true },
    answers: taskAnswers,
    errors: ["not_found", ...errors],
    handle: (call, server) => makeOf(server, call, "extract_todos"),
  });
}

async function makeOf(
  server: ServerContext,
  call: Call<unknown, unknown, { readonly sessionId: string }>,
  type: string,
): Promise<Response> {
  const { sessionId } = call.body;
  const found = await server.engine.reader.memory(call.who.userId, sessionId);
  if (found === null) throw new ErrandError("not_found", `there is no session ${sessionId}`);
  return await make(server, call, type, { sessionId });
}

async function make(
  server: ServerContext,
  call: Call<unknown, unknown, unknown>,
  type: string,
  input: unknown,
): Promise<Response> {
  const options = { ...submitMeta(call), priority: "interactive" } as const;
  const { taskId, replayed }: Submitted = await server.engine.submit(type, input, options);
  return submitted(await readTask(server, taskId, call.who), replayed);
}

function planJson({ day, timeZone, text, todoIds, by, taskId, atMs }: DayPlan): object {
  return { day, timeZone, text, todoIds, by, taskId, at: isoTime(atMs) };
}

function summaryJson({ text, messages, untilMessageId, by, taskId, atMs }: Summary): object {
  return { text, messages, untilMessageId, by, taskId, at: isoTime(atMs) };
}
