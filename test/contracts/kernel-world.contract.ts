import { expect, test } from "vitest";

import { ErrandError } from "../../src/core/errors.ts";
import type { Scope } from "../../src/core/scope.ts";
import type { CommandKey } from "../../src/engine/kernel/group.ts";
import type { Courier } from "../../src/ports/host.ts";
import { quiet, rowsOf } from "./kernel-bench.ts";
import type { WithBench } from "./kernel-groups.contract.ts";
import { START_MS, group, key as keyRow, refused } from "./store-groups.ts";
import { noting, type TallyCommand } from "./tally.ts";

const a: Scope = "task/a";
const b: Scope = "user/b";
const far: Scope = "queue/far";
const farther: Scope = "user/farther";
const full = new ErrandError("storage_full", "the disk is full");
const dueMs = START_MS + 1_000;

function key(changes: Partial<CommandKey> = {}): { key: CommandKey } {
  const expiresAtMs = START_MS + 60_000;
  return { key: { userId: "ann", key: "k", hash: "h", ref: "task_1", expiresAtMs, ...changes } };
}

function sending(text: string): TallyCommand {
  return noting(`send ${text}`, { messages: [{ to: far, body: noting(text) }] });
}

/** A courier that gives what it carries to `carry`. */
function courierOf(carry: (id: string) => Promise<void>): Courier & { readonly ids: string[] } {
  const ids: string[] = [];
  return {
    ids,
    async deliver({ id }) {
      ids.push(id);
      await carry(id);
    },
  };
}

const elsewhere = { isLocal: (scope: Scope) => scope !== far && scope !== farther };

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

/** Messages to other homes. */
export function kernelOutboxContract(withBench: WithBench): void {
  test("[KERNEL15] a message to another home is kept until its receiver has it", async () => {
    const arrived = Promise.withResolvers<void>();
    const courier = courierOf(() => arrived.promise);
    await withBench(
      async ({ bench }) => {
        await bench.kernel.start();
        await bench.kernel.dispatch(a, sending("one"));
        expect(rowsOf(bench.lastGroup)).toEqual({ appends: 1, outbox: 1 });
        await quiet();
        expect(await bench.store.outbox(9)).toHaveLength(1);
        arrived.resolve();
        await quiet();
        expect(await bench.store.outbox(9)).toEqual([]);
        expect(courier.ids).toEqual(["task/a#1.0"]);
      },
      { ...elsewhere, courier },
    );
  });

  test("[KERNEL15] no message leaves when its commit was not true", async () => {
    const courier = courierOf(async () => {});
    await withBench(
      async ({ bench }) => {
        await bench.kernel.start();
        bench.fate = () => full;
        await expect(bench.kernel.dispatch(a, sending("one"))).rejects.toBe(full);
        await quiet();
        expect(courier.ids).toEqual([]);
      },
      { ...elsewhere, courier },
    );
  });

  test("[KERNEL15] a message that could not be delivered is sent again, with the same id", async () => {
    let down = true;
    const courier = courierOf(async () => {
      if (down) throw new Error("the other home is down");
    });
    await withBench(
      async ({ bench }) => {
        await bench.kernel.start();
        await bench.kernel.dispatch(a, sending("one"));
        await quiet();
        expect(bench.errors).toEqual(["a message could not be delivered; it will be tried again"]);
        expect(courier.ids).toHaveLength(1);
        down = false;
        await bench.ringAt(bench.alarmMs ?? 0);
        expect(courier.ids).toEqual(["task/a#1.0", "task/a#1.0"]);
        expect(await bench.store.outbox(9)).toEqual([]);
      },
      { ...elsewhere, courier },
    );
  });

  test("[KERNEL15] what an earlier process left is sent at the start, however much it is", async () => {
    const never = courierOf(() => new Promise(() => undefined));
    let courier = never;
    const carrier: Courier = { deliver: (message) => courier.deliver(message) };
    await withBench(
      async ({ bench, reopen }) => {
        await bench.kernel.start();
        const many = Array.from({ length: 1_203 }, (_, at) => sending(`${at}`));
        await Promise.all(many.map((command) => bench.kernel.dispatch(a, command)));
        courier = courierOf(async () => {});
        const again = await reopen();
        await again.kernel.start();
        for (let look = 0; look < 20 && (await again.store.outbox(1)).length > 0; look += 1) {
          await quiet();
        }
        expect(new Set(courier.ids)).toEqual(new Set(never.ids));
        expect([courier.ids.length, await again.store.outbox(1)]).toEqual([1_203, []]);
      },
      { ...elsewhere, courier: carrier },
    );
  });

  test("[HOME3] no message overtakes what an earlier process left, neither before the start nor between two pages", async () => {
    const never = courierOf(() => new Promise(() => undefined));
    let courier = never;
    const carrier: Courier = { deliver: (message) => courier.deliver(message) };
    await withBench(
      async ({ bench, reopen }) => {
        const left = Array.from({ length: 603 }, (_, at) => sending(`${at}`));
        await Promise.all(left.map((command) => bench.kernel.dispatch(a, command)));
        courier = courierOf(async () => {});
        const again = await reopen();
        await again.kernel.dispatch(a, sending("before the start"));
        expect(courier.ids).toEqual([]);
        await Promise.all([again.kernel.start(), again.kernel.dispatch(a, sending("beside it"))]);
        for (let look = 0; look < 20 && (await again.store.outbox(1)).length > 0; look += 1) {
          await quiet();
        }
        await again.kernel.dispatch(a, sending("later"));
        await quiet();
        expect(courier.ids).toEqual(Array.from({ length: 606 }, (_, at) => `task/a#${at + 1}.0`));
      },
      { ...elsewhere, courier: carrier },
    );
  });

  test("[KERNEL15] a message that cannot be read stays where it is, and holds nothing up", async () => {
    const courier = courierOf(async () => {});
    await withBench(
      async ({ bench, reopen }) => {
        const damaged = { id: "task/x#1.0", to: far, body: new Uint8Array([9, 9, 9]) };
        await bench.store.commit(group({ outbox: [damaged] }));
        await bench.kernel.dispatch(a, sending("one"));
        const again = await reopen();
        await again.kernel.start();
        await quiet();
        expect(courier.ids).toEqual(["task/a#1.0"]);
        expect(again.errors).toEqual(["a message cannot be read; it stays where it is"]);
        expect(await again.store.outbox(9)).toMatchObject([{ id: "task/x#1.0" }]);
      },
      { ...elsewhere, courier },
    );
  });

  test("[KERNEL15] a home that does not answer keeps nothing from others, however much waits for it", async () => {
    const arrived: string[] = [];
    const courier: Courier = {
      deliver({ id, to }) {
        if (to === far) return Promise.reject(new Error("the other home is down"));
        arrived.push(id);
        return Promise.resolve();
      },
    };
    let down: Courier = { deliver: () => new Promise(() => undefined) };
    await withBench(
      async ({ bench, reopen }) => {
        const toB = Array.from({ length: 1_100 }, (_, at) => sending(`${at}`));
        await Promise.all(toB.map((command) => bench.kernel.dispatch(a, command)));
        await bench.kernel.dispatch(a, {
          do: "tell",
          messages: [{ to: farther, body: noting("last") }],
        });
        down = courier;
        const again = await reopen();
        await again.kernel.start();
        for (let look = 0; look < 20 && arrived.length === 0; look += 1) await quiet();
        expect(arrived).toHaveLength(1);
        expect(await again.store.outbox(2_000)).toHaveLength(1_100);
      },
      { ...elsewhere, courier: { deliver: (message) => down.deliver(message) } },
    );
  });
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
