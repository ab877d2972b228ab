import type { Identity } from "../guard/identify.ts";

/** One WebSocket, as its host gives it to the doors. */
export interface SocketPort {
  /** Bytes that wait for the reader; 0 on a host that cannot tell. */
  readonly waitingBytes: number;
  /** Sends a text message. Never throws: on a socket that is gone it does nothing. */
  send(text: string): void;
  /** Begins the closing handshake; `reason` is at most 123 bytes. */
  close(code: number, reason: string): void;
  /** Sends a ping of the protocol. A host whose sockets may sleep leaves it out, and is then never ticked. */
  readonly ping?: () => void;
  /** Ends the connection without a handshake. */
  readonly abort?: () => void;
}

/** What a host keeps of a socket that sleeps: plain JSON, below 8 KiB. */
export interface SocketState {
  readonly who: Identity;
  readonly channels: readonly { readonly name: string; readonly after: string | null }[];
}

/** What a host tells of a socket, and what it may keep of it. */
export interface SocketEvents {
  /** What is needed to go on with this socket after its host has forgotten all else; null before a key was shown. */
  readonly state: SocketState | null;
  /** A message came; null is a binary one. */
  received(text: string | null): void;
  /** Something that waited has left: there may be room for more. */
  room(): void;
  /** A ping was answered. */
  pong(): void;
  /** The socket is over, from whichever side. */
  closed(): void;
}

/**
 * Accepts the upgrade that a request asks for, and answers with the response that says so. `begin` is called once the
 * socket is open; never, if it does not come to that.
 */
export type OpenSocket = (begin: (port: SocketPort) => SocketEvents) => Response;

/** The subprotocol. A client that names none is served just the same. */
export const socketProtocol = "errand.v1";

/** Codes with which a socket is closed from this side. */
export const closeCodes: {
  readonly stopping: number;
  readonly unsupported: number;
  readonly policy: number;
  readonly tooBig: number;
  readonly tooSlow: number;
  /** The key may be a good one. */
  readonly later: number;
  readonly unauthenticated: number;
} = {
  stopping: 1001,
  unsupported: 1003,
  policy: 1008,
  tooBig: 1009,
  tooSlow: 1013,
  later: 1013,
  unauthenticated: 4401,
};
