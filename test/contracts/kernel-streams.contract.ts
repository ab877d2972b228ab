import { expect, test } from "vitest";

import { blockCharsMax, streamEntriesMax } from "../../src/core/limits.ts";
import type { Scope } from "../../src/core/scope.ts";
import type { Entry } from "../../src/core/stream/entry.ts";
import type { OpenStream } from "../../src/engine/kernel/open-stream.ts";
import { quiet, type KernelBench } from "./kernel-bench.ts";
import type { WithBench } from "./kernel-groups.contract.ts";
import { kindOf, noting, tallies } from "./tally.ts";

const a: Scope = "task/a";
const STREAM = "a/1";

const says = (d: string): Entry => ({ t: "text", d });

function open({ kernel }: KernelBench, epoch = 1): Promise<OpenStream> {
  return kernel.openStream("a", STREAM, "ann", epoch);
}

/** Streams of tokens: stored before shown, numbered, fenced, and kept when they end. */
export function kernelStreamContract(withBench: WithBench): void {
  test("[STREAM3] an entry is on disk before any reader sees it", () =>
    withBench(async ({ bench }) => {
      const tails: Promise<void>[] = [];
      bench.kernel.listen({
        entries({ stream, n, entries }) {
          const head = Promise.resolve(bench.store.streamHead(stream));
          tails.push(
            head.then((at) => expect(at?.tail).toBeGreaterThanOrEqual(n + entries.length)),
          );
        },
      });
      const stream = await open(bench);
      for (const text of ["a", "b", "c"]) {
        await bench.kernel.append(stream, [says(text)]);
        expect((await bench.store.streamHead(STREAM))?.tail).toBe(stream.tail);
      }
      expect(await Promise.all(tails)).toHaveLength(3);
    }));

  test("[STREAM1] entries are numbered without gaps in the order they were appended", () =>
    withBench(async ({ bench, reopen }) => {
      const seen: unknown[] = [];
      bench.kernel.listen({
        entries: ({ n, offset, entries }) => seen.push([n, offset, entries.length]),
      });
      const stream = await open(bench);
      const sent = [
        [says("Hello"), says(" ")],
        [{ t: "reasoning", d: "hm" } as Entry],
        [says("😀")],
      ];
      await Promise.all(sent.map((entries) => bench.kernel.append(stream, entries)));
      await bench.kernel.append(stream, [{ t: "reset", o: 5, reason: "lost" }, says("!")]);
      expect(seen).toEqual([
        [0, 0, 4],
        [4, 8, 2],
      ]);
      expect([stream.tail, stream.offset]).toEqual([6, 6]);
      const all = [...sent.flat(), { t: "reset", o: 5, reason: "lost" }, says("!")];
      expect(await bench.kernel.readStream(STREAM, 0)).toEqual(all);
      expect(await bench.kernel.readStream(STREAM, 3)).toEqual(all.slice(3));
      expect(await (await reopen()).kernel.readStream(STREAM, 5)).toEqual(all.slice(5));
    }));

  test("[STREAM3] the tokens of many streams share the commit of one turn", () =>
    withBench(async ({ bench }) => {
      const streams = await Promise.all(
        [1, 2, 3].map((n) => bench.kernel.openStream(`${n}`, `${n}/1`, "ann", 1)),
      );
      await Promise.all([
        bench.kernel.dispatch(a, noting("one")),
        ...streams.map((stream) => bench.kernel.append(stream, [says("x")])),
      ]);
      expect(bench.commits).toBe(1);
    }));

  test("[STREAM4] a log row says how long its task's stream was when it was committed", () =>
    withBench(async ({ bench }) => {
      await bench.kernel.dispatch(a, noting("before"));
      const stream = await open(bench);
      void bench.kernel.append(stream, [says("a"), says("b")]);
      await bench.kernel.dispatch(a, noting("with"));
      await bench.kernel.dispatch(a, noting("after"));
      void bench.kernel.append(stream, [says("c")]);
      void bench.kernel.close(stream);
      await bench.kernel.dispatch(a, noting("end"));
      await bench.kernel.dispatch(a, noting("later"));
      const rows = await bench.kernel.readLog(a);
      expect(rows.map(({ streamTail }) => streamTail)).toEqual([null, 2, 2, 3, null]);
    }));

  test("[STREAM4] a row of an attempt is not ordered by the stream of an earlier one, which is open to be closed", () => {
    const task = { ...kindOf("task"), attempt: () => 2 };
    const deciders = new Map([...tallies, ["task", task]]);
    return withBench(
      async ({ bench, reopen }) => {
        const first = await open(bench);
        await bench.kernel.append(first, [says("first"), says(" try")]);
        const next = await reopen();
        await open(next);
        await next.kernel.dispatch(a, noting("before its stream"));
        const second = await next.kernel.openStream("a", "a/2", "ann", 2);
        void next.kernel.append(second, [says("second")]);
        await next.kernel.dispatch(a, noting("with it"));
        const rows = await next.kernel.readLog(a);
        expect(rows.map(({ streamTail }) => streamTail)).toEqual([null, 1]);
      },
      { deciders },
    );
  });

  test("[STREAM7] a new owner goes on where the old one was stored, and the old one is fenced", () =>
    withBench(async ({ bench }) => {
      const old = await open(bench, 1);
      await bench.kernel.append(old, [says("kept ")]);
      const unsaved = bench.kernel.append(old, [says("never stored")]);
      const owner = await open(bench, 2);
      expect([owner.tail, owner.offset]).toEqual([1, 5]);
      await expect(unsaved).rejects.toMatchObject({ code: "fenced" });
      expect(() => bench.kernel.append(old, [says("late")])).toThrow("has a new owner");
      expect(await open(bench, 2)).toBe(owner);
      await expect(open(bench, 1)).rejects.toMatchObject({ code: "fenced" });
      await bench.kernel.append(owner, [says("text")]);
      expect(await bench.kernel.readStream(STREAM, 0)).toEqual([says("kept "), says("text")]);
    }));

  test("[STREAM7] an owner that lost its stream to another process is fenced by the store", () =>
    withBench(async ({ bench, reopen }) => {
      const old = await open(bench, 1);
      await bench.kernel.append(old, [says("kept ")]);
      const other = await reopen();
      const owner = await open(other, 2);
      await other.kernel.append(owner, [says("text")]);
      const head = await other.store.streamHead(STREAM);
      expect(head).toMatchObject({ epoch: 2, tail: 2, closed: false });
      expect(await other.kernel.readStream(STREAM, 0)).toEqual([says("kept "), says("text")]);
    }));

  test("[STREAM7] the stream of a task is that of its newest attempt", () =>
    withBench(async ({ bench }) => {
      const first = await open(bench, 1);
      await bench.kernel.append(first, [says("first try")]);
      const second = await bench.kernel.openStream("a", "a/2", "ann", 2);
      expect(() => bench.kernel.append(first, [says("late")])).toThrow("has a new owner");
      await bench.kernel.append(second, [says("second")]);
      await bench.kernel.closeStored("a", STREAM, "ann");
      await bench.kernel.append(second, [says(" try")]);
      await bench.kernel.dispatch(a, noting("one"));
      expect(bench.kernel.streamOf("a")).toBe(second);
      expect((await bench.kernel.readLog(a)).map(({ streamTail }) => streamTail)).toEqual([2]);
      expect(await bench.kernel.readStream(STREAM, 0)).toEqual([says("first try")]);
    }));

  test("[STREAM7] a fenced stream takes its own entries down, and nobody else's command", () =>
    withBench(async ({ bench }) => {
      const old = await open(bench, 1);
      await bench.kernel.append(old, [says("kept")]);
      bench.fate = ({ streams }) =>
        streams.length > 0 ? { ok: false, conflicts: [], keys: [], fenced: [STREAM] } : undefined;
      const late = bench.kernel.append(old, [says("late")]);
      const asked = bench.kernel.ask(a, noting("one"));
      await expect(late).rejects.toMatchObject({ code: "fenced" });
      expect(await asked).toBe(1);
      expect(() => bench.kernel.append(old, [says("later")])).toThrow("has a new owner");
    }));

  test("[SEAL11] short entries of one user's streams share a sealed body, and each stream reads its own", () =>
    withBench(async ({ bench, reopen }) => {
      const names = Array.from({ length: 20 }, (_, at) => `t${at}`);
      const users = names.map((_, at) => (at % 4 === 3 ? "bob" : "ann"));
      const streams = await Promise.all(
        names.map((task, at) => bench.kernel.openStream(task, `${task}/1`, users[at] ?? "", 1)),
      );
      const long = "x".repeat(5_000);
      for (const round of [0, 1]) {
        await Promise.all(
          streams.map((stream, at) =>
            bench.kernel.append(stream, [
              says(`${round} of ${at} \n"Ü"`),
              says(at === 5 ? long : ""),
            ]),
          ),
        );
      }
      const rows = await Promise.all(
        streams.map(async ({ id }) => await bench.store.streamRead(id, 0, 9)),
      );
      expect(rows.map((list) => list.map((row) => row.shared === true))).toEqual(
        names.map((_, at) => [at !== 5, at !== 5]),
      );
      const again = await reopen();
      for (const [at, { id }] of streams.entries()) {
        const all = [0, 1].flatMap((round) => [
          says(`${round} of ${at} \n"Ü"`),
          says(at === 5 ? long : ""),
        ]);
        expect(await again.kernel.readStream(id, 0)).toEqual(all);
        expect(await again.kernel.readStream(id, 3)).toEqual(all.slice(3));
      }
    }));

  test("[STREAM8] a closed stream keeps every entry and number, in fewer and bigger rows", () =>
    withBench(async ({ bench, reopen }) => {
      const stream = await open(bench);
      const entries = Array.from({ length: 60 }, (_, at) => says(`token ${at} `));
      for (const entry of entries) await bench.kernel.append(stream, [entry]);
      const before = await bench.store.streamRead(STREAM, 0, 999);
      void bench.kernel.append(stream, [says("the end")]);
      await bench.kernel.close(stream);
      const rows = await bench.store.streamRead(STREAM, 0, 999);
      expect([before.length, rows.length]).toEqual([60, 1]);
      expect(await bench.store.streamHead(STREAM)).toMatchObject({ tail: 61, closed: true });
      const all = [...entries, says("the end")];
      const readsAll = async ({ kernel }: KernelBench) => {
        expect(await kernel.readStream(STREAM, 0)).toEqual(all);
        expect(await kernel.readStream(STREAM, 37)).toEqual(all.slice(37));
        expect(await kernel.readStream(STREAM, 61)).toEqual([]);
      };
      await readsAll(bench);
      await readsAll(await reopen());
    }));

  test("[SSE5] a reader of a long stream is given it in pages, open or closed", () =>
    withBench(async ({ bench }) => {
      const stream = await open(bench);
      const entries = Array.from({ length: 9 }, () => says("x".repeat(blockCharsMax / 2)));
      for (const entry of entries) await bench.kernel.append(stream, [entry]);
      const readsPages = async () => {
        let from = 0;
        while (from < entries.length) {
          const { length } = await bench.kernel.readStream(STREAM, from, 1);
          expect([1, 2]).toContain(length);
          from += length;
        }
      };
      await readsPages();
      await bench.kernel.close(stream);
      await readsPages();
    }));

  test("[STREAM8] a closed stream takes no entries, and closing it again is nothing", () =>
    withBench(async ({ bench }) => {
      const stream = await open(bench);
      const closed = bench.kernel.close(stream);
      expect(() => bench.kernel.append(stream, [says("late")])).toThrow("is closed");
      await closed;
      const { commits } = bench;
      await bench.kernel.close(stream);
      expect(() => bench.kernel.append(stream, [says("late")])).toThrow("has a new owner");
      expect(bench.commits).toBe(commits);
      expect(await bench.kernel.hasStream(STREAM)).toBe(false);
    }));

  test("[STREAM8] a long stream becomes several blocks, each of a bounded size", () =>
    withBench(async ({ bench }) => {
      const stream = await open(bench);
      const long = "x".repeat(blockCharsMax / 2 - 100);
      const entries = Array.from({ length: 5 }, (_, at) => says(`${at}${long}`));
      for (const entry of entries) await bench.kernel.append(stream, [entry]);
      await bench.kernel.close(stream);
      const rows = await bench.store.streamRead(STREAM, 0, 999);
      expect(rows.map(({ n, count }) => [n, count])).toEqual([
        [0, 2],
        [2, 2],
        [4, 1],
      ]);
      const read = await bench.kernel.readStream(STREAM, 3);
      expect(read.map((entry) => (entry.t === "text" ? entry.d.slice(0, 1) : ""))).toEqual([
        "3",
        "4",
      ]);
    }));

  test("[STREAM8] a stream that a dead process left open is closed with what it has", () =>
    withBench(async ({ bench, reopen }) => {
      await bench.kernel.append(await open(bench, 3), [says("half an ans")]);
      const again = await reopen();
      expect(await again.kernel.hasStream(STREAM)).toBe(true);
      await again.kernel.closeStored("a", STREAM, "ann");
      expect(await again.store.streamsOpen()).toEqual([]);
      expect(await again.kernel.readStream(STREAM, 0)).toEqual([says("half an ans")]);
      await again.kernel.closeStored("a", STREAM, "ann");
      await again.kernel.closeStored("b", "b/1", "ann");
      expect(await again.store.streamHead("b/1")).toBeNull();
    }));

  test("[STREAM8] a stream that was taken over and not written yet is closed all the same", () =>
    withBench(async ({ bench }) => {
      await bench.kernel.append(await open(bench, 1), [says("half an ans")]);
      await open(bench, 2);
      await bench.kernel.closeStored("a", STREAM, "ann");
      expect(await bench.store.streamHead(STREAM)).toEqual({ epoch: 2, tail: 1, closed: true });
    }));

  test("[STREAM8] closing the stream of an earlier attempt leaves the newest attempt its own", () =>
    withBench(async ({ bench, reopen }) => {
      await bench.kernel.append(await open(bench, 1), [says("first try")]);
      const { kernel, store } = await reopen();
      const newest = await kernel.openStream("a", "a/2", "ann", 2);
      await kernel.append(newest, [says("second")]);
      await kernel.closeStored("a", STREAM, "ann");
      expect(kernel.streamOf("a")).toBe(newest);
      await kernel.append(newest, [says(" try")]);
      await kernel.close(newest);
      expect(await store.streamsOpen()).toEqual([]);
    }));

  test("[STREAM9] entries that come while a commit is in flight go with the next one", () =>
    withBench(async ({ bench }) => {
      const seen: number[] = [];
      bench.kernel.listen({ entries: ({ n, entries }) => seen.push(n, entries.length) });
      const stream = await open(bench);
      const appended: Promise<void>[] = [];
      bench.fate = () => {
        if (appended.length < 4) appended.push(bench.kernel.append(stream, [says("meanwhile")]));
        return undefined;
      };
      await bench.kernel.append(stream, [says("first")]);
      await quiet();
      await Promise.all(appended);
      expect(seen).toEqual([0, 1, 1, 1, 2, 1, 3, 1, 4, 1]);
      expect(await bench.store.streamHead(STREAM)).toMatchObject({ tail: 5 });
    }));

  test("[LIMIT1] a stream has a limited number of entries", () =>
    withBench(async ({ bench }) => {
      const stream = await open(bench);
      const most = Array.from<Entry>({ length: streamEntriesMax + 1 }).fill(says(""));
      expect(() => bench.kernel.append(stream, most)).toThrow("would pass 1000000 entries");
      await bench.kernel.append(stream, [says("fine")]);
      expect(stream.tail).toBe(1);
    }));
}
