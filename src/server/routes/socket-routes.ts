import { z } from "@hono/zod-openapi";

import { ErrandError } from "../../core/errors.ts";
import type { ServerContext } from "../context.ts";
import type { Identity } from "../guard/identify.ts";
import { cursorField, taskIdField } from "../input/fields.ts";
import { operation, type Operation } from "../operation.ts";
import { taskChannel, userChannel } from "../socket/frames.ts";
import { socketProtocol } from "../socket/port.ts";
import { TaskSocket } from "../socket/task-socket.ts";
import { ownTask } from "./task-routes.ts";

/** The WebSocket of tasks. */
export function socketRoutes(): readonly Operation[] {
  return [
    operation({
      method: "get",
      path: "/ws/tasks",
      // Who asks is looked at here: a browser cannot send a header with an upgrade, and says its key in a message.
      policy: "public",
      id: "taskSocket",
      tag: "tasks",
      summary: "Follow tasks over a WebSocket",
      description:
        'Begins with `taskId` behind `after`, or with everything of yours. Frames are JSON: you send `{"t":"sub","channel","after"}`, `{"t":"unsub","channel"}`, `{"t":"ping"}`, and `{"t":"auth","key"}` first where the request has no key; ' +
        'you get `{"t":"ev","channel","seq","event":{"type","data"}}`, `{"t":"gap"}`, `{"t":"end"}`, `{"t":"err"}`. A channel is `tasks` or `task/` and an id; `seq` is the cursor to come back behind. See `/asyncapi.json`.',
      query: z.strictObject({ taskId: taskIdField.optional(), after: cursorField.optional() }),
      headers: [
        { name: "Upgrade", description: "`websocket`" },
        { name: "Sec-WebSocket-Protocol", description: `\`${socketProtocol}\`, or none` },
      ],
      answers: { 101: { description: "The socket is open" } },
      errors: ["unauthenticated", "not_found", "rate_limited"],
      async handle({ request, query: { taskId, after }, connection }, server) {
        if (request.headers.get("upgrade")?.toLowerCase() !== "websocket")
          throw new ErrandError(
            "invalid_request",
            "this path is a WebSocket: send Upgrade: websocket, or use GET /api/events",
          );
        if (connection.socket === undefined)
          throw new ErrandError(
            "unavailable",
            "this host opens no WebSockets: use GET /api/events",
          );
        if (after !== undefined && taskId === undefined)
          throw new ErrandError("invalid_request", "after needs a taskId", {
            fields: [{ field: "after", message: "needs a taskId" }],
          });
        const who = await visitorOf(server, request.headers);
        if (who !== null && taskId !== undefined) await ownTask(server, who, taskId);
        server.sockets.check(who?.userId ?? "");
        const wish = {
          channel: taskId === undefined ? userChannel : taskChannel(taskId),
          after: after ?? null,
        };
        const response = connection.socket((port) => new TaskSocket(server, port, who, wish));
        if (speaksOurs(request.headers))
          response.headers.set("sec-websocket-protocol", socketProtocol);
        return response;
      },
    }),
  ];
}

/** Null for who has shown no key yet: it has to come in the first message. */
async function visitorOf(server: ServerContext, headers: Headers): Promise<Identity | null> {
  const showsKey = headers.has("authorization") || headers.has("x-api-key");
  return server.auth === null || showsKey ? await server.sockets.identify(headers) : null;
}

function speaksOurs(headers: Headers): boolean {
  const offered = headers.get("sec-websocket-protocol") ?? "";
  return offered.split(",").some((name) => name.trim() === socketProtocol);
}
