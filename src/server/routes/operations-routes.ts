import { z } from "@hono/zod-openapi";

import { ErrandError } from "../../core/errors.ts";
import { json } from "../answer.ts";
import type { ServerContext } from "../context.ts";
import { operation, type Operation } from "../operation.ts";

const okShape = z.strictObject({ status: z.literal("ok") }).openapi("Ok");

/** For who runs the server: health, metrics. `more` are the process's numbers. */
export function operationsRoutes(
  server: ServerContext,
  more: () => Readonly<Record<string, number>>,
): readonly Operation[] {
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
      async handle() {
        if (server.isStopping())
          throw new ErrandError("unavailable", "the server is stopping", { retryAfterMs: 1_000 });
        // Reads the store: a server that cannot is not ready.
        await server.engine.reader.queues();
        return json({ status: "ok" });
      },
    }),
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
      async handle() {
        const open = { streams: server.streams.size, sockets: server.sockets.size };
        const text = await server.metrics.text(open, more());
        return new Response(text, {
          headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
        });
      },
    }),
  ];
}
