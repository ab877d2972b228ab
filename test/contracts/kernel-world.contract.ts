import { expect, test } from "vitest";

import { ErrandError } from "../../src/core/errors.ts";
import type { Scope } from "../../src/core/scope.ts";
import type { CommandKey } from "../../src/engine/kernel/group.ts";
import { quiet, rowsOf } from "./kernel-bench.ts";
import type { WithBench } from "./kernel-groups.contract.ts";
import { START_MS, append, group, key as keyRow, refused } from "./store-groups.ts";
import { noting } from "./tally.ts";

const a: Scope = "task/a";
const b: Scope = "user/b";
const far: Scope = "queue/far";
const full = new ErrandError("storage_full", "the disk is full");
const dueMs = START_MS + 1_000;

function key(changes: Partial<CommandKey> = {}): { key: CommandKey } {
  const expiresAtMs = START_MS + 60_000;
  return { key: { userId: "ann", key: "k", hash: "h", ref: "task_1", expiresAtMs, ...changes } };
}

/** Idempotency keys. */
export function kernelKeyContract(withBench: WithBench): void {
  test("[KERNEL13] a command with a known key is answered with what the first one made, and not decided", () =>
    withBench(async ({ bench, reopen }) => {
      await bench.kernel.dispatch(a, noting("one"), key());
      expect(rowsOf(bench.lastGroup)).toEqual({ appends: 1, keys: 1 });
      const replay = { reply: { ok: true, value: { ref: "task_1" } }, replayed: true };
      const other = key({ ref: "task_2" });
      expect(await bench.kernel.dispatch(b, noting("two"), other)).toEqual(replay);
      const again = await reopen();
      expect(await again.kernel.dispatch(b, noting("two"), other)).toEqual(replay);
      expect(await again.notes(b)).toEqual([]);
    }));

  test("[KERNEL13] of two commands with one key in one turn the first is decided", () =>
    withBench(async ({ bench }) => {
      const [first, twin, other] = await Promise.all([
        bench.kernel.dispatch(a, noting("one"), key()),
        bench.kernel.dispatch(b, noting("two"), key({ ref: "task_2" })),
        bench.kernel.dispatch(b, noting("three"), key({ ref: "task_3", hash: "other" })),
      ]);
      expect(first).toMatchObject({ replayed: false });
      expect(twin).toMatchObject({ replayed: true, reply: { value: { ref: "task_1" } } });
      expect(other).toMatchObject({ reply: { error: { code: "idempotency_mismatch" } } });
      expect([bench.commits, await bench.notes(b)]).toEqual([1, []]);
    }));

  test("[KERNEL13] a key with another body is refused", () =>
    withBench(async ({ bench }) => {
      await bench.kernel.dispatch(a, noting("one"), key());
      const { reply } = await bench.kernel.dispatch(a, noting("two"), key({ hash: "other" }));
      expect(reply).toMatchObject({ ok: false, error: { code: "idempotency_mismatch" } });
      expect(await bench.notes(a)).toEqual(["one"]);
    }));

  test("[KERNEL13] a refused command leaves its key free", () =>
    withBench(async ({ bench }) => {
      const [refusal, second] = await Promise.all([
        bench.kernel.dispatch(a, { do: "refuse" }, key()),
        bench.kernel.dispatch(a, noting("one"), key({ ref: "task_2" })),
      ]);
      expect([refusal.reply.ok, second.replayed]).toEqual([false, false]);
      expect(await bench.notes(a)).toEqual(["one"]);
    }));

  test("[KERNEL13] an expired key, and that of another user, are free", () =>
    withBench(async ({ bench }) => {
      await bench.kernel.dispatch(a, noting("one"), key());
      expect(await bench.kernel.dispatch(a, noting("two"), key({ userId: "bob" }))).toMatchObject({
        replayed: false,
      });
      bench.nowMs = START_MS + 60_000;
      const later = key({ expiresAtMs: bench.nowMs + 1 });
      expect(await bench.kernel.dispatch(a, noting("three"), later)).toMatchObject({
        replayed: false,
      });
      expect(await bench.notes(a)).toEqual(["one", "two", "three"]);
    }));

  test("[KERNEL13] an expired key is free for a command without a fact, before it is purged", () =>
    withBench(async ({ bench }) => {
      await bench.kernel.dispatch(a, noting("one"), key());
      bench.nowMs = START_MS + 60_000;
      const later = key({ expiresAtMs: bench.nowMs + 1, ref: "task_2" });
      const told = await bench.kernel.dispatch(a, { do: "tell" }, later);
      expect([told.reply.ok, told.replayed]).toEqual([true, false]);
      const again = await bench.kernel.dispatch(a, { do: "tell" }, later);
      expect(again).toMatchObject({ replayed: true, reply: { value: { ref: "task_2" } } });
    }));

  test("[KERNEL13] a key that another writer stored meanwhile answers the command", () =>
    withBench(async ({ bench }) => {
      const theirs = { ...keyRow("k", 1), hash: "h", ref: "task_theirs" };
      let first = true;
      bench.fate = () => {
        if (!first) return undefined;
        first = false;
        void bench.store.commit(group({ keys: [theirs] }));
        return refused({ keys: ["ann/k"] });
      };
      expect(await bench.kernel.dispatch(a, noting("one"), key())).toEqual({
        reply: { ok: true, value: { ref: "task_theirs" } },
        replayed: true,
      });
      expect(await bench.notes(a)).toEqual([]);
    }));
}

/** Timers. */
export function kernelTimerContract(withBench: WithBench): void {
  const setting = (name: string, atMs: number | null) =>
    noting("set", { timers: [{ name, atMs }] });

  test("[KERNEL14] a timer fires once, at its time and not before, and its row goes with it", () =>
    withBench(async ({ bench }) => {
      await bench.kernel.start();
      await bench.kernel.dispatch(a, setting("due", dueMs));
      expect(bench.alarmMs).toBe(dueMs);
      await bench.ringAt(dueMs - 1);
      await bench.kernel.wake();
      await quiet();
      expect(await bench.notes(a)).toEqual(["set"]);
      await bench.ringAt(dueMs);
      expect(await bench.notes(a)).toEqual(["set", "timer due"]);
      expect(await bench.store.timerNext()).toBeNull();
      // An alarm that rings for nothing does nothing, and is the last one.
      await bench.ringAt(dueMs + 60_000);
      expect(bench.alarmMs).toBeNull();
      expect(await bench.notes(a)).toEqual(["set", "timer due"]);
    }));

  test("[KERNEL14] a timer that is set outlives the process", () =>
    withBench(async ({ bench, reopen }) => {
      await bench.kernel.dispatch(a, setting("due", dueMs));
      const again = await reopen();
      await again.kernel.start();
      expect(again.alarmMs).toBe(dueMs);
      await again.ringAt(dueMs + 5);
      expect(await again.notes(a)).toEqual(["set", "timer due"]);
    }));

  test("[KERNEL14] the alarm is that of the earliest timer, whichever is set or cleared", () =>
    withBench(async ({ bench }) => {
      await bench.kernel.start();
      expect(bench.alarmMs).toBeNull();
      await bench.kernel.dispatch(a, setting("late", dueMs + 500));
      await bench.kernel.dispatch(b, setting("early", dueMs));
      expect(bench.alarmMs).toBe(dueMs);
      await bench.kernel.dispatch(b, setting("early", null));
      await bench.ringAt(dueMs);
      expect([await bench.notes(b), bench.alarmMs]).toEqual([["set", "set"], dueMs + 500]);
      await bench.ringAt(dueMs + 500);
      expect(await bench.notes(a)).toEqual(["set", "timer late"]);
    }));

  test("[KERNEL14] a timer whose group could not be written fires again", () =>
    withBench(async ({ bench }) => {
      await bench.kernel.start();
      await bench.kernel.dispatch(a, setting("due", dueMs));
      bench.fate = () => full;
      await bench.ringAt(dueMs);
      expect(bench.errors).toEqual(["a timer could not be handled"]);
      bench.fate = () => undefined;
      expect(bench.alarmMs).toBeGreaterThan(dueMs);
      await bench.ringAt(bench.alarmMs ?? 0);
      expect(await bench.notes(a)).toEqual(["set", "timer due"]);
    }));

  test("[KERNEL29] a timer of a scope that cannot be read is tried at longer and longer intervals, others at their time", () =>
    withBench(async ({ bench, reopen }) => {
      await bench.kernel.dispatch(a, setting("due", dueMs));
      const body = new TextEncoder().encode("\0not a frame");
      await bench.store.commit(group({ appends: [{ ...append(a, 2), body }] }));
      const again = await reopen();
      await again.kernel.start();
      await again.kernel.dispatch(b, setting("later", dueMs + 30_000));
      const triedAt: number[] = [];
      for (let second = 0; second <= 70; second += 1) {
        const before = again.errors.length;
        await again.ringAt(dueMs + second * 1_000);
        if (again.errors.length > before) triedAt.push(second);
      }
      expect(triedAt).toEqual([0, 1, 3, 7, 15, 31, 63]);
      expect(await again.notes(b)).toEqual(["set", "timer later"]);
    }));

  test("[KERNEL14] a timer whose command is under way does not fire a second time", () =>
    withBench(async ({ bench }) => {
      await bench.kernel.start();
      await bench.kernel.dispatch(a, setting("due", dueMs));
      bench.nowMs = dueMs;
      const rings = [bench.kernel.wake()];
      bench.nowMs = dueMs + 60_000;
      rings.push(bench.kernel.wake(), bench.kernel.wake());
      await Promise.all(rings);
      await quiet();
      expect(await bench.notes(a)).toEqual(["set", "timer due"]);
    }));

  test("[KERNEL14] many timers that are due at once fire over several turns, each once", () =>
    withBench(async ({ bench }) => {
      await bench.kernel.start();
      const timers = Array.from({ length: 1_100 }, (_, at) => ({ name: `t${at}`, atMs: dueMs }));
      await bench.kernel.dispatch(a, noting("set", { timers }));
      for (let rings = 0; rings < 9 && bench.alarmMs !== null; rings += 1) {
        await bench.ringAt(Math.max(dueMs, bench.alarmMs));
      }
      const notes = await bench.notes(a);
      expect([notes.length, new Set(notes).size]).toEqual([1_101, 1_101]);
      expect(await bench.store.timerNext()).toBeNull();
    }));
}

/** Snapshots and the cache. */
export function kernelMemoryContract(withBench: WithBench): void {
  test("[KERNEL16] a scope with snapshots is read back from its newest one and the log behind it", async () => {
    const session: Scope = "session/ann/main";
    await withBench(
      async ({ bench, reopen }) => {
        for (const text of ["1", "2", "3", "4"]) await bench.kernel.dispatch(session, noting(text));
        const [stored] = await bench.store.load([session]);
        expect([stored?.snapshot?.seq, stored?.rows.map(({ seq }) => seq)]).toEqual([3, [4]]);
        const again = await reopen();
        expect(await again.notes(session)).toEqual(["1", "2", "3", "4"]);
        for (const text of ["5", "6"]) await again.kernel.dispatch(session, noting(text));
        expect((await again.store.load([session]))[0]?.snapshot?.seq).toBe(6);
      },
      { snapshotEventsEvery: 3 },
    );
  });

  test("[KERNEL16] the log of a queue is cut at each snapshot, so that it does not grow for ever", async () => {
    await withBench(
      async ({ bench, reopen }) => {
        for (let n = 1; n <= 10; n += 1) await bench.kernel.dispatch(far, noting(`${n}`));
        const cuts = bench.groups.filter(({ snapshots }) => snapshots[0]?.trim === true);
        expect(cuts).toHaveLength(2);
        expect((await (await reopen()).notes(far)).length).toBe(10);
      },
      { snapshotEventsEvery: 4 },
    );
  });

  test("[KERNEL12] cached states stay below their limit; the longest unused go first, queues stay", async () => {
    const cacheBytesMax = 20_000;
    await withBench(
      async ({ bench }) => {
        await bench.kernel.dispatch(far, noting("a queue"));
        // A queue stays whatever its size, so its bytes do not count.
        const queueBytes = bench.kernel.cacheBytes;
        const scopes = Array.from({ length: 60 }, (_, at): Scope => `task/${at}`);
        for (const scope of scopes) {
          await bench.kernel.dispatch(scope, noting("one"));
          await bench.kernel.dispatch("task/0", noting("used again and again"));
          expect(bench.kernel.cacheBytes - queueBytes).toBeLessThanOrEqual(cacheBytesMax);
        }
        const cached = (scope: Scope) => bench.kernel.peek(scope) !== undefined;
        expect([cached(far), cached("task/0"), cached("task/59")]).toEqual([true, true, true]);
        expect(scopes.filter(cached).length).toBeLessThan(20);
        expect(await bench.notes("task/5")).toEqual(["one"]);
      },
      { cacheBytesMax },
    );
  });

  test("[KERNEL12] a scope where nothing more can happen is forgotten at once", () =>
    withBench(async ({ bench }) => {
      await bench.kernel.dispatch(a, noting("one"));
      expect(bench.kernel.peek(a)).toMatchObject({ seq: 1 });
      await bench.kernel.dispatch(a, { do: "close" });
      expect([bench.kernel.peek(a), bench.kernel.cacheBytes]).toEqual([undefined, 0]);
      expect(await bench.notes(a)).toEqual(["one"]);
    }));
}
