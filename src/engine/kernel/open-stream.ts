import { asEntries } from "../erased-types.ts";
import { ErrandError } from "../../core/errors.ts";
import { blockCharsMax, streamEntriesMax } from "../../core/limits.ts";
import { offsetAfter, type Entry } from "../../core/stream/entry.ts";
import type { Cipher } from "../../ports/cipher.ts";
import type { StreamOp, StreamRow } from "../../ports/store.ts";
import type { Append } from "./shared-rows.ts";

/** Entries that are on disk, as JSON, kept so that closing and late readers need not read them back. */
export interface Held {
  readonly n: number;
  readonly count: number;
  readonly json: string;
}

/** Entries that became durable, for readers that follow. `offset` is the text offset before the first. */
export interface StoredEntries {
  readonly stream: string;
  readonly user: string;
  readonly n: number;
  readonly offset: number;
  readonly entries: readonly Entry[];
}

/**
 * One open stream of this process: what is stored, what the next commit will add. Invariant: `tail` counts stored
 * entries only, so a reader who is given entries below it never sees one that a crash could take back.
 */
export class OpenStream {
  readonly id: string;
  readonly user: string;
  readonly epoch: number;
  tail = 0;
  offset = 0;
  /** Text offset after the pending entries. */
  offsetAhead = 0;
  closing = false;
  /** Why it was dropped with entries that are not stored: a newer owner has it, or a commit failed. */
  lost: ErrandError | null = null;
  #stored = false;
  #held: Held[] = [];
  /** Not in any commit yet. */
  #pending: Entry[] = [];
  /** In the group in flight, from {@link take} to {@link settle}; `#json` is their text. */
  #written: Entry[] = [];
  #json = "";
  #closes = false;

  constructor(id: string, user: string, epoch: number) {
    this.id = id;
    this.user = user;
    this.epoch = epoch;
  }

  /** Takes over what an earlier epoch stored. */
  adopt(rows: readonly Held[]): void {
    for (const row of rows) {
      this.#held.push(row);
      this.tail = row.n + row.count;
      for (const entry of asEntries(row.json)) this.offset = offsetAfter(this.offset, entry);
    }
    this.offsetAhead = this.offset;
  }

  /** What is stored, for the next owner. */
  rows(): readonly Held[] {
    return this.#held;
  }

  /** Number the next entry will have. */
  get ahead(): number {
    return this.tailAfterCommit + this.#pending.length;
  }

  /** Entries there will be when the commit in flight is true. */
  get tailAfterCommit(): number {
    return this.tail + this.#written.length;
  }

  /** True if a commit is needed to make all of it durable. */
  get isDirty(): boolean {
    return this.#pending.length > 0 || this.closing;
  }

  append(entries: readonly Entry[]): void {
    if (this.closing) throw new ErrandError("fenced", `stream ${this.id} is closed`);
    if (this.ahead + entries.length > streamEntriesMax) {
      throw new ErrandError(
        "limit_exceeded",
        `stream ${this.id} would pass ${streamEntriesMax} entries`,
      );
    }
    for (const entry of entries) {
      this.#pending.push(entry);
      this.offsetAhead = offsetAfter(this.offsetAhead, entry);
    }
  }

  /** Everything so far goes with the group that begins now; what comes later with the next. */
  take(): void {
    this.#written.push(...this.#pending.splice(0));
    this.#json = this.#written.length === 0 ? "" : JSON.stringify(this.#written);
    this.#closes = this.closing;
  }

  /**
   * Operations that make durable what was taken, before its {@link taken} entries. Call {@link settle} when all of it has
   * been committed, or this again when the commit was not true.
   */
  operations(cipher: Cipher): StreamOp[] {
    const operations: StreamOp[] = [];
    const { id: stream, epoch } = this;
    if (!this.#stored) operations.push({ op: "open", stream, epoch });
    if (this.#closes) {
      const blocks = this.#blocks(cipher);
      operations.push({ op: "close", stream, epoch, blocks });
    }
    return operations;
  }

  /** Entries to append to a stream that goes on; `null` if there are none. Those of one that ends are in its blocks. */
  taken(): Append | null {
    const count = this.#written.length;
    if (this.#closes || count === 0) return null;
    const { user, id: stream, epoch, tail: n } = this;
    return { user, stream, epoch, n, count, json: this.#json };
  }

  /** What {@link operations} wrote is on disk now. */
  settle(): { readonly entries: StoredEntries | null; readonly closed: boolean } {
    this.#stored = true;
    const closed = this.#closes;
    const entries = this.#written;
    if (entries.length === 0) return { entries: null, closed };
    const { id: stream, user, tail: n, offset } = this;
    if (!closed) this.#held.push({ n, count: entries.length, json: this.#json });
    this.#written = [];
    this.tail += entries.length;
    for (const entry of entries) this.offset = offsetAfter(this.offset, entry);
    return { entries: { stream, user, n, offset, entries }, closed };
  }

  /** Stored entries from number `from` on, of about `charsMax` characters of JSON at most, and of one row at least. */
  read(from: number, charsMax: number = Number.POSITIVE_INFINITY): Entry[] {
    const entries: Entry[] = [];
    let chars = 0;
    for (const held of this.#held) {
      if (held.n + held.count <= from) continue;
      if (chars >= charsMax) break;
      chars += held.json.length;
      const all = asEntries(held.json);
      entries.push(...(held.n < from ? all.slice(from - held.n) : all));
    }
    return entries;
  }

  /** All stored and written entries, joined into compressed blocks that keep their numbers. */
  #blocks(cipher: Cipher): StreamRow[] {
    const rows: Held[] = [...this.#held];
    if (this.#written.length > 0) {
      rows.push({ n: this.tail, count: this.#written.length, json: this.#json });
    }
    const blocks: StreamRow[] = [];
    let parts: string[] = [];
    let chars = 0;
    let first = rows[0]?.n ?? 0;
    let count = 0;
    const flush = (): void => {
      if (count === 0) return;
      const body = cipher.seal(this.user, `${this.id}#${first}`, `[${parts.join(",")}]`, {
        compress: true,
      });
      blocks.push({ n: first, count, body });
      first += count;
      parts = [];
      chars = 0;
      count = 0;
    };
    for (const row of rows) {
      if (chars > 0 && chars + row.json.length > blockCharsMax) flush();
      parts.push(row.json.slice(1, -1));
      chars += row.json.length;
      count += row.count;
    }
    flush();
    return blocks;
  }
}
