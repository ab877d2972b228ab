import { z } from "@hono/zod-openapi";

import { ErrandError } from "../../core/errors.ts";
import { json } from "../answer.ts";
import { alertsShape } from "../wire/schemas.ts";
import { operation, type Operation } from "../operation.ts";

const okShape = z.strictObject({ status: z.literal("ok") }).openapi("Ok");

/** For who runs the server: health, metrics. */
export function operationsRoutes(): readonly Operation[] {
  return [
    operation({
      method: "get",
      path: "/healthz",
      policy: "public",
      id: "healthz",
      tag: "operations",
      summary: "The process answers",
      answers: { 200: { description: "It does", schema: okShape } },
      handle: () => json({ status: "ok" }),
    }),
    operation({
      method: "get",
      path: "/readyz",
      policy: "public",
      id: "readyz",
      tag: "operations",
      summary: "The server takes work",
      answers: { 200: { description: "It does", schema: okShape } },
      errors: ["unavailable"],
      async handle(_call, server) {
        if (server.isStopping())
          throw new ErrandError("unavailable", "the server is stopping", { retryAfterMs: 1_000 });
        // Reads the store: a server that cannot is not ready.
        await server.engine.reader.queues();
        return json({ status: "ok" });
      },
    }),
    alertsRoute(),
    operation({
      method: "get",
      path: "/metrics",
      policy: "admin",
      id: "metrics",
      tag: "operations",
      summary: "Numbers for Prometheus",
      answers: {
        200: { description: "Text exposition format", schema: z.string(), mediaType: "text/plain" },
      },
      async handle(_call, server) {
        const open = { streams: server.streams.size, sockets: server.sockets.size };
        const text = await server.metrics.text(open, server.process());
        return new Response(text, {
          headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
        });
      },
    }),
  ];
}

function alertsRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/alerts",
    policy: "admin",
    id: "listAlerts",
    tag: "operations",
    summary: "What is wrong now, then what was lately",
    answers: { 200: { description: "Alerts that last come first", schema: alertsShape } },
    handle: (_call, server) =>
      json({
        alerts: server.alerts().map(({ rule, subject, message, firedAt, clearedAt }) => ({
          rule,
          subject,
          message,
          firedAt,
          clearedAt,
        })),
      }),
  });
}
