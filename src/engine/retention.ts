import { ErrandError } from "../core/errors.ts";
import type { Clock, Log } from "../ports/host.ts";
import type { SyncStore } from "../ports/store.ts";

/** Tasks removed in one commit: bounds the pause of the event loop. */
const purgePage = 200;

/** How often ended tasks are looked for. */
const everyMs = 3_600_000;

/** Pause between two pages, so that work goes on between them. */
const betweenMs = 50;

/** Removes what has been over for longer than the retention: tasks with their logs and streams, and expired keys. */
export class Retention {
  readonly #store: SyncStore;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #retentionMs: number;
  readonly #fatal: (error: unknown) => void;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    ports: {
      readonly store: SyncStore;
      readonly clock: Clock;
      readonly log: Log;
      readonly fatal: (error: unknown) => void;
    },
    retentionMs: number,
  ) {
    this.#store = ports.store;
    this.#clock = ports.clock;
    this.#log = ports.log;
    this.#fatal = ports.fatal;
    this.#retentionMs = retentionMs;
  }

  start(): void {
    this.#arm(betweenMs);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Removes one page; answers how many tasks went. */
  purge(): number {
    const nowMs = this.#clock.nowMs();
    return this.#store.purge(nowMs - this.#retentionMs, nowMs, purgePage).tasks.length;
  }

  #arm(waitMs: number): void {
    this.#timer = setTimeout(() => {
      let gone = 0;
      try {
        gone = this.purge();
        if (gone > 0) this.#log.info("removed ended tasks", { tasks: gone });
      } catch (error) {
        // As everywhere: a full disk is waited out, storage that failed ends the process.
        if (!(error instanceof ErrandError && error.code === "storage_full"))
          return this.#fatal(error);
        this.#log.error("ended tasks could not be removed; it will be tried again", error);
      }
      this.#arm(gone === purgePage ? betweenMs : everyMs);
    }, waitMs);
  }
}
