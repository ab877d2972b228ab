import { z } from "@hono/zod-openapi";

import { ErrandError } from "../../core/errors.ts";
import { empty, json } from "../answer.ts";
import { limitField, sessionIdField, whole } from "../input/fields.ts";
import { operation, type Operation } from "../operation.ts";
import { openUserStream } from "../stream/user-stream.ts";
import { snapshotAnswer, snapshotHeader } from "../snapshot-answer.ts";
import { logPageShape, sessionPageShape, sessionShape } from "../wire/schemas.ts";
import { sessionJson } from "../wire/message.ts";

const sessionParams = z.strictObject({ sessionId: sessionIdField });

/** Sessions, and the feed of everything of a user. */
export function sessionRoutes(): readonly Operation[] {
  return [listRoute(), getRoute(), logRoute(), deleteRoute(), eventsRoute()];
}

function listRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/sessions",
    policy: "user",
    id: "listSessions",
    tag: "sessions",
    summary: "List your sessions, the last changed first",
    query: z.strictObject({
      cursor: whole(0, Number.MAX_SAFE_INTEGER, "`nextCursor` of the page before").optional(),
      limit: limitField.optional(),
    }),
    answers: { 200: { description: "A page", schema: sessionPageShape } },
    async handle({ who, query }, server) {
      const { sessions, next } = await server.engine.reader.sessions(
        who.userId,
        query.cursor ?? null,
        query.limit ?? 50,
      );
      return json({ sessions, nextCursor: next === null ? null : String(next) });
    },
  });
}

function getRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/sessions/{sessionId}",
    policy: "user",
    id: "getSession",
    tag: "sessions",
    summary: "Read a session with all its messages",
    params: sessionParams,
    headers: [snapshotHeader],
    answers: {
      200: {
        description: "The session; a later snapshot never has a lower seq",
        schema: sessionShape,
        headers: { ETag: "Names this state of the session" },
      },
      304: { description: "It still has that ETag" },
    },
    errors: ["not_found"],
    async handle({ request, params: { sessionId }, who }, server) {
      const { sessions } = server.engine;
      const taskId = await sessions.read(
        who.userId,
        sessionId,
        ({ turns }) => turns[0]?.taskId ?? null,
      );
      const isAnswering = taskId !== null && (await server.engine.reader.hasBegun(taskId));
      const found = await sessions.read(who.userId, sessionId, (state, seq) => ({
        state: sessionJson(state, isAnswering),
        seq,
      }));
      if (found === null) throw new ErrandError("not_found", `there is no session ${sessionId}`);
      // Whether the answer has begun is the task's to say: the session's own number does not show it.
      return snapshotAnswer(request, found, `${found.seq}.${isAnswering ? 1 : 0}`);
    },
  });
}

function logRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/sessions/{sessionId}/log",
    policy: "user",
    id: "sessionLog",
    tag: "sessions",
    summary: "The facts of a session, numbered, each in its envelope",
    description: "A long session's oldest facts are replaced by a snapshot and not listed.",
    params: sessionParams,
    query: z.strictObject({
      after: whole(0, Number.MAX_SAFE_INTEGER, "Number of the last fact you have").optional(),
      limit: whole(1, 1_000, "Facts of one page").optional(),
    }),
    answers: { 200: { description: "A page of facts", schema: logPageShape } },
    errors: ["not_found"],
    async handle({ params: { sessionId }, query, who }, server) {
      const { after = 0, limit = 200 } = query;
      const page = await server.engine.reader.sessionLog(who.userId, sessionId, after, limit);
      if (page === null) throw new ErrandError("not_found", `there is no session ${sessionId}`);
      return json({ events: page.events, nextAfter: page.next });
    },
  });
}

function deleteRoute(): Operation {
  return operation({
    method: "delete",
    path: "/api/sessions/{sessionId}",
    policy: "user",
    id: "deleteSession",
    tag: "sessions",
    summary: "Delete a session",
    description: "Its messages are gone and its answers are cancelled when this answers.",
    params: sessionParams,
    answers: { 204: { description: "It is gone" } },
    errors: ["not_found", "storage_full", "unavailable"],
    async handle({ params: { sessionId }, who }, server) {
      const { sessions } = server.engine;
      const seq = await sessions.read(who.userId, sessionId, (_, number) => number);
      if (seq === null) throw new ErrandError("not_found", `there is no session ${sessionId}`);
      await sessions.delete(who.userId, sessionId);
      return empty(204);
    },
  });
}

function eventsRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/events",
    policy: "user",
    id: "followAll",
    tag: "sessions",
    summary: "Follow everything of yours",
    description:
      "Server-sent events as of single tasks, each with its task's id, `session` when a session changes, and `todo` for each fact of todos. Begins with one `state` for each open task " +
      "(the newest 1,000), then `up-to-date`. It has no ids: after a reconnect it begins with states again.",
    answers: {
      200: { description: "The feed", schema: z.string(), mediaType: "text/event-stream" },
    },
    errors: ["rate_limited"],
    handle: (call, server) =>
      call.request.method === "HEAD" ? server.streams.headersOnly() : openUserStream(server, call),
  });
}
