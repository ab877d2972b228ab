import { expect, test } from "vitest";

import { plainCipher } from "../../src/adapters/aes-cipher/plain-cipher.ts";
import type { Signal } from "../../src/core/decider.ts";
import { queueScope, taskScope } from "../../src/core/scope.ts";
import type { TaskSignal } from "../../src/core/task/commands.ts";
import type { TaskSpec } from "../../src/core/task/spec.ts";
import { deciders } from "../../src/engine/deciders.ts";
import type { Cipher } from "../../src/ports/cipher.ts";
import type { Group } from "../../src/ports/store.ts";
import { rowsOf, type KernelBench } from "./kernel-bench.ts";
import type { WithBench } from "./kernel-groups.contract.ts";

/** Most rows that a task may cost of its own, and most text that is sealed for it, in UTF-16 units. */
const ROWS_MAX = 7;
const CHARS_MAX = 1_200;

/** A cipher that adds up what it is given to seal. */
function countingCipher(): Cipher & { chars: number } {
  return {
    ...plainCipher,
    chars: 0,
    seal(user, place, plain, options) {
      this.chars += plain.length;
      return plainCipher.seal(user, place, plain, options);
    },
  };
}

function rowCount(groups: readonly Group[]): number {
  return groups
    .flatMap((group) => Object.values(rowsOf(group)))
    .reduce((sum, rows) => sum + rows, 0);
}

/** Rows of queues' logs: a group writes one for all its tasks. */
function queueRows(groups: readonly Group[]): number {
  const appends = groups.flatMap((group) => group.appends);
  return appends.filter(({ scope }) => scope.startsWith("queue/")).length;
}

/** Submits a task that does nothing; answers its id. */
async function submit({ kernel }: KernelBench): Promise<string> {
  const id = kernel.id("task");
  const spec: TaskSpec = {
    type: "noop",
    userId: "ann",
    input: null,
    queue: "tasks",
    priority: "background",
    rootId: id,
  };
  await kernel.ask(taskScope(id), { type: "submit", spec });
  return id;
}

/** Does the work of started tasks when it is told to: one at a time, in the order of their starts. */
function worker({ kernel }: KernelBench): { finish(): Promise<void>; readonly started: number } {
  const started: Extract<TaskSignal, { kind: "task.start" }>[] = [];
  let count = 0;
  kernel.listen({
    signal(signal: Signal) {
      const task = signal as TaskSignal;
      if (task.kind !== "task.start") return;
      started.push(task);
      count += 1;
    },
  });
  return {
    get started() {
      return count;
    },
    async finish() {
      const next = started.shift();
      if (next === undefined) throw new Error("no task has started");
      const complete = { type: "complete", epoch: next.epoch, output: null };
      await kernel.ask(taskScope(next.taskId), complete);
    },
  };
}

async function withSlots(bench: KernelBench, slots: number): Promise<void> {
  const settings = { slots, slotsPerKey: null };
  await bench.kernel.ask(queueScope("tasks"), { type: "configure", settings });
  bench.groups.length = 0;
}

/** What one task costs the disk, counted. */
export function kernelCostContract(withBench: WithBench): void {
  test(`[KERNEL17] a task that finds its slot free costs at most ${ROWS_MAX} rows in all, and ${CHARS_MAX} characters`, async () => {
    const cipher = countingCipher();
    await withBench(
      async ({ bench }) => {
        await withSlots(bench, 4);
        const work = worker(bench);
        await submit(bench);
        await work.finish();
        // The first task of a queue, and one like any other.
        bench.groups.length = 0;
        cipher.chars = 0;
        await submit(bench);
        await work.finish();
        expect(bench.groups).toHaveLength(2);
        expect(bench.groups.map(rowsOf)).toEqual([
          { appends: 2, tasks: 1 },
          { appends: 2, tasks: 1 },
        ]);
        expect(rowCount(bench.groups)).toBeLessThanOrEqual(ROWS_MAX);
        expect(cipher.chars).toBeLessThanOrEqual(CHARS_MAX);
      },
      { deciders, cipher },
    );
  });

  test(`[KERNEL17] a task that waits for its slot costs ${ROWS_MAX} rows of its own, and ${CHARS_MAX} characters`, async () => {
    const cipher = countingCipher();
    await withBench(
      async ({ bench }) => {
        await withSlots(bench, 1);
        const work = worker(bench);
        await submit(bench);
        bench.groups.length = 0;
        cipher.chars = 0;
        const tasks = 20;
        for (let n = 0; n < tasks; n += 1) await submit(bench);
        expect(work.started).toBe(1);
        for (let n = 0; n < tasks; n += 1) await work.finish();
        // It gets in line: its log, its row, its place. The end of one task and the start of the next share a group.
        expect(rowsOf(bench.groups[0]!)).toEqual({ appends: 2, tasks: 1, readyPut: 1 });
        expect(rowsOf(bench.groups[tasks + 1]!)).toEqual({ appends: 3, tasks: 1, readyGone: 1 });
        expect(rowCount(bench.groups) - queueRows(bench.groups)).toBe(tasks * ROWS_MAX);
        // Submitted one by one, each task has two groups, so two rows of its queue's log besides.
        expect(queueRows(bench.groups)).toBe(tasks * 2);
        expect(cipher.chars / tasks).toBeLessThanOrEqual(CHARS_MAX);
      },
      { deciders, cipher },
    );
  });

  test("[KERNEL17] a burst of tasks shares its queue's log", async () => {
    await withBench(
      async ({ bench }) => {
        await withSlots(bench, 1);
        const work = worker(bench);
        await submit(bench);
        bench.groups.length = 0;
        const tasks = 50;
        await Promise.all(Array.from({ length: tasks }, () => submit(bench)));
        expect(rowsOf(bench.lastGroup)).toEqual({
          appends: tasks + 1,
          tasks,
          readyPut: tasks,
        });
        for (let n = 0; n < tasks; n += 1) await work.finish();
        expect(queueRows(bench.groups)).toBe(tasks + 1);
      },
      { deciders },
    );
  });
}
