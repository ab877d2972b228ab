import { z } from "@hono/zod-openapi";

import { ErrandError } from "../../core/errors.ts";
import { durationMsMax } from "../../core/limits.ts";
import { isoTime } from "../../core/task/view.ts";
import type { ApiKeyRow } from "../../ports/keys.ts";
import { json } from "../answer.ts";
import type { ServerContext } from "../context.ts";
import { makeApiKey } from "../guard/identify.ts";
import { userIdField } from "../input/fields.ts";
import { operation, type Operation } from "../operation.ts";

const keyBody = z
  .strictObject({
    user: userIdField,
    expiresInMs: z.int().min(1_000).max(durationMsMax).optional().openapi({
      description: "The key opens nothing after this long; without it, it does not expire",
    }),
  })
  .openapi("NewKey");

const revokedShape = z.strictObject({ revoked: z.int().min(0) }).openapi("Revoked");
const time = z.iso.datetime().nullable();
const keyIdField = z
  .string()
  .regex(/^key_[0-9a-f]{16}$/, "is not a key's id: GET /api/admin/keys lists them")
  .openapi({ example: "key_0123456789abcdef" });
const shownKey = { id: z.string(), expiresAt: time };
const newKeyShape = z.strictObject({ key: z.string(), ...shownKey }).openapi("Key");
const keysShape = z
  .strictObject({
    keys: z.array(z.strictObject({ ...shownKey, user: z.string(), createdAt: z.iso.datetime() })),
  })
  .openapi("Keys");

/** Names a key without giving it away: a piece of the hash that is kept. */
function keyId({ hash }: ApiKeyRow): string {
  return `key_${hash.slice(0, 16)}`;
}

function shown(row: ApiKeyRow): { id: string; expiresAt: string | null } {
  const { expiresAtMs } = row;
  return { id: keyId(row), expiresAt: expiresAtMs === undefined ? null : isoTime(expiresAtMs) };
}

/** For the admin: API keys. */
export function adminRoutes(): readonly Operation[] {
  return [...keyRoutes(), ...revokeRoutes()];
}

function keyRoutes(): readonly Operation[] {
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
        201: { description: "The key", schema: newKeyShape },
      },
      errors: ["conflict"],
      async handle({ body }, server) {
        const { key, hash } = await makeApiKey();
        const createdAtMs = server.clock.nowMs();
        const { user: userId, expiresInMs } = body;
        const row = {
          hash,
          userId,
          createdAtMs,
          ...(expiresInMs === undefined ? {} : { expiresAtMs: createdAtMs + expiresInMs }),
        };
        await keysOf(server).add(row);
        return json({ key, ...shown(row) }, 201);
      },
    }),
    operation({
      method: "get",
      path: "/api/admin/keys",
      policy: "admin",
      id: "listKeys",
      tag: "admin",
      summary: "List the API keys",
      description:
        "Whose they are and when they expire, never the keys. Expired ones are listed too.",
      answers: { 200: { description: "All keys, oldest first", schema: keysShape } },
      errors: ["conflict"],
      async handle(_call, server) {
        const rows = await keysOf(server).list();
        const keys = rows.map((row) => ({
          ...shown(row),
          user: row.userId,
          createdAt: isoTime(row.createdAtMs),
        }));
        return json({ keys });
      },
    }),
  ];
}

function revokeRoutes(): readonly Operation[] {
  return [
    operation({
      method: "delete",
      path: "/api/admin/keys/{userId}/{keyId}",
      policy: "admin",
      id: "revokeKey",
      tag: "admin",
      summary: "Take back one API key of a user",
      description: "Requests with it are refused at once, open streams end within 5 s.",
      params: z.strictObject({ userId: userIdField, keyId: keyIdField }),
      answers: { 200: { description: "It is gone", schema: revokedShape } },
      errors: ["conflict", "not_found"],
      async handle({ params }, server) {
        const keys = keysOf(server);
        const row = (await keys.list()).find((one) => keyId(one) === params.keyId);
        if (row === undefined || !(await keys.remove(params.userId, row.hash)))
          throw new ErrandError("not_found", `${params.userId} has no key ${params.keyId}`);
        return json({ revoked: 1 });
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
          schema: revokedShape,
        },
      },
      errors: ["conflict"],
      handle: async ({ params }, server) =>
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
