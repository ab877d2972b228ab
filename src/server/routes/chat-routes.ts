import { z } from "@hono/zod-openapi";

import { ErrandError, type ErrorCode } from "../../core/errors.ts";
import { empty, json } from "../answer.ts";
import {
  askedMessage,
  chatBody,
  chatBodyShown,
  messageBody,
  readChatBody,
  type AskedMessage,
} from "../chat/chat-request.ts";
import { answerText } from "../chat/ui-answer.ts";
import { openUiStream } from "../chat/ui-stream.ts";
import type { ServerContext } from "../context.ts";
import { hex, sha256 } from "../guard/digest.ts";
import { sessionIdField } from "../input/fields.ts";
import type { Said } from "../../engine/index.ts";
import { operation, type Call, type Operation } from "../operation.ts";
import { TaskProblem } from "../problem.ts";
import { traceparentOf } from "../request-id.ts";
import { idempotencyHeader, idempotencyKeyOf } from "./task-routes.ts";

const chatParams = z.strictObject({ chatId: sessionIdField });
const errors: readonly ErrorCode[] = [
  "session_busy",
  "gone",
  "queue_full",
  "idempotency_mismatch",
  "too_large",
  "unknown_type",
  "storage_full",
  "unavailable",
];
const uiStream = {
  description: "AI SDK 7 UI message stream",
  schema: z.string(),
  mediaType: "text/event-stream",
} as const;
const sentShape = z
  .strictObject({
    taskId: z.string(),
    sessionId: z.string(),
    messageId: z.string(),
    userMessageId: z.string(),
  })
  .openapi("Sent");
const replyShape = z
  .strictObject({ reply: z.string(), taskId: z.string(), sessionId: z.string() })
  .openapi("Reply");
const laterShape = z
  .strictObject({ taskId: z.string(), sessionId: z.string() })
  .openapi("ReplyLater");
/** What AI SDK's documents send; the message is what the page has of it, and not needed. */
const stopBody = z
  .strictObject({ activeStreamId: z.string().nullish(), assistantMessage: z.unknown().optional() })
  .openapi("Stop");
const stopShape = z.strictObject({ stopped: z.string().nullable() }).openapi("Stopped");

/** The chat door: AI SDK's `useChat`, a plain JSON chat, and the page's own "answer at once". */
export function chatRoutes(): readonly Operation[] {
  return [chatRoute(), sendRoute(), resumeRoute(), stopRoute()];
}

function chatRoute(): Operation {
  return operation({
    method: "post",
    path: "/api/chat",
    policy: "user",
    id: "chat",
    tag: "chat",
    summary: "Say something and get the answer",
    description:
      "With AI SDK's body the answer is a UI message stream; it may be dropped at any time and resumed. With `{message}` it is JSON, " +
      "when the answer is there or after 240 s, or the same stream if text/event-stream is accepted.",
    submits: true,
    headers: [idempotencyHeader],
    body: { schema: chatBody, required: true, shown: chatBodyShown },
    answers: {
      200: {
        description: "The answer",
        schema: replyShape,
        also: { mediaType: "text/event-stream", schema: z.string() },
      },
      202: { description: "The answer takes longer: follow the task", schema: laterShape },
    },
    errors,
    async handle(call, server) {
      const { asked, isUiChat } = readChatBody(call.body);
      const wantsStream =
        isUiChat || call.request.headers.get("accept")?.includes("text/event-stream") === true;
      const { sessionId, replayed, ...turn } = await sayOrAgain(server, call, asked);
      if (replayed) await refuseGone(server, turn.taskId);
      return wantsStream
        ? openUiStream(server, call, turn)
        : await reply(server, turn.taskId, sessionId);
    },
  });
}

function sendRoute(): Operation {
  return operation({
    method: "post",
    path: "/api/chat/stream",
    policy: "user",
    id: "sendMessage",
    tag: "chat",
    summary: "Say something and get the task that answers",
    description: "Answers at once, when the message is on disk. Follow the task for the answer.",
    submits: true,
    headers: [idempotencyHeader],
    body: { schema: messageBody, required: true },
    answers: {
      202: { description: "The message is kept and will be answered", schema: sentShape },
    },
    errors,
    async handle(call, server) {
      const { taskId, sessionId, messageId, userMessageId, replayed } = await say(
        server,
        call,
        askedMessage(call.body),
      );
      return json(
        { taskId, sessionId, messageId, userMessageId },
        202,
        replayed ? { "idempotency-replayed": "true" } : {},
      );
    },
  });
}

function resumeRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/chat/{chatId}/stream",
    policy: "user",
    id: "resumeChat",
    tag: "chat",
    summary: "Resume the answer that is being given",
    description: "Replays it from its start, with the same message id, and goes on.",
    params: chatParams,
    answers: { 200: uiStream, 204: { description: "Nothing is being answered" } },
    errors: ["rate_limited"],
    async handle(call, server) {
      const { params, who, request } = call;
      const turn = await server.engine.sessions.read(
        who.userId,
        params.chatId,
        ({ turns }) => turns[0] ?? null,
      );
      if (turn === null) return empty(204);
      return request.method === "HEAD"
        ? server.streams.headersOnly()
        : openUiStream(server, call, turn);
    },
  });
}

function stopRoute(): Operation {
  return operation({
    method: "post",
    path: "/api/chat/{chatId}/stop",
    policy: "user",
    id: "stopChat",
    tag: "chat",
    summary: "Stop the answer that is being given",
    description:
      "What was said so far is kept. With `activeStreamId`, the task's id, an older answer's stop does nothing to a newer one.",
    params: chatParams,
    body: { schema: stopBody, required: false },
    answers: { 200: { description: "The stopped task, or null", schema: stopShape } },
    errors: ["storage_full", "unavailable"],
    async handle({ params, who, body }, server) {
      const { sessions } = server.engine;
      const active = await sessions.read(
        who.userId,
        params.chatId,
        ({ turns }) => turns[0]?.taskId ?? null,
      );
      const meant = body.activeStreamId ?? active;
      if (active === null || meant !== active) return json({ stopped: null });
      return json({ stopped: await sessions.stop(who.userId, params.chatId, active) });
    },
  });
}

type ChatCall = Call<unknown, unknown, unknown>;

async function say(
  server: ServerContext,
  { request, requestId, who }: ChatCall,
  asked: AskedMessage,
): Promise<Said> {
  const { sessions } = server.engine;
  const { userId } = who;
  const traceparent = traceparentOf(request.headers);
  const idempotencyKey = idempotencyKeyOf(request);
  const { text, parts, userMessageId, onBusy, actionId } = asked;
  return await sessions.say({
    userId,
    requestId,
    chatId: asked.sessionId ?? (await newChatId(server, userId, idempotencyKey ?? actionId)),
    text,
    parts,
    ...(userMessageId === undefined ? {} : { userMessageId }),
    ...(onBusy === undefined ? {} : { onBusy }),
    ...(actionId === undefined ? {} : { actionId }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(traceparent === undefined ? {} : { traceparent }),
  });
}

async function newChatId(
  server: ServerContext,
  userId: string,
  key: string | undefined,
): Promise<string> {
  return key === undefined ? server.engine.sessions.newChatId() : await chatIdOfKey(userId, key);
}

/** A message that may be sent again must begin the same session again: its id comes from the key. */
export async function chatIdOfKey(userId: string, key: string): Promise<string> {
  return `chat_${hex(await sha256(`${userId}\n${key}`)).slice(0, 32)}`;
}

/**
 * Says something, or answers again what was said before: a turn that failed is tried again, one that is being answered is
 * resumed, and a finished one is asked once more as a new turn, so that the session keeps both answers.
 */
async function sayOrAgain(
  server: ServerContext,
  call: ChatCall,
  asked: AskedMessage,
): Promise<Said> {
  if (!asked.again || asked.sessionId === undefined || asked.userMessageId === undefined)
    return await say(server, call, asked);
  const { sessionId, userMessageId } = asked;
  const { userId } = call.who;
  const { sessions } = server.engine;
  const answer = await sessions.read(userId, sessionId, ({ messages }) => {
    const question = messages.get(userMessageId);
    return (
      [...messages.values()].find(
        ({ role, taskId }) => role === "assistant" && taskId === question?.taskId,
      ) ?? null
    );
  });
  if (answer === null || answer.taskId === null) return await say(server, call, asked);
  if (answer.status === "completed")
    return await say(server, call, { ...asked, userMessageId: undefined });
  if (answer.status === "failed") await sessions.retryTurn(userId, sessionId, answer.taskId);
  return { taskId: answer.taskId, messageId: answer.id, sessionId, userMessageId, replayed: true };
}

/** A message that was sent long ago: its answer's task may be gone, and then nothing of it would ever come. */
async function refuseGone({ engine }: ServerContext, taskId: string): Promise<void> {
  try {
    await engine.reader.view(taskId, null);
  } catch (cause) {
    throw new ErrandError(
      "gone",
      `the task that answered this message, ${taskId}, was removed after its retention; the session keeps the answer`,
      { cause },
    );
  }
}

/** Waits for the answer, but not for ever: clients give up after 300 s without headers. */
async function reply(server: ServerContext, taskId: string, sessionId: string): Promise<Response> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), server.limits.replyWaitMs);
  const ended = server.engine.ended(taskId);
  const end = await Promise.race([ended, late.promise]).finally(() => clearTimeout(timer));
  if (end === null) return json({ taskId, sessionId }, 202, { location: `/api/tasks/${taskId}` });
  if (end.status === "completed") return json({ reply: answerText(end.output), taskId, sessionId });
  const { code, message } = end.error ?? { code: "internal", message: `the task is ${end.status}` };
  throw new TaskProblem(taskId, new ErrandError(code, message));
}
