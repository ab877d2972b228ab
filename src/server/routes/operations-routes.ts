import { z } from "@hono/zod-openapi";

import { ErrandError } from "../../core/errors.ts";
import { json } from "../answer.ts";
import type { ServerContext } from "../context.ts";
import { makeApiKey } from "../guard/identify.ts";
import { userIdField } from "../input/fields.ts";
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
        const text = await server.metrics.text(server.streams.size, more());
        return new Response(text, {
          headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
        });
      },
    }),
  ];
}

const keyBody = z.strictObject({ user: userIdField }).openapi("NewKey");

/** For the admin: API keys. */
export function adminRoutes(server: ServerContext): readonly Operation[] {
  return [
    operation({
      method: "post",
      path: "/api/admin/keys",
      policy: "admin",
      id: "makeKey",
      tag: "admin",
      summary: "Make an API key for a user",
      description: "The key is shown once: only its SHA-256 is kept.",
      body: { schema: keyBody, required: true },
      answers: {
        201: { description: "The key", schema: z.strictObject({ key: z.string() }).openapi("Key") },
      },
      errors: ["conflict"],
      async handle({ body }) {
        const { key, hash } = await makeApiKey();
        await keysOf(server).add({ hash, userId: body.user, createdAtMs: server.clock.nowMs() });
        return json({ key }, 201);
      },
    }),
    operation({
      method: "delete",
      path: "/api/admin/keys/{userId}",
      policy: "admin",
      id: "revokeKeys",
      tag: "admin",
      summary: "Take back all API keys of a user",
      description: "Requests with them are refused at once, open streams end within 5 s.",
      params: z.strictObject({ userId: userIdField }),
      answers: {
        200: {
          description: "How many there were",
          schema: z.strictObject({ revoked: z.int().min(0) }).openapi("Revoked"),
        },
      },
      errors: ["conflict"],
      handle: async ({ params }) =>
        json({ revoked: await keysOf(server).removeUser(params.userId) }),
    }),
  ];
}

function keysOf(server: ServerContext): NonNullable<ServerContext["auth"]>["keys"] {
  if (server.auth !== null) return server.auth.keys;
  throw new ErrandError(
    "conflict",
    "this server runs without keys: set ERRAND_ADMIN_KEY and start it again",
  );
}
