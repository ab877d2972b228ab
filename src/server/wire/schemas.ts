import { z } from "@hono/zod-openapi";

import { todoShape } from "./planner-schemas.ts";

const statuses = [
  "delayed",
  "queued",
  "running",
  "waiting",
  "completed",
  "failed",
  "cancelled",
  "expired",
] as const;
const text: z.ZodType<string> = z.string();
const textOrNull: z.ZodType<string | null> = z.string().nullable();
const count: z.ZodType<number> = z.int().min(0);
const time: z.ZodType<string> = z.iso.datetime().openapi({ description: "ISO 8601, UTC" });
const json = z.unknown().openapi({ description: "Any JSON value" });

const errorShape = z.strictObject({ code: text, message: text }).nullable();

const rangeShape = z.strictObject({ p50Ms: count, p90Ms: count });
const estimateShape = z
  .strictObject({
    start: rangeShape,
    end: rangeShape,
    late: z.boolean().openapi({ description: "It takes longer than was promised when it came" }),
  })
  .openapi("Estimate", { description: "When it may start and end, in milliseconds from now" });

const reasonShape = z
  .strictObject({
    code: z.enum([
      "slot",
      "held",
      "delay",
      "backoff",
      "sleep",
      "event",
      "child",
      "call",
      "cut",
      "approval",
    ]),
    message: text,
    untilAt: time.optional(),
    queue: text.optional(),
    approvalId: text
      .optional()
      .openapi({ description: "Of a wait for approval: answer it at /api/approvals" }),
    position: z.int().min(1).optional().openapi({ description: "Place in line, from 1" }),
    estimate: estimateShape.optional(),
    cause: z
      .strictObject({ code: text, untilAt: time.optional(), error: text.optional() })
      .optional()
      .openapi({
        description:
          "What must change first: slot_busy, behind_others, key_limit, type_limit, model_swap, queue_paused, rate_window, endpoint_asked, endpoint_loading, endpoint_down (`error`: how its last call failed)",
      }),
    error: z
      .strictObject({ code: text, message: text })
      .optional()
      .openapi({ description: "Of a backoff: what failed before it" }),
  })
  .nullable();

const progressShape = z
  .strictObject({
    done: z.number().optional(),
    total: z.number().optional(),
    message: z.string().optional(),
    data: json.optional(),
  })
  .nullable();

/** A task. */
export const taskShape: z.ZodType = z
  .strictObject({
    id: text,
    userId: text,
    chatId: textOrNull,
    type: text,
    status: z.enum(statuses),
    reason: reasonShape,
    input: json.optional(),
    output: json.optional(),
    error: errorShape,
    attempts: count,
    retryCount: count,
    progress: progressShape,
    partial: textOrNull.openapi({
      description:
        "Text so far of the current attempt; null once the task is completed: see output",
    }),
    messageId: textOrNull,
    parentId: textOrNull,
    rootId: text,
    priority: z.enum(["interactive", "background", "batch"]),
    queue: text,
    title: textOrNull,
    cursor: textOrNull.openapi({
      description: "Opaque: follow the task's stream from exactly behind `partial`",
    }),
    createdAt: time,
    startedAt: time.nullable(),
    completedAt: time.nullable(),
  })
  .openapi("Task");

/** A page of tasks. */
export const taskPageShape: z.ZodType = z
  .strictObject({ tasks: z.array(taskShape), nextCursor: textOrNull })
  .openapi("TaskPage");

/** Why a task is where it is. */
export const whyShape: z.ZodType = z
  .strictObject({
    status: z.enum(statuses),
    reason: reasonShape,
    queue: z
      .strictObject({
        name: text,
        code: text,
        position: z.int(),
        pending: count,
        running: count,
        slots: count,
        untilAt: time.optional(),
        estimate: estimateShape.nullable(),
      })
      .nullable(),
    message: text,
  })
  .openapi("Why");

/** A page of a task's log. */
export const logPageShape: z.ZodType = z
  .strictObject({
    events: z.array(
      z.strictObject({
        event_id: text,
        seq: z.int().min(1),
        type: text,
        timestamp: time,
        payload: json,
        request_id: textOrNull,
        operation_id: textOrNull,
        client_action_id: textOrNull,
        causation_id: textOrNull,
        user_id: text,
        session_id: textOrNull,
      }),
    ),
    nextAfter: z.int().nullable(),
  })
  .openapi("LogPage");

const partShape = z.union([
  z.strictObject({ type: z.literal("text"), text }),
  z.strictObject({ type: z.literal("data"), name: text, data: json }),
]);

/** A chat message. */
export const messageShape: z.ZodType = z
  .strictObject({
    id: text,
    role: z.enum(["user", "assistant"]),
    parts: z.array(partShape),
    taskId: textOrNull,
    status: z.enum(["pending", "streaming", "completed", "failed"]),
    error: errorShape,
    createdAt: time,
  })
  .openapi("Message");

/** A session whole. */
export const sessionShape: z.ZodType = z
  .strictObject({
    state: z.strictObject({
      id: text,
      title: text,
      messages: z.array(messageShape),
      todos: z.array(todoShape),
      activeTaskId: textOrNull,
      queuedTaskIds: z.array(text),
    }),
    seq: z.int(),
  })
  .openapi("Session");

/** A page of sessions. */
export const sessionPageShape: z.ZodType = z
  .strictObject({
    sessions: z.array(
      z.strictObject({
        id: text,
        title: text,
        createdAt: time,
        updatedAt: time,
        activeTaskId: textOrNull,
      }),
    ),
    nextCursor: textOrNull,
  })
  .openapi("SessionPage");

/** A queue with its load and its limits. */
export const queueShape: z.ZodType = z
  .strictObject({
    name: text,
    slots: count,
    running: count.openapi({ description: "Calls that hold slots" }),
    taken: count.openapi({ description: "Slots that they hold" }),
    pending: count,
    paused: z.boolean(),
    perBand: z.tuple([count, count, count]),
    slotsPerKey: count.nullable(),
    requestsPerMinute: count.nullable(),
    tokensPerMinute: count.nullable(),
    swapMs: count.nullable().openapi({
      description: "How long its endpoint takes to load another model, if it holds one in memory",
    }),
    loaded: textOrNull.openapi({ description: "Model in memory, where one is at a time" }),
    lines: z
      .array(z.strictObject({ line: text, code: text, untilAt: time, error: text.optional() }))
      .openapi({ description: "Endpoints that share it as their device and are held back" }),
    cuts: z.strictObject({ count, tokens: count }),
    closed: z
      .strictObject({
        code: text,
        untilAt: time,
        error: text
          .optional()
          .openapi({ description: "Of endpoint_down: code of the endpoint's last failure" }),
      })
      .nullable(),
    models: z
      .array(
        z.strictObject({
          model: text,
          promptTokensPerSecond: z.number().nullable(),
          decodeTokensPerSecond: z.number().nullable(),
        }),
      )
      .openapi({ description: "How fast its models read and write, learnt from their answers" }),
  })
  .openapi("Queue");

/** All queues. */
export const queuesShape: z.ZodType = z
  .strictObject({ queues: z.array(queueShape) })
  .openapi("Queues");

/** Alerts. */
export const alertsShape: z.ZodType = z
  .strictObject({
    alerts: z.array(
      z
        .strictObject({
          rule: text,
          subject: text.openapi({ description: 'Queue or endpoint; "" for the whole server' }),
          message: text,
          firedAt: time,
          clearedAt: time.nullable(),
        })
        .openapi("Alert"),
    ),
  })
  .openapi("Alerts");

/** A schedule. */
export const scheduleShape: z.ZodType = z
  .strictObject({
    name: text,
    cron: text,
    timeZone: text,
    missed: z.enum(["skip", "once", "all"]),
    paused: z.boolean(),
    type: text,
    input: json.optional(),
    priority: z.enum(["interactive", "background", "batch"]),
    title: textOrNull,
    nextRuns: z.array(time).openapi({ description: "None while it is paused" }),
    last: z
      .strictObject({ taskId: text, at: time, status: textOrNull, error: textOrNull })
      .nullable()
      .openapi({ description: "The last run; `status` is null once its task is gone" }),
    createdAt: time,
  })
  .openapi("Schedule");

/** All schedules of a user. */
export const schedulePageShape: z.ZodType = z
  .strictObject({ schedules: z.array(scheduleShape) })
  .openapi("Schedules");

/** What the server is doing. */
export const overviewShape: z.ZodType = z
  .strictObject({
    queues: z.array(queueShape),
    active: count.openapi({ description: "Your open tasks, counted up to 1,000" }),
    model: z.strictObject({
      connected: z.boolean(),
      baseUrl: textOrNull,
      models: z.array(text),
      note: text,
    }),
  })
  .openapi("Overview");

/** An orchestrated workflow, as its status and as the details of its creation. */
export const workflowShape: z.ZodType = z
  .strictObject({
    status: z.enum(["queued", "running", "waiting", "complete", "errored", "terminated"]),
    state: z.enum(statuses),
    output: json,
    error: errorShape,
    subtasks: z.array(
      z.strictObject({
        id: text,
        type: text,
        title: textOrNull,
        state: z.enum(statuses),
        output: json,
        error: errorShape,
      }),
    ),
  })
  .openapi("Workflow");

/** Body of every error answer on `/api`. */
export const problemShape: z.ZodType = z
  .strictObject({
    type: text,
    title: text,
    status: z.int(),
    detail: text,
    code: text.openapi({ description: "Branch on this, never on the text" }),
    retryAfterMs: z.number().optional(),
    errors: z.array(z.strictObject({ field: text, message: text })).optional(),
    taskId: z.string().optional(),
    requestid: text,
  })
  .openapi("Problem");
