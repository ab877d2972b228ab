import { invariant } from "../../core/invariant.ts";

/** What a parameter may be. Integers are exact up to 2^53. */
export type SqlValue = null | number | string | Uint8Array;

/** One row, by column name. What a column holds is checked where it is read. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** A statement that is parsed once and run often. Parameters go by position. */
export interface Statement {
  /** Answers whether it changed anything. */
  run(...params: readonly SqlValue[]): boolean;
  /** The first row, if there is one. */
  get(...params: readonly SqlValue[]): SqlRow | undefined;
  all(...params: readonly SqlValue[]): readonly SqlRow[];
}

/** What an async callback of {@link Driver.transaction} fails to be; its name is what the compiler shows. */
export interface AsyncCallbackRefused {
  readonly "a transaction ends before an async callback does its work": never;
}

/**
 * The little of SQLite that the store needs, the same on node:sqlite and in a Durable Object. Every method throws
 * `storage_full` if there is no room (the transaction is then rolled back and the driver usable again), and
 * `internal` with its cause for whatever else SQLite says: after an I/O error the process must end, because SQLite
 * does not know what is on the disk.
 */
export interface Driver {
  /** Runs statements without parameters, separated by `;`. */
  exec(sql: string): void;
  prepare(sql: string): Statement;
  /**
   * Runs `callback` in one transaction: committed and flushed when it returns, rolled back when it throws. It must
   * be synchronous: a Durable Object would commit an async one at its first `await` and report nothing. Not nested.
   */
  transaction<T>(
    callback: (() => T) & (T extends PromiseLike<unknown> ? AsyncCallbackRefused : unknown),
  ): T;
  close(): void;
}

/** Stops what the type of {@link Driver.transaction} could not see; drivers call it inside the transaction. */
export function refusePromise(result: unknown): void {
  const isPromise =
    typeof result === "object" &&
    result !== null &&
    "then" in result &&
    typeof result.then === "function";
  invariant(!isPromise, "the callback of a transaction is async: nothing of it was written");
}
