import { z } from "@hono/zod-openapi";

import { clientFrame } from "./socket/frames.ts";
import { approvalShape, reminderShape, todoShape } from "./wire/planner-schemas.ts";
import { messageShape, taskShape } from "./wire/schemas.ts";

const progress = z.object({
  taskId: z.string(),
  progress: z.object({
    done: z.number().optional(),
    total: z.number().optional(),
    message: z.string().optional(),
    data: z.unknown().optional(),
  }),
});

/** What the data of each event is, by the event's name: the same on a WebSocket and as a server-sent event. */
const events: Readonly<Record<string, { readonly summary: string; readonly data: z.ZodType }>> = {
  state: {
    summary: "A task's present state, or its place in line",
    data: z.object({ task: taskShape }),
  },
  progress: { summary: "How far a task says it is", data: progress },
  step: {
    summary: "A step has finished",
    data: z.object({ taskId: z.string(), name: z.string() }),
  },
  tool: {
    summary: "A tool call was intended, or is settled",
    data: z.object({
      taskId: z.string(),
      id: z.string(),
      name: z.string(),
      state: z.enum(["intended", "confirmed", "failed", "unknown"]),
    }),
  },
  token: {
    summary: "A piece of text; `offset` is where it begins, in UTF-16 units",
    data: z.object({
      type: z.literal("llm.token"),
      operation_id: z.string(),
      text: z.string(),
      offset: z.int(),
    }),
  },
  reset: {
    summary: "Text of this attempt from `offset` on is void",
    data: z.object({
      taskId: z.string(),
      attempt: z.int(),
      offset: z.int(),
      reason: z.string(),
    }),
  },
  end: { summary: "A task has ended", data: z.object({ task: taskShape }) },
  session: {
    summary: "A message of a chat is new or has changed",
    data: z.object({
      sessionId: z.string(),
      message: messageShape.optional(),
      activeTaskId: z.string().nullable(),
      deleted: z.boolean().optional(),
    }),
  },
  todo: {
    summary: "A fact of todos, with the ids of its envelope; `todo` is null if it is gone",
    data: z.object({
      type: z.string(),
      event_id: z.string(),
      client_action_id: z.string().nullable(),
      sessionId: z.string(),
      seq: z.int(),
      todoId: z.string().nullable(),
      todo: todoShape.nullable(),
    }),
  },
  approval: {
    summary: "A task asks its person, or needs no answer any more: `approval` is null then",
    data: z.object({
      type: z.string(),
      seq: z.int(),
      approvalId: z.string(),
      approval: approvalShape.nullable(),
    }),
  },
  reminder: {
    summary: "A fact of a reminder; it has come if the type is `reminder.rang`",
    data: z.object({
      type: z.string(),
      seq: z.int(),
      reminderId: z.string(),
      reminder: reminderShape.nullable(),
    }),
  },
  "up-to-date": { summary: "Everything stored was told; what follows is live", data: z.object({}) },
};

const serverFrame = z.union([
  z.object({
    t: z.literal("ev"),
    channel: z.string(),
    seq: z.string().nullable(),
    event: z.object({ type: z.enum(Object.keys(events)), data: z.unknown() }),
  }),
  z.object({ t: z.literal("gap"), channel: z.string(), message: z.string() }),
  z.object({ t: z.literal("end"), channel: z.string() }),
  z.object({
    t: z.literal("err"),
    channel: z.string().nullable(),
    code: z.string(),
    message: z.string(),
  }),
  z.object({ t: z.literal("pong") }),
]);

/** JSON schema of what is sent, or of what is taken. */
function schemaOf(type: z.ZodType, io: "input" | "output"): object {
  return z.toJSONSchema(type, { io, unrepresentable: "any", target: "draft-7" });
}

/** `/asyncapi.json`: the events of the WebSocket and of the event streams, as AsyncAPI 3.0. */
export function asyncapiDocument(version: string): object {
  const told = Object.fromEntries(
    Object.entries(events).map(([name, { summary, data }]) => [
      name,
      { name, summary, contentType: "application/json", payload: schemaOf(data, "output") },
    ]),
  );
  const named = Object.fromEntries(
    Object.keys(events).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
  );
  return {
    asyncapi: "3.0.0",
    info: { title: "Errand: what is pushed", version },
    defaultContentType: "application/json",
    channels: {
      socket: {
        address: "/ws/tasks",
        description:
          "Subprotocol `errand.v1`, or none. Closed with 1001 when the server stops, 1008 for too many messages, 1009 for one that is too big, 1013 for a reader that is too slow or should come back later, 4401 without a good key.",
        messages: {
          ask: {
            summary: "What a client says",
            payload: schemaOf(clientFrame, "input"),
            examples: [{ payload: { t: "sub", channel: "tasks" } }],
          },
          tell: {
            summary: "What a client is told; `event` is one of the messages of the event streams",
            payload: schemaOf(serverFrame, "output"),
          },
        },
      },
      events: { address: "/api/events", description: "Server-sent events", messages: named },
      task: {
        address: "/api/tasks/{taskId}/stream",
        description: "Server-sent events, with cursors as ids",
        parameters: { taskId: { description: "The task" } },
        messages: named,
      },
    },
    operations: {
      ask: { action: "receive", channel: { $ref: "#/channels/socket" } },
      tell: { action: "send", channel: { $ref: "#/channels/socket" } },
      tellAll: { action: "send", channel: { $ref: "#/channels/events" } },
      tellTask: { action: "send", channel: { $ref: "#/channels/task" } },
    },
    components: { messages: told },
  };
}
