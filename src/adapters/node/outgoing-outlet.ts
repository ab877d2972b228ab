import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** What an outlet tells whoever writes to it. */
interface OutletEvents {
  readonly room: () => void;
  readonly closed: () => void;
}

/** Sockets that hold back what they are given until the work of this moment is done. */
const corked: Socket[] = [];

/**
 * Holds a socket's writes back until what runs now, and what it has woken, is done: an answer's head and its first
 * events, or the last events and the end, then leave in one system call, which costs more than making them.
 */
function cork(socket: Socket): void {
  if (socket.writableCorked > 0) return;
  socket.cork();
  // A tick alone would come before the promises that are already settled.
  if (corked.push(socket) === 1)
    process.nextTick(() => queueMicrotask(() => process.nextTick(uncorkAll)));
}

function uncorkAll(): void {
  for (const socket of corked.splice(0)) socket.uncork();
}

/** The chunk framed last: followers of one task are given the same chunk one after the other. */
let framed: { readonly chunk: Uint8Array; readonly frame: Uint8Array } | null = null;

/**
 * The outlet of an event stream over a `ServerResponse`. What is written before {@link begin} waits for it. Chunks are
 * framed here and go to the socket as one buffer each, because the response itself would write four and gather them
 * again: with a web stream before it, that was a third of the CPU time of a token.
 */
export class OutgoingOutlet {
  readonly body = null;
  readonly #outgoing: ServerResponse;
  readonly #events: OutletEvents;
  /** `null` once the head has been sent. */
  #early: Uint8Array[] | null = [];
  /** Takes frames. `null` if the response has to: behind an answer still being written, or for an HTTP/1.0 client. */
  #socket: Socket | null = null;
  #ended = false;

  constructor(outgoing: ServerResponse, events: OutletEvents) {
    this.#outgoing = outgoing;
    this.#events = events;
    outgoing.on("close", () => {
      this.#socket?.removeListener("drain", events.room);
      events.closed();
    });
  }

  get waitingBytes(): number {
    if (this.#early === null) return this.#outgoing.writableLength;
    return this.#early.reduce((bytes, chunk) => bytes + chunk.byteLength, 0);
  }

  /** Sends the head, and behind it what was written so far. */
  begin(status: number, headers: Iterable<[string, string]>): void {
    const early = this.#early ?? [];
    this.#early = null;
    const outgoing = this.#outgoing;
    const { socket } = outgoing;
    outgoing.writeHead(status, [...headers].flat());
    if (socket === null || !outgoing.chunkedEncoding) outgoing.on("drain", this.#events.room);
    else {
      this.#socket = socket;
      socket.on("drain", this.#events.room);
    }
    if (socket !== null) cork(socket);
    outgoing.flushHeaders();
    for (const chunk of early) this.write(chunk);
    if (this.#ended) outgoing.end();
    else this.#events.room();
  }

  write(chunk: Uint8Array): void {
    if (this.#early !== null) this.#early.push(chunk);
    else if (this.#socket === null) this.#outgoing.write(chunk);
    else if (!this.#socket.destroyed) {
      cork(this.#socket);
      this.#socket.write(frameOf(chunk));
    }
  }

  end(): void {
    this.#ended = true;
    if (this.#early === null) this.#outgoing.end();
  }

  fail(): void {
    this.#outgoing.destroy();
  }
}

/** One chunk of a body in HTTP/1.1's chunked coding. */
function frameOf(chunk: Uint8Array): Uint8Array {
  if (framed?.chunk === chunk) return framed.frame;
  const size = `${chunk.byteLength.toString(16)}\r\n`;
  const frame = Buffer.allocUnsafe(size.length + chunk.byteLength + 2);
  frame.write(size, 0, "latin1");
  frame.set(chunk, size.length);
  frame.write("\r\n", frame.length - 2, "latin1");
  framed = { chunk, frame };
  return frame;
}
