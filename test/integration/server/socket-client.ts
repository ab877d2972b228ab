/** A WebSocket client of the tests: frames one after the other, over a real connection or in this process. */
import { once } from "node:events";

import { WebSocket } from "ws";

import { isRecord } from "../../../src/core/json.ts";
import type { SocketEvents, SocketPort } from "../../../src/server/index.ts";
import { requestOf, type Ask, type Door } from "./door.ts";
import type { Seen } from "./event-reader.ts";

/** What came over a socket. */
export interface Frame {
  readonly t: string;
  readonly channel: string | null;
  readonly seq: string | null;
  /** Name and data of an `ev` frame. */
  readonly event: { readonly type: string; readonly data: Readonly<Record<string, unknown>> };
  readonly code?: string;
  readonly message?: string;
}

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

class Frames {
  readonly #waiting: Frame[] = [];
  #look = (): void => {};
  #isOver = false;

  put(text: string): void {
    const frame: unknown = JSON.parse(text);
    if (!isRecord(frame)) throw new TypeError(`not a frame: ${text.slice(0, 100)}`);
    this.#waiting.push(frame as unknown as Frame);
    this.#look();
  }

  over(): void {
    this.#isOver = true;
    this.#look();
  }

  async until(fits: (frame: Frame) => boolean): Promise<readonly Frame[]> {
    const seen: Frame[] = [];
    for (;;) {
      const frame = this.#waiting.shift();
      if (frame !== undefined) {
        seen.push(frame);
        if (fits(frame)) return seen;
      } else if (this.#isOver) throw new Error(`closed after: ${JSON.stringify(seen.slice(-3))}`);
      else await new Promise<void>((resolve) => (this.#look = resolve));
    }
  }
}

const isEndOf =
  (channel: string) =>
  (frame: Frame): boolean =>
    frame.t === "end" && frame.channel === channel;

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

/** Frames of a channel as an event stream would have told them. */
export function asSeen(frames: readonly Frame[]): readonly Seen[] {
  return frames.flatMap(({ t, seq, event }) =>
    t === "ev" ? { name: event.type, id: seq, data: event.data } : [],
  );
}
