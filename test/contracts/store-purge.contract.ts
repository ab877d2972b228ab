import { expect, test } from "vitest";

import { taskScope, type Scope } from "../../src/core/scope.ts";
import {
  START_MS,
  accepted,
  append,
  bytes,
  ended,
  entries,
  key,
  opened,
  put,
  task,
  taskId,
  type WithStore,
} from "./store-groups.ts";

const minute = (n: number): number => START_MS + n * 60_000;
const scope = (minutes: number): Scope => taskScope(taskId(minutes));

/** Clean-up after the retention. */
export function storePurgeContract(withStore: WithStore): void {
  test("[STORE13] purge removes an old task with its log, timers and streams, and nothing else", () =>
    withStore(async ({ store, reopen }) => {
      await put(store, {
        appends: [append(scope(0), 1), append(scope(1), 1), append("session/ann/chat", 1)],
        snapshots: [{ scope: scope(0), seq: 1, body: bytes("state"), trim: false }],
        tasks: [ended(task(0), 2), task(1)],
        timers: [
          { scope: scope(0), name: "wake", atMs: minute(9) },
          { scope: scope(1), name: "wake", atMs: minute(10) },
        ],
        streams: [
          ...opened(`${taskId(0)}/1`, 1, [2]),
          { op: "close", stream: `${taskId(0)}/1`, epoch: 1, blocks: [entries(0, 2)] },
          ...opened(`${taskId(0)}/2`, 1, [1]),
          ...opened(`${taskId(1)}/1`, 1, [3]),
        ],
      });
      expect(await store.purge(minute(5), minute(5), 9)).toEqual({ tasks: [taskId(0)] });
      for (const open of [() => store, reopen]) {
        const handle = await open();
        expect(await handle.task(taskId(0))).toBeNull();
        expect(await handle.tasks({ userId: null, limit: 9 })).toEqual([task(1)]);
        expect(
          (await handle.load([scope(0), scope(1), "session/ann/chat"])).map(
            (found) => found.rows.length,
          ),
        ).toEqual([0, 1, 1]);
        expect((await handle.load([scope(0)]))[0]?.snapshot).toBeNull();
        expect(await handle.timerNext()).toBe(minute(10));
        for (const attempt of [1, 2]) {
          expect(await handle.streamHead(`${taskId(0)}/${attempt}`)).toBeNull();
          expect(await handle.streamRead(`${taskId(0)}/${attempt}`, 0, 9)).toEqual([]);
        }
        expect(await handle.streamsOpen()).toEqual([`${taskId(1)}/1`]);
      }
      expect(await put(await reopen(), { appends: [append(scope(0), 1)] })).toEqual(accepted);
    }));

  test("[STORE13] remove takes one ended task away with all that is its own, and no open one", () =>
    withStore(async ({ store, reopen }) => {
      await put(store, {
        appends: [append(scope(0), 1), append(scope(1), 1), append(scope(2), 1)],
        tasks: [ended(task(0), 2), task(1), ended(task(2), 3, "failed")],
        timers: [{ scope: scope(0), name: "wake", atMs: minute(9) }],
        streams: [
          ...opened(`${taskId(0)}/1`, 1, [2]),
          { op: "close", stream: `${taskId(0)}/1`, epoch: 1, blocks: [entries(0, 2)] },
        ],
      });
      expect(await store.remove(taskId(0))).toBe(true);
      expect(await store.remove(taskId(0))).toBe(false);
      expect(await store.remove(taskId(1))).toBe(false);
      expect(await store.remove(taskId(7))).toBe(false);
      for (const open of [() => store, reopen]) {
        const handle = await open();
        expect(await handle.task(taskId(0))).toBeNull();
        expect(
          (await handle.load([scope(0), scope(1), scope(2)])).map(({ rows }) => rows.length),
        ).toEqual([0, 1, 1]);
        expect(await handle.timerNext()).toBeNull();
        expect(await handle.streamHead(`${taskId(0)}/1`)).toBeNull();
        expect(await handle.tasks({ userId: null, limit: 9 })).toHaveLength(2);
      }
    }));

  test("[STORE13] purge goes by the end of a task, whatever way it ended, oldest task first, up to its limit", () =>
    withStore(async ({ store }) => {
      const tasks = [
        ended(task(0), 90),
        ended(task(1), 2, "failed"),
        ended(task(2), 3, "cancelled"),
        ended(task(3, { userId: "bob" }), 4),
        ended(task(4), 5, "expired"),
        task(5),
        ended(task(6), 60),
      ];
      await put(store, { tasks });
      expect(await store.purge(minute(60), minute(60), 3)).toEqual({
        tasks: [1, 2, 3].map(taskId),
      });
      expect(await store.purge(minute(60), minute(60), 3)).toEqual({ tasks: [taskId(4)] });
      expect(await store.purge(minute(60), minute(60), 3)).toEqual({ tasks: [] });
      expect(await store.purge(minute(91), minute(60), 3)).toEqual({
        tasks: [taskId(0), taskId(6)],
      });
      expect(await store.tasks({ userId: null, limit: 9 })).toEqual([task(5)]);
    }));

  test("[STORE13] purge removes expired keys and keeps the others, also those of a task that went", () =>
    withStore(async ({ store }) => {
      await put(store, { tasks: [ended(task(0), 1)], keys: [key("old", 5), key("new", 6)] });
      await store.purge(minute(5), minute(5), 9);
      const asked = ["old", "new"].map((name) => ({ userId: "ann", key: name }));
      expect(await store.keys(asked, START_MS)).toEqual([null, key("new", 6)]);
    }));
}
