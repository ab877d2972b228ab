import { expect, test } from "vitest";

import type { TaskRow } from "../../src/core/rows.ts";
import type { TaskStatus } from "../../src/core/task/status.ts";
import type { TaskQuery } from "../../src/ports/store.ts";
import {
  START_MS,
  ended,
  put,
  task,
  taskId,
  type AnyStore,
  type WithStore,
} from "./store-groups.ts";

const STATUSES: readonly TaskStatus[] = [
  "queued",
  "completed",
  "running",
  "failed",
  "delayed",
  "cancelled",
  "waiting",
  "expired",
];

/** Task rows, one of each status, a minute apart, of ann and bob in turn. */
function everyStatus(): TaskRow[] {
  return STATUSES.map((status, minute) => {
    const row = task(minute, { userId: minute % 4 < 2 ? "ann" : "bob", status });
    const open =
      status === "queued" || status === "running" || status === "delayed" || status === "waiting";
    return open ? row : ended(row, 60 + minute, status);
  });
}

/** Minutes at which the listed tasks were made. */
async function minutes(store: AnyStore, query: Partial<TaskQuery>): Promise<number[]> {
  const rows = await store.tasks({ userId: null, limit: 99, ...query });
  return rows.map((row) => (row.createdAtMs - START_MS) / 60_000);
}

/** Lists of tasks. */
export function storeListContract(withStore: WithStore): void {
  test("[STORE8] a task's row is found by its id and replaced by a newer one", () =>
    withStore(async ({ store }) => {
      const row = task(0, { sessionId: "chat", parentId: taskId(-1), status: "delayed" });
      await put(store, { tasks: [row] });
      expect(await store.task(row.id)).toEqual(row);
      for (const status of ["queued", "waiting", "running"] as const) {
        await put(store, { tasks: [{ ...row, status }] });
        expect(await store.task(row.id)).toEqual({ ...row, status });
      }
      await put(store, { tasks: [ended(row, 5)] });
      expect(await store.task(row.id)).toEqual(ended(row, 5));
      await put(store, { tasks: [ended(row, 6)] });
      expect(await store.tasks({ userId: null, limit: 9 })).toEqual([ended(row, 6)]);
      expect(await store.task("task_unknown")).toBeNull();
    }));

  test("[STORE8] a task that is opened again stands in the lists once, as an open one", () =>
    withStore(async ({ store }) => {
      for (const status of ["failed", "cancelled", "expired"] as const) {
        await put(store, { tasks: [ended(task(0), 5, status)] });
        await put(store, { tasks: [task(0)] });
        expect(await store.tasks({ userId: null, limit: 9 })).toEqual([task(0)]);
        expect(await store.tasks({ userId: "ann", limit: 9 })).toEqual([task(0)]);
        expect(await store.tasksOpen("queued", "", 9)).toEqual([task(0).id]);
        expect(await store.purge(START_MS + 6 * 60_000, START_MS, 9)).toEqual({ tasks: [] });
      }
    }));

  test("[STORE8] lists are newest first, of one user or of all", () =>
    withStore(async ({ store }) => {
      await put(store, { tasks: everyStatus() });
      expect(await minutes(store, {})).toEqual([7, 6, 5, 4, 3, 2, 1, 0]);
      expect(await minutes(store, { userId: "ann" })).toEqual([5, 4, 1, 0]);
      expect(await minutes(store, { userId: "bob" })).toEqual([7, 6, 3, 2]);
      expect(await minutes(store, { userId: "eve" })).toEqual([]);
    }));

  test("[STORE8] a list is filtered by class, type, session, parent and time", () =>
    withStore(async ({ store }) => {
      await put(store, { tasks: everyStatus() });
      await put(store, {
        tasks: [
          task(8, { type: "chat", sessionId: "s1" }),
          task(9, { type: "chat", sessionId: "s2", parentId: taskId(8) }),
          task(10, { userId: "bob", parentId: taskId(8) }),
        ],
      });
      expect(await minutes(store, { statusClass: "active" })).toEqual([10, 9, 8, 6, 4, 2, 0]);
      expect(await minutes(store, { statusClass: "failed" })).toEqual([7, 5, 3]);
      expect(await minutes(store, { statusClass: "failed", userId: "bob" })).toEqual([7, 3]);
      expect(await minutes(store, { statusClass: "completed" })).toEqual([1]);
      expect(await minutes(store, { types: ["chat"] })).toEqual([9, 8]);
      expect(await minutes(store, { userId: "ann", sessionId: "s1" })).toEqual([8]);
      expect(await minutes(store, { parentId: taskId(8) })).toEqual([10, 9]);
      expect(await minutes(store, { userId: "ann", parentId: taskId(8) })).toEqual([9]);
      const span = { createdFromMs: START_MS + 3 * 60_000, createdToMs: START_MS + 6 * 60_000 };
      expect(await minutes(store, span)).toEqual([5, 4, 3]);
      expect(await minutes(store, { ...span, userId: "ann", statusClass: "active" })).toEqual([4]);
    }));

  test("[STORE8] pages follow each other without a gap or a repeat", () =>
    withStore(async ({ store }) => {
      await put(store, { tasks: everyStatus() });
      for (const userId of [null, "ann"]) {
        for (const limit of [1, 2, 3]) {
          const seen: string[] = [];
          let page = await store.tasks({ userId, limit });
          while (page.length > 0) {
            expect(page.length).toBeLessThanOrEqual(limit);
            seen.push(...page.map((row) => row.id));
            page = await store.tasks({ userId, limit, before: seen.at(-1)! });
          }
          const all = await store.tasks({ userId, limit: 99 });
          expect(seen).toEqual(all.map((row) => row.id));
        }
      }
    }));

  test("[STORE8] how far a sparse list may look is measured, and stretches follow each other", () =>
    withStore(async ({ store }) => {
      await put(store, { tasks: everyStatus() });
      await put(store, {
        tasks: [task(8, { type: "rare", parentId: taskId(1) }), task(9), task(10)],
      });
      const ann = { userId: "ann", limit: 99 };
      const active = { ...ann, statusClass: "active" } as const;
      // Active of ann: 10, 9, 8, 4, 0.
      expect(await store.taskReach(active, 2)).toBe(taskId(9));
      expect(await store.taskReach(active, 5)).toBe(taskId(0));
      expect(await store.taskReach(active, 6)).toBeNull();
      expect(await store.taskReach({ ...active, before: taskId(9) }, 2)).toBe(taskId(4));
      const until = { createdToMs: START_MS + 8 * 60_000 };
      expect(await store.taskReach({ ...active, ...until }, 1)).toBe(taskId(4));
      expect(await store.taskReach(ann, 1)).toBe(taskId(10));
      expect(await minutes(store, { ...active, downTo: taskId(8) })).toEqual([10, 9, 8]);
      expect(await minutes(store, { ...active, rootsOnly: true })).toEqual([10, 9, 4, 0]);
      expect(await minutes(store, { ...ann, types: ["rare", "none"] })).toEqual([8]);
      const seen: string[] = [];
      for (let before: string | null = "~"; before !== null;) {
        const query: TaskQuery & { userId: string } = { ...ann, before };
        const downTo: string | null = await store.taskReach(query, 2);
        const rows = await store.tasks({ ...query, ...(downTo === null ? {} : { downTo }) });
        seen.push(...rows.map((row) => row.id));
        before = downTo;
      }
      expect(seen).toEqual((await store.tasks(ann)).map((row) => row.id));
    }));

  test("[STORE9] recovery walks the open tasks of one status by id", () =>
    withStore(async ({ store }) => {
      await put(store, { tasks: [...everyStatus(), task(20), task(21, { userId: "bob" })] });
      expect(await store.tasksOpen("queued", "", 9)).toEqual([taskId(0), taskId(20), taskId(21)]);
      expect(await store.tasksOpen("queued", "", 2)).toEqual([taskId(0), taskId(20)]);
      expect(await store.tasksOpen("queued", taskId(0), 9)).toEqual([taskId(20), taskId(21)]);
      for (const [minute, status] of [
        [2, "running"],
        [4, "delayed"],
        [6, "waiting"],
      ] as const) {
        expect(await store.tasksOpen(status, "", 9)).toEqual([taskId(minute)]);
      }
      await put(store, {
        tasks: [ended(task(20), 30), task(21, { userId: "bob", status: "running" })],
      });
      expect(await store.tasksOpen("queued", "", 9)).toEqual([taskId(0)]);
      expect(await store.tasksOpen("running", "", 9)).toEqual([taskId(2), taskId(21)]);
      expect(await store.tasksOpen("completed", "", 9)).toEqual([]);
    }));
}
