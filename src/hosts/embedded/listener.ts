import type { IncomingMessage, ServerResponse } from "node:http";

import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";

import { OutgoingOutlet } from "../../adapters/node/outgoing-outlet.ts";
import type { ErrandServer } from "../../server/index.ts";

/** Lets Node's HTTP server ask the doors. Event streams are written to their sockets without a web stream in between. */
export function nodeListener(
  server: ErrandServer,
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const listener = getRequestListener(
    async (request, { outgoing }) => {
      let outlet: OutgoingOutlet | null = null;
      const response = await server.fetch(request, {
        // An answer that has to break off destroys its socket: a body that fails would be ended with the error's words.
        abort: () => void outgoing.destroy(),
        outlet(events) {
          // The server speaks HTTP/1.1 only, so that it is always one of these.
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion
          outlet = new OutgoingOutlet(outgoing as ServerResponse, events);
          return outlet;
        },
      });
      return sent(outlet, response);
    },
    { errorHandler: (error) => server.refuse(error instanceof Error ? error.message : "") },
  );
  return (incoming, outgoing) => void listener(incoming, outgoing);
}

/** An answer whose body is an outlet is begun here; any other is left to the listener. */
function sent(outlet: OutgoingOutlet | null, response: Response): Response {
  if (outlet === null || response.body !== null) return response;
  outlet.begin(response.status, response.headers);
  return RESPONSE_ALREADY_SENT;
}
