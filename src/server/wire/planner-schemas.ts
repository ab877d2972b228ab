import { z } from "@hono/zod-openapi";

const text: z.ZodType<string> = z.string();
const textOrNull: z.ZodType<string | null> = z.string().nullable();
const count: z.ZodType<number> = z.int().min(0);
const time: z.ZodType<string> = z.iso.datetime().openapi({ description: "ISO 8601, UTC" });
const json = z.unknown().openapi({ description: "Any JSON value" });

/** A todo. */
export const todoShape: z.ZodType = z
  .strictObject({
    id: text,
    text,
    status: z.enum(["proposed", "open", "done"]),
    dueDay: textOrNull.openapi({ description: "`YYYY-MM-DD`", example: "2026-11-30" }),
    source: z
      .strictObject({ sessionId: text, messageId: text })
      .nullable()
      .openapi({ description: "The chat message it was found in" }),
    operationId: textOrNull.openapi({ description: "The task that made it" }),
    createdAt: time,
    doneAt: time.nullable(),
  })
  .openapi("Todo");

/** A session's todos. */
export const todosShape: z.ZodType = z
  .strictObject({
    state: z.strictObject({ sessionId: text, todos: z.array(todoShape) }),
    seq: z.int(),
  })
  .openapi("Todos");

/** A reminder. */
export const reminderShape: z.ZodType = z
  .strictObject({
    id: text,
    text,
    cron: textOrNull,
    timeZone: text,
    sessionId: text,
    nextAt: time.nullable().openapi({ description: "When it comes; null if it has come" }),
    last: z
      .strictObject({
        dueAt: time,
        at: time,
        missed: z.boolean().openapi({ description: "The server was down at its time" }),
      })
      .nullable(),
    createdAt: time,
  })
  .openapi("Reminder");

/** All reminders of a user. */
export const remindersShape: z.ZodType = z
  .strictObject({
    state: z.strictObject({ reminders: z.array(reminderShape) }),
    seq: z.int(),
  })
  .openapi("Reminders");

/** A question of a task that waits for a yes or no. */
export const approvalShape: z.ZodType = z
  .strictObject({
    id: text,
    taskId: text,
    taskType: text,
    question: text,
    details: json,
    askedAt: time,
    untilAt: time.nullable().openapi({ description: "When it counts as a no by itself" }),
  })
  .openapi("Approval");

/** All questions that wait. */
export const approvalsShape: z.ZodType = z
  .strictObject({ approvals: z.array(approvalShape) })
  .openapi("Approvals");

/** Whose clock is read. */
export const profileShape: z.ZodType = z
  .strictObject({ userId: text, timeZone: text })
  .openapi("Profile");

const writer = z.enum(["model", "rules"]);

/** The last plan of a day. */
export const planShape: z.ZodType = z
  .strictObject({
    state: z.strictObject({
      plan: z
        .strictObject({
          day: text,
          timeZone: text,
          text,
          todoIds: z.array(text),
          by: writer,
          taskId: text,
          at: time,
        })
        .nullable(),
    }),
    seq: z.int(),
  })
  .openapi("Plan");

/** The stored summary of a session. */
export const summaryShape: z.ZodType = z
  .strictObject({
    state: z.strictObject({
      sessionId: text,
      summary: z
        .strictObject({
          text,
          messages: count,
          untilMessageId: text,
          by: writer,
          taskId: text,
          at: time,
        })
        .nullable(),
    }),
    seq: z.int(),
  })
  .openapi("Summary");

/** What a wish for todos came to. */
export const todoDoneShape: z.ZodType = z
  .strictObject({
    event_id: text,
    todoIds: z.array(text),
    todos: z
      .array(todoShape)
      .openapi({ description: "As they are now; without those that are gone" }),
  })
  .openapi("TodoDone");
