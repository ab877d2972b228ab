import type { Scope } from "../../core/scope.ts";
import type { Cipher } from "../../ports/cipher.ts";
import type { Clock, Courier, Log } from "../../ports/host.ts";
import type { AsyncStore, OutboxRow, SyncStore } from "../../ports/store.ts";

/** Messages taken from the store at start, a page at a time. */
const outboxPage = 500;

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
  readonly #underway = new Set<string>();
  #failed: OutboxRow[] = [];
  /** When the failed ones are sent again; `null`: none has failed. */
  #retryAtMs: number | null = null;
  #retryMs = retryMsFirst;
  #stopped = false;
  /** The store may hold more than the page that was read last. */
  #more = false;
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

  /** Sends everything an earlier process left, a page at a time: the next when the one before is settled. */
  async start(): Promise<void> {
    const rows = await this.#ports.store.outbox(outboxPage);
    this.#more = rows.length === outboxPage;
    this.send(rows);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Sends rows that a commit wrote. */
  send(rows: readonly OutboxRow[]): void {
    for (const row of rows) this.#deliver(row);
  }

  /** The waker rang: what failed is sent again if its time has come. */
  retry(): void {
    if (this.#retryAtMs === null || this.#ports.clock.nowMs() < this.#retryAtMs) return;
    this.#retryAtMs = null;
    this.send(this.#failed.splice(0));
  }

  /** The rows of these ids are gone. */
  forget(ids: readonly string[]): void {
    if (ids.length === 0) return;
    const gone = new Set(ids);
    this.settled = this.settled.filter((id) => !gone.has(id));
    if (!this.#more || this.#underway.size + this.#failed.length + this.settled.length > 0) return;
    this.start().catch((error: unknown) =>
      this.#ports.log.error("the outbox could not be read", error),
    );
  }

  #deliver(row: OutboxRow): void {
    const { courier } = this.#ports;
    if (courier === undefined || this.#stopped || this.#underway.has(row.id)) return;
    this.#underway.add(row.id);
    const body: unknown = JSON.parse(this.#ports.cipher.open(`out:${row.id}`, row.body));
    const to: Scope = row.to;
    courier.deliver({ id: row.id, to, body }).then(
      () => {
        this.#underway.delete(row.id);
        this.#retryMs = retryMsFirst;
        this.settled.push(row.id);
        this.#hooks.settled();
      },
      (error: unknown) => {
        this.#underway.delete(row.id);
        this.#failed.push(row);
        this.#retryLater();
        this.#ports.log.error("a message could not be delivered; it will be tried again", error, {
          id: row.id,
        });
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
