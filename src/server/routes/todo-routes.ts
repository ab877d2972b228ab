import { z } from "@hono/zod-openapi";

import { todoCharsMax } from "../../core/limits.ts";
import type { TodoAct } from "../../core/session/todos.ts";
import { plannerChatId, type TodoDone, type TodoOrigin } from "../../engine/index.ts";
import { json } from "../answer.ts";
import {
  actionIdField,
  dayField,
  operationIdField,
  sessionIdField,
  todoIdField,
} from "../input/fields.ts";
import { operation, type Call, type Operation } from "../operation.ts";
import { snapshotAnswer, snapshotHeader } from "../snapshot-answer.ts";
import { todoDoneShape, todosShape } from "../wire/planner-schemas.ts";
import { todoJson } from "../wire/todo.ts";
import { idempotencyHeader, idempotencyKeyOf } from "./task-routes.ts";

const params = z.strictObject({ todoId: todoIdField });
const inSession = {
  sessionId: sessionIdField.optional().openapi({
    description: `The session whose list it is; default: your own list, \`${plannerChatId}\``,
  }),
};
const query = z.strictObject(inSession);
/** What every wish may carry of its envelope. */
const envelope = {
  ...inSession,
  event_id: actionIdField
    .optional()
    .openapi({ description: "Id of this wish's envelope: the same id again changes nothing" }),
  client_action_id: actionIdField.optional(),
};
const text = z
  .string()
  .min(1)
  .max(todoCharsMax)
  .refine((words) => words.trim() !== "", "must not be blank");

const addBody = z
  .strictObject({ text, dueDay: dayField.nullable().optional(), ...envelope })
  .openapi("NewTodo");
const changeBody = z
  .strictObject({
    text: text.optional(),
    dueDay: dayField.nullable().optional(),
    done: z
      .boolean()
      .optional()
      .openapi({ description: "true completes it, false opens it again" }),
    accepted: z
      .literal(true)
      .optional()
      .openapi({ description: "Takes a proposed one as your own" }),
    ...envelope,
  })
  .openapi("TodoChange");
const undoBody = z.strictObject({ operationId: operationIdField, ...envelope }).openapi("TodoUndo");

const errors = ["idempotency_mismatch", "limit_exceeded", "storage_full", "unavailable"] as const;

/** Todos: facts of a session's log (SPEC TODO1). Another user's todo is not found. */
export function todoRoutes(): readonly Operation[] {
  return [listRoute(), addRoute(), undoRoute(), changeRoute(), removeRoute()];
}

function listRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/todos",
    policy: "user",
    id: "listTodos",
    tag: "todos",
    summary: "Read your todos, in your order",
    description:
      "A snapshot: what `todo` events of the feed with a higher `seq` say comes on top of it.",
    query,
    headers: [snapshotHeader],
    answers: {
      200: {
        description: "All of them; a later snapshot never has a lower seq",
        schema: todosShape,
        headers: { ETag: "Names this state of the list" },
      },
      304: { description: "It still has that ETag" },
    },
    async handle({ request, who, query: { sessionId = plannerChatId } }, server) {
      const { todos, seq } = await server.engine.todos.list(who.userId, sessionId);
      const state = { sessionId, todos: todos.map(todoJson) };
      return snapshotAnswer(request, { state, seq }, `${seq}`);
    },
  });
}

function addRoute(): Operation {
  return operation({
    method: "post",
    path: "/api/todos",
    policy: "user",
    id: "addTodo",
    tag: "todos",
    summary: "Add a todo to the end of the list",
    description: "Durable when it answers.",
    submits: true,
    headers: [idempotencyHeader],
    body: { schema: addBody, required: true },
    answers: {
      201: { description: "It is on the list", schema: todoDoneShape },
      200: { description: "It had been added before", schema: todoDoneShape },
    },
    errors,
    async handle(call, server) {
      const draft = { text: call.body.text, dueDay: call.body.dueDay ?? null };
      const done = await server.engine.todos.add(call.who.userId, [draft], originOf(call));
      return doneAnswer(done, done.replayed ? 200 : 201);
    },
  });
}

function undoRoute(): Operation {
  return operation({
    method: "post",
    path: "/api/todos/undo",
    policy: "user",
    id: "undoTodos",
    tag: "todos",
    summary: "Take back the todos that a task made or proposed",
    description: "Those that are done by now stay. It answers which are gone.",
    headers: [idempotencyHeader],
    body: { schema: undoBody, required: true },
    answers: { 200: { description: "They are gone", schema: todoDoneShape } },
    errors,
    async handle(call, server) {
      const act: TodoAct = { do: "undo", operationId: call.body.operationId };
      return doneAnswer(await server.engine.todos.act(call.who.userId, act, originOf(call)));
    },
  });
}

function changeRoute(): Operation {
  return operation({
    method: "post",
    path: "/api/todos/{todoId}",
    policy: "user",
    id: "changeTodo",
    tag: "todos",
    summary: "Change, complete, open again or accept a todo",
    description: "What is so already is no change.",
    params,
    headers: [idempotencyHeader],
    body: { schema: changeBody, required: true },
    answers: { 200: { description: "The todo as it is now", schema: todoDoneShape } },
    errors: ["not_found", ...errors],
    async handle(call, server) {
      const { text: words, dueDay, done, accepted } = call.body;
      const act: TodoAct = {
        do: "change",
        todoId: call.params.todoId,
        ...(words === undefined ? {} : { text: words }),
        ...(dueDay === undefined ? {} : { dueDay }),
        ...(done === undefined ? {} : { done }),
        ...(accepted === undefined ? {} : { accepted }),
      };
      return doneAnswer(await server.engine.todos.act(call.who.userId, act, originOf(call)));
    },
  });
}

function removeRoute(): Operation {
  return operation({
    method: "delete",
    path: "/api/todos/{todoId}",
    policy: "user",
    id: "removeTodo",
    tag: "todos",
    summary: "Delete a todo",
    description: "Its facts stay in the session's log.",
    params,
    query: z.strictObject({
      ...inSession,
      event_id: actionIdField.optional(),
      client_action_id: actionIdField.optional(),
    }),
    headers: [idempotencyHeader],
    answers: { 200: { description: "It is gone", schema: todoDoneShape } },
    errors: ["not_found", ...errors],
    async handle(call, server) {
      const act: TodoAct = { do: "remove", todoId: call.params.todoId };
      const origin = originOf({ ...call, body: call.query });
      return doneAnswer(await server.engine.todos.act(call.who.userId, act, origin));
    },
  });
}

interface Enveloped {
  readonly sessionId?: string | undefined;
  readonly event_id?: string | undefined;
  readonly client_action_id?: string | undefined;
}

/** The envelope of a wish: what its body names, else what its headers do. */
function originOf({ request, requestId, body }: Call<unknown, unknown, Enveloped>): TodoOrigin {
  const { sessionId, event_id: eventId, client_action_id: named } = body;
  const actionId = named ?? idempotencyKeyOf(request);
  return {
    requestId,
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(eventId === undefined ? {} : { eventId }),
    ...(actionId === undefined ? {} : { actionId }),
  };
}

function doneAnswer({ todos, todoIds, eventId, replayed }: TodoDone, status = 200): Response {
  const body = { event_id: eventId, todoIds, todos: todos.map(todoJson) };
  return json(body, status, replayed ? { "idempotency-replayed": "true" } : {});
}
