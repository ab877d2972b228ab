import { ErrandError } from "../core/errors.ts";

/**
 * Watches one segment's active time and its silence. Time counts while the handler works, not while it waits for
 * a slot, a child, an event or a sleep: those hold nothing and have limits of their own.
 */
export class Stopwatch {
  readonly #timeoutMs: number;
  readonly #idleTimeoutMs: number | null;
  readonly #expired: (error: ErrandError) => void;
  #usedMs = 0;
  #sinceMs: number;
  #touchedMs: number;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #running = true;
  #stopped = false;

  constructor(
    limits: { readonly timeoutMs: number; readonly idleTimeoutMs: number | null },
    expired: (error: ErrandError) => void,
  ) {
    this.#timeoutMs = limits.timeoutMs;
    this.#idleTimeoutMs = limits.idleTimeoutMs;
    this.#expired = expired;
    this.#sinceMs = performance.now();
    this.#touchedMs = this.#sinceMs;
    this.#arm();
  }

  /** Something happened: the silence begins anew. */
  touch(): void {
    this.#touchedMs = performance.now();
  }

  /** Stops counting unless something still works. */
  pauseUnless(working: boolean): void {
    if (working || !this.#running) return;
    this.#running = false;
    this.#usedMs += performance.now() - this.#sinceMs;
    this.#disarm();
  }

  /** Counts again. */
  resume(): void {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    this.#sinceMs = performance.now();
    this.#touchedMs = this.#sinceMs;
    this.#arm();
  }

  /** Stops for good. */
  stop(): void {
    this.#stopped = true;
    this.#disarm();
  }

  #disarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#disarm();
    const nowMs = performance.now();
    const leftMs = this.#timeoutMs - this.#usedMs - (nowMs - this.#sinceMs);
    const quietMs =
      this.#idleTimeoutMs === null
        ? Number.POSITIVE_INFINITY
        : this.#idleTimeoutMs - (nowMs - this.#touchedMs);
    // A platform timer takes at most 2^31 - 1 ms; a longer wait is looked at again then.
    const waitMs = Math.min(Math.max(1, Math.min(leftMs, quietMs)), 2_147_483_647);
    this.#timer = setTimeout(() => this.#look(), waitMs);
  }

  #look(): void {
    this.#timer = null;
    if (this.#stopped || !this.#running) return;
    const nowMs = performance.now();
    if (this.#usedMs + nowMs - this.#sinceMs >= this.#timeoutMs) {
      this.#expired(
        new ErrandError(
          "timed_out",
          `the attempt was active for longer than its timeout of ${this.#timeoutMs} ms`,
        ),
      );
    } else if (this.#idleTimeoutMs !== null && nowMs - this.#touchedMs >= this.#idleTimeoutMs) {
      this.#expired(
        new ErrandError(
          "idle_timed_out",
          `the attempt gave no sign of progress for ${this.#idleTimeoutMs} ms`,
        ),
      );
    } else {
      this.#arm();
    }
  }
}
