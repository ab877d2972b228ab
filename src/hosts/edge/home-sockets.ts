import { isRecord } from "../../core/json.ts";
import type { Log } from "../../ports/host.ts";
import {
  closeCodes,
  type ErrandServer,
  type Identity,
  type OpenSocket,
  type SocketEvents,
  type SocketPort,
  type SocketState,
} from "../../server/index.ts";

/** What is said is looked at this often at most for a key that was taken back meanwhile. */
const keyCheckMs = 5_000;

/** Closes a socket of which the object knows nothing any more: its client comes back. */
export const lostCode = 1011;

/** A request that asks for a WebSocket. */
export interface Upgrade {
  /** For the doors. */
  readonly open: OpenSocket;
  /** The answer to the request, from that of the doors. */
  answer(response: Response): Response;
}

/** What sockets of an object need of it. */
export interface SocketPorts {
  readonly server: ErrandServer;
  /** False once a key was taken back. */
  isStillKnown(who: Identity): Promise<boolean>;
  readonly log: Log;
}

/**
 * The sockets of one object. The platform keeps them while the object sleeps or is evicted; what they follow, and behind
 * which cursor, is kept with each, so that a socket goes on exactly where it was when the object wakes (SPEC WS7).
 */
export class HomeSockets {
  readonly #state: DurableObjectState;
  readonly #ports: SocketPorts;
  readonly #open = new Map<WebSocket, SocketEvents>();
  readonly #unsaved = new Set<WebSocket>();
  #checkedMs = 0;

  /** Goes on with all sockets that the platform kept. */
  constructor(state: DurableObjectState, ports: SocketPorts) {
    this.#state = state;
    this.#ports = ports;
    // Answered without waking the object.
    state.setWebSocketAutoResponse(
      new WebSocketRequestResponsePair('{"t":"ping"}', '{"t":"pong"}'),
    );
    for (const socket of state.getWebSockets()) this.#resume(socket);
  }

  /** Lets the doors turn a request into a socket. */
  upgrade(): Upgrade {
    let client: WebSocket | null = null;
    return {
      open: (begin) => {
        const pair = new WebSocketPair();
        const own = pair[1];
        this.#state.acceptWebSocket(own);
        try {
          this.#open.set(own, begin(this.#portOf(own)));
        } catch (error) {
          own.close(closeCodes.tooSlow, "too many sockets are open");
          throw error;
        }
        this.#save(own);
        [client] = [pair[0]];
        return new Response(null);
      },
      answer: (response) =>
        client === null
          ? response
          : new Response(null, { status: 101, webSocket: client, headers: response.headers }),
    };
  }

  /** A message has come. */
  received(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#open.get(socket)?.received(typeof message === "string" ? message : null);
    this.#save(socket);
  }

  /** A socket is over; a close is answered with a close. */
  closed(socket: WebSocket, code: number, reason: string): void {
    this.#open.get(socket)?.closed();
    this.#open.delete(socket);
    // Codes below 1000 and some above stand for no code at all, and cannot be said.
    const isSayable = code === 1000 || (code >= 3000 && code < 5000) || sayable.has(code);
    quietly(() => socket.close(isSayable ? code : 1000, isSayable ? reason : ""));
  }

  /** Closes what was opened with a key that is known no more. */
  async checkKeys(): Promise<void> {
    this.#checkedMs = Date.now();
    for (const [socket, { state }] of this.#open) {
      if (state === null || state.who.keyHash === null) continue;
      // Few, and mostly of one key.
      // oxlint-disable-next-line no-await-in-loop
      if (await this.#ports.isStillKnown(state.who)) continue;
      quietly(() => socket.close(closeCodes.unauthenticated, "the key was taken back"));
      this.#open.get(socket)?.closed();
      this.#open.delete(socket);
    }
  }

  #resume(socket: WebSocket): void {
    const state: unknown = socket.deserializeAttachment();
    if (!isState(state)) {
      quietly(() => socket.close(lostCode, "come back with your cursors"));
      return;
    }
    this.#open.set(socket, this.#ports.server.resumeSocket(this.#portOf(socket), state));
    this.#save(socket);
  }

  #portOf(socket: WebSocket): SocketPort {
    return {
      // The platform does not say what waits for a reader.
      waitingBytes: 0,
      send: (text) => {
        quietly(() => socket.send(text));
        this.#save(socket);
      },
      close: (code, reason) => quietly(() => socket.close(code, reason)),
    };
  }

  /** Keeps what is needed to go on, once for all that is sent in this turn. */
  #save(socket: WebSocket): void {
    if (this.#unsaved.size === 0) queueMicrotask(() => this.#saveAll());
    this.#unsaved.add(socket);
  }

  #saveAll(): void {
    for (const socket of this.#unsaved) {
      const state = this.#open.get(socket)?.state;
      if (state !== undefined && state !== null) quietly(() => socket.serializeAttachment(state));
    }
    this.#unsaved.clear();
    if (Date.now() - this.#checkedMs < keyCheckMs) return;
    this.checkKeys().catch((error: unknown) =>
      this.#ports.log.error("keys of sockets could not be looked at; they are again", error),
    );
  }
}

const sayable: ReadonlySet<number> = new Set([1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011]);

/** A socket that has gone throws at whatever is done with it: then it has nobody to be told. */
function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // Nobody is there.
  }
}

function isState(value: unknown): value is SocketState {
  return isRecord(value) && isRecord(value["who"]) && Array.isArray(value["channels"]);
}
