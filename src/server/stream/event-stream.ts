import { webOutlet, type OpenOutlet, type Outlet } from "./outlet.ts";

/** Limits of one event stream. */
export interface StreamLimits {
  /** Bytes of live events that may wait for the reader before it is dropped. */
  readonly queueBytes: number;
  /** Ticks a reader may take nothing while something waits for it. */
  readonly stallTicksMax: number;
}

/** What happens around a stream. */
export interface StreamEvents {
  /** Called once, when the stream is over for whatever reason. */
  readonly closed: () => void;
  /** Breaks the connection off; without it, the body fails. */
  readonly abort?: (() => void) | undefined;
}

/** Stored events are read back in pieces: the next is read when less than this many bytes wait for the reader. */
const backlogBytesMax = 131_072;
/** Ticks without an event after which a comment shows that the connection lives: with ticks of a second, 14..15 s. */
const quietTicksMax = 14;

const keepAlive = new TextEncoder().encode(": keep-alive\n\n");

/** For a stream whose owner has nothing to leave yet. */
export function ignore(): void {}

/**
 * The body of one `text/event-stream` answer. Chunks are passed on as they are, so that one encoded event is shared by
 * all its readers. What waits for a slow reader is bounded: a reader that falls behind loses its connection, in a way
 * that looks like a lost network, and comes back with its cursor. Closing it from either side never touches a task.
 */
export class EventStream {
  /** The answer's body; `null` if the outlet of the host needs none. */
  readonly body: ReadableStream<Uint8Array> | null;
  readonly #limits: StreamLimits;
  readonly #events: StreamEvents;
  /** `null` once the stream is over. */
  #outlet: Outlet | null;
  #room: PromiseWithResolvers<void> | null = null;
  #writtenBytes = 0;
  /** Bytes the reader had taken at the last tick. */
  #takenBytes = 0;
  #quietTicks = 0;
  #stallTicks = 0;

  constructor(limits: StreamLimits, events: StreamEvents, open?: OpenOutlet) {
    this.#limits = limits;
    this.#events = events;
    const told = { room: () => this.#hasRoom(), closed: () => this.#over() };
    this.#outlet = open === undefined ? webOutlet(told, backlogBytesMax) : open(told);
    this.body = this.#outlet.body;
  }

  get isOpen(): boolean {
    return this.#outlet !== null;
  }

  /** Passes a chunk on. A reader for whom too much waits is dropped. Ignored once the stream is over. */
  write(chunk: Uint8Array): void {
    const outlet = this.#outlet;
    if (outlet === null) return;
    this.#pass(outlet, chunk);
    if (outlet.waitingBytes > this.#limits.queueBytes) this.break("the reader is too slow");
  }

  /** Passes stored events on. Settles when there is room for more, or when the stream is over: it never rejects. */
  writeStored(chunk: Uint8Array): Promise<void> | undefined {
    const outlet = this.#outlet;
    if (outlet === null) return undefined;
    this.#pass(outlet, chunk);
    if (outlet.waitingBytes < backlogBytesMax) return undefined;
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  /** Ends the answer in good order: nothing is left to say. */
  end(): void {
    const outlet = this.#outlet;
    if (outlet === null) return;
    this.#over();
    outlet.end();
  }

  /** Breaks the connection off: clients take it for a lost network and come back. */
  break(reason: string): void {
    const outlet = this.#outlet;
    if (outlet === null) return;
    this.#over();
    const { abort } = this.#events;
    if (abort === undefined) outlet.fail(reason);
    else abort();
  }

  /** Called once a second by who keeps the streams. */
  tick(): void {
    const outlet = this.#outlet;
    if (outlet === null) return;
    const waitingBytes = outlet.waitingBytes;
    const takenBytes = this.#writtenBytes - waitingBytes;
    const stalls = waitingBytes > 0 && takenBytes === this.#takenBytes;
    this.#takenBytes = takenBytes;
    this.#stallTicks = stalls ? this.#stallTicks + 1 : 0;
    if (this.#stallTicks > this.#limits.stallTicksMax)
      return this.break("the reader takes nothing");
    this.#quietTicks += 1;
    // Behind what already waits, a comment would show nothing.
    if (this.#quietTicks >= quietTicksMax && waitingBytes === 0) this.write(keepAlive);
  }

  #pass(outlet: Outlet, chunk: Uint8Array): void {
    this.#quietTicks = 0;
    this.#writtenBytes += chunk.byteLength;
    outlet.write(chunk);
  }

  #hasRoom(): void {
    this.#room?.resolve();
    this.#room = null;
  }

  #over(): void {
    if (this.#outlet === null) return;
    this.#outlet = null;
    this.#room?.resolve();
    this.#room = null;
    this.#events.closed();
  }
}
