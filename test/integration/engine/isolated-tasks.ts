import { defineTask, type TaskType } from "../../../src/engine/index.ts";

/** Never yields: only its thread can be killed. */
export const spinForEver: TaskType = defineTask(
  "spin",
  { isolate: "thread", module: import.meta.url, timeoutMs: 700, retry: { attemptsMax: 1 } },
  () => {
    for (;;);
  },
);

/** Does its work in steps, from a thread of its own. */
export const isolatedSteps: TaskType<{ add: number }, number> = defineTask(
  "isolated",
  { isolate: "thread", module: import.meta.url },
  async (input: { add: number }, ctx) => {
    const one = await ctx.step("one", () => 1);
    const two = await ctx.step("two", () => one + input.add);
    await ctx.progress({ done: 2, total: 2 });
    return await ctx.step("three", () => two + 2);
  },
);

/** The same in a process of its own, which ends badly when it is told to. */
export const isolatedProcess: TaskType<{ exit: boolean }, string> = defineTask(
  "isolated-process",
  { isolate: "process", module: import.meta.url, retry: { attemptsMax: 1 } },
  async (input: { exit: boolean }, ctx) => {
    const pid = await ctx.step("pid", () => process.pid);
    if (input.exit) process.exit(3);
    return `ran in ${pid === process.pid ? "its own process" : "another process"}`;
  },
);
