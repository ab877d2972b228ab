import { generateText } from "ai";
import { afterEach, describe, expect, test } from "vitest";

import type { languageModel } from "../../../src/adapters/ai-sdk/language-model.ts";
import { startFakeModel, type FakeModel } from "../../../src/adapters/fake-model/fake-model.ts";
import { createMemoryStore, type MemoryStore } from "../../../src/adapters/memory/memory-store.ts";
import { systemClock } from "../../../src/adapters/node/clock.ts";
import { ErrandError } from "../../../src/core/errors.ts";
import { cursorStart } from "../../../src/core/stream/cursor.ts";
import type { Engine } from "../../../src/engine/index.ts";
import { defineTask, type AnyTaskType, type FeedEvent } from "../../../src/engine/index.ts";
import { engineOn, followThrough, textOfFeed } from "./workbench.ts";

const fakes: FakeModel[] = [];
afterEach(async () => {
  for (const fake of fakes.splice(0)) await fake.close();
});

async function fakeModel(tokensPerSecond: number): Promise<FakeModel> {
  const fake = await startFakeModel({ tokensPerSecond });
  fakes.push(fake);
  return fake;
}

const ask = defineTask("ask", {}, async (input: { prompt: string }, ctx) => {
  const { text } = await ctx.generate("chat", {
    messages: [{ role: "user", content: input.prompt }],
  });
  return { text };
});

/** A mailbox outside of Errand: it knows what was really sent. */
function mailTask(
  mailbox: string[],
  hold: Promise<void>,
  options: { idempotent?: boolean; reconcile?: boolean },
): AnyTaskType {
  return defineTask("mail", { retry: { attemptsMax: 1 } }, async (_input: unknown, ctx) => {
    const tools = ctx.tools({
      send: {
        description: "sends a mail",
        inputSchema: { type: "object" },
        ...(options.idempotent === true ? { idempotent: true } : {}),
        ...(options.reconcile === true
          ? {
              reconcile: (key: string) =>
                Promise.resolve(mailbox.includes(key) ? "sent" : undefined),
            }
          : {}),
        async run(_mail: never, { key }) {
          if (!(options.idempotent === true && mailbox.includes(key))) mailbox.push(key);
          await hold;
          return "sent";
        },
      },
    });
    const answer = await tools.call({ id: "call_1", name: "send", input: { to: "a" } });
    return answer.content;
  });
}

async function crashInTool(options: {
  idempotent?: boolean;
  reconcile?: boolean;
}): Promise<{ mailbox: string[]; end: Awaited<ReturnType<Engine["ended"]>> }> {
  const mailbox: string[] = [];
  const store = createMemoryStore();
  const first = await engineOn(store, [mailTask(mailbox, new Promise(() => undefined), options)]);
  const { taskId } = await first.submit("mail", null);
  await followThrough(first, taskId, (events) =>
    events.some((event) => event.kind === "tool" && event.state === "intended"),
  );
  await expect.poll(() => mailbox.length).toBe(1);
  const second = await engineOn(store.fork(), [mailTask(mailbox, Promise.resolve(), options)]);
  const end = await second.ended(taskId);
  await second.stop(0);
  return { mailbox, end };
}

describe("after a crash", () => {
  test("[LEDGER1] a tool whose outcome is unknown is not run again", async () => {
    const { mailbox, end } = await crashInTool({});
    expect(mailbox).toHaveLength(1);
    expect(end.error?.code).toBe("tool_unknown");
  });

  test("[LEDGER2] an idempotent tool runs again under the same key", async () => {
    const { mailbox, end } = await crashInTool({ idempotent: true });
    expect(mailbox).toHaveLength(1);
    expect(end).toMatchObject({ status: "completed", output: "sent" });
  });

  test("[LEDGER3] a tool that can be reconciled is asked, not run", async () => {
    const { mailbox, end } = await crashInTool({ reconcile: true });
    expect(mailbox).toHaveLength(1);
    expect(end).toMatchObject({ status: "completed", output: "sent" });
  });

  test("[STREAM6] a reader who comes back in mid-stream sees a reset and the whole text, at every place", async () => {
    const fake = await fakeModel(400);
    const store = createMemoryStore();
    const first = await engineOn(store, [ask], fake.baseUrl);
    const { taskId } = await first.submit("ask", { prompt: "[[repeat 60 word]]" });
    const seen = await followThrough(first, taskId, (events) => textOfFeed(events).length > 60);
    const second = await engineOn(store.fork(), [ask], fake.baseUrl);
    await second.ended(taskId);
    const text = Array.from({ length: 60 }, () => "word").join(" ");
    for (let count = 0; count <= seen.length; count += 1) {
      const before = seen.slice(0, count);
      const rest = await followThrough(
        second,
        taskId,
        (events) => events.at(-1)?.kind === "end",
        before.at(-1)?.cursor ?? cursorStart,
      );
      expect(textOfFeed([...before, ...rest])).toBe(text);
    }
    const whole: readonly FeedEvent[] = await followThrough(
      second,
      taskId,
      (events) => events.at(-1)?.kind === "end",
    );
    expect(whole.filter(({ kind }) => kind === "reset")).toHaveLength(1);
    await first.stop(0);
    await second.stop(0);
  });

  test("[CALL8] plain AI SDK code is durable: a finished call is not made again", async () => {
    const fake = await fakeModel(0);
    const gate = Promise.withResolvers<void>();
    const make = (hold: Promise<void>): AnyTaskType =>
      defineTask("sdk", {}, async (_input: unknown, ctx) => {
        // The engine does not know the AI SDK's types; the factory above makes one of its models.
        const model = ctx.model("chat") as ReturnType<typeof languageModel>;
        const { text } = await generateText({ model, prompt: "[[say durable]]" });
        await ctx.step("between", () => text);
        await hold;
        return text;
      });
    const store = createMemoryStore();
    const first = await engineOn(store, [make(gate.promise)], fake.baseUrl);
    const { taskId } = await first.submit("sdk", null);
    await followThrough(first, taskId, (events) => events.some(({ kind }) => kind === "step"));
    const second = await engineOn(store.fork(), [make(Promise.resolve())], fake.baseUrl);
    expect(await second.ended(taskId)).toMatchObject({ status: "completed", output: "durable" });
    expect(fake.log().filter(({ path }) => path.endsWith("completions"))).toHaveLength(1);
    await first.stop(0);
    await second.stop(0);
  });

  test("[RETRY3] a task that loses its worker three times is quarantined, and others go on", async () => {
    const hang = defineTask("hang", {}, () => new Promise(() => undefined));
    const noop = defineTask("noop", {}, () => "ok");
    let store = createMemoryStore();
    let engine = await engineOn(store, [hang, noop]);
    const { taskId } = await engine.submit("hang", null);
    for (let crash = 0; crash < 3; crash += 1) {
      store = store.fork();
      engine = await engineOn(store, [hang, noop]);
    }
    expect((await engine.ended(taskId)).error?.code).toBe("worker_lost");
    expect(await engine.run("noop", null)).toMatchObject({ output: "ok" });
    await engine.stop(0);
  });
});

test("[LIMIT2] a full queue refuses a submit with 429 and a time to wait, and loses nothing it accepted", async () => {
  const gate = Promise.withResolvers<void>();
  const wait = defineTask("wait", { queue: "narrow" }, async () => await gate.promise);
  const engine = await engineOn(createMemoryStore(), [wait], undefined, {
    pendingMax: 3,
    queues: { narrow: { slots: 1 } },
  });
  const taken = await Promise.all(Array.from({ length: 4 }, () => engine.submit("wait", null)));
  const refused = await engine.submit("wait", null).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "queue_full", retryAfterMs: 1_000 });
  gate.resolve();
  for (const { taskId } of taken) expect((await engine.ended(taskId)).status).toBe("completed");
  await engine.submit("wait", null);
  await engine.stop(0);
});

test("[LIMIT4] who has too much waiting is refused, and others are not", async () => {
  const gate = Promise.withResolvers<void>();
  const wait = defineTask("wait", { queue: "narrow" }, async () => await gate.promise);
  const engine = await engineOn(createMemoryStore(), [wait], undefined, {
    pendingPerKeyMax: 2,
    queues: { narrow: { slots: 1 } },
  });
  const submit = (userId: string, fairnessKey?: string) =>
    engine.submit("wait", null, { userId, ...(fairnessKey === undefined ? {} : { fairnessKey }) });
  const taken = await Promise.all([1, 2, 3].map(() => submit("ann")));
  const refused = await submit("ann").catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "queue_full", retryAfterMs: 1_000 });
  expect((refused as ErrandError).message).toContain('"ann" has 2 calls waiting');
  taken.push(await submit("bob"), await submit("ann", "other"));
  gate.resolve();
  for (const { taskId } of taken) expect((await engine.ended(taskId)).status).toBe("completed");
  await submit("ann");
  await engine.stop(0);
});

test("[LIMIT3] what could not start in time is refused with the time after which it may, and takes nothing", async () => {
  const gate = Promise.withResolvers<void>();
  const work = defineTask("work", { queue: "narrow", cost: 30 }, async () => await gate.promise);
  const engine = await engineOn(createMemoryStore(), [work], undefined, {
    queues: { narrow: { slots: 1 } },
  });
  const taken = [await engine.submit("work", null), await engine.submit("work", null)];
  const refusal = (options: object) =>
    engine.submit("work", null, options).catch((error: unknown) => error);
  // Some 60 s of work are ahead.
  const early = await refusal({ ttlMs: 20_000 });
  expect(early).toMatchObject({ code: "queue_full" });
  const { retryAfterMs, message } = early as ErrandError;
  expect(retryAfterMs).toBeGreaterThan(30_000);
  expect(retryAfterMs).toBeLessThanOrEqual(40_000);
  expect(message).toContain("ttlMs of 20000");
  expect(await refusal({ deadlineMs: 20_000 })).toMatchObject({ code: "queue_full" });
  const patient = await engine.submit("work", null, { ttlMs: 120_000 });
  const interactive = await engine.submit("work", null, { ttlMs: 40_000, priority: "interactive" });
  gate.resolve();
  for (const { taskId } of [...taken, patient, interactive])
    expect((await engine.ended(taskId)).status).toBe("completed");
  await engine.stop(0);
});

test("[RETAIN1] a task is removed when it has been over for longer than the retention", async () => {
  const noop = defineTask("noop", {}, () => "ok");
  const store = createMemoryStore();
  const engine = await engineOn(store, [noop], undefined, { retentionMs: 0 });
  const { taskId } = await engine.submit("noop", null);
  await engine.ended(taskId);
  await expect.poll(() => engine.purge() >= 0 && store.task(taskId)).toBeNull();
  await expect(engine.reader.task(taskId, null)).rejects.toMatchObject({ code: "not_found" });
  await engine.stop(0);
});

test("[DRAIN2] restarts in good order count no loss, however often, and what waited is granted by the next process", async () => {
  const gate = Promise.withResolvers<void>();
  const slow = defineTask("slow", { queue: "narrow" }, async () => await gate.promise);
  const settings = { queues: { narrow: { slots: 1 } } };
  const store = createMemoryStore();
  let engine = await engineOn(store, [slow], undefined, settings);
  const ids = await Promise.all(Array.from({ length: 5 }, () => engine.submit("slow", null)));
  for (let restart = 0; restart < 5; restart += 1) {
    await engine.stop(0);
    engine = await engineOn(store, [slow], undefined, settings);
  }
  gate.resolve();
  for (const { taskId } of ids) expect((await engine.ended(taskId)).status).toBe("completed");
  await engine.stop(0);
});

test("[KERNEL11] an end that a full disk refused is written when there is room, and the slot is free again", async () => {
  const store = createMemoryStore();
  let isFull = false;
  const full: MemoryStore = {
    ...store,
    commit(group) {
      if (isFull) throw new ErrandError("storage_full", "the disk is full");
      return store.commit(group);
    },
  };
  const done = Promise.withResolvers<void>();
  const task = defineTask("patient", { queue: "one" }, async () => await done.promise);
  const engine = await engineOn(full, [task], undefined, { queues: { one: { slots: 1 } } });
  const first = await engine.submit("patient", null);
  isFull = true;
  done.resolve();
  await expect(engine.submit("patient", null)).rejects.toMatchObject({ code: "storage_full" });
  isFull = false;
  expect(await engine.ended(first.taskId)).toMatchObject({ status: "completed" });
  expect(await engine.run("patient", null)).toMatchObject({ status: "completed" });
  await engine.stop(0);
});

test("[KERNEL12] tasks start at their first attempt also when no state stays in the cache", async () => {
  const noop = defineTask("noop", {}, async (_input: unknown, ctx) => {
    await ctx.sleep(1);
    return ctx.attempt;
  });
  const engine = await engineOn(createMemoryStore(), [noop], undefined, { cacheBytesMax: 1 });
  const ends = await Promise.all(Array.from({ length: 40 }, () => engine.run("noop", null)));
  expect(ends.map(({ output }) => output)).toEqual(ends.map(() => 1));
  await engine.stop(0);
});

test("[KERNEL12] tasks that wait go on after a restart also when no state stays in the cache", async () => {
  const woken: string[] = [];
  const sleeper = defineTask("sleeper", {}, async (input: { ms: number }, ctx) => {
    await ctx.sleep(input.ms);
    woken.push(ctx.taskId);
    return ctx.attempt;
  });
  const store = createMemoryStore();
  const first = await engineOn(store, [sleeper]);
  const submits = Array.from({ length: 20 }, () => first.submit("sleeper", { ms: 60_000 }));
  const ids = (await Promise.all(submits)).map(({ taskId }) => taskId);
  await expect.poll(() => store.tasksOpen("waiting", "", 99)).toHaveLength(ids.length);
  const fork = store.fork();
  const clock = { nowMs: () => systemClock.nowMs() + 61_000 };
  const second = await engineOn(fork, [sleeper], undefined, { cacheBytesMax: 1 }, clock);
  const ends = await Promise.all(ids.map((id) => second.ended(id)));
  expect(ends.map(({ output }) => output)).toEqual(ids.map(() => 1));
  expect(woken.toSorted()).toEqual(ids.toSorted());
  await second.stop(0);
});
