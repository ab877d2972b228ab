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

/** Bytes, not chunks: a made-up reader of one token and one of a megabyte are not the same load. */
const byLength = {
  highWaterMark: backlogBytesMax,
  size: (chunk: Uint8Array): number => chunk.byteLength,
};

/**
 * The body of one `text/event-stream` answer. Chunks are passed on as they are, so that one encoded event is shared by
 * all its readers. What waits for a slow reader is bounded: a reader that falls behind loses its connection, in a way
 * that looks like a lost network, and comes back with its cursor. Closing it from either side never touches a task.
 */
export class EventStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #limits: StreamLimits;
  readonly #events: StreamEvents;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #room: PromiseWithResolvers<void> | null = null;
  #quietTicks = 0;
  #stallTicks = 0;

  constructor(limits: StreamLimits, events: StreamEvents) {
    this.#limits = limits;
    this.#events = events;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pulled(),
        cancel: () => this.#over(),
      },
      byLength,
    );
  }

  get isOpen(): boolean {
    return this.#controller !== null;
  }

  /** Passes a chunk on. A reader for whom too much waits is dropped. Ignored once the stream is over. */
  write(chunk: Uint8Array): void {
    const controller = this.#controller;
    if (controller === null) return;
    this.#quietTicks = 0;
    controller.enqueue(chunk);
    if (this.#waitingBytes(controller) > this.#limits.queueBytes)
      this.break("the reader is too slow");
  }

  /** Passes stored events on. Settles when there is room for more, or when the stream is over: it never rejects. */
  writeStored(chunk: Uint8Array): Promise<void> | undefined {
    const controller = this.#controller;
    if (controller === null) return undefined;
    this.#quietTicks = 0;
    controller.enqueue(chunk);
    if (this.#waitingBytes(controller) < backlogBytesMax) return undefined;
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  /** Ends the answer in good order: nothing is left to say. */
  end(): void {
    const controller = this.#controller;
    if (controller === null) return;
    this.#over();
    controller.close();
  }

  /** Breaks the connection off: clients take it for a lost network and come back. */
  break(reason: string): void {
    const controller = this.#controller;
    if (controller === null) return;
    this.#over();
    const { abort } = this.#events;
    if (abort === undefined) controller.error(new Error(reason));
    else abort();
  }

  /** Called once a second by who keeps the streams. */
  tick(): void {
    const controller = this.#controller;
    if (controller === null) return;
    this.#stallTicks = this.#waitingBytes(controller) > 0 ? this.#stallTicks + 1 : 0;
    if (this.#stallTicks > this.#limits.stallTicksMax)
      return this.break("the reader takes nothing");
    this.#quietTicks += 1;
    // Behind what already waits, a comment would show nothing.
    if (this.#quietTicks >= quietTicksMax && this.#stallTicks === 0) this.write(keepAlive);
  }

  #waitingBytes(controller: ReadableStreamDefaultController<Uint8Array>): number {
    return backlogBytesMax - (controller.desiredSize ?? 0);
  }

  #pulled(): void {
    this.#stallTicks = 0;
    this.#room?.resolve();
    this.#room = null;
  }

  #over(): void {
    if (this.#controller === null) return;
    this.#controller = null;
    this.#room?.resolve();
    this.#room = null;
    this.#events.closed();
  }
}
