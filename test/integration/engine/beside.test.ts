import { describe, expect, test } from "vitest";

import { createMemoryStore } from "../../../src/adapters/memory/memory-store.ts";
import { defineTask, type TaskContext } from "../../../src/engine/index.ts";
import { engineOn } from "./workbench.ts";

describe("[RECOVER2] work beside a wait goes on after a crash", () => {
  const ways: Readonly<Record<string, (ctx: TaskContext) => Promise<unknown>>> = {
    "that was asked for first": (ctx) => ctx.waitForEvent("stop"),
    "for a child": async (ctx) => (await ctx.spawn("waits", null)).settled(),
    "for a person": (ctx) => ctx.approve("Shall it stop?"),
    "for a long time": (ctx) => ctx.sleep(1_000_000),
  };
  test.each(Object.entries(ways))("%s", async (_, wait) => {
    const holds = Promise.withResolvers<void>();
    const done: number[] = [];
    const loop = (isHeld: boolean) =>
      defineTask("loop", {}, async (_input: unknown, ctx) => {
        const steps = async (): Promise<string> => {
          for (const at of [1, 2, 3]) {
            await ctx.step(`${at}`, async () => {
              done.push(at);
              if (isHeld && at === 2) await holds.promise;
            });
          }
          return `attempt ${ctx.attempt}`;
        };
        return await Promise.race([wait(ctx), steps()]);
      });
    const waits = defineTask("waits", {}, async (_input: unknown, ctx) => ctx.waitForEvent("go"));
    const store = createMemoryStore();
    const first = await engineOn(store, [loop(true), waits]);
    const { taskId } = await first.submit("loop", null);
    await expect.poll(() => done).toEqual([1, 2]);
    // Its step and the wait are on the disk.
    await expect.poll(async () => (await first.reader.view(taskId, null)).status).toBe("waiting");
    const second = await engineOn(store.fork(), [loop(false), waits]);
    expect(await second.ended(taskId)).toMatchObject({ status: "completed", output: "attempt 1" });
    expect(done).toEqual([1, 2, 2, 3]);
    await second.stop(0);
  });

  test("when it is the first step that the crash hits", async () => {
    const steps: string[] = [];
    const task = (end: Promise<void>) =>
      defineTask("race", {}, async (_input: unknown, ctx) =>
        Promise.race([
          ctx.waitForEvent("stop"),
          ctx.step("only", async () => {
            steps.push("begins");
            await end;
            return "made";
          }),
        ]),
      );
    const store = createMemoryStore();
    const first = await engineOn(store, [task(new Promise(() => undefined))]);
    const { taskId } = await first.submit("race", null);
    await expect.poll(async () => (await first.reader.view(taskId, null)).status).toBe("waiting");
    const second = await engineOn(store.fork(), [task(Promise.resolve())]);
    expect(await second.ended(taskId)).toMatchObject({ status: "completed", output: "made" });
    expect(steps).toEqual(["begins", "begins"]);
    await second.stop(0);
  });
});
