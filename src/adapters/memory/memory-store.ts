import type { ReadyRequest, TaskRow } from "../../core/rows.ts";
import type { Scope } from "../../core/scope.ts";
import { taskScope } from "../../core/scope.ts";
import { isEnd, statusClass, type StatusClass } from "../../core/task/status.ts";
import type {
  Bytes,
  CommitResult,
  Group,
  KeyRow,
  LoadedScope,
  LogRow,
  OutboxRow,
  StoredSessionRow,
  StreamRow,
  SyncStore,
  TaskQuery,
} from "../../ports/store.ts";
import { findConflicts, findFenced, findTakenKeys } from "./refusals.ts";

const everyClass: readonly StatusClass[] = ["active", "completed", "failed"];

/** The rows of one scope. `lastSeq` outlives them: a trimmed log goes on where it was. */
export interface ScopeData {
  rows: LogRow[];
  lastSeq: number;
  snapshot: { readonly seq: number; readonly body: Bytes } | null;
}

/** One stream: appended rows while it is open, blocks once it is closed. */
export interface StreamData {
  epoch: number;
  tail: number;
  closed: boolean;
  rows: StreamRow[];
}

/** Everything a memory store holds. Rows are never changed in place, so copies may share them. */
export interface MemoryData {
  readonly scopes: Map<Scope, ScopeData>;
  readonly tasks: Map<string, TaskRow>;
  readonly sessions: Map<string, StoredSessionRow>;
  /** Queue, then call. */
  readonly ready: Map<string, Map<string, ReadyRequest>>;
  /** Scope, then timer name. */
  readonly timers: Map<Scope, Map<string, number>>;
  /** In order of arrival. */
  readonly outbox: Map<string, OutboxRow>;
  /** By `userId/key`. */
  readonly keys: Map<string, KeyRow>;
  readonly streams: Map<string, StreamData>;
  /** By user. The id is the position at which the key came, from 1. */
  readonly dataKeys: Map<string, { readonly id: number; readonly wrapped: Bytes }>;
}

/** The reference store: every guarantee of `Store` but survival of the process. */
export interface MemoryStore extends SyncStore {
  /** A store of its own with everything committed so far: what a crashed process finds when it starts again. */
  fork(): MemoryStore;
}

/** Opens an empty store in memory. It throws nothing and has no limit but the heap. */
export function createMemoryStore(): MemoryStore {
  return storeOver({
    scopes: new Map(),
    tasks: new Map(),
    sessions: new Map(),
    ready: new Map(),
    timers: new Map(),
    outbox: new Map(),
    keys: new Map(),
    streams: new Map(),
    dataKeys: new Map(),
  });
}

function storeOver(data: MemoryData): MemoryStore {
  return {
    load: (scopes) => scopes.map((scope) => loadScope(data, scope)),
    commit: (group) => commit(data, group),
    ...rowReads(data),
    ...taskReads(data),
    ...streamReads(data),
    ...dataKeys(data),
    purge: (endedBeforeMs, nowMs, limit) => ({
      tasks: purge(data, { endedBeforeMs, nowMs, limit }),
    }),
    remove(taskId) {
      const row = data.tasks.get(taskId);
      if (row === undefined || !isEnd(row.status)) return false;
      removeTask(data, taskId);
      return true;
    },
    close: () => {},
    fork: () => storeOver(copyOf(data)),
  };
}

type RowReads = Pick<
  SyncStore,
  "keys" | "ready" | "queues" | "timersDue" | "timerNext" | "outbox" | "sessions"
>;

function rowReads(data: MemoryData): RowReads {
  return {
    keys: (asked, nowMs) =>
      asked.map(({ userId, key }) => {
        const row = data.keys.get(`${userId}/${key}`);
        return row === undefined || row.expiresAtMs <= nowMs ? null : row;
      }),
    ready: (queue, afterSeq, limit) =>
      [...(data.ready.get(queue) ?? [])]
        .map(([call, request]) => ({ call, request }))
        .filter(({ request }) => request.seq > afterSeq)
        .toSorted((a, b) => a.request.seq - b.request.seq)
        .slice(0, limit),
    queues: () =>
      [...data.scopes.keys()]
        .filter((scope) => scope.startsWith("queue/"))
        .map((scope) => scope.slice("queue/".length))
        .toSorted(compareText),
    timersDue: (atMs, limit) =>
      allTimers(data)
        .filter((timer) => timer.atMs <= atMs)
        .toSorted(
          (a, b) => a.atMs - b.atMs || compareText(a.scope, b.scope) || compareText(a.name, b.name),
        )
        .slice(0, limit),
    timerNext: () =>
      allTimers(data).reduce<number | null>(
        (next, { atMs }) => (next === null || atMs < next ? atMs : next),
        null,
      ),
    outbox: (limit) => [...data.outbox.values()].slice(0, limit),
    sessions: (userId, before, limit) =>
      [...data.sessions.values()]
        .filter((row) => row.userId === userId && (before === null || row.updatedAtMs < before))
        .toSorted((a, b) => b.updatedAtMs - a.updatedAtMs || compareText(a.chatId, b.chatId))
        .slice(0, limit),
  };
}

function taskReads(
  data: MemoryData,
): Pick<SyncStore, "tasks" | "task" | "taskReach" | "tasksOpen"> {
  return {
    tasks: (query) => listTasks(data, query),
    task: (id) => data.tasks.get(id) ?? null,
    taskReach({ userId, statusClass: only, createdToMs, before }, rows) {
      const stretch = {
        userId,
        limit: rows,
        ...(createdToMs === undefined ? {} : { createdToMs }),
        ...(before === undefined ? {} : { before }),
      };
      const classes = only === undefined ? everyClass : [only];
      const ids = classes.map(
        (name) => listTasks(data, { ...stretch, statusClass: name })[rows - 1]?.id ?? "",
      );
      return ids.toSorted(compareText).at(-1) || null;
    },
    tasksOpen: (status, afterId, limit) =>
      [...data.tasks.values()]
        .filter((row) => row.status === status && !isEnd(row.status) && row.id > afterId)
        .map((row) => row.id)
        .toSorted(compareText)
        .slice(0, limit),
  };
}

function streamReads(
  data: MemoryData,
): Pick<SyncStore, "streamHead" | "streamRead" | "streamsOpen"> {
  return {
    streamHead: (stream) => {
      const found = data.streams.get(stream);
      if (found === undefined) return null;
      return { epoch: found.epoch, tail: found.tail, closed: found.closed };
    },
    streamRead: (stream, from, rowsMax) =>
      (data.streams.get(stream)?.rows ?? [])
        .filter((row) => row.n + row.count > from)
        .slice(0, rowsMax),
    streamsOpen: () =>
      [...data.streams]
        .filter(([, stream]) => !stream.closed)
        .map(([name]) => name)
        .toSorted(compareText),
  };
}

function dataKeys(
  data: MemoryData,
): Pick<SyncStore, "wrappedKey" | "wrappedKeyById" | "wrappedKeyPut"> {
  return {
    wrappedKey: (userId) => data.dataKeys.get(userId) ?? null,
    wrappedKeyById: (id) => {
      for (const [userId, key] of data.dataKeys) {
        if (key.id === id) return { userId, wrapped: key.wrapped };
      }
      return null;
    },
    wrappedKeyPut: (userId, wrapped) => {
      const key = data.dataKeys.get(userId) ?? { id: data.dataKeys.size + 1, wrapped };
      data.dataKeys.set(userId, key);
      return key;
    },
  };
}

function loadScope(data: MemoryData, scope: Scope): LoadedScope {
  const found = data.scopes.get(scope);
  if (found === undefined) return { snapshot: null, rows: [] };
  const after = found.snapshot?.seq ?? 0;
  return { snapshot: found.snapshot, rows: found.rows.filter((row) => row.seq > after) };
}

function commit(data: MemoryData, group: Group): CommitResult {
  const conflicts = findConflicts(data, group);
  const keys = findTakenKeys(data, group);
  const fenced = findFenced(data, group);
  if (conflicts.length + keys.length + fenced.length > 0) {
    return { ok: false, conflicts, keys, fenced };
  }
  applyLogs(data, group);
  applyRows(data, group);
  applyStreams(data, group);
  return { ok: true };
}

function applyLogs(data: MemoryData, group: Group): void {
  for (const { scope, seq, count, atMs, body } of group.appends) {
    const stored = data.scopes.get(scope) ?? { rows: [], lastSeq: 0, snapshot: null };
    stored.rows.push({ seq, count, atMs, body });
    stored.lastSeq = seq + count - 1;
    data.scopes.set(scope, stored);
  }
  for (const { scope, seq, body, trim } of group.snapshots) {
    const stored = data.scopes.get(scope) ?? { rows: [], lastSeq: seq, snapshot: null };
    stored.snapshot = { seq, body };
    if (trim) stored.rows = [];
    data.scopes.set(scope, stored);
  }
}

function applyRows(data: MemoryData, group: Group): void {
  for (const row of group.tasks) data.tasks.set(row.id, row);
  for (const row of group.sessions) {
    if (row.deleted) data.sessions.delete(`${row.userId}/${row.chatId}`);
    else data.sessions.set(`${row.userId}/${row.chatId}`, row);
  }
  for (const { queue, call, request } of group.readyPut) {
    nested(data.ready, queue).set(call, request);
  }
  for (const { queue, call } of group.readyGone) data.ready.get(queue)?.delete(call);
  for (const { scope, name, atMs } of group.timers) {
    if (atMs === null) data.timers.get(scope)?.delete(name);
    else nested(data.timers, scope).set(name, atMs);
  }
  for (const row of group.outbox) if (!data.outbox.has(row.id)) data.outbox.set(row.id, row);
  for (const id of group.outboxDone) data.outbox.delete(id);
  for (const row of group.keys) data.keys.set(`${row.userId}/${row.key}`, row);
}

function applyStreams(data: MemoryData, group: Group): void {
  for (const op of group.streams) {
    const stream = data.streams.get(op.stream) ?? { epoch: 0, tail: 0, closed: false, rows: [] };
    data.streams.set(op.stream, stream);
    switch (op.op) {
      case "open":
        stream.epoch = op.epoch;
        break;
      case "append":
        stream.rows.push({
          n: op.n,
          count: op.count,
          body: op.body,
          ...(op.shared === true ? { shared: true } : {}),
        });
        stream.tail = op.n + op.count;
        break;
      case "close":
        stream.rows = [...op.blocks];
        stream.tail = stream.rows.reduce((tail, row) => tail + row.count, 0);
        stream.closed = true;
        break;
    }
  }
}

function listTasks(data: MemoryData, query: TaskQuery): readonly TaskRow[] {
  return [...data.tasks.values()]
    .filter(
      (row) =>
        (query.userId === null || row.userId === query.userId) &&
        (query.statusClass === undefined || statusClass(row.status) === query.statusClass) &&
        (query.types === undefined || query.types.includes(row.type)) &&
        (query.sessionId === undefined || row.sessionId === query.sessionId) &&
        (query.parentId === undefined || row.parentId === query.parentId) &&
        (query.rootsOnly !== true || row.parentId === null) &&
        (query.createdFromMs === undefined || row.createdAtMs >= query.createdFromMs) &&
        (query.createdToMs === undefined || row.createdAtMs < query.createdToMs) &&
        (query.before === undefined || row.id < query.before) &&
        (query.downTo === undefined || row.id >= query.downTo),
    )
    .toSorted((a, b) => compareText(b.id, a.id))
    .slice(0, query.limit);
}

function purge(
  data: MemoryData,
  options: { endedBeforeMs: number; nowMs: number; limit: number },
): readonly string[] {
  const gone = [...data.tasks.values()]
    .filter(
      (row) => isEnd(row.status) && row.endedAtMs !== null && row.endedAtMs < options.endedBeforeMs,
    )
    .map((row) => row.id)
    .toSorted(compareText)
    .slice(0, options.limit);
  for (const id of gone) removeTask(data, id);
  for (const [name, row] of data.keys) if (row.expiresAtMs <= options.nowMs) data.keys.delete(name);
  return gone;
}

function removeTask(data: MemoryData, id: string): void {
  data.tasks.delete(id);
  data.scopes.delete(taskScope(id));
  data.timers.delete(taskScope(id));
  for (const stream of data.streams.keys()) {
    if (stream.startsWith(`${id}/`)) data.streams.delete(stream);
  }
}

function copyOf(data: MemoryData): MemoryData {
  return {
    scopes: copyEach(data.scopes, (scope) => ({ ...scope, rows: [...scope.rows] })),
    tasks: new Map(data.tasks),
    sessions: new Map(data.sessions),
    ready: copyEach(data.ready, (calls) => new Map(calls)),
    timers: copyEach(data.timers, (names) => new Map(names)),
    outbox: new Map(data.outbox),
    keys: new Map(data.keys),
    streams: copyEach(data.streams, (stream) => ({ ...stream, rows: [...stream.rows] })),
    dataKeys: new Map(data.dataKeys),
  };
}

function copyEach<K, V>(map: ReadonlyMap<K, V>, copy: (value: V) => V): Map<K, V> {
  const copied = new Map<K, V>();
  for (const [key, value] of map) copied.set(key, copy(value));
  return copied;
}

function nested<K, L, V>(outer: Map<K, Map<L, V>>, key: K): Map<L, V> {
  let inner = outer.get(key);
  if (inner === undefined) {
    inner = new Map();
    outer.set(key, inner);
  }
  return inner;
}

function allTimers(data: MemoryData): { scope: Scope; name: string; atMs: number }[] {
  const timers: { scope: Scope; name: string; atMs: number }[] = [];
  for (const [scope, names] of data.timers) {
    for (const [name, atMs] of names) timers.push({ scope, name, atMs });
  }
  return timers;
}

/** Order of code units, which is SQLite's order for the ASCII that ids and names are made of. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
