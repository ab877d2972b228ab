import type { Identity, Identifier } from "../guard/identify.ts";
import type { StreamGate } from "../guard/stream-gate.ts";
import type { Connection } from "../operation.ts";
import type { ServerLimits } from "../settings.ts";
import { EventStream } from "./event-stream.ts";
import { streamStart } from "./feed-encoder.ts";

const tickMs = 1_000;
/** A key that was taken back loses its streams within this many ticks (SPEC SEC13). */
const keyTicks = 5;

/** Headers of every event stream: nothing on the way may cache, buffer or compress it. */
const streamHeaders: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  "x-accel-buffering": "no",
};

/** Who asks for a stream, and over which connection. */
export interface Visitor {
  readonly who: Identity;
  readonly connection: Connection;
}

interface Kept {
  readonly stream: EventStream;
  readonly who: Identity;
}

/** All open event streams of a server: lets them in, keeps them alive, and closes them. */
export class StreamKeeper {
  readonly #gate: StreamGate;
  readonly #identifier: Identifier;
  readonly #limits: ServerLimits;
  readonly #open = new Set<Kept>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #ticks = 0;

  constructor(gate: StreamGate, identifier: Identifier, limits: ServerLimits) {
    this.#gate = gate;
    this.#identifier = identifier;
    this.#limits = limits;
  }

  /** Streams open now. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Opens a stream for a visitor and its answer. `closed` is called once, when it is over. Throws `rate_limited` if too many
   * are open.
   */
  open(
    { who, connection }: Visitor,
    closed: () => void,
    headers: Readonly<Record<string, string>> = {},
  ): { stream: EventStream; response: Response } {
    const leave = this.#gate.enter(who.userId);
    const limits = {
      queueBytes: this.#limits.streamQueueBytes,
      stallTicksMax: Math.ceil(this.#limits.streamStallMs / tickMs),
    };
    const over = (): void => {
      this.#open.delete(kept);
      leave();
      closed();
    };
    const stream = new EventStream(
      limits,
      { closed: over, abort: connection.abort },
      connection.outlet,
    );
    const kept: Kept = { stream, who };
    this.#open.add(kept);
    stream.write(streamStart);
    this.#arm();
    return {
      stream,
      response: new Response(stream.body, { headers: { ...streamHeaders, ...headers } }),
    };
  }

  /** What `HEAD` gets: the headers of a stream that is not opened. */
  headersOnly(headers: Readonly<Record<string, string>> = {}): Response {
    return new Response(null, { headers: { ...streamHeaders, ...headers } });
  }

  /** Breaks all streams off: their readers come back, to this server or to the next. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const { stream } of this.#open) stream.break("the server stops");
  }

  #arm(): void {
    if (this.#timer !== null || this.#open.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#tick();
      this.#arm();
    }, tickMs);
  }

  #tick(): void {
    this.#ticks += 1;
    const asksKeys = this.#ticks % keyTicks === 0;
    for (const kept of this.#open) {
      kept.stream.tick();
      if (asksKeys && kept.who.keyHash !== null) void this.#recheck(kept);
    }
  }

  async #recheck({ stream, who }: Kept): Promise<void> {
    try {
      if (!(await this.#identifier.isStillKnown(who))) stream.break("the key was taken back");
    } catch {
      // Keys that cannot be read now are asked for again at the next round; requests of their own say what is wrong.
    }
  }
}
