import { z } from "@hono/zod-openapi";

import { swapMsMax } from "../../core/queue/configure.ts";
import { ErrandError } from "../../core/errors.ts";
import { json } from "../answer.ts";
import { nameField } from "../input/fields.ts";
import type { ServerContext } from "../context.ts";
import { operation, type Operation } from "../operation.ts";
import type { QueueView } from "../../engine/index.ts";
import { overviewShape, queueShape, queuesShape } from "../wire/schemas.ts";

/** Open tasks are counted up to here. */
const activeMax = 1_000;

/** How busy the server is. */
export function queueRoutes(): readonly Operation[] {
  const queues = operation({
    method: "get",
    path: "/api/queues",
    policy: "user",
    id: "listQueues",
    tag: "queues",
    summary: "All queues with their load",
    answers: { 200: { description: "Queues by name", schema: queuesShape } },
    handle: async (_call, { engine }) =>
      json({ queues: (await engine.reader.queues()).map(queueJson) }),
  });
  const overviews = (["/api/overview", "/api/queue"] as const).map((path) =>
    operation({
      method: "get",
      path,
      policy: "user",
      id: path === "/api/overview" ? "overview" : "queue",
      tag: "queues",
      summary: "Queues, your open tasks, and which model answers",
      answers: { 200: { description: "The overview", schema: overviewShape } },
      async handle({ who }, server) {
        const { connected, baseUrl, models, note } = server.model();
        const { reader } = server.engine;
        const all = (await reader.queues()).map(queueJson);
        return json({
          queues: all,
          active: reader.active(who.userId, activeMax),
          model: { connected, baseUrl, models, note },
        });
      },
    }),
  );
  return [queues, ...overviews, ...pauseRoutes(), settingsRoute()];
}

const queueParams = z.strictObject({ queue: nameField });
const limit = z.int().min(1).max(1_000_000_000).nullable();
const settingsBody = z
  .strictObject({
    slots: z.int().min(1).max(10_000).optional(),
    slotsPerKey: z.int().min(1).max(10_000).nullable().optional(),
    requestsPerMinute: limit.optional(),
    tokensPerMinute: limit.optional(),
    swapMs: z
      .int()
      .min(1)
      .max(swapMsMax)
      .nullable()
      .optional()
      .openapi({ description: "How long its endpoint takes to load another model" }),
  })
  .openapi("QueueSettings");

/** What all changes of a queue have. They are facts of its log and survive restarts. */
const change = {
  method: "post",
  policy: "admin",
  tag: "queues",
  params: queueParams,
  answers: { 200: { description: "The queue as it is now", schema: queueShape } },
  errors: ["not_found", "invalid_request", "storage_full", "unavailable"],
} as const;

function pauseRoutes(): readonly Operation[] {
  return (["pause", "resume"] as const).map((verb) =>
    operation({
      ...change,
      path: `/api/queues/{queue}/${verb}`,
      id: `${verb}Queue`,
      summary: verb === "pause" ? "Grant nothing new; what runs goes on" : "Grant again",
      body: { schema: z.strictObject({}), required: false },
      async handle({ params: { queue } }, server) {
        await server.engine.reader.queueSettings(queue);
        await server.engine.pauseQueue(queue, verb === "pause");
        return json(await oneQueue(server, queue));
      },
    }),
  );
}

function settingsRoute(): Operation {
  return operation({
    ...change,
    path: "/api/queues/{queue}/settings",
    id: "changeQueue",
    summary: "Change slots and limits of a queue while it runs",
    description: "What is not named stays. `null` takes a limit away.",
    body: { schema: settingsBody, required: true },
    async handle({ params: { queue }, body }, server) {
      await server.engine.changeQueue(queue, withoutGaps(body));
      return json(await oneQueue(server, queue));
    },
  });
}

async function oneQueue({ engine }: ServerContext, name: string): Promise<Omit<QueueView, "late">> {
  const found = (await engine.reader.queues()).find((queue) => queue.name === name);
  if (found === undefined) throw new ErrandError("not_found", `there is no queue "${name}"`);
  return queueJson(found);
}

type SettingsBody = z.infer<typeof settingsBody>;

/** The fields that were sent. */
function withoutGaps({
  slots,
  slotsPerKey,
  requestsPerMinute,
  tokensPerMinute,
  swapMs,
}: SettingsBody) {
  return {
    ...(slots === undefined ? null : { slots }),
    ...(slotsPerKey === undefined ? null : { slotsPerKey }),
    ...(requestsPerMinute === undefined ? null : { requestsPerMinute }),
    ...(tokensPerMinute === undefined ? null : { tokensPerMinute }),
    ...(swapMs === undefined ? null : { swapMs }),
  };
}

function queueJson(queue: QueueView): Omit<QueueView, "late"> {
  const { name, slots, running, taken, pending, paused, perBand, loaded, lines } = queue;
  const { slotsPerKey, requestsPerMinute, tokensPerMinute, swapMs, cuts, closed, models } = queue;
  const limits = { slotsPerKey, requestsPerMinute, tokensPerMinute, swapMs };
  const stand = { cuts, closed, lines, loaded, models };
  return { name, slots, running, taken, pending, paused, perBand, ...limits, ...stand };
}
