import type { Clock } from "../../ports/host.ts";
import type { Identifier, Identity } from "../guard/identify.ts";
import { StreamGate } from "../guard/stream-gate.ts";
import { TokenBuckets } from "../guard/token-bucket.ts";
import type { ServerLimits } from "../settings.ts";
import { FrameEncoder } from "./channel.ts";
import { closeCodes } from "./port.ts";
import type { TaskSocket } from "./task-socket.ts";

const tickMs = 1_000;
/** A key that was taken back loses its sockets within this many ticks (SPEC SEC13). */
const keyTicks = 5;

/** All open sockets of a server: lets them in, keeps them alive, and closes them. */
export class SocketKeeper {
  readonly encoder: FrameEncoder = new FrameEncoder();
  readonly #gate: StreamGate;
  readonly #identifier: Identifier;
  readonly #messages: TokenBuckets;
  readonly #open = new Set<TaskSocket>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #ticks = 0;

  constructor(identifier: Identifier, limits: ServerLimits, clock: Clock) {
    this.#identifier = identifier;
    this.#gate = new StreamGate(limits.socketsPerUser, limits.socketsTotal, "sockets");
    this.#messages = new TokenBuckets(
      limits.socketMessagesPerSecond,
      limits.socketMessagesBurst,
      clock,
    );
  }

  /** Sockets open now. */
  get size(): number {
    return this.#gate.size;
  }

  /** Who shows this key. Throws `unauthenticated`. */
  identify(headers: Headers): Promise<Identity> {
    return this.#identifier.identify(headers);
  }

  /** True if `userId` may send one more message now. */
  mayAsk(userId: string): boolean {
    return this.#messages.take(userId).retryAfterMs === 0;
  }

  /** Throws `rate_limited` if `userId` may open no more: asked before an upgrade is accepted. */
  check(userId: string): void {
    this.#gate.check(userId);
  }

  /** Lets a socket in and answers how it leaves. Throws `rate_limited`. */
  enter(socket: TaskSocket, userId: string): () => void {
    const leave = this.#gate.enter(userId);
    this.#open.add(socket);
    this.#arm();
    return () => {
      this.#open.delete(socket);
      leave();
    };
  }

  /** Closes all sockets: their clients come back, to this server or to the next. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const socket of this.#open) socket.close(closeCodes.stopping, "the server stops");
  }

  /** Hosts whose sockets may sleep must not be kept awake by a timer: only what pings is ticked. */
  #arm(): void {
    if (this.#timer !== null || this.#open.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#tick();
      if ([...this.#open].some(({ isTicked }) => isTicked)) this.#arm();
    }, tickMs);
  }

  #tick(): void {
    this.#ticks += 1;
    const asksKeys = this.#ticks % keyTicks === 0;
    for (const socket of this.#open) {
      socket.tick();
      const { who } = socket;
      if (asksKeys && who !== null && who.keyHash !== null) void this.#recheck(socket, who);
    }
  }

  async #recheck(socket: TaskSocket, who: Identity): Promise<void> {
    try {
      if (!(await this.#identifier.isStillKnown(who)))
        socket.close(closeCodes.unauthenticated, "the key was taken back");
    } catch {
      // Keys that cannot be read now are asked for again at the next round; requests of their own say what is wrong.
    }
  }
}
