import { z } from "@hono/zod-openapi";

import { isDay } from "../../core/day.ts";
import { isErrorCode } from "../../core/errors.ts";
import { isChatId, isIdOf, isTaskId } from "../../core/ids.ts";
import {
  messageCharsMax,
  sessionTurnsMax,
  summaryCharsMax,
  todoCharsMax,
} from "../../core/limits.ts";

/** Format of an exported session; another one is refused. */
export const portableFormat = "errand-session-1";

const ms = z.number().min(0).max(8_640_000_000_000_000);
const id = z.string().min(1).max(200);
const taskId = z.string().refine(isTaskId, "is not a task id");
const code = z.string().refine(isErrorCode, "is not an error code");
const error = z
  .strictObject({
    code,
    message: z.string().max(20_000),
    retryAfterMs: z.number().optional(),
    fields: z.array(z.strictObject({ field: z.string(), message: z.string() })).optional(),
  })
  .nullable();
const part = z.union([
  z.strictObject({ type: z.literal("text"), text: z.string().max(messageCharsMax) }),
  z.strictObject({ type: z.literal("data"), name: z.string(), data: z.unknown() }),
]);
const message = z.strictObject({
  id,
  role: z.enum(["user", "assistant"]),
  parts: z.array(part).max(1_000),
  taskId: taskId.nullable(),
  status: z.enum(["pending", "streaming", "completed", "failed"]),
  error,
  createdAtMs: ms,
  ending: z.int().min(1).optional(),
  actionId: z.string().max(200).optional(),
});
const todo = z.strictObject({
  id: z.string().refine((text) => isIdOf("todo", text), "is not a todo id"),
  text: z.string().min(1).max(todoCharsMax),
  status: z.enum(["proposed", "open", "done"]),
  dueDay: z.string().refine(isDay, "is no day").nullable(),
  source: z
    .strictObject({ sessionId: z.string().refine(isChatId, "is no session"), messageId: id })
    .nullable(),
  operationId: z.string().max(200).nullable(),
  createdAtMs: ms,
  doneAtMs: ms.nullable(),
});
const by = z.enum(["model", "rules"]);
const head = z.strictObject({
  title: z.string().max(200),
  createdAtMs: ms,
  updatedAtMs: ms,
  turns: z.array(z.strictObject({ taskId, messageId: id })).max(sessionTurnsMax),
  summary: z
    .strictObject({
      text: z.string().max(summaryCharsMax),
      untilMessageId: id,
      messages: z.int().min(0),
      by,
      taskId: id,
      atMs: ms,
    })
    .nullable(),
  plan: z
    .strictObject({
      day: z.string().refine(isDay, "is no day"),
      timeZone: z.string().max(64),
      text: z.string().max(messageCharsMax),
      todoIds: z.array(id).max(1_000),
      by,
      taskId: id,
      atMs: ms,
    })
    .nullable(),
});
const item = z.union([
  z.strictObject({ message }),
  z.strictObject({ todo }),
  z.strictObject({ acted: z.tuple([z.string().max(300), z.array(id).max(1_000)]) }),
]);

/** A part that was checked: its head and items are what the engine's own are. */
export interface PartBody {
  readonly format: string;
  readonly sessionId: string;
  readonly seq: number;
  readonly stateHash: string;
  readonly part: number;
  readonly parts: number;
  readonly head: object;
  readonly items: readonly object[];
}

/** One part of a session, as it is exported and imported. */
export const sessionPartShape: z.ZodType<PartBody> = z
  .strictObject({
    format: z.literal(portableFormat),
    sessionId: z.string().refine(isChatId, "is no session's id"),
    seq: z.int().min(0),
    stateHash: z.string().regex(/^[0-9a-f]{64}$/),
    part: z.int().min(0).max(10_000),
    parts: z.int().min(1).max(10_001),
    head,
    items: z.array(item).max(20_000),
  })
  .openapi("SessionPart");
