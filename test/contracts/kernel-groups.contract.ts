import { expect, test } from "vitest";

import { groupCommandsMax, messageHopsMax } from "../../src/core/limits.ts";
import type { Scope } from "../../src/core/scope.ts";
import { KernelBench, listenTo, quiet, rowsOf, type BenchOptions } from "./kernel-bench.ts";
import { task, taskId, type AnyStore, type WithStore } from "./store-groups.ts";
import { noting, type TallyCommand } from "./tally.ts";

const a: Scope = "task/a";
const b: Scope = "user/b";

/** Runs a test with a kernel on a fresh storage. `reopen` gives a second kernel that has only what is stored. */
export type WithBench = (
  test: (kit: { bench: KernelBench; reopen: () => Promise<KernelBench> }) => Promise<void>,
  options?: BenchOptions,
) => Promise<void>;

/** Opens kernels on the storages of `withStore`. */
export function benches(withStore: WithStore, wrap = (store: AnyStore) => store): WithBench {
  return (run, options) =>
    withStore(async ({ store, reopen }) => {
      const again = async () => new KernelBench(wrap(await reopen()), options);
      await run({ bench: new KernelBench(wrap(store), options), reopen: again });
    });
}

/** Group commit: what goes together, in which order, and what is told when. */
export function kernelGroupContract(withBench: WithBench): void {
  test("[KERNEL1] a command that was answered is on disk", () =>
    withBench(async ({ bench, reopen }) => {
      const outcome = await bench.kernel.dispatch(a, noting("one"));
      expect(outcome).toEqual({ reply: { ok: true, value: 1 }, replayed: false });
      expect(await (await reopen()).notes(a)).toEqual(["one"]);
    }));

  test("[KERNEL2] the commands of one turn share one commit", () =>
    withBench(async ({ bench }) => {
      const scopes = Array.from({ length: 40 }, (_, at): Scope => `task/${at % 4}`);
      await Promise.all(scopes.map((scope, at) => bench.kernel.dispatch(scope, noting(`${at}`))));
      expect(bench.commits).toBe(1);
      expect(bench.lastGroup.appends.map(({ scope, seq, count }) => [scope, seq, count])).toEqual(
        [0, 1, 2, 3].map((at) => [`task/${at}`, 1, 10]),
      );
    }));

  test("[KERNEL2] a burst is cut into groups, so that no turn takes for ever", () =>
    withBench(async ({ bench }) => {
      const burst = Array.from({ length: groupCommandsMax + 1 }, (_, at) => noting(`${at}`));
      await Promise.all(burst.map((command) => bench.kernel.dispatch(a, command)));
      expect(bench.commits).toBe(2);
      expect(bench.groups.map((group) => group.appends[0]?.count)).toEqual([groupCommandsMax, 1]);
    }));

  test("[KERNEL3] commands are decided in order, each on what the one before left", () =>
    withBench(async ({ bench }) => {
      const texts = Array.from({ length: 20 }, (_, at) => `${at}`);
      const asked = texts.map((text) => bench.kernel.ask(a, noting(text)));
      expect(await Promise.all(asked)).toEqual(texts.map((_, at) => at + 1));
      expect(await bench.notes(a)).toEqual(texts);
    }));

  test("[KERNEL4] a refusal answers its command and changes nothing", () =>
    withBench(async ({ bench }) => {
      const replies = await Promise.all([
        bench.kernel.dispatch(a, noting("one")),
        bench.kernel.dispatch(a, { do: "refuse" }),
        bench.kernel.dispatch(a, noting("two")),
      ]);
      expect(replies.map(({ reply }) => reply.ok)).toEqual([true, false, true]);
      expect(await bench.notes(a)).toEqual(["one", "two"]);
      await expect(bench.kernel.ask(a, { do: "refuse" })).rejects.toMatchObject({
        code: "conflict",
        message: "a refuses",
      });
    }));

  test("[KERNEL4] refusals and repeated messages alone need no commit", () =>
    withBench(async ({ bench }) => {
      await bench.kernel.dispatch(a, { do: "refuse" });
      await bench.kernel.dispatch(a, { do: "repeat" });
      expect(bench.commits).toBe(0);
    }));

  test("[KERNEL7] messages inside a group are settled in it, without an outbox row", () =>
    withBench(async ({ bench }) => {
      const back: TallyCommand = { do: "tell", messages: [{ to: a, body: noting("back") }] };
      await bench.kernel.dispatch(
        a,
        noting("one", {
          messages: [
            { to: b, body: noting("two") },
            { to: b, body: back },
          ],
        }),
      );
      expect(bench.commits).toBe(1);
      expect(rowsOf(bench.lastGroup)).toEqual({ appends: 2 });
      expect([await bench.notes(a), await bench.notes(b)]).toEqual([["one", "back"], ["two"]]);
    }));

  test("[KERNEL7] a chain too deep for one group goes on in the next, by the outbox", () =>
    withBench(async ({ bench, reopen }) => {
      await bench.kernel.start();
      let command = noting("last");
      for (let hop = 0; hop <= messageHopsMax; hop += 1) {
        command = { do: "tell", messages: [{ to: hop % 2 === 0 ? a : b, body: command }] };
      }
      await bench.kernel.dispatch(b, command);
      expect(rowsOf(bench.lastGroup)).toEqual({ outbox: 1 });
      await quiet();
      expect(await bench.notes(a)).toEqual(["last"]);
      expect(await bench.store.outbox(9)).toEqual([]);
      expect(await (await reopen()).notes(a)).toEqual(["last"]);
    }));

  test("[KERNEL5] listeners hear of a commit in order: entries, then facts, then signals", () =>
    withBench(async ({ bench }) => {
      const heard = listenTo(bench);
      const stream = await bench.kernel.openStream("a", "a/1", "ann", 1);
      void bench.kernel.append(stream, [{ t: "text", d: "hi" }]);
      await bench.kernel.dispatch(
        a,
        noting("one", { signals: [{ kind: "go" }], messages: [{ to: b, body: noting("two") }] }),
      );
      expect(heard).toEqual(["a/1: 0+1", "task/a: 1+1", "user/b: 1+1", "go"]);
    }));

  test("[KERNEL18] a listener that throws keeps nothing from the others, nor a reply from its sender", () =>
    withBench(async ({ bench }) => {
      bench.kernel.listen({
        committed() {
          throw new Error("a bug in a listener");
        },
      });
      const heard = listenTo(bench);
      expect(await bench.kernel.ask(a, noting("one", { signals: [{ kind: "go" }] }))).toBe(1);
      expect(heard).toEqual(["task/a: 1+1", "go"]);
      expect(bench.errors).toEqual(["a listener of the kernel threw"]);
    }));

  test("[KERNEL18] a listener that was removed hears nothing more", () =>
    withBench(async ({ bench }) => {
      const heard: string[] = [];
      const remove = bench.kernel.listen({ committed: ({ scope }) => heard.push(scope) });
      await bench.kernel.dispatch(a, noting("one"));
      remove();
      await bench.kernel.dispatch(a, noting("two"));
      expect(heard).toEqual([a]);
    }));

  test("[KERNEL16] rows of one key are written once a group, and the last one counts", () =>
    withBench(async ({ bench }) => {
      const row = task(0);
      await Promise.all([
        bench.kernel.dispatch(a, noting("one", { rows: [row] })),
        bench.kernel.dispatch(b, noting("two", { rows: [{ ...row, status: "running" }] })),
      ]);
      expect(bench.lastGroup.tasks).toEqual([{ ...row, status: "running" }]);
      expect(await bench.store.task(taskId(0))).toMatchObject({ status: "running" });
    }));

  test("[KERNEL21] a fact remembers which request and which message it came from", () =>
    withBench(async ({ bench }) => {
      const meta = { requestId: "req_1", actionId: "click" };
      await Promise.all([
        bench.kernel.dispatch(a, noting("plain")),
        bench.kernel.dispatch(a, noting("asked", { messages: [{ to: b, body: noting("told") }] }), {
          meta,
        }),
        bench.kernel.dispatch(a, noting("plain again")),
      ]);
      const [row] = await bench.kernel.readLog(a);
      expect(row?.metas).toEqual([{}, meta, {}]);
      const [told] = await bench.kernel.readLog(b);
      expect(told?.metas).toEqual([{ ...meta, causationId: "task/a#2.0" }]);
    }));

  test("[KERNEL19] a stop writes what was accepted and refuses what comes after", () =>
    withBench(async ({ bench, reopen }) => {
      const accepted = bench.kernel.dispatch(a, noting("one"));
      const stream = await bench.kernel.openStream("a", "a/1", "ann", 1);
      void bench.kernel.append(stream, [{ t: "text", d: "hi" }]);
      await bench.kernel.stop();
      await expect(bench.kernel.dispatch(a, noting("two"))).rejects.toMatchObject({
        code: "unavailable",
      });
      expect((await accepted).reply.ok).toBe(true);
      const again = await reopen();
      expect(await again.notes(a)).toEqual(["one"]);
      expect(await again.kernel.readStream("a/1", 0)).toEqual([{ t: "text", d: "hi" }]);
    }));

  test("[KERNEL20] ids of one kernel sort in the order they were made, also within a millisecond", () =>
    withBench(async ({ bench }) => {
      const ids: string[] = [];
      for (let n = 0; n < 300; n += 1) {
        if (n % 100 === 99) bench.nowMs += n === 199 ? -5_000 : 1;
        ids.push(bench.kernel.id("task"));
      }
      expect(ids.toSorted()).toEqual(ids);
      expect(new Set(ids).size).toBe(ids.length);
    }));
}
