/** A WebSocket client of the tests: frames one after the other, over a real connection or in this process. */
import { once } from "node:events";

import { WebSocket } from "ws";

import type { SocketEvents, SocketPort } from "../../../src/server/index.ts";
import { requestOf, type Ask, type Door } from "./door.ts";
import { Frames, isEndOf, type Frame } from "../../hosts/frames.ts";

export { asSeen, type Frame } from "../../hosts/frames.ts";

/** An open socket. */
export interface SocketClient {
  readonly protocol: string;
  /** How it ended. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  send(message: unknown): void;
  /** Frames up to the first that fits, with it. Throws if the socket closes before. */
  until(fits: (frame: Frame) => boolean): Promise<readonly Frame[]>;
  /** Frames to the end of this channel's task. */
  rest(channel: string): Promise<readonly Frame[]>;
  /** Goes away without a word. */
  drop(): void;
  /** The library's own socket. */
  readonly raw: WebSocket;
}

/** Opens a socket over the network. Rejects if the upgrade is refused, with the status in the message. */
export async function openSocket(
  url: string,
  path: string,
  options: { readonly headers?: Readonly<Record<string, string>>; readonly protocol?: string } = {},
): Promise<SocketClient> {
  const frames = new Frames();
  const { headers = {}, protocol } = options;
  const raw = new WebSocket(
    `${url.replace("http", "ws")}${path}`,
    protocol === undefined ? [] : [protocol],
    { headers },
  );
  raw.on("message", (data) => frames.put(Buffer.isBuffer(data) ? data.toString() : ""));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    raw.on("close", (code, reason) => {
      frames.over();
      resolve({ code, reason: reason.toString() });
    });
  });
  await once(raw, "open");
  return {
    raw,
    protocol: raw.protocol,
    closed,
    send: (message) => raw.send(typeof message === "string" ? message : JSON.stringify(message)),
    until: (fits) => frames.until(fits),
    rest: (channel) => frames.until(isEndOf(channel)),
    drop: () => raw.terminate(),
  };
}

/** A socket whose host is the test. */
export interface HandSocket {
  readonly events: SocketEvents;
  readonly sent: string[];
  readonly closes: { code: number; reason: string }[];
  /** Bytes that wait, as the host would say. */
  waitingBytes: number;
  until(fits: (frame: Frame) => boolean): Promise<readonly Frame[]>;
  rest(channel: string): Promise<readonly Frame[]>;
}

/** A port in the test's hands. */
export function handPort(more: Partial<SocketPort> = {}): SocketPort & Omit<HandSocket, "events"> {
  const frames = new Frames();
  const port = {
    sent: [] as string[],
    closes: [] as { code: number; reason: string }[],
    waitingBytes: 0,
    send(text: string): void {
      port.sent.push(text);
      frames.put(text);
    },
    close(code: number, reason: string): void {
      port.closes.push({ code, reason });
      frames.over();
    },
    until: (fits: (frame: Frame) => boolean) => frames.until(fits),
    rest: (channel: string) => frames.until(isEndOf(channel)),
    ...more,
  };
  return port;
}

/** Opens a socket in this process, as another host than Node's would. Answers the response if it is refused. */
export async function openInside(
  door: Door,
  path: string,
  ask: Ask = {},
): Promise<{ readonly socket: HandSocket | null; readonly response: Response }> {
  const request = requestOf("GET", path, {
    ...ask,
    headers: { upgrade: "websocket", ...ask.headers },
  });
  const port = handPort();
  let events: SocketEvents | null = null;
  const response = await door.server.fetch(request, {
    socket(begin) {
      events = begin(port);
      return new Response(null);
    },
  });
  return { socket: events === null ? null : Object.assign(port, { events }), response };
}
