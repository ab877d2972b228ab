import { json } from "../answer.ts";
import type { ServerContext } from "../context.ts";
import { operation, type Operation } from "../operation.ts";
import type { QueueView } from "../../engine/index.ts";
import { overviewShape, queuesShape } from "../wire/schemas.ts";

/** Open tasks are counted up to here. */
const activeMax = 1_000;

/** How busy the server is. */
export function queueRoutes(server: ServerContext): readonly Operation[] {
  const { reader } = server.engine;
  const queues = operation({
    method: "get",
    path: "/api/queues",
    policy: "user",
    id: "listQueues",
    tag: "queues",
    summary: "All queues with their load",
    answers: { 200: { description: "Queues by name", schema: queuesShape } },
    handle: async () => json({ queues: (await reader.queues()).map(queueJson) }),
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
      async handle({ who }) {
        const { connected, baseUrl, models, note } = server.model();
        const all = (await reader.queues()).map(queueJson);
        return json({
          queues: all,
          active: reader.active(who.userId, activeMax),
          model: { connected, baseUrl, models, note },
        });
      },
    }),
  );
  return [queues, ...overviews];
}

function queueJson({ name, slots, running, pending, paused, perBand }: QueueView): QueueView {
  return { name, slots, running, pending, paused, perBand };
}
