import type { Scope } from "../../core/scope.ts";
import type { Cipher } from "../../ports/cipher.ts";
import type { Courier, Log } from "../../ports/host.ts";
import type { AsyncStore, OutboxRow, SyncStore } from "../../ports/store.ts";

/** Messages taken from the store at start, a page at a time. */
const outboxPage = 500;

/**
 * Sends what left its group unsettled, at least once: each row stays until the receiver has committed the message,
 * and a failed delivery is tried again at the next send or start.
 */
export class Outbox {
  readonly #ports: {
    readonly store: SyncStore | AsyncStore;
    readonly cipher: Cipher;
    readonly log: Log;
    readonly courier?: Courier;
  };
  readonly #wake: () => void;
  readonly #underway = new Set<string>();
  #failed: OutboxRow[] = [];
  #stopped = false;
  /** Ids whose receiver has committed: the next group removes their rows. */
  settled: string[] = [];

  constructor(
    ports: { readonly store: SyncStore | AsyncStore; readonly cipher: Cipher; readonly log: Log; readonly courier?: Courier },
    wake: () => void,
  ) {
    this.#ports = ports;
    this.#wake = wake;
  }

  /** Sends everything an earlier process left. */
  async start(): Promise<void> {
    const rows = await this.#ports.store.outbox(outboxPage);
    this.send(rows);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Sends rows that a commit wrote, and those that failed before. */
  send(rows: readonly OutboxRow[]): void {
    const again = this.#failed;
    this.#failed = [];
    for (const row of [...again, ...rows]) this.#deliver(row);
  }

  /** The rows of these ids are gone. */
  forget(ids: readonly string[]): void {
    if (ids.length === 0) return;
    const gone = new Set(ids);
    this.settled = this.settled.filter((id) => !gone.has(id));
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
        this.settled.push(row.id);
        this.#wake();
      },
      (error: unknown) => {
        this.#underway.delete(row.id);
        this.#failed.push(row);
        this.#ports.log.error("a message could not be delivered; it will be tried again", error, { id: row.id });
      },
    );
  }
}
