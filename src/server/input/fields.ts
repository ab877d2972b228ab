import { z } from "@hono/zod-openapi";

import { isDay } from "../../core/day.ts";
import { isChatId, isIdOf, isName, isTaskId, isUserId } from "../../core/ids.ts";
import { parseCursor, type Cursor } from "../../core/stream/cursor.ts";

/** A whole number in a query, `min`..`max`. */
export function whole(min: number, max: number, description: string): z.ZodType<number, string> {
  const message = `must be a whole number ${min}..${max}`;
  return z
    .string()
    .regex(/^\d{1,16}$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message)
    .openapi({ type: "integer", minimum: min, maximum: max, description });
}

/** Page size of a list. */
export const limitField: z.ZodType<number, string> = whole(1, 200, "Entries of one page");

/** A day or a moment, ISO 8601; parsed to epoch milliseconds. */
export function timeField(description: string): z.ZodType<number, string> {
  return z
    .union([z.iso.datetime({ offset: true }), z.iso.date()], {
      error: "must be a date or a time, such as 2026-11-21 or 2026-11-21T10:00:00Z",
    })
    .transform((text) => Date.parse(text))
    .refine((atMs) => Number.isFinite(atMs), "must be a date or a time that exists")
    .openapi({ type: "string", description, example: "2026-11-21T10:00:00Z" });
}

/** A task's id. */
export const taskIdField: z.ZodType<string, string> = z
  .string()
  .refine(isTaskId, "is not a task id")
  .openapi({ example: "task_01k7x5q2m0f3v8k2n6r4t9w1ya" });

/** A todo's id. */
export const todoIdField: z.ZodType<string, string> = z
  .string()
  .refine((id) => isIdOf("todo", id), "is not a todo id")
  .openapi({ example: "todo_01k7x5q2m0f3v8k2n6r4t9w1ya" });

/** A reminder's id. */
export const reminderIdField: z.ZodType<string, string> = z
  .string()
  .refine((id) => isIdOf("rem", id), "is not a reminder id")
  .openapi({ example: "rem_01k7x5q2m0f3v8k2n6r4t9w1ya" });

/** An approval's id. */
export const approvalIdField: z.ZodType<string, string> = z
  .string()
  .refine((id) => isIdOf("appr", id), "is not an approval's id")
  .openapi({ example: "appr_01k7x5q2m0f3v8k2n6r4t9w1ya" });

/** The id of the task that something was made by. */
export const operationIdField: z.ZodType<string, string> = z
  .string()
  .refine(isTaskId, "is not a task id")
  .openapi({ example: "task_01k7x5q2m0f3v8k2n6r4t9w1ya" });

/** A day of a person's own calendar. */
export const dayField: z.ZodType<string, string> = z
  .string()
  .refine(isDay, "must be a day that exists, as 2026-11-30")
  .openapi({ example: "2026-11-30" });

/** A user's id. */
export const userIdField: z.ZodType<string, string> = z
  .string()
  .refine(
    isUserId,
    "must be 1..64 of letters, digits and _ . @ -, beginning with a letter or digit",
  )
  .openapi({ example: "u1" });

/** A session's id, which is a chat's id; clients may choose it. */
export const sessionIdField: z.ZodType<string, string> = z
  .string()
  .refine(
    isChatId,
    'must be 1..128 of letters, digits, _ and -, beginning with a letter or digit, and not "stream"',
  )
  .openapi({ example: "chat_01k7x5q2m0f3v8k2n6r4t9w1ya" });

/** Name of a task type, queue or event. */
export const nameField: z.ZodType<string, string> = z
  .string()
  .refine(isName, "must be 1..100 of letters, digits and _ . : -, beginning with a letter or digit")
  .openapi({ example: "generate" });

const actionPattern = /^[\x21-\x7e]{1,200}$/;

/** A client's name for one wish: sent again, nothing happens twice. */
export const actionIdField: z.ZodType<string, string> = z
  .string()
  .regex(actionPattern, "must be 1..200 printable ASCII characters without spaces")
  .openapi({
    description: "Names this wish: the same request sent again has no second effect",
    example: "call_01k7x5q2m0f3v8k2n6r4t9w1ya",
  });

/** A place in a task's feed, as events carry it in `id`. */
export const cursorField: z.ZodType<Cursor, string> = z
  .string()
  .transform((text, context) => {
    const cursor = parseCursor(text);
    if (cursor !== undefined) return cursor;
    context.addIssue({
      code: "custom",
      message: "is not a cursor: pass the id of an event, or the cursor of a task",
    });
    return z.NEVER;
  })
  .openapi({
    type: "string",
    description: "Continue behind this place: the id of an event, or a task's cursor",
    example: "5.1.12",
  });
