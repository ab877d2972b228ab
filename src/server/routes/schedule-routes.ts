import { z } from "@hono/zod-openapi";

import { ErrandError } from "../../core/errors.ts";
import type { Schedule } from "../../core/user/schedules.ts";
import { cronCharsMax } from "../../engine/schedules.ts";
import { empty, json } from "../answer.ts";
import type { ServerContext } from "../context.ts";
import { nameField } from "../input/fields.ts";
import { operation, type Operation } from "../operation.ts";
import { schedulePageShape, scheduleShape, taskShape } from "../wire/schemas.ts";
import { readTask, submitted } from "./task-routes.ts";

/** Ticks that an answer looks ahead. */
const nextRunsShown = 5;

const params = z.strictObject({ schedule: nameField });
const nothing = { schema: z.strictObject({}), required: false } as const;
const scheduleBody = z
  .strictObject({
    name: nameField.openapi({ description: "Yours to choose; the same name again replaces it" }),
    cron: z.string().min(1).max(cronCharsMax).openapi({
      description:
        "Five fields: minute, hour, day of month, month, day of week; or @daily and the like",
      example: "30 8 * * 1-5",
    }),
    timeZone: z.string().min(1).max(64).optional().openapi({
      description: "IANA name; default: the server's own zone",
      example: "Europe/Berlin",
    }),
    type: nameField,
    input: z.unknown().optional(),
    priority: z.enum(["interactive", "background", "batch"]).optional(),
    title: z.string().min(1).max(200).optional(),
    missed: z.enum(["skip", "once", "all"]).optional().openapi({
      description:
        "What becomes of ticks that came while the server was down. Default `once`: one run for all of them",
    }),
  })
  .openapi("NewSchedule");

/** Tasks that are submitted again and again. Another user's schedule is not found. */
export function scheduleRoutes(): readonly Operation[] {
  return [
    listRoute(),
    setRoute(),
    getRoute(),
    removeRoute(),
    runRoute(),
    pauseRoute("pause"),
    pauseRoute("resume"),
  ];
}

function listRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/schedules",
    policy: "user",
    id: "listSchedules",
    tag: "schedules",
    summary: "List your schedules by name, each with its next runs",
    answers: { 200: { description: "All of them", schema: schedulePageShape } },
    async handle({ who }, server) {
      const schedules = await server.engine.schedules.list(who.userId);
      const shown = schedules.map((schedule) => scheduleJson(server, schedule));
      return json({ schedules: await Promise.all(shown) });
    },
  });
}

function setRoute(): Operation {
  return operation({
    method: "post",
    path: "/api/schedules",
    policy: "user",
    id: "setSchedule",
    tag: "schedules",
    summary: "Make a schedule, or replace the one of that name",
    description:
      "Durable when it answers. Repeating the request changes nothing but the input it names.",
    body: { schema: scheduleBody, required: true },
    answers: {
      201: { description: "Made", schema: scheduleShape },
      200: { description: "Replaced", schema: scheduleShape },
    },
    errors: ["unknown_type", "too_large", "limit_exceeded", "storage_full", "unavailable"],
    async handle({ who, body }, server) {
      const { name, cron, type, timeZone, missed, priority, title } = body;
      const { created } = await server.engine.schedules.set(who.userId, {
        name,
        cron,
        type,
        input: body.input ?? null,
        ...(timeZone === undefined ? {} : { timeZone }),
        ...(missed === undefined ? {} : { missed }),
        options: {
          ...(priority === undefined ? {} : { priority }),
          ...(title === undefined ? {} : { title }),
        },
      });
      return json(await read(server, who.userId, name), created ? 201 : 200);
    },
  });
}

function getRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/schedules/{schedule}",
    policy: "user",
    id: "getSchedule",
    tag: "schedules",
    summary: "Read a schedule",
    params,
    answers: { 200: { description: "The schedule", schema: scheduleShape } },
    errors: ["not_found"],
    handle: async ({ who, params: { schedule: name } }, server) =>
      json(await read(server, who.userId, name)),
  });
}

function removeRoute(): Operation {
  return operation({
    method: "delete",
    path: "/api/schedules/{schedule}",
    policy: "user",
    id: "removeSchedule",
    tag: "schedules",
    summary: "Remove a schedule",
    description: "What it has submitted goes on.",
    params,
    answers: { 204: { description: "It is gone" } },
    errors: ["not_found", "storage_full", "unavailable"],
    async handle({ who, params: { schedule: name } }, server) {
      await server.engine.schedules.remove(who.userId, name);
      return empty(204);
    },
  });
}

function runRoute(): Operation {
  return operation({
    method: "post",
    path: "/api/schedules/{schedule}/run",
    policy: "user",
    id: "runSchedule",
    tag: "schedules",
    summary: "Submit a run now",
    description: "Also while the schedule is paused. Its ticks stay as they are.",
    submits: true,
    params,
    body: nothing,
    answers: {
      201: {
        description: "The task",
        schema: taskShape,
        headers: { Location: "Path of the new task" },
      },
    },
    errors: ["not_found", "storage_full", "unavailable"],
    async handle({ who, params: { schedule: name } }, server) {
      const { taskId } = await server.engine.schedules.run(who.userId, name);
      return submitted(await readTask(server, taskId, who), false);
    },
  });
}

function pauseRoute(verb: "pause" | "resume"): Operation {
  return operation({
    method: "post",
    path: `/api/schedules/{schedule}/${verb}`,
    policy: "user",
    id: `${verb}Schedule`,
    tag: "schedules",
    summary: verb === "pause" ? "Stop the ticks of a schedule" : "Let the ticks come again",
    description:
      verb === "pause"
        ? "What runs goes on. Ticks of that time are not made up for."
        : "From now on: what was missed while it was paused is not run.",
    params,
    body: nothing,
    answers: { 200: { description: "The schedule as it is now", schema: scheduleShape } },
    errors: ["not_found", "storage_full", "unavailable"],
    async handle({ who, params: { schedule: name } }, server) {
      await server.engine.schedules.pause(who.userId, name, verb === "pause");
      return json(await read(server, who.userId, name));
    },
  });
}

async function read(server: ServerContext, userId: string, name: string): Promise<object> {
  const schedule = await server.engine.schedules.get(userId, name);
  if (schedule === null) throw new ErrandError("not_found", `there is no schedule "${name}"`);
  return await scheduleJson(server, schedule);
}

async function scheduleJson(server: ServerContext, schedule: Schedule): Promise<object> {
  const { name, cron, timeZone, missed, paused, spec, createdAtMs } = schedule;
  return {
    name,
    cron,
    timeZone,
    missed,
    paused,
    type: spec.type,
    input: spec.input,
    priority: spec.priority,
    title: spec.title ?? null,
    nextRuns: server.engine.schedules.nextRuns(schedule, nextRunsShown).map(iso),
    last: await lastJson(server, schedule),
    createdAt: iso(createdAtMs),
  };
}

/** The last run and how it stands; its status is null once its task is gone after its retention. */
async function lastJson(server: ServerContext, { last, spec }: Schedule): Promise<object | null> {
  if (last === null) return null;
  const { taskId, atMs } = last;
  let status: string | null = null;
  let error: string | null = null;
  try {
    const view = await server.engine.reader.view(taskId, spec.userId);
    status = view.status;
    error = view.error?.message ?? null;
  } catch (thrown) {
    if (!(thrown instanceof ErrandError && thrown.code === "not_found")) throw thrown;
  }
  return { taskId, at: iso(atMs), status, error };
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
