import { afterEach, describe, expect, test } from "vitest";

import {
  defineTask,
  FatalError,
  RetryAfterError,
  type AnyTaskType,
} from "../../../src/engine/index.ts";
import type { Embedded } from "../../../src/hosts/embedded/embedded.ts";
import { dataFolder, followToEnd, openIn, viewOf } from "./workbench.ts";
import { spinForEver } from "./isolated-tasks.ts";

const closing: (() => Promise<void>)[] = [];

async function errandWith(tasks: readonly AnyTaskType[], dir?: string): Promise<Embedded> {
  const folder = dir === undefined ? dataFolder() : { dir, remove: () => undefined };
  const errand = await openIn(folder.dir, { tasks });
  closing.push(async () => {
    await errand.stop(0);
    folder.remove();
  });
  return errand;
}

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const quick = { attemptsMax: 3, minDelayMs: 1, jitter: 0 };

describe("a handler", () => {
  test("[STEP1] never runs a finished step again, over attempts", async () => {
    const runs: string[] = [];
    const task = defineTask("steps", { retry: quick }, async (_input: unknown, ctx) => {
      const a = await ctx.step("a", () => (runs.push("a"), 1));
      const b = await ctx.step("b", ({ key }) => (runs.push(key.slice(-2)), a + 1));
      if (ctx.attempt < 3) throw new Error("again");
      return b;
    });
    const end = await (await errandWith([task])).engine.run("steps", null);
    expect(end).toMatchObject({ status: "completed", output: 2 });
    expect(runs).toEqual(["a", ":b"]);
  });

  test("[STEP2] refuses a second step of the same name", async () => {
    const task = defineTask("twice", { retry: quick }, async (_input: unknown, ctx) => {
      await ctx.step("a", () => 1);
      await ctx.step("a", () => 2);
    });
    const end = await (await errandWith([task])).engine.run("twice", null);
    expect(end.error?.code).toBe("duplicate_step");
  });

  test("[RETRY1] is tried as often as its policy says, and never after a FatalError", async () => {
    const broken = defineTask("broken", { retry: quick }, () => Promise.reject(new Error("no")));
    const fatal = defineTask("fatal", { retry: quick }, () =>
      Promise.reject(new FatalError("never")),
    );
    const errand = await errandWith([broken, fatal]);
    const one = await errand.engine.submit("broken", null);
    const two = await errand.engine.submit("fatal", null);
    expect((await errand.engine.ended(one.taskId)).error).toMatchObject({
      code: "handler_failed",
      message: "no",
    });
    expect((await errand.engine.ended(two.taskId)).error).toMatchObject({
      code: "fatal",
      message: "never",
    });
    expect((await viewOf(errand, one.taskId)).attempts).toBe(3);
    expect((await viewOf(errand, two.taskId)).attempts).toBe(1);
  });

  test("[TIME1] fails with timed_out when it is active for too long, and its signal fires", async () => {
    const aborted = Promise.withResolvers<void>();
    const task = defineTask(
      "slow",
      { timeoutMs: 30, retry: { attemptsMax: 1 } },
      async (_input: unknown, ctx) => {
        ctx.signal.addEventListener("abort", () => aborted.resolve());
        await new Promise(() => undefined);
      },
    );
    const end = await (await errandWith([task])).engine.run("slow", null);
    expect(end.error?.code).toBe("timed_out");
    await aborted.promise;
  });

  test("[TIME2] does not count time that it sleeps", async () => {
    const task = defineTask(
      "sleeper",
      { timeoutMs: 60, retry: { attemptsMax: 1 } },
      async (_input: unknown, ctx) => {
        await ctx.sleep(150);
        return "slept";
      },
    );
    const end = await (await errandWith([task])).engine.run("sleeper", null);
    expect(end).toMatchObject({ status: "completed", output: "slept" });
  });

  test("[TIME2] does not count time that it waits beside a wait that is over", async () => {
    const task = defineTask(
      "side-by-side",
      { timeoutMs: 60, idleTimeoutMs: 60, retry: { attemptsMax: 1 } },
      async (_input: unknown, ctx) => {
        await Promise.all([ctx.sleep(1), ctx.sleep(250)]);
        return "both";
      },
    );
    const end = await (await errandWith([task])).engine.run("side-by-side", null);
    expect(end).toMatchObject({ status: "completed", output: "both" });
  });

  test("[DRAIN3] leaves nobody waiting for its end when its process stops", async () => {
    const started = Promise.withResolvers<void>();
    const task = defineTask("long", {}, async (_input: unknown, ctx) => {
      started.resolve();
      await ctx.sleep(60_000);
    });
    const { engine } = await errandWith([task]);
    const { taskId } = await engine.submit("long", null);
    const ends = [engine.run("long", null), engine.ended(taskId)].map((end) =>
      expect(end).rejects.toMatchObject({ code: "unavailable" }),
    );
    await started.promise;
    await engine.stop(0);
    await Promise.all(ends);
    await expect(engine.run("long", null)).rejects.toMatchObject({ code: "unavailable" });
  });

  test("[SPAWN1] gives its children its own priority, unless they or their type say otherwise", async () => {
    const leaf = defineTask("leaf", {}, () => Promise.resolve(null));
    const bulk = defineTask("bulk", { priority: "batch" }, () => Promise.resolve(null));
    const branch = defineTask("branch", {}, async (_input: unknown, ctx) => {
      const child = await ctx.spawn("leaf", null);
      await child.result();
      return child.id;
    });
    const root = defineTask("root", {}, async (_input: unknown, ctx) => {
      const through = await ctx.spawn<string>("branch", null);
      const own = await ctx.spawn("leaf", null, { priority: "background" });
      const typed = await ctx.spawn("bulk", null);
      await Promise.all([own.result(), typed.result()]);
      return [through.id, await through.result(), own.id, typed.id];
    });
    const errand = await errandWith([leaf, bulk, branch, root]);
    const end = await errand.engine.run("root", null, { priority: "interactive" });
    const views = await Promise.all((end.output as string[]).map((id) => viewOf(errand, id)));
    expect(views.map(({ priority }) => priority)).toEqual([
      "interactive",
      "interactive",
      "background",
      "batch",
    ]);
  });

  test("[WAIT2] may wait for one child in two places", async () => {
    const child = defineTask("child", {}, async (_input: unknown, ctx) => {
      await ctx.sleep(20);
      return "grown";
    });
    const task = defineTask("parent", {}, async (_input: unknown, ctx) => {
      const spawned = await ctx.spawn<string>("child", null);
      const [result, settled] = await Promise.all([spawned.result(), spawned.settled()]);
      return [result, settled.status];
    });
    const end = await (await errandWith([task, child])).engine.run("parent", null);
    expect(end.output).toEqual(["grown", "completed"]);
  });

  test("[KERNEL6] that tells what is not JSON, or throws what cannot be read, fails alone", async () => {
    const unreadable = new Proxy(new Error("x"), {
      get: () => {
        throw new Error("trap");
      },
      getPrototypeOf: () => {
        throw new Error("trap");
      },
    });
    const notText = Object.assign(new Error("x"), { message: { big: 1n } });
    const once = { retry: { attemptsMax: 1 } };
    const tasks = [
      defineTask("progress", once, (_input: unknown, ctx) => ctx.progress({ data: 1n })),
      defineTask("unreadable", once, () => Promise.reject(unreadable)),
      defineTask("not-text", once, () => Promise.reject(notText)),
      defineTask("not-a-time", { retry: { attemptsMax: 2, minDelayMs: 1 } }, () =>
        Promise.reject(new RetryAfterError("later", { afterMs: Number.NaN })),
      ),
      defineTask("noop", {}, () => "ok"),
    ];
    const { engine } = await errandWith(tasks);
    const ends = await Promise.all(tasks.map(({ type }) => engine.run(type, null)));
    expect(ends.map(({ status, error }) => error?.code ?? status)).toEqual([
      "fatal",
      "handler_failed",
      "handler_failed",
      "handler_failed",
      "completed",
    ]);
  });

  test("[WAIT1] gets an event that came before it waited", async () => {
    const ready = Promise.withResolvers<void>();
    const task = defineTask("waiter", {}, async (_input: unknown, ctx) => {
      await ready.promise;
      const event = await ctx.waitForEvent<string>("go", { timeoutMs: 60_000 });
      return event?.payload ?? null;
    });
    const errand = await errandWith([task]);
    const { taskId } = await errand.engine.submit("waiter", null);
    await errand.engine.sendEvent(taskId, "go", "now");
    ready.resolve();
    expect((await errand.engine.ended(taskId)).output).toBe("now");
  });

  test("[RECOVER3] goes on behind a wait after a restart, without a new attempt", async () => {
    const folder = dataFolder();
    const runs: number[] = [];
    const make = (): AnyTaskType =>
      defineTask("patient", {}, async (_input: unknown, ctx) => {
        const made = await ctx.step("make", () => (runs.push(ctx.attempt), "made"));
        const event = await ctx.waitForEvent<string>("go");
        return `${made} ${event?.payload ?? ""}`;
      });
    const first = await errandWith([make()], folder.dir);
    const { taskId } = await first.engine.submit("patient", null);
    await untilStatus(first, taskId, "waiting");
    await closing.splice(0)[0]?.();
    const second = await errandWith([make()], folder.dir);
    await second.engine.sendEvent(taskId, "go", "went");
    expect(await second.engine.ended(taskId)).toMatchObject({
      status: "completed",
      output: "made went",
    });
    expect(runs).toEqual([1]);
    expect((await viewOf(second, taskId)).attempts).toBe(1);
    await closing.splice(0)[0]?.();
    folder.remove();
  });

  test("[RECOVER5] is not waited for by a stop once it waits itself", async () => {
    const work = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const task = defineTask("long", {}, async (_input: unknown, ctx) => {
      begun.resolve();
      await work.promise;
      await ctx.sleep(3_600_000);
    });
    const folder = dataFolder();
    const errand = await openIn(folder.dir, { tasks: [task] });
    await errand.engine.submit("long", null);
    await begun.promise;
    const stopped = errand.stop(600_000);
    work.resolve();
    await stopped;
    expect(errand.engine.segments).toBe(0);
    folder.remove();
  });

  test("[FEED1] tells a reader who comes back exactly what it has missed", async () => {
    const task = defineTask("teller", {}, async (_input: unknown, ctx) => {
      await ctx.write("one ");
      await ctx.step("a", () => 1);
      await ctx.progress({ done: 1, total: 2 });
      await ctx.write("two ");
      await ctx.sleep(1);
      await ctx.write("three");
      return null;
    });
    const errand = await errandWith([task]);
    const { taskId } = await errand.engine.submit("teller", null);
    const whole = await followToEnd(errand, taskId);
    for (const [index, event] of whole.entries()) {
      if (event.kind === "end") continue;
      expect(await followToEnd(errand, taskId, event.cursor)).toEqual(whole.slice(index + 1));
    }
  });

  test("[ISOLATE1] that never yields is killed at its timeout, and the server goes on", async () => {
    const errand = await errandWith([spinForEver, defineTask("noop", {}, () => "ok")]);
    const spinning = errand.engine.run("spin", null);
    expect(await errand.engine.run("noop", null)).toMatchObject({ output: "ok" });
    expect((await spinning).error?.code).toBe("timed_out");
  });

  test("[ISOLATE2] does its steps durably from its own thread", async () => {
    const { isolatedSteps } = await import("./isolated-tasks.ts");
    const errand = await errandWith([isolatedSteps]);
    expect(await errand.engine.run("isolated", { add: 2 })).toMatchObject({
      status: "completed",
      output: 5,
    });
  });
});

test("[ISOLATE3] a handler in a process of its own that exits fails its task and nothing else", async () => {
  const { isolatedProcess } = await import("./isolated-tasks.ts");
  const errand = await errandWith([isolatedProcess]);
  expect(await errand.engine.run("isolated-process", { exit: false })).toMatchObject({
    output: "ran in its own process",
  });
  const end = await errand.engine.run("isolated-process", { exit: true });
  expect(end.error).toMatchObject({ code: "handler_failed" });
  expect(end.error?.message).toContain("code 3");
});

function untilStatus(errand: Embedded, taskId: string, status: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = errand.engine.feeds.follow(
      taskId,
      { seq: 0, attempt: 0, entry: 0 },
      {
        push(events) {
          if (!events.some((event) => event.kind === "state" && event.task.status === status))
            return;
          stop();
          resolve();
        },
        upToDate: () => undefined,
        end: () => undefined,
      },
    );
  });
}
