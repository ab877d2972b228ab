import { z } from "@hono/zod-openapi";

import type { ErrorCode } from "../../core/errors.ts";
import { json } from "../answer.ts";
import type { ServerContext } from "../context.ts";
import { operation, type Call, type Operation } from "../operation.ts";
import { idempotencyHeader } from "../routes/task-routes.ts";
import { openAnswerStream } from "./answer-stream.ts";
import { resultOf } from "./answer-output.ts";
import { ChatChunks, wholeCompletion } from "./chat-answer.ts";
import { callOf, completionBody, type CompletionBody } from "./chat-request.ts";
import { priorityOf } from "./request-fields.ts";
import { completionShape } from "./shapes.ts";
import {
  awaitEnd,
  cancelsOnLeave,
  endError,
  leaveHeader,
  placeHeaders,
  submitWanted,
} from "./submission.ts";

/** What asking a model may end with. */
export const answerErrors: readonly ErrorCode[] = [
  "not_found",
  "conflict",
  "cancelled",
  "idempotency_mismatch",
  "queue_full",
  "client_closed",
  "unavailable",
  "storage_full",
  "handler_failed",
  "timed_out",
  "worker_lost",
  "model_unavailable",
  "model_rate_limited",
  "model_rejected",
  "model_loading",
  "model_silent",
  "model_interrupted",
  "model_stalled",
  "model_broken",
  "context_overflow",
];

/** `POST /v1/chat/completions`. */
export function chatCompletionRoute(): Operation {
  return operation({
    method: "post",
    path: "/v1/chat/completions",
    policy: "user",
    id: "createChatCompletion",
    tag: "openai",
    summary: "Ask a model, as OpenAI's Chat Completions",
    description:
      "Waits in the queue of its endpoint like any task, and can be seen and cancelled as one. With `stream` headers come at once and comments keep the connection alive; without it the answer is waited for at most 240 s.",
    submits: true,
    headers: [idempotencyHeader, leaveHeader],
    body: { schema: completionBody, required: true },
    answers: {
      200: {
        description: "The answer",
        schema: completionShape,
        also: { mediaType: "text/event-stream", schema: z.string() },
        headers: placeHeaders,
      },
    },
    errors: answerErrors,
    handle: (call, server) => complete(server, call),
  });
}

async function complete(
  server: ServerContext,
  call: Call<undefined, undefined, CompletionBody>,
): Promise<Response> {
  const { body, request } = call;
  const cancels = cancelsOnLeave(request);
  const asked = callOf(body);
  const { taskId, headers } = await submitWanted(server, call, {
    type: "completion",
    request: { target: await server.catalogue.find(body.model), call: asked },
    priority: priorityOf(body.service_tier, "interactive"),
    awaited: body.stream !== true,
    user: body.user ?? null,
    safety_identifier: body.safety_identifier ?? null,
  });
  if (body.stream === true) {
    const writer = new ChatChunks(body.model, body.stream_options?.include_usage === true);
    return openAnswerStream(server, call, { taskId, writer, headers, cancelsOnLeave: cancels });
  }
  const end = await awaitEnd(server, call, taskId);
  const result = end.status === "completed" ? resultOf(end.output) : null;
  if (result === null) throw endError(taskId, end);
  return json(wholeCompletion({ ...end, id: taskId }, result, body.model), 200, headers);
}
