import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server as HttpServer,
} from "node:http";
import type { Duplex } from "node:stream";

import { WebSocketServer, type WebSocket } from "ws";

import {
  limitsDefault,
  socketProtocol,
  type ErrandServer,
  type SocketEvents,
  type SocketPort,
} from "../../server/index.ts";
import { nodeListener } from "./listener.ts";

/**
 * Node's HTTP server before the doors. Anything but a WebSocket for them is not upgraded: a client that offers HTTP/2
 * with its POST is served as if it had not (SPEC HTTP18).
 */
export function httpServer(server: ErrandServer): HttpServer {
  const http = createServer({ shouldUpgradeCallback: isSocketWish }, nodeListener(server));
  return http.on("upgrade", socketListener(server));
}

function isSocketWish({ method, url = "", headers }: IncomingMessage): boolean {
  return (
    method === "GET" && url.startsWith("/ws/") && headers.upgrade?.toLowerCase() === "websocket"
  );
}

/** Lets Node's HTTP server hand upgrades to the doors. What they refuse is answered as HTTP, with its problem. */
function socketListener(
  server: ErrandServer,
): (incoming: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limitsDefault.socketMessageBytes,
    // Costs memory for each socket, and small events gain little.
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: (offered) => offered.has(socketProtocol) && socketProtocol,
  });
  return (incoming, socket, head) => {
    // A connection that breaks during its upgrade has nobody to be told.
    socket.on("error", () => socket.destroy());
    upgrade({ server, sockets, incoming, socket, head }).catch(() => socket.destroy());
  };
}

interface Upgrade {
  readonly server: ErrandServer;
  readonly sockets: WebSocketServer;
  readonly incoming: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

async function upgrade({ server, sockets, incoming, socket, head }: Upgrade): Promise<void> {
  let begin: ((port: SocketPort) => SocketEvents) | null = null;
  const response = await answerOf(server, incoming, (given) => {
    begin = given;
    return new Response(null);
  });
  if (begin === null) return await refuse(socket, response);
  const opened: (port: SocketPort) => SocketEvents = begin;
  sockets.handleUpgrade(incoming, socket, head, (webSocket) => attach(webSocket, opened));
}

async function answerOf(
  server: ErrandServer,
  incoming: IncomingMessage,
  socket: (begin: (port: SocketPort) => SocketEvents) => Response,
): Promise<Response> {
  let request: Request;
  try {
    const headers = new Headers();
    for (const [name, value] of Object.entries(incoming.headers))
      if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value);
    const host = incoming.headers.host ?? "localhost";
    request = new Request(new URL(incoming.url ?? "/", `http://${host}`), { headers });
  } catch (error) {
    return server.refuse(error instanceof Error ? error.message : "");
  }
  return await server.fetch(request, { socket });
}

/** Answers an upgrade that is refused as what it is: an HTTP request. */
async function refuse(socket: Duplex, { status, headers, body }: Response): Promise<void> {
  const text = new Uint8Array(await new Response(body).arrayBuffer());
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  lines.push(`content-length: ${text.byteLength}`, "connection: close", "", "");
  socket.write(lines.join("\r\n"));
  socket.end(text);
}

function attach(webSocket: WebSocket, begin: (port: SocketPort) => SocketEvents): void {
  // Called when the socket has gone, too: then it has nobody to be told.
  const sent = (): void => events?.room();
  const port: SocketPort = {
    get waitingBytes() {
      return webSocket.bufferedAmount;
    },
    send: (text) => webSocket.send(text, sent),
    close: (code, reason) => webSocket.close(code, reason),
    ping: () => webSocket.ping(),
    abort: () => webSocket.terminate(),
  };
  // A frame that breaks the protocol, or is too big: the library closes the socket with the code that says so.
  webSocket.on("error", () => {});
  let events: SocketEvents | null = null;
  try {
    events = begin(port);
  } catch {
    // Others were faster than its own upgrade.
    return webSocket.close(1013, "too many sockets are open");
  }
  const told = events;
  webSocket.on("message", (data, isBinary) => told.received(isBinary ? null : textOf(data)));
  webSocket.on("pong", () => told.pong());
  webSocket.on("close", () => told.closed());
}

function textOf(data: Buffer | ArrayBuffer | Buffer[]): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return Buffer.from(data instanceof ArrayBuffer ? new Uint8Array(data) : data).toString("utf8");
}
