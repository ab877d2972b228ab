import { closeCodes, type SocketPort } from "./port.ts";

/** Limits of one socket. */
export interface LineLimits {
  /** Bytes of live events that may wait for the reader before it is dropped. */
  readonly queueBytes: number;
  /** Ticks a reader may take nothing while something waits for it. */
  readonly stallTicksMax: number;
}

/** Stored events are read back in pieces: the next is read when less than this many bytes wait for the reader. */
const backlogBytesMax = 131_072;
/** Ticks of a second between two pings. */
const pingTicks = 25;
/** Pings without an answer after which the connection is dead. */
const deafPingsMax = 2;

/**
 * What is sent over one WebSocket, whatever its channels. What waits for a slow reader is bounded: one that falls behind
 * is closed with 1013 and comes back with its cursors.
 */
export class SocketLine {
  readonly #port: SocketPort;
  readonly #limits: LineLimits;
  readonly #over: () => void;
  #isOpen = true;
  #room: PromiseWithResolvers<void> | null = null;
  #hasTaken = false;
  #stallTicks = 0;
  #ticks = 0;
  #deafPings = 0;

  /** `over` is called once, when nothing can be sent any more. */
  constructor(port: SocketPort, limits: LineLimits, over: () => void) {
    this.#port = port;
    this.#limits = limits;
    this.#over = over;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** True for a socket that is kept alive from here, and not by its host. */
  get isTicked(): boolean {
    return this.#port.ping !== undefined;
  }

  /** Sends frames of what happens now. A reader for whom too much waits is closed. */
  live(frames: readonly string[]): void {
    if (!this.#isOpen) return;
    for (const frame of frames) this.#port.send(frame);
    if (this.#port.waitingBytes > this.#limits.queueBytes)
      this.close(closeCodes.tooSlow, "too slow: come back with your cursors");
  }

  /** Sends frames of what was stored. Settles when there is room for more, or when the socket is over. */
  stored(frames: readonly string[]): Promise<void> | undefined {
    if (!this.#isOpen) return undefined;
    for (const frame of frames) this.#port.send(frame);
    if (this.#port.waitingBytes < backlogBytesMax) return undefined;
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  /** Closes the socket from this side. What was sent before arrives first. */
  close(code: number, reason: string): void {
    if (!this.#isOpen) return;
    this.#port.close(code, reason);
    this.closed();
  }

  /** The host says that the socket is over. */
  closed(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#giveRoom();
    this.#over();
  }

  /** The host says that something has left. */
  room(): void {
    this.#hasTaken = true;
    if (this.#port.waitingBytes < backlogBytesMax) this.#giveRoom();
  }

  /** The host says that a ping was answered. */
  pong(): void {
    this.#deafPings = 0;
  }

  /** Called once a second by who keeps the sockets: pings, and drops who takes nothing or has gone silently. */
  tick(): void {
    if (!this.#isOpen) return;
    const stalls = this.#port.waitingBytes > 0 && !this.#hasTaken;
    this.#hasTaken = false;
    this.#stallTicks = stalls ? this.#stallTicks + 1 : 0;
    if (this.#stallTicks > this.#limits.stallTicksMax)
      return this.close(closeCodes.tooSlow, "takes nothing: come back with your cursors");
    this.#ticks += 1;
    if (this.#ticks % pingTicks !== 0) return;
    if (this.#deafPings >= deafPingsMax) {
      this.#port.abort?.();
      return this.closed();
    }
    this.#deafPings += 1;
    this.#port.ping?.();
  }

  #giveRoom(): void {
    this.#room?.resolve();
    this.#room = null;
  }
}
