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
