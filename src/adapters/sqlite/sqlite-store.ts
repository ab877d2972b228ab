import { taskScope } from "../../core/scope.ts";
import type { CommitResult, Group, SyncStore } from "../../ports/store.ts";
import { openBodyParts } from "./body-parts.ts";
import type { Driver } from "./driver.ts";
import { openDataKeyTable, openIdemKeyTable } from "./key-tables.ts";
import { openLogTable } from "./log-table.ts";
import { migrate } from "./migrations.ts";
import { openOutboxTable } from "./outbox-table.ts";
import { openOwnership } from "./ownership.ts";
import { openReadyTable } from "./ready-table.ts";
import { openSessionTable } from "./session-table.ts";
import type { StreamChange } from "./stream-index.ts";
import { openStreamTables } from "./stream-tables.ts";
import { openTaskTable, type EndedTask } from "./task-table.ts";
import { openTimerTable } from "./timer-table.ts";

/** Expired idempotency keys that one purge removes: some 20 ms of work at most. */
const expiredKeysMax = 10_000;

/**
 * Opens the store in an SQLite database, empty or made by an earlier version. Guarantees as in `Store`; what a commit
 * has answered is on the disk. Throws `unavailable` if a newer version made it, `storage_full` when there is no room
 * (nothing of the group is then written and the store goes on), and `internal` if SQLite fails or the file is
 * damaged: the process must then end, because nobody knows what is on the disk.
 *
 * One handle at a time is meant to write. If there are two all the same, they stay right, at the cost of reading
 * back what each keeps in memory whenever they take turns.
 */
export function openSqliteStore(driver: Driver): SyncStore {
  migrate(driver);
  const tables = openTables(driver);
  const { logs, tasks, sessions, ready, timers, outbox, idemKeys, dataKeys, streams } = tables;
  const own = openOwnership(driver, () => {
    logs.forget();
    streams.rebuild();
  });
  return {
    load: (scopes) => scopes.map((scope) => logs.load(scope)),
    commit(group) {
      const { result, change } = driver.transaction(() => {
        own();
        const refusal = refusalOf(tables, group);
        if (refusal !== null) return { result: refusal };
        return { result: accepted, change: writeGroup(tables, group) };
      });
      if (change !== undefined) {
        logs.committed(group);
        if (change !== null) streams.committed(change, group.streams);
      }
      return result;
    },
    keys: (asked, nowMs) =>
      asked.map(({ userId, key }) => {
        const row = idemKeys.get(userId, key);
        return row === null || row.expiresAtMs <= nowMs ? null : row;
      }),
    ready: ready.list,
    queues: logs.queues,
    timersDue: timers.due,
    timerNext: timers.next,
    outbox: outbox.oldest,
    tasks: tasks.list,
    task: tasks.get,
    taskReach: tasks.reach,
    tasksOpen: tasks.openIds,
    sessions: sessions.list,
    streamHead(stream) {
      own();
      return streams.head(stream);
    },
    streamRead(stream, from, rowsMax) {
      own();
      return streams.read(stream, from, rowsMax);
    },
    streamsOpen() {
      own();
      return streams.openNames();
    },
    ...removals(driver, tables, own),
    wrappedKey: dataKeys.ofUser,
    wrappedKeyById: dataKeys.byId,
    wrappedKeyPut: dataKeys.put,
    close: () => driver.close(),
  };
}

/** Taking tasks away: those that ended long ago, or one at its owner's wish. */
function removals(
  driver: Driver,
  tables: Tables,
  own: () => void,
): Pick<SyncStore, "purge" | "remove"> {
  const { idemKeys, tasks, streams } = tables;
  return {
    purge(endedBeforeMs, nowMs, limit) {
      const gone = driver.transaction(() => {
        own();
        idemKeys.expire(nowMs, expiredKeysMax);
        return removeTasks(tables, endedBeforeMs, limit);
      });
      streams.removed(gone);
      return { tasks: gone };
    },
    remove(taskId) {
      const gone = driver.transaction(() => {
        own();
        const task = tasks.endedOne(taskId);
        if (task !== null) removeTask(tables, task);
        return task !== null;
      });
      if (gone) streams.removed([taskId]);
      return gone;
    },
  };
}

const accepted: CommitResult = { ok: true };

interface Tables {
  readonly logs: ReturnType<typeof openLogTable>;
  readonly tasks: ReturnType<typeof openTaskTable>;
  readonly sessions: ReturnType<typeof openSessionTable>;
  readonly ready: ReturnType<typeof openReadyTable>;
  readonly timers: ReturnType<typeof openTimerTable>;
  readonly outbox: ReturnType<typeof openOutboxTable>;
  readonly idemKeys: ReturnType<typeof openIdemKeyTable>;
  readonly dataKeys: ReturnType<typeof openDataKeyTable>;
  readonly streams: ReturnType<typeof openStreamTables>;
}

function openTables(driver: Driver): Tables {
  const parts = openBodyParts(driver);
  return {
    logs: openLogTable(driver, parts),
    tasks: openTaskTable(driver),
    sessions: openSessionTable(driver),
    ready: openReadyTable(driver),
    timers: openTimerTable(driver),
    outbox: openOutboxTable(driver, parts),
    idemKeys: openIdemKeyTable(driver),
    dataKeys: openDataKeyTable(driver),
    streams: openStreamTables(driver, parts),
  };
}

/** What stands in the way of a group; `null` if nothing does. Everything is looked at before anything is written. */
function refusalOf({ logs, idemKeys, streams }: Tables, group: Group): CommitResult | null {
  const conflicts = logs.conflicts(group);
  const keys = idemKeys.taken(group);
  const fenced = group.streams.length === 0 ? [] : streams.fenced(group.streams);
  if (conflicts.length + keys.length + fenced.length === 0) return null;
  return { ok: false, conflicts, keys, fenced };
}

/** Writes a group; answers what it did to streams, or `null` if it has none. */
function writeGroup(tables: Tables, group: Group): StreamChange | null {
  tables.logs.write(group);
  const begun = new Set(group.appends.filter(({ seq }) => seq === 1).map(({ scope }) => scope));
  for (const row of group.tasks) tables.tasks.put(row, begun.has(taskScope(row.id)));
  for (const row of group.sessions) tables.sessions.put(row);
  for (const row of group.readyPut) tables.ready.put(row);
  for (const row of group.readyGone) tables.ready.remove(row);
  for (const row of group.timers) tables.timers.put(row);
  for (const row of group.outbox) tables.outbox.put(row);
  for (const id of group.outboxDone) tables.outbox.done(id);
  for (const row of group.keys) tables.idemKeys.put(row);
  return group.streams.length === 0 ? null : tables.streams.write(group.streams);
}

function removeTasks(tables: Tables, endedBeforeMs: number, limit: number): readonly string[] {
  const ended = tables.tasks.ended(endedBeforeMs, limit);
  for (const task of ended) removeTask(tables, task);
  return ended.map((task) => task.id);
}

function removeTask(tables: Tables, task: EndedTask): void {
  tables.tasks.remove(task);
  tables.logs.remove(taskScope(task.id));
  tables.timers.remove(taskScope(task.id));
  tables.streams.remove(task.id);
}
