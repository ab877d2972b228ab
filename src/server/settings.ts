import type { Identifier } from "./guard/identify.ts";
import type { ApiKeys } from "../ports/keys.ts";
import type { Clock, Log } from "../ports/host.ts";

/** Whether and which model answers, for the overview. */
export interface ModelStatus {
  readonly connected: boolean;
  readonly baseUrl: string | null;
  readonly models: readonly string[];
  readonly note: string;
}

/** Key authentication. Whoever has `adminKey` is the user `local`, who owned everything before keys were turned on. */
export interface AuthSettings {
  readonly adminKey: string;
  readonly keys: ApiKeys;
}

/** Limits of the doors. Hitting one is a 4xx with a code, never a crash. */
export interface ServerLimits {
  /** Submits a user may make per second, and at once (default 2,000 and 10,000). */
  readonly submitsPerSecond: number;
  readonly submitsBurst: number;
  /** Event streams open at once: of one user, and of all (default 2,000 and 10,000). */
  readonly streamsPerUser: number;
  readonly streamsTotal: number;
  /** Bytes that may wait for a slow reader of live events before it is dropped (default 1 MiB); it comes back by cursor. */
  readonly streamQueueBytes: number;
  /** A reader that takes nothing for this long while something waits for it is dropped (default 60,000 ms). */
  readonly streamStallMs: number;
  /** WebSockets open at once: of one user, and of all (default 200 and 5,000). */
  readonly socketsPerUser: number;
  readonly socketsTotal: number;
  /** Messages the sockets of a user may send per second, and at once (default 20 and 200); more closes the socket. */
  readonly socketMessagesPerSecond: number;
  readonly socketMessagesBurst: number;
  /** Longest message from a client (default 16,384 bytes). */
  readonly socketMessageBytes: number;
  /** How long `POST /api/chat` waits for an answer before it says 202 (default 240,000 ms). */
  readonly replyWaitMs: number;
}

/** The limits of a server that is not configured. */
export const limitsDefault: ServerLimits = {
  submitsPerSecond: 2_000,
  submitsBurst: 10_000,
  streamsPerUser: 2_000,
  streamsTotal: 10_000,
  streamQueueBytes: 1_048_576,
  streamStallMs: 60_000,
  socketsPerUser: 200,
  socketsTotal: 5_000,
  socketMessagesPerSecond: 20,
  socketMessagesBurst: 200,
  socketMessageBytes: 16_384,
  replyWaitMs: 240_000,
};

/** What a host tells the doors. */
export interface ServerSettings {
  /** Shown in `/openapi.json`. */
  readonly version: string;
  /** `null`: no keys, everybody who can reach the server is the user `local`. Only for a server on loopback. */
  readonly auth: AuthSettings | null;
  /** Who asks, where that was found out before the request came here. Default: by `auth`. */
  readonly identifier?: Identifier;
  /**
   * Names this server may be called by besides `localhost`, `127.0.0.1` and `[::1]`, without a port. `null`: any name,
   * for a server that has keys and is reached from elsewhere.
   */
  readonly hosts: readonly string[] | null;
  /** Other origins whose pages may change things, such as `http://localhost:5173`. */
  readonly origins?: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly model?: () => ModelStatus;
  /** Serves a file of the page, or null. Headers that protect the page are added here. */
  readonly page?: (path: string) => Promise<Response | null>;
  /** Numbers of the process for `/metrics`, by full metric name such as `process_resident_memory_bytes`. */
  readonly process?: () => Readonly<Record<string, number>>;
  readonly limits?: Partial<ServerLimits>;
}
