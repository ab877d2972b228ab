/** What the store suites write: groups, rows and bodies, with everything that a test does not name left out. */
import { formatId } from "../../src/core/ids.ts";
import type { ReadyRequest, TaskRow } from "../../src/core/rows.ts";
import type { Scope } from "../../src/core/scope.ts";
import type {
  AsyncStore,
  Bytes,
  CommitResult,
  Group,
  KeyRow,
  LogAppend,
  StoredSessionRow,
  StreamRow,
  SyncStore,
} from "../../src/ports/store.ts";

/** A store of either kind: the suites await every answer. */
export type AnyStore = SyncStore | AsyncStore;

/** One empty storage, and how to open it. */
export interface StoreKit {
  readonly store: AnyStore;
  /** Another handle on the same storage, as a restarted process would open it; the ones before may be closed by it. */
  readonly reopen: () => AnyStore | Promise<AnyStore>;
}

/** Runs a test against a fresh storage and removes it afterwards. A Durable Object's test runs inside the object. */
export type WithStore = (test: (kit: StoreKit) => Promise<void>) => Promise<void>;

/** Time of day zero of every test. */
export const START_MS = 1_800_000_000_000;

/** A group of the given parts. */
export function group(parts: Partial<Group>): Group {
  return {
    appends: [],
    snapshots: [],
    tasks: [],
    sessions: [],
    readyPut: [],
    readyGone: [],
    timers: [],
    outbox: [],
    outboxDone: [],
    keys: [],
    streams: [],
    ...parts,
  };
}

/** Text as a body. */
export function bytes(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** A log row of `count` events from `seq` on. */
export function append(scope: Scope, seq: number, count = 1): LogAppend {
  return { scope, seq, count, atMs: START_MS, body: bytes(`${scope}#${seq}`) };
}

/** Id of the task made `minutes` after the start. */
export function taskId(minutes: number): string {
  return formatId("task", START_MS + minutes * 60_000, new Uint8Array(10));
}

/** Row of a task that was queued `minutes` after the start. */
export function task(minutes: number, changes: Partial<TaskRow> = {}): TaskRow {
  return {
    table: "task",
    id: taskId(minutes),
    userId: "ann",
    type: "note",
    status: "queued",
    queue: "notes",
    sessionId: null,
    parentId: null,
    createdAtMs: START_MS + minutes * 60_000,
    endedAtMs: null,
    ...changes,
  };
}

/** The same row, ended `minutes` after the start. */
export function ended(
  row: TaskRow,
  minutes: number,
  status: TaskRow["status"] = "completed",
): TaskRow {
  return { ...row, status, endedAtMs: START_MS + minutes * 60_000 };
}

/** What the scheduler knows of call number `seq`. */
export function request(seq: number): ReadyRequest {
  return {
    task: taskId(seq),
    type: "note",
    key: "ann",
    user: "ann",
    weight: 1,
    band: 1,
    root: taskId(seq),
    cost: 0.5,
    capTotal: null,
    capPerKey: 3,
    seq,
    readyAtMs: START_MS,
    tag: 1.25,
  };
}

/** A session row that was touched `minutes` after the start. */
export function session(chatId: string, minutes: number, userId = "ann"): StoredSessionRow {
  return {
    table: "session",
    userId,
    chatId,
    title: bytes(`title of ${chatId}`),
    createdAtMs: START_MS,
    updatedAtMs: START_MS + minutes * 60_000,
    activeTaskId: null,
    deleted: false,
  };
}

/** An idempotency key that expires `minutes` after the start. */
export function key(name: string, minutes: number, userId = "ann"): KeyRow {
  const expiresAtMs = START_MS + minutes * 60_000;
  return { userId, key: name, hash: `hash of ${name}`, ref: taskId(0), expiresAtMs };
}

/** Entries `n .. n + count - 1` as one row. */
export function entries(n: number, count: number): StreamRow {
  return { n, count, body: bytes(`entries ${n}+${count}`) };
}

/** Opens `stream` and appends `sizes.length` rows of so many entries. */
export function opened(stream: string, epoch: number, sizes: readonly number[]): Group["streams"] {
  const ops: Group["streams"][number][] = [{ op: "open", stream, epoch }];
  let n = 0;
  for (const count of sizes) {
    ops.push({ op: "append", stream, epoch, ...entries(n, count) });
    n += count;
  }
  return ops;
}

/** Commits parts of a group. */
export async function put(store: AnyStore, parts: Partial<Group>): Promise<CommitResult> {
  return await store.commit(group(parts));
}

/** A refusal that names what is given and nothing else. */
export function refused(
  parts: Partial<{
    conflicts: readonly Scope[];
    keys: readonly string[];
    fenced: readonly string[];
  }>,
): CommitResult {
  return { ok: false, conflicts: [], keys: [], fenced: [], ...parts };
}

/** The positive answer. */
export const accepted: CommitResult = { ok: true };
