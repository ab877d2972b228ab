import { expect, test } from "vitest";

import {
  accepted,
  append,
  bytes,
  entries,
  opened,
  put,
  refused,
  type WithStore,
} from "./store-groups.ts";

const stream = "task_a/1";

/** Streams: numbering, fence, reading, closing. */
export function storeStreamContract(withStore: WithStore): void {
  test("[STORE11] a stream begins with its open and grows by rows that follow each other", () =>
    withStore(async ({ store }) => {
      expect(await store.streamHead(stream)).toBeNull();
      expect(await store.streamRead(stream, 0, 9)).toEqual([]);
      await put(store, { streams: [{ op: "open", stream, epoch: 4 }] });
      expect(await store.streamHead(stream)).toEqual({ epoch: 4, tail: 0, closed: false });
      await put(store, { streams: [{ op: "append", stream, epoch: 4, ...entries(0, 2) }] });
      await put(store, { streams: [{ op: "append", stream, epoch: 4, ...entries(2, 3) }] });
      expect(await store.streamHead(stream)).toEqual({ epoch: 4, tail: 5, closed: false });
      expect(await store.streamRead(stream, 0, 9)).toEqual([entries(0, 2), entries(2, 3)]);
    }));

  test("[STORE11] a read begins with the row that holds its first entry", () =>
    withStore(async ({ store, reopen }) => {
      await put(store, { streams: opened(stream, 1, [2, 3, 1, 4]) });
      for (const open of [() => store, reopen]) {
        const handle = await open();
        const starts = async (from: number, rowsMax = 9): Promise<number[]> =>
          (await handle.streamRead(stream, from, rowsMax)).map((row) => row.n);
        expect(await starts(0)).toEqual([0, 2, 5, 6]);
        expect(await starts(1)).toEqual([0, 2, 5, 6]);
        expect(await starts(2)).toEqual([2, 5, 6]);
        expect(await starts(4, 2)).toEqual([2, 5]);
        expect(await starts(9)).toEqual([6]);
        expect(await starts(10)).toEqual([]);
        expect(await starts(99)).toEqual([]);
      }
    }));

  test("[STORE11] a closed stream gives every entry under the number it had", () =>
    withStore(async ({ store, reopen }) => {
      await put(store, {
        streams: [...opened(stream, 1, [2, 3, 1]), ...opened("task_b/1", 1, [1])],
      });
      const blocks = [entries(0, 4), entries(4, 2)];
      expect(await put(store, { streams: [{ op: "close", stream, epoch: 1, blocks }] })).toEqual(
        accepted,
      );
      for (const open of [() => store, reopen]) {
        const handle = await open();
        expect(await handle.streamHead(stream)).toEqual({ epoch: 1, tail: 6, closed: true });
        expect(await handle.streamRead(stream, 0, 9)).toEqual(blocks);
        expect(await handle.streamRead(stream, 0, 1)).toEqual([entries(0, 4)]);
        expect(await handle.streamRead(stream, 3, 9)).toEqual(blocks);
        expect(await handle.streamRead(stream, 4, 9)).toEqual([entries(4, 2)]);
        expect(await handle.streamRead(stream, 5, 9)).toEqual([entries(4, 2)]);
        expect(await handle.streamRead(stream, 6, 9)).toEqual([]);
        expect(await handle.streamsOpen()).toEqual(["task_b/1"]);
        expect(await handle.streamRead("task_b/1", 0, 9)).toEqual([entries(0, 1)]);
      }
    }));

  test("[STORE22] appends that share a body are read back with it, also when another of them has ended", () =>
    withStore(async ({ store, reopen }) => {
      const { body } = entries(0, 3);
      const streams = ["task_a/1", "task_b/1", "task_c/1"];
      const shares = (name: string) =>
        ({ op: "append", stream: name, epoch: 1, n: 0, count: 1, body, shared: true }) as const;
      await put(store, {
        streams: [...streams.flatMap((name) => opened(name, 1, [])), ...streams.map(shares)],
      });
      const close = { op: "close", stream: "task_c/1", epoch: 1, blocks: [entries(0, 1)] } as const;
      await put(store, { streams: [close, ...opened("task_d/1", 1, [2])] });
      for (const open of [() => store, reopen]) {
        const handle = await open();
        for (const name of ["task_a/1", "task_b/1"])
          expect(await handle.streamRead(name, 0, 9)).toEqual([
            { n: 0, count: 1, body, shared: true },
          ]);
        expect(await handle.streamRead("task_c/1", 0, 9)).toEqual([entries(0, 1)]);
        expect(await handle.streamRead("task_d/1", 0, 9)).toEqual([entries(0, 2)]);
      }
    }));

  test("[STORE11] a stream may open, grow and close in one group, and close empty", () =>
    withStore(async ({ store }) => {
      await put(store, {
        streams: [
          ...opened(stream, 1, [2]),
          { op: "close", stream, epoch: 1, blocks: [entries(0, 2)] },
          { op: "open", stream: "task_b/1", epoch: 1 },
          { op: "close", stream: "task_b/1", epoch: 1, blocks: [] },
        ],
      });
      expect(await store.streamRead(stream, 1, 9)).toEqual([entries(0, 2)]);
      expect(await store.streamHead("task_b/1")).toEqual({ epoch: 1, tail: 0, closed: true });
      expect(await store.streamRead("task_b/1", 0, 9)).toEqual([]);
      expect(await store.streamsOpen()).toEqual([]);
    }));

  test("[STORE11] the blocks of a close may hold entries that were never appended", () =>
    withStore(async ({ store }) => {
      await put(store, { streams: opened(stream, 1, [2]) });
      const blocks = [entries(0, 3), entries(3, 1)];
      await put(store, { streams: [{ op: "close", stream, epoch: 1, blocks }] });
      expect(await store.streamHead(stream)).toEqual({ epoch: 1, tail: 4, closed: true });
      expect(await store.streamRead(stream, 0, 9)).toEqual(blocks);
    }));

  test("[STORE11] blocks that lack an entry of the stream, or leave a gap, are refused", () =>
    withStore(async ({ store }) => {
      await put(store, { streams: opened(stream, 1, [2, 3]) });
      for (const blocks of [
        [],
        [entries(0, 4)],
        [entries(0, 4), entries(5, 1)],
        [entries(1, 4)],
        [entries(0, 2), entries(3, 2)],
      ]) {
        expect(await put(store, { streams: [{ op: "close", stream, epoch: 1, blocks }] })).toEqual(
          refused({ fenced: [stream] }),
        );
      }
      expect(await store.streamHead(stream)).toEqual({ epoch: 1, tail: 5, closed: false });
    }));

  test("[STORE11] an append that is not at the tail is refused", () =>
    withStore(async ({ store }) => {
      await put(store, { streams: opened(stream, 1, [2]) });
      for (const n of [0, 1, 3]) {
        expect(
          await put(store, { streams: [{ op: "append", stream, epoch: 1, ...entries(n, 1) }] }),
        ).toEqual(refused({ fenced: [stream] }));
      }
      const twice = [entries(2, 1), entries(2, 1)].map((row) => ({
        op: "append" as const,
        stream,
        epoch: 1,
        ...row,
      }));
      expect(await put(store, { streams: twice })).toEqual(refused({ fenced: [stream] }));
      expect(await store.streamRead(stream, 0, 9)).toEqual([entries(0, 2)]);
    }));

  test("[STORE12] a higher epoch takes a stream over with its entries, and the older one is refused", () =>
    withStore(async ({ store, reopen }) => {
      await put(store, { streams: opened(stream, 3, [2]) });
      expect(await put(store, { streams: [{ op: "open", stream, epoch: 3 }] })).toEqual(accepted);
      expect(await put(store, { streams: [{ op: "open", stream, epoch: 5 }] })).toEqual(accepted);
      for (const open of [() => store, reopen]) {
        const handle = await open();
        expect(await handle.streamHead(stream)).toEqual({ epoch: 5, tail: 2, closed: false });
        for (const late of [
          { op: "open" as const, stream, epoch: 4 },
          { op: "append" as const, stream, epoch: 3, ...entries(2, 1) },
          { op: "close" as const, stream, epoch: 3, blocks: [entries(0, 2)] },
          { op: "append" as const, stream, epoch: 6, ...entries(2, 1) },
        ]) {
          const result = await put(handle, { appends: [append("task/late", 1)], streams: [late] });
          expect(result).toEqual(refused({ fenced: [stream] }));
        }
        expect(await handle.load(["task/late"])).toEqual([{ snapshot: null, rows: [] }]);
      }
      const again = await reopen();
      await put(again, { streams: [{ op: "append", stream, epoch: 5, ...entries(2, 1) }] });
      expect(await again.streamRead(stream, 0, 9)).toEqual([entries(0, 2), entries(2, 1)]);
    }));

  test("[STORE12] a stream that was never opened, or is closed, takes nothing", () =>
    withStore(async ({ store }) => {
      const ops = [
        { op: "append" as const, stream, epoch: 1, ...entries(0, 1) },
        { op: "close" as const, stream, epoch: 1, blocks: [] },
      ];
      for (const op of ops) {
        expect(await put(store, { streams: [op] })).toEqual(refused({ fenced: [stream] }));
      }
      await put(store, {
        streams: [...opened(stream, 1, []), { op: "close", stream, epoch: 1, blocks: [] }],
      });
      for (const op of [...ops, { op: "open" as const, stream, epoch: 2 }]) {
        expect(await put(store, { streams: [op] })).toEqual(refused({ fenced: [stream] }));
      }
      expect(await store.streamHead(stream)).toEqual({ epoch: 1, tail: 0, closed: true });
    }));

  test("[STORE12] a refused group leaves the streams it touched as they were", () =>
    withStore(async ({ store }) => {
      await put(store, { streams: opened(stream, 1, [1]) });
      const result = await put(store, {
        appends: [append("task/a", 7)],
        streams: [
          { op: "append", stream, epoch: 1, ...entries(1, 2) },
          ...opened("task_b/1", 1, [1]),
          { op: "open", stream, epoch: 9 },
        ],
      });
      expect(result).toEqual(refused({ conflicts: ["task/a"] }));
      expect(await store.streamHead(stream)).toEqual({ epoch: 1, tail: 1, closed: false });
      expect(await store.streamsOpen()).toEqual([stream]);
      const next = { op: "append" as const, stream, epoch: 1, n: 1, count: 1, body: bytes("next") };
      expect(await put(store, { streams: [next] })).toEqual(accepted);
      expect(await store.streamRead(stream, 1, 9)).toEqual([
        { n: 1, count: 1, body: bytes("next") },
      ]);
    }));
}
