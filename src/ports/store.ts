import type { ReadyRequest, SessionRow, TaskRow } from "../core/rows.ts";
import type { Scope } from "../core/scope.ts";
import type { StatusClass } from "../core/task/status.ts";

/** Sealed bytes. A store never looks inside. */
export type Bytes = Uint8Array;

/** What a store kind answers with: a value at once (SQLite, Durable Object, memory) or a promise (Postgres). */
export type Ret<K extends "sync" | "async", T> = K extends "sync"
  ? T extends PromiseLike<unknown>
    ? never
    : T
  : Promise<T>;

/** One row of a scope's log: all events one group committed for the scope, sealed together. */
export interface LogRow {
  /** Number of the row's first event. Events of a scope are numbered 1, 2, 3 without gaps. */
  readonly seq: number;
  /** Events in the row, at least 1. */
  readonly count: number;
  readonly atMs: number;
  readonly body: Bytes;
}

/** A scope as it is stored: the newest snapshot and every log row after it, in order. */
export interface LoadedScope {
  readonly snapshot: { readonly seq: number; readonly body: Bytes } | null;
  readonly rows: readonly LogRow[];
}

/** New log row of one scope. `seq` must be one more than the number of the scope's last stored event. */
export interface LogAppend extends LogRow {
  readonly scope: Scope;
}

/**
 * State of a scope at `seq`, which must be its last event after the group's appends: a snapshot that is older or
 * newer is a conflict of the scope. With `trim`, log rows up to `seq` are removed in the same transaction.
 */
export interface SnapshotPut {
  readonly scope: Scope;
  readonly seq: number;
  readonly body: Bytes;
  readonly trim: boolean;
}

/** A named timer of a scope; `atMs: null` removes it. */
export interface TimerPut {
  readonly scope: Scope;
  readonly name: string;
  readonly atMs: number | null;
}

/** A message whose receiver did not commit in the sender's group. It stays until `outboxDone` names it. */
export interface OutboxRow {
  readonly id: string;
  readonly to: Scope;
  readonly body: Bytes;
}

/**
 * An idempotency key from outside. `hash` is an HMAC of the body, `ref` what the first submit made. A stored key
 * that had expired at the time of the group's log rows does not conflict: it is replaced.
 */
export interface KeyRow {
  readonly userId: string;
  readonly key: string;
  readonly hash: string;
  readonly ref: string;
  readonly expiresAtMs: number;
}

/** A session row with its title sealed. */
export type StoredSessionRow = Omit<SessionRow, "title"> & { readonly title: Bytes };

/**
 * Operations on streams. All are fenced by epoch: one that is older than the stream's is refused with its group, and
 * so is any on a stream that is closed, or (but for `open`) was never opened.
 */
export type StreamOp =
  /** Creates the stream, or takes it over with a higher epoch. The same epoch again changes nothing. */
  | { readonly op: "open"; readonly stream: string; readonly epoch: number }
  /**
   * Adds `count` entries from number `n` on; `n` must be the stream's tail. `body` is the sealed JSON array. `shared`:
   * other appends of the group have the same body, the very same object, and a store may keep it once for those that
   * follow each other.
   */
  | {
      readonly op: "append";
      readonly stream: string;
      readonly epoch: number;
      readonly n: number;
      readonly count: number;
      readonly body: Bytes;
      readonly shared?: true;
    }
  /**
   * Ends the stream and replaces its appended rows by blocks that keep every entry's number: they follow each other
   * from 0 to the tail or beyond it, because the last entries may come with the close.
   */
  | {
      readonly op: "close";
      readonly stream: string;
      readonly epoch: number;
      readonly blocks: readonly StreamRow[];
    };

/** Entries `n .. n + count - 1` of a stream. `shared` is what its append said. */
export interface StreamRow {
  readonly n: number;
  readonly count: number;
  readonly body: Bytes;
  readonly shared?: true;
}

/** A stream as it is stored: `tail` is the number of entries. */
export interface StreamHead {
  readonly epoch: number;
  readonly tail: number;
  readonly closed: boolean;
}

/** Everything one commit writes, in one transaction. */
export interface Group {
  /** When it was decided: keys that have expired by then are free. Default: the time of its latest log row. */
  readonly atMs?: number;
  readonly appends: readonly LogAppend[];
  readonly snapshots: readonly SnapshotPut[];
  /** A task's first row comes in the group that begins its log. */
  readonly tasks: readonly TaskRow[];
  readonly sessions: readonly StoredSessionRow[];
  readonly readyPut: readonly {
    readonly queue: string;
    readonly call: string;
    readonly request: ReadyRequest;
  }[];
  readonly readyGone: readonly { readonly queue: string; readonly call: string }[];
  readonly timers: readonly TimerPut[];
  readonly outbox: readonly OutboxRow[];
  readonly outboxDone: readonly string[];
  readonly keys: readonly KeyRow[];
  readonly streams: readonly StreamOp[];
}

/** Answer to a commit. `ok: false` means that nothing of the group was written. */
export type CommitResult =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /** Scopes whose log is not where the group expected it. */
      readonly conflicts: readonly Scope[];
      /** Keys that exist already, as `userId/key`. */
      readonly keys: readonly string[];
      /** Streams that refused: older epoch, wrong number, or closed. */
      readonly fenced: readonly string[];
    };

/**
 * Which tasks a list holds. Newest first; `before` is the id of the last task of the page before. The span of
 * creation times is half open: `createdFromMs <= created < createdToMs`. It relies on ids that begin with that time.
 */
export interface TaskQuery {
  readonly userId: string | null;
  readonly statusClass?: StatusClass;
  /** Tasks of one of these types. */
  readonly types?: readonly string[];
  readonly sessionId?: string;
  readonly parentId?: string;
  /** Only tasks that are nobody's child. */
  readonly rootsOnly?: boolean;
  readonly createdFromMs?: number;
  readonly createdToMs?: number;
  readonly before?: string;
  /** Only this task and younger ones: the end of a stretch that {@link Store.taskReach} has measured. */
  readonly downTo?: string;
  readonly limit: number;
}

/**
 * The one storage port. Guarantees of every adapter, checked by `test/contracts/store.contract.ts`:
 * a commit is whole or not at all; when it has answered `ok: true` it survives a crash of the process and, on
 * disks that honour a flush, power loss; `load` after it sees it. There is no other way to write.
 */
export interface Store<K extends "sync" | "async"> {
  load(scopes: readonly Scope[]): Ret<K, readonly LoadedScope[]>;
  commit(group: Group): Ret<K, CommitResult>;
  /** The stored keys among `keys` that have not expired at `nowMs`, by position; `null` where there is none. */
  keys(
    asked: readonly { userId: string; key: string }[],
    nowMs: number,
  ): Ret<K, readonly (KeyRow | null)[]>;
  /** Pending calls of a queue with `seq > afterSeq`, by `seq`, at most `limit`. */
  ready(
    queue: string,
    afterSeq: number,
    limit: number,
  ): Ret<K, readonly { call: string; request: ReadyRequest }[]>;
  /** Names of all queues that have a log. */
  queues(): Ret<K, readonly string[]>;
  /** Timers due at or before `atMs`, earliest first, at most `limit`. */
  timersDue(
    atMs: number,
    limit: number,
  ): Ret<K, readonly { scope: Scope; name: string; atMs: number }[]>;
  /** When the earliest timer is due; `null` if there is none. */
  timerNext(): Ret<K, number | null>;
  /** Unsettled messages, oldest first, at most `limit`. */
  outbox(limit: number): Ret<K, readonly OutboxRow[]>;
  tasks(query: TaskQuery): Ret<K, readonly TaskRow[]>;
  task(id: string): Ret<K, TaskRow | null>;
  /**
   * How far down a filtered list of a user may go at once: the id below which a class has more than `rows` tasks that
   * the list would have to look at, the youngest such id of its classes; `null` if it may go to the end.
   */
  taskReach(query: TaskQuery & { readonly userId: string }, rows: number): Ret<K, string | null>;
  /** Open tasks whose row says `status`, by id, after `afterId`. Recovery walks them. */
  tasksOpen(status: TaskRow["status"], afterId: string, limit: number): Ret<K, readonly string[]>;
  /** Sessions of a user that were updated before `before`, last updated first, then by chat id. */
  sessions(
    userId: string,
    before: number | null,
    limit: number,
  ): Ret<K, readonly StoredSessionRow[]>;
  streamHead(stream: string): Ret<K, StreamHead | null>;
  /** Rows that hold entries from number `from` on, in order, at most `rowsMax`; the first may begin before `from`. */
  streamRead(stream: string, from: number, rowsMax: number): Ret<K, readonly StreamRow[]>;
  /** Streams that are not closed. */
  streamsOpen(): Ret<K, readonly string[]>;
  /** Removes tasks that ended before `endedBeforeMs` with their logs and streams, and keys expired at `nowMs`; at most `limit` tasks. */
  purge(
    endedBeforeMs: number,
    nowMs: number,
    limit: number,
  ): Ret<K, { readonly tasks: readonly string[] }>;
  /** Removes one ended task with its log and streams; false if there is none, or it has not ended. */
  remove(taskId: string): Ret<K, boolean>;
  /** Wrapped data keys, for the cipher. */
  wrappedKey(userId: string): Ret<K, { readonly id: number; readonly wrapped: Bytes } | null>;
  wrappedKeyById(id: number): Ret<K, { readonly userId: string; readonly wrapped: Bytes } | null>;
  /** Stores a new wrapped key unless the user has one; answers the one that is stored. */
  wrappedKeyPut(
    userId: string,
    wrapped: Bytes,
  ): Ret<K, { readonly id: number; readonly wrapped: Bytes }>;
  close(): Ret<K, void>;
}

/** A store that answers at once: one process, or one Durable Object, owns it. */
export type SyncStore = Store<"sync">;
/** A store behind a connection. */
export type AsyncStore = Store<"async">;
