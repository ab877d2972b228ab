import { z } from "@hono/zod-openapi";

import { ErrandError } from "../../core/errors.ts";
import { todoCharsMax } from "../../core/limits.ts";
import { cronCharsMax } from "../../engine/schedules.ts";
import { empty, json } from "../answer.ts";
import { actionIdField, reminderIdField, sessionIdField, timeField } from "../input/fields.ts";
import { operation, type Operation } from "../operation.ts";
import { snapshotAnswer, snapshotHeader } from "../snapshot-answer.ts";
import { reminderJson } from "../wire/reminder.ts";
import { profileShape, reminderShape, remindersShape } from "../wire/planner-schemas.ts";
import { idempotencyHeader, idempotencyKeyOf } from "./task-routes.ts";

const params = z.strictObject({ reminderId: reminderIdField });
const zone = z.string().min(1).max(64).openapi({ example: "Europe/Berlin" });
const setBody = z
  .strictObject({
    text: z.string().min(1).max(todoCharsMax),
    at: timeField("When it comes, if once").optional(),
    cron: z.string().min(1).max(cronCharsMax).optional().openapi({
      description: "Five cron fields, if it comes again and again",
      example: "0 8 * * 1",
    }),
    timeZone: zone
      .optional()
      .openapi({ description: "Whose clock cron is read on; default: yours" }),
    sessionId: sessionIdField.optional().openapi({ description: "The chat it is said in" }),
    client_action_id: actionIdField.optional(),
  })
  .openapi("NewReminder");
const snoozeBody = z
  .strictObject({ until: timeField("When it comes once more") })
  .openapi("Snooze");
const errors = ["limit_exceeded", "idempotency_mismatch", "storage_full", "unavailable"] as const;

/** Reminders, and the time zone of a person's clock. Another user's reminder is not found. */
export function reminderRoutes(): readonly Operation[] {
  return [
    listRoute(),
    setRoute(),
    getRoute(),
    snoozeRoute(),
    removeRoute(),
    profileRoute(),
    zoneRoute(),
  ];
}

function listRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/reminders",
    policy: "user",
    id: "listReminders",
    tag: "todos",
    summary: "Read your reminders, the next one first",
    headers: [snapshotHeader],
    answers: {
      200: {
        description: "All of them; a later snapshot never has a lower seq",
        schema: remindersShape,
        headers: { ETag: "Names this state" },
      },
      304: { description: "It still has that ETag" },
    },
    async handle({ request, who }, server) {
      const { reminders, seq } = await server.engine.reminders.list(who.userId);
      const state = { reminders: reminders.map(reminderJson) };
      return snapshotAnswer(request, { state, seq }, `${seq}`);
    },
  });
}

function setRoute(): Operation {
  return operation({
    method: "post",
    path: "/api/reminders",
    policy: "user",
    id: "setReminder",
    tag: "todos",
    summary: "Set a reminder: once, or again and again",
    description:
      "Durable when it answers. It is said in its chat and on the feed at its time; one that was due while the server was down is said at its start, with that remark.",
    submits: true,
    headers: [idempotencyHeader],
    body: { schema: setBody, required: true },
    answers: {
      201: { description: "Set", schema: reminderShape },
      200: { description: "It had been set before", schema: reminderShape },
    },
    errors,
    async handle({ who, request, requestId, body }, server) {
      const { text, at, cron, timeZone, sessionId, client_action_id: named } = body;
      const actionId = named ?? idempotencyKeyOf(request);
      const { reminder, replayed } = await server.engine.reminders.set(who.userId, {
        text,
        requestId,
        ...(at === undefined ? {} : { atMs: at }),
        ...(cron === undefined ? {} : { cron }),
        ...(timeZone === undefined ? {} : { timeZone }),
        ...(sessionId === undefined ? {} : { sessionId }),
        ...(actionId === undefined ? {} : { actionId }),
      });
      const mark = replayed ? { "idempotency-replayed": "true" } : {};
      return json(reminderJson(reminder), replayed ? 200 : 201, mark);
    },
  });
}

function getRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/reminders/{reminderId}",
    policy: "user",
    id: "getReminder",
    tag: "todos",
    summary: "Read a reminder",
    params,
    answers: { 200: { description: "The reminder", schema: reminderShape } },
    errors: ["not_found"],
    async handle({ who, params: { reminderId } }, server) {
      const reminder = await server.engine.reminders.get(who.userId, reminderId);
      if (reminder === null)
        throw new ErrandError("not_found", `there is no reminder ${reminderId}`);
      return json(reminderJson(reminder));
    },
  });
}

function snoozeRoute(): Operation {
  return operation({
    method: "post",
    path: "/api/reminders/{reminderId}/snooze",
    policy: "user",
    id: "snoozeReminder",
    tag: "todos",
    summary: "Let a reminder come once more, later",
    params,
    body: { schema: snoozeBody, required: true },
    answers: { 200: { description: "As it is now", schema: reminderShape } },
    errors: ["not_found", "storage_full", "unavailable"],
    async handle({ who, params: { reminderId }, body }, server) {
      const { reminders } = server.engine;
      return json(reminderJson(await reminders.snooze(who.userId, reminderId, body.until)));
    },
  });
}

function removeRoute(): Operation {
  return operation({
    method: "delete",
    path: "/api/reminders/{reminderId}",
    policy: "user",
    id: "removeReminder",
    tag: "todos",
    summary: "Remove a reminder, or say that it is done",
    params,
    answers: { 204: { description: "It is gone" } },
    errors: ["not_found", "storage_full", "unavailable"],
    async handle({ who, params: { reminderId } }, server) {
      await server.engine.reminders.remove(who.userId, reminderId);
      return empty(204);
    },
  });
}

function profileRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/profile",
    policy: "user",
    id: "getProfile",
    tag: "todos",
    summary: "Whose clock your days and times are read on",
    answers: { 200: { description: "You", schema: profileShape } },
    handle: async ({ who }, server) =>
      json({ userId: who.userId, timeZone: await server.engine.reminders.zoneOf(who.userId) }),
  });
}

function zoneRoute(): Operation {
  return operation({
    method: "post",
    path: "/api/profile",
    policy: "user",
    id: "setProfile",
    tag: "todos",
    summary: "Set the time zone of your clock",
    description: "The page does it by itself.",
    body: { schema: z.strictObject({ timeZone: zone }).openapi("NewProfile"), required: true },
    answers: { 200: { description: "You", schema: profileShape } },
    errors: ["storage_full", "unavailable"],
    async handle({ who, body }, server) {
      await server.engine.reminders.setZone(who.userId, body.timeZone);
      return json({ userId: who.userId, timeZone: body.timeZone });
    },
  });
}
