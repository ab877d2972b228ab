import { expect, test } from "vitest";

import { ErrandError } from "../../src/core/errors.ts";
import type { Scope } from "../../src/core/scope.ts";
import type { Courier } from "../../src/ports/host.ts";
import { quiet, rowsOf } from "./kernel-bench.ts";
import type { WithBench } from "./kernel-groups.contract.ts";
import { group } from "./store-groups.ts";
import { noting, type TallyCommand } from "./tally.ts";

const a: Scope = "task/a";
const far: Scope = "queue/far";
const farther: Scope = "user/farther";
const full = new ErrandError("storage_full", "the disk is full");

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
