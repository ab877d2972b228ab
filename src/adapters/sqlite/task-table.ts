import { formatId, isTaskId } from "../../core/ids.ts";
import type { TaskRow } from "../../core/rows.ts";
import { isEnd, statusClass, type StatusClass, type TaskStatus } from "../../core/task/status.ts";
import type { SyncStore, TaskQuery } from "../../ports/store.ts";
import { numberOf, numberOrNull, statuses, statusOf, textOf, textOrNull } from "./columns.ts";
import type { Driver, SqlRow, SqlValue } from "./driver.ts";
import {
  deleteEndedTask,
  deleteTask,
  endTask,
  selectEndedTasks,
  selectTask,
  selectTaskReach,
  selectTaskIds,
  selectTasksOfStatus,
  selectTasksOfUser,
  upsertEndedTask,
  upsertOpenTask,
} from "./statements.ts";

/** The class column of each group of statuses. */
const classNumbers: Readonly<Record<StatusClass, number>> = { active: 0, completed: 1, failed: 2 };
const everyClass: readonly StatusClass[] = ["active", "completed", "failed"];
const endStatuses: readonly TaskStatus[] = statuses.filter(isEnd);
const noRandomBits = new Uint8Array(10);

/** The key of an ended task. */
export interface EndedTask {
  readonly userId: string;
  readonly classNumber: number;
  readonly id: string;
}

/** Rows of tasks. */
export interface TaskTable {
  /** Adds or replaces a row. `isNew`: the task is accepted in this very commit, so that it has no row yet. */
  put(row: TaskRow, isNew: boolean): void;
  readonly get: SyncStore["task"];
  readonly list: SyncStore["tasks"];
  readonly reach: SyncStore["taskReach"];
  readonly openIds: SyncStore["tasksOpen"];
  /** Tasks that ended before a time, by id, at most `limit`. */
  ended(beforeMs: number, limit: number): readonly EndedTask[];
  /** The key of one task; null if there is none, or it has not ended. */
  endedOne(id: string): EndedTask | null;
  remove(task: EndedTask): void;
}

/** Opens the table `task`. */
export function openTaskTable(driver: Driver): TaskTable {
  const upsertOpen = driver.prepare(upsertOpenTask);
  const deleteEnded = driver.prepare(deleteEndedTask);
  const end = driver.prepare(endTask);
  const upsertEnded = driver.prepare(upsertEndedTask);
  const selectOne = driver.prepare(selectTask);
  const selectIds = driver.prepare(selectTaskIds);
  const selectEnded = driver.prepare(selectEndedTasks);
  const removeOne = driver.prepare(deleteTask);

  return {
    put({ userId, id, type, status, queue, sessionId, parentId, createdAtMs, endedAtMs }, isNew) {
      const fixed = [id, type, status, queue, sessionId, parentId, createdAtMs] as const;
      if (!isEnd(status)) {
        // A retried task comes back from its end (SPEC TASK14). Looking for that of a new one costs as much as its row.
        if (!isNew) deleteEnded.run(userId, id);
        upsertOpen.run(userId, ...fixed);
        return;
      }
      // The row to move is an open one: a retried task runs, and so ends, only after a commit that opened it again.
      const classNumber = classNumbers[statusClass(status)];
      if (end.run(classNumber, status, endedAtMs, userId, id)) return;
      upsertEnded.run(userId, classNumber, ...fixed, endedAtMs);
    },
    get(id) {
      const row = selectOne.get(id);
      return row === undefined ? null : taskOf(row);
    },
    ...openTaskLists(driver),
    openIds: (status, afterId, limit) =>
      isEnd(status) ? [] : selectIds.all(status, afterId, limit).map((row) => textOf(row, "id")),
    ended(beforeMs, limit) {
      const idBefore = firstIdAt(beforeMs);
      return endStatuses
        .flatMap((status) => selectEnded.all(status, idBefore, beforeMs, limit))
        .map((row) => ({
          userId: textOf(row, "user_id"),
          classNumber: numberOf(row, "class"),
          id: textOf(row, "id"),
        }))
        .toSorted((a, b) => compareIds(a.id, b.id))
        .slice(0, limit);
    },
    endedOne(id) {
      const row = selectOne.get(id);
      const task = row === undefined ? null : taskOf(row);
      if (task === null || !isEnd(task.status)) return null;
      return { userId: task.userId, classNumber: classNumbers[statusClass(task.status)], id };
    },
    remove: (task) => removeOne.run(task.userId, task.classNumber, task.id),
  };
}

function openTaskLists(driver: Driver): Pick<TaskTable, "list" | "reach"> {
  const selectOfUser = driver.prepare(selectTasksOfUser);
  const selectOfStatus = driver.prepare(selectTasksOfStatus);
  const selectReach = driver.prepare(selectTaskReach);
  return {
    list(query) {
      const classes = classesOf(query);
      const filters = filtersOf(query);
      const { userId } = query;
      const pages =
        userId === null
          ? statuses
              .filter((status) => classes.includes(statusClass(status)))
              .map((status) => selectOfStatus.all(status, ...filters))
          : classes.map((name) => selectOfUser.all(userId, ...filters, classNumbers[name]));
      return newestOf(pages, query.limit);
    },
    reach(query, rows) {
      const ids = classesOf(query).flatMap((name) => {
        const row = selectReach.get(query.userId, classNumbers[name], highestOf(query), rows - 1);
        return row === undefined ? [] : [textOf(row, "id")];
      });
      return ids.toSorted(compareIds).at(-1) ?? null;
    },
  };
}

/**
 * Parameters 2 to 10 of the two list statements. Ids begin with the time of their task, so a span of time is a span of
 * the key, and children of a task, which are younger than it, are not searched for before it.
 */
function filtersOf(query: TaskQuery): SqlValue[] {
  const { createdFromMs, createdToMs, parentId, types } = query;
  const lowest = [
    query.downTo ?? "",
    createdFromMs === undefined ? "" : firstIdAt(createdFromMs),
    parentId !== undefined && isTaskId(parentId) ? parentId.slice(0, "task_".length + 10) : "",
  ];
  return [
    lowest.reduce((a, b) => (a > b ? a : b)),
    highestOf(query),
    // Names hold no comma.
    types === undefined ? null : `,${types.join(",")},`,
    query.sessionId ?? null,
    parentId ?? null,
    createdFromMs ?? 0,
    createdToMs ?? Number.MAX_SAFE_INTEGER,
    query.limit,
    query.rootsOnly === true ? 1 : 0,
  ];
}

function classesOf(query: TaskQuery): readonly StatusClass[] {
  return query.statusClass === undefined ? everyClass : [query.statusClass];
}

/** All ids of a list are lower than this one. */
function highestOf({ before = "~", createdToMs }: TaskQuery): string {
  const highest = createdToMs === undefined ? "~" : firstIdAt(createdToMs);
  return before < highest ? before : highest;
}

/** The lowest id that a task made at `timeMs` may have. An id has room for 50 bits of time. */
function firstIdAt(timeMs: number): string {
  const idTimeMs = Math.min(Math.max(Math.ceil(timeMs), 0), 2 ** 50 - 1);
  return formatId("task", idTimeMs, noRandomBits);
}

/** Merges pages that are newest first each. They are few and short, so a sort will do. */
function newestOf(pages: readonly (readonly SqlRow[])[], limit: number): readonly TaskRow[] {
  const rows = pages.flat().map(taskOf);
  return rows.toSorted((a, b) => compareIds(b.id, a.id)).slice(0, limit);
}

function taskOf(row: SqlRow): TaskRow {
  return {
    table: "task",
    id: textOf(row, "id"),
    userId: textOf(row, "user_id"),
    type: textOf(row, "type"),
    status: statusOf(row, "status"),
    queue: textOf(row, "queue"),
    sessionId: textOrNull(row, "session_id"),
    parentId: textOrNull(row, "parent_id"),
    createdAtMs: numberOf(row, "created_at_ms"),
    endedAtMs: numberOrNull(row, "ended_at_ms"),
  };
}

function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
