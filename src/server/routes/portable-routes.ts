import { z } from "@hono/zod-openapi";

import { ErrandError } from "../../core/errors.ts";
import type { SessionPart } from "../../engine/index.ts";
import { json } from "../answer.ts";
import { sessionIdField, whole } from "../input/fields.ts";
import { operation, type Operation } from "../operation.ts";
import { portableFormat, sessionPartShape } from "../wire/portable.ts";

const importedShape = z
  .strictObject({
    sessionId: z.string(),
    next: z.int().openapi({ description: "Number of the part that comes next" }),
    done: z.boolean(),
  })
  .openapi("SessionImported");

/** Sessions that move between hosts, part by part. */
export function portableRoutes(): readonly Operation[] {
  return [exportRoute(), importRoute()];
}

function exportRoute(): Operation {
  return operation({
    method: "get",
    path: "/api/sessions/{sessionId}/export",
    policy: "user",
    id: "exportSession",
    tag: "sessions",
    summary: "One part of a session, to be imported by another host",
    description:
      "Parts with different `seq` do not belong together: the session has changed, begin again. Open turns are in it and begin anew where it is imported; here they go on.",
    params: z.strictObject({ sessionId: sessionIdField }),
    query: z.strictObject({ part: whole(0, 10_000, "Number of the part; default 0").optional() }),
    answers: { 200: { description: "The part", schema: sessionPartShape } },
    errors: ["not_found"],
    async handle({ who, params: { sessionId }, query: { part = 0 } }, server) {
      const found = await server.engine.portable.export(who.userId, sessionId, part);
      if (found === null) throw new ErrandError("not_found", `there is no session ${sessionId}`);
      return json({ format: portableFormat, sessionId, ...found });
    },
  });
}

function importRoute(): Operation {
  return operation({
    method: "post",
    path: "/api/sessions/import",
    policy: "user",
    id: "importSession",
    tag: "sessions",
    summary: "Take one part of a session from another host",
    description:
      "`sessionId` is its name here. Durable when it answers; the same part again changes nothing. A session that has content of its own is not touched.",
    submits: true,
    body: { schema: sessionPartShape, required: true },
    answers: { 200: { description: "How far the import is", schema: importedShape } },
    errors: ["conflict", "storage_full", "unavailable"],
    async handle({ who, body }, server) {
      const { format: _format, sessionId, ...part } = body;
      // The schema has checked what a part is; optional fields that are absent stay so.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      const from = part as unknown as SessionPart;
      const imported = await server.engine.portable.import(who.userId, sessionId, from);
      return json({ sessionId, ...imported });
    },
  });
}
