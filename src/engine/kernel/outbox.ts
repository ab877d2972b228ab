import type { Cipher } from "../../ports/cipher.ts";
import type { Clock, Courier, Log } from "../../ports/host.ts";
import type { AsyncStore, OutboxRow, SyncStore } from "../../ports/store.ts";

/** Messages read from the store at once, besides those that are known already. */
const outboxPage = 500;

/** Messages that may wait for homes that do not answer before no more are read. */
const knownMax = 10_000;

/** How long a failed delivery waits at first; it waits twice as long each time, until one arrives. */
const retryMsFirst = 500;

/** The longest wait. */
const retryMsMax = 30_000;

/** What an outbox asks of its kernel. */
export interface OutboxHooks {
  /** Messages have settled: their rows may go with the next commit. */
  settled(): void;
  /** {@link Outbox.retry} wants to be called at this time. */
  wakeAt(atMs: number): void;
}

/**
 * Sends what left its group unsettled, at least once: each row stays until the receiver has committed the message,
 * and a failed delivery is tried again by itself, because nothing else may ever happen here (SPEC KERNEL15).
 */
export class Outbox {
  readonly #ports: {
    readonly store: SyncStore | AsyncStore;
    readonly cipher: Cipher;
    readonly log: Log;
    readonly courier?: Courier;
    readonly clock: Clock;
  };
  readonly #hooks: OutboxHooks;
  /** Ids that are under way, have failed and wait, or cannot be read: they are not sent a second time beside. */
  readonly #known = new Set<string>();
  #underway = 0;
  #failed: OutboxRow[] = [];
  /** When the failed ones are sent again; `null`: none has failed. */
  #retryAtMs: number | null = null;
  #retryMs = retryMsFirst;
  #stopped = false;
  /** The store may hold messages that are not known: what is committed meanwhile comes behind them. */
  #more = true;
  #reading = false;
  /** A commit has written messages that have to be read, since the store was last asked. */
  #passed = false;
  /** Ids whose receiver has committed: the next group removes their rows. */
  settled: string[] = [];

  constructor(
    ports: {
      readonly store: SyncStore | AsyncStore;
      readonly cipher: Cipher;
      readonly log: Log;
      readonly clock: Clock;
      readonly courier?: Courier;
    },
    hooks: OutboxHooks,
  ) {
    this.#ports = ports;
    this.#hooks = hooks;
  }

  /**
   * Sends everything an earlier process left, a page at a time: the next when the one before is settled. Nothing is sent
   * before, so that no message overtakes an older one (SPEC HOME3).
   */
  async start(): Promise<void> {
    await this.#read();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Sends rows that a commit wrote. */
  send(rows: readonly OutboxRow[]): void {
    if (this.#more) this.#passed ||= rows.length > 0;
    else for (const row of rows) this.#deliver(row);
  }

  /** The waker rang: what failed is sent again if its time has come. */
  retry(): void {
    if (this.#retryAtMs === null || this.#ports.clock.nowMs() < this.#retryAtMs) return;
    this.#retryAtMs = null;
    for (const row of this.#failed.splice(0)) {
      this.#known.delete(row.id);
      this.#deliver(row);
    }
  }

  /** The rows of these ids are gone. */
  forget(ids: readonly string[]): void {
    if (ids.length === 0) return;
    const gone = new Set(ids);
    this.settled = this.settled.filter((id) => !gone.has(id));
    this.#readMore();
  }

  /** Reads on when all that was read has arrived, or has failed: who does not answer keeps nothing from others. */
  #readMore(): void {
    if (!this.#more || this.#underway + this.settled.length > 0) return;
    if (this.#known.size >= knownMax || this.#stopped) return;
    this.#read().catch((error: unknown) =>
      this.#ports.log.error("the outbox could not be read", error),
    );
  }

  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      do {
        this.#passed = false;
        const limit = outboxPage + this.#known.size;
        const rows = await this.#ports.store.outbox(limit);
        this.#more = rows.length === limit || this.#passed;
        for (const row of rows) this.#deliver(row);
      } while (this.#passed);
    } finally {
      this.#reading = false;
    }
  }

  #deliver(row: OutboxRow): void {
    const { courier, log } = this.#ports;
    if (courier === undefined || this.#stopped || this.#known.has(row.id)) return;
    this.#known.add(row.id);
    let body: unknown;
    try {
      body = JSON.parse(this.#ports.cipher.open(`out:${row.id}`, row.body));
    } catch (error) {
      log.error("a message cannot be read; it stays where it is", error, { id: row.id });
      return;
    }
    this.#underway += 1;
    courier.deliver({ id: row.id, to: row.to, body }).then(
      () => {
        this.#underway -= 1;
        this.#known.delete(row.id);
        this.#retryMs = retryMsFirst;
        this.settled.push(row.id);
        this.#hooks.settled();
      },
      (error: unknown) => {
        this.#underway -= 1;
        this.#failed.push(row);
        this.#retryLater();
        log.error("a message could not be delivered; it will be tried again", error, {
          id: row.id,
        });
        this.#readMore();
      },
    );
  }

  #retryLater(): void {
    if (this.#retryAtMs !== null) return;
    this.#retryAtMs = this.#ports.clock.nowMs() + this.#retryMs;
    this.#retryMs = Math.min(retryMsMax, this.#retryMs * 2);
    this.#hooks.wakeAt(this.#retryAtMs);
  }
}
