import { generateText } from "ai";
import { afterEach, describe, expect, test } from "vitest";

import {
  startFakeModel,
  type FakeModel,
  type FakeModelOptions,
} from "../../../src/adapters/fake-model/fake-model.ts";
import type { languageModel } from "../../../src/adapters/ai-sdk/language-model.ts";
import { openaiModels } from "../../../src/adapters/openai/openai-models.ts";
import { isRecord } from "../../../src/core/json.ts";
import { defineTask, type AnyTaskType, type FeedEvent } from "../../../src/engine/index.ts";
import type { Delta, Models } from "../../../src/ports/models.ts";
import type { Embedded } from "../../../src/hosts/embedded/embedded.ts";
import { messageText } from "../../../src/core/session/state.ts";
import { dataFolder, followToEnd, followUntil, openIn, textOfFeed, viewOf } from "./workbench.ts";

const ask = defineTask(
  "ask",
  { retry: { attemptsMax: 2, minDelayMs: 1, jitter: 0 } },
  async (input: { prompt: string }, ctx) => {
    const { text } = await ctx.generate("chat", {
      messages: [{ role: "user", content: input.prompt }],
    });
    return { text };
  },
);

const fan = defineTask("fan", {}, async (input: { width: number; prompt: string }, ctx) => {
  const children = await Promise.all(
    Array.from({ length: input.width }, () =>
      ctx.spawn<{ text: string }>("ask", { prompt: input.prompt }),
    ),
  );
  const texts = await Promise.all(children.map(async (child) => (await child.result()).text));
  return { text: texts.join("|") };
});

const open: { close(): Promise<void> }[] = [];

async function bench(
  model: FakeModelOptions = {},
  settings: { slots?: number; idleTimeoutMs?: number; tasks?: readonly AnyTaskType[] } = {},
): Promise<{ errand: Embedded; model: FakeModel }> {
  const folder = dataFolder();
  const fake = await startFakeModel(model);
  const errand = await openIn(folder.dir, {
    tasks: [ask, fan, ...(settings.tasks ?? [])],
    modelUrl: fake.baseUrl,
    ...settings,
  });
  open.push({
    async close() {
      await errand.stop(0);
      await fake.close();
      folder.remove();
    },
  });
  return { errand, model: fake };
}

/** Lets a model of this process answer for the role `chat`, one batch after the other. */
function answering({ engine }: Embedded, batches: readonly (readonly Delta[])[]): void {
  const models: Models = {
    async *stream() {
      for (const batch of batches) yield await Promise.resolve(batch);
    },
    list: () => Promise.resolve([]),
    embed: () => Promise.resolve({ vectors: [] }),
  };
  const [fake] = engine.roles.endpoints;
  if (fake !== undefined) engine.roles.addEndpoint({ ...fake, models });
}

/** What each commit of tasks told from now on: entries of streams, and facts behind them. */
function commitsOf({ engine }: Embedded): readonly (readonly string[])[] {
  const commits: string[][] = [];
  let now: string[] | null = null;
  const tell = (...told: string[]): void => {
    if (now === null) {
      commits.push((now = []));
      // A commit tells all of it before anything it woke runs.
      queueMicrotask(() => (now = null));
    }
    now.push(...told);
  };
  engine.kernel.listen({
    entries: ({ entries }) =>
      tell(...entries.map((entry) => (entry.t === "text" ? `text ${entry.d}` : entry.t))),
    committed({ scope, events }) {
      if (!scope.startsWith("task/")) return;
      tell(...events.map((event) => (isRecord(event) ? String(event["type"]) : "")));
    },
  });
  return commits;
}

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const words = (count: number): string => Array.from({ length: count }, () => "word").join(" ");

describe("a model call", () => {
  test("[CALL1] streams to the task's feed what the task stores", async () => {
    const { errand } = await bench({ tokensPerSecond: 500 });
    const { taskId } = await errand.engine.submit("ask", { prompt: "[[repeat 40 word]]" });
    const events = await followToEnd(errand, taskId);
    expect(textOfFeed(events)).toBe(words(40));
    expect((await viewOf(errand, taskId)).output).toEqual({ text: words(40) });
  });

  test("[CALL2] cancel closes the upstream socket and keeps what was shown", async () => {
    const { errand, model } = await bench({ tokensPerSecond: 100 });
    const { taskId } = await errand.engine.submit("ask", { prompt: "[[repeat 5000 word]]" });
    const seen = await followUntil(errand, taskId, (events) => textOfFeed(events).length > 30);
    await errand.engine.cancel(taskId);
    const record = await model.find((request) => request.aborted);
    expect(record.tokensSent).toBeLessThan(5_000);
    const view = await viewOf(errand, taskId);
    expect(view.status).toBe("cancelled");
    expect(view.partial?.startsWith(textOfFeed(seen))).toBe(true);
  });

  test("[CALL17] the AI SDK's own abort closes the upstream socket of its call and leaves the task to its handler", async () => {
    const stop = new AbortController();
    const late = new AbortController();
    const sdk = defineTask("sdk", {}, async (_: null, ctx) => {
      const model = ctx.model("chat") as ReturnType<typeof languageModel>;
      const said = async (prompt: string, abortSignal?: AbortSignal): Promise<string> => {
        const more = abortSignal === undefined ? {} : { abortSignal };
        return (await generateText({ model, prompt, ...more })).text;
      };
      const nameOf = (error: Error): string => error.name;
      const streams = said("[[repeat 5000 word]]", stop.signal).catch(nameOf);
      // The one slot is taken: this one is aborted before it has asked anybody.
      const waits = said("[[say never]]", late.signal).catch(nameOf);
      return [await waits, await streams, await said("[[say hello]]")];
    });
    const { errand, model } = await bench({ tokensPerSecond: 100 }, { tasks: [sdk] });
    const { taskId } = await errand.engine.submit("sdk", null);
    await followUntil(errand, taskId, (events) => textOfFeed(events).length > 30);
    late.abort();
    stop.abort();
    const { tokensSent } = await model.find((request) => request.aborted);
    expect(tokensSent).toBeLessThan(5_000);
    expect(await errand.engine.ended(taskId)).toMatchObject({
      status: "completed",
      output: ["AbortError", "AbortError", "hello"],
    });
    const asked = model.log().filter(({ path }) => path.endsWith("completions"));
    expect(asked.map(({ prompt }) => prompt)).toEqual(["[[repeat 5000 word]]", "[[say hello]]"]);
    await expect.poll(async () => (await errand.engine.reader.queue("model:fake")).taken).toBe(0);
  });

  test("[CALL3] an answer that breaks off starts again behind a reset, never spliced", async () => {
    const { errand, model } = await bench({ tokensPerSecond: 1_000 });
    const { taskId } = await errand.engine.submit("ask", {
      prompt: "[[repeat 30 word]] [[fault cut afterTokens=10 times=1]]",
    });
    const events = await followToEnd(errand, taskId);
    expect(model.log().filter(({ path }) => path.endsWith("completions")).length).toBe(2);
    expect(events.filter(({ kind }) => kind === "reset")).toHaveLength(1);
    expect(textOfFeed(events)).toBe(words(30));
    expect((await viewOf(errand, taskId)).attempts).toBe(1);
  });

  test("[CALL4] a stalled answer is cut by the idle timeout and tried again", async () => {
    const { errand } = await bench({}, { idleTimeoutMs: 150 });
    const { taskId } = await errand.engine.submit("ask", {
      prompt: "[[repeat 20 word]] [[fault stall afterTokens=4 times=1]]",
    });
    const end = await errand.engine.ended(taskId);
    expect(end.status).toBe("completed");
    expect(end.output).toEqual({ text: words(20) });
  });

  test("[CALL5] a prompt the endpoint rejects is not sent again", async () => {
    const { errand, model } = await bench();
    const { taskId } = await errand.engine.submit("ask", { prompt: "[[fault overflow]]" });
    const end = await errand.engine.ended(taskId);
    expect(end.status).toBe("failed");
    expect(end.error?.code).toBe("context_overflow");
    expect(model.log().filter(({ path }) => path.endsWith("completions"))).toHaveLength(1);
  });

  test("[TASK30] what a call waits for is told while its neighbour streams, and when that has ended", async () => {
    const pair = defineTask("pair", {}, async (_input: unknown, ctx) => {
      const say = (content: string): Promise<unknown> =>
        ctx.generate("chat", { messages: [{ role: "user", content }] });
      await Promise.all([
        say("[[say first]] [[fault rate_limit retryAfterMs=3600000 times=1]]"),
        say("[[repeat 200 word]]"),
      ]);
    });
    const { errand } = await bench({ tokensPerSecond: 400 }, { slots: 2, tasks: [pair] });
    const { taskId } = await errand.engine.submit("pair", {});
    const reasons = (events: readonly FeedEvent[]): string[] =>
      events.flatMap((event) =>
        event.kind === "state" && event.task.reason?.code === "backoff"
          ? [`${event.task.status}: ${event.task.reason.message}`]
          : [],
      );
    const waits = (events: readonly FeedEvent[]): boolean =>
      reasons(events).some((reason) => reason.startsWith("delayed"));
    expect(reasons(await followUntil(errand, taskId, waits))).toEqual([
      "running: a call of it waits before it is tried again",
      "delayed: waits before it is tried again",
    ]);
    const why = await errand.engine.reader.why(taskId, null);
    expect(why).toMatchObject({ status: "delayed", reason: { code: "backoff" }, queue: null });
    expect(why.message).toMatch(/waits before it is tried again until .*, after: /);
    await errand.engine.cancel(taskId);
  });

  test("[CALL9] an endpoint with one slot never serves two calls at once", async () => {
    const { errand, model } = await bench({ tokensPerSecond: 2_000 }, { slots: 1 });
    const ends = await Promise.all(
      Array.from({ length: 8 }, () => errand.engine.run("ask", { prompt: "[[repeat 10 word]]" })),
    );
    expect(ends.every(({ status }) => status === "completed")).toBe(true);
    expect(model.load().runningMax).toBe(1);
  });

  test("[CALL10] a fan-out on one slot ends: a parent that waits holds no slot", async () => {
    const { errand, model } = await bench({ tokensPerSecond: 5_000 }, { slots: 1 });
    const end = await errand.engine.run("fan", { width: 6, prompt: "[[say x]]" });
    expect(end.output).toEqual({ text: "x|x|x|x|x|x" });
    expect(model.load().runningMax).toBe(1);
  });

  test("[CALL10] a fan-out of fan-outs, four levels deep, ends on one slot with nobody stuck", async () => {
    const nest = defineTask("nest", {}, async (input: { depth: number }, ctx): Promise<number> => {
      await ctx.generate("chat", { messages: [{ role: "user", content: "[[say x]]" }] });
      if (input.depth === 0) return 1;
      const next = { depth: input.depth - 1 };
      const children = [
        await ctx.spawn<number>("nest", next),
        await ctx.spawn<number>("nest", next),
      ];
      const counts = await Promise.all(children.map((child) => child.result()));
      await ctx.generate("chat", { messages: [{ role: "user", content: "[[say y]]" }] });
      return counts.reduce((sum, count) => sum + count, 1);
    });
    const { errand, model } = await bench({}, { slots: 1, tasks: [nest] });
    await errand.engine.configureQueue("tasks", { slots: 1 });
    const end = await errand.engine.run("nest", { depth: 4 });
    expect(end.output).toBe(31);
    expect(model.load().runningMax).toBe(1);
  });

  test("[CALL6] a memoised call is not made again by the next attempt, and its text is shown there", async () => {
    let fails = 1;
    const flaky = defineTask(
      "flaky",
      { retry: { attemptsMax: 3, minDelayMs: 1, jitter: 0 } },
      async (_input: unknown, ctx) => {
        const { text } = await ctx.generate("chat", {
          messages: [{ role: "user", content: "[[say once]]" }],
        });
        if (fails > 0) {
          fails -= 1;
          throw new Error("try again");
        }
        return { text };
      },
    );
    const { errand, model } = await bench({}, { tasks: [flaky] });
    const { taskId } = await errand.engine.submit("flaky", null);
    const events = await followToEnd(errand, taskId);
    expect(model.log().filter(({ path }) => path.endsWith("completions"))).toHaveLength(1);
    expect(textOfFeed(events)).toBe("once");
    expect((await viewOf(errand, taskId)).attempts).toBe(2);
  });

  test("[CALL11] a call that is its task's last word ends in one commit with the task", async () => {
    const { errand, model } = await bench({}, { slots: 1 });
    const rows: string[][] = [];
    errand.engine.kernel.listen({
      committed: ({ scope, events }) => {
        if (!scope.startsWith("task/")) return;
        rows.push(events.map((event) => (isRecord(event) ? String(event["type"]) : "")));
      },
    });
    const end = await errand.engine.run("generate", { prompt: "[[say bye]]" });
    expect(end.output).toMatchObject({ text: "bye", finish: "stop" });
    expect(rows.at(-1)).toEqual(["call.completed", "task.completed"]);
    expect(rows.flat().filter((type) => type === "call.completed")).toHaveLength(1);
    // Its slot is free again: there is no other for a second call.
    const second = await errand.engine.run("generate", { prompt: "[[say on]]" });
    expect(second.status).toBe("completed");
    expect(model.load().runningMax).toBe(1);
  });

  test("[CALL15] that an answer begins and its last words make no commits of their own", async () => {
    const { errand } = await bench();
    answering(errand, [
      [{ type: "text", text: "by" }],
      [
        { type: "text", text: "e" },
        { type: "finish", reason: "stop" },
      ],
    ]);
    const commits = commitsOf(errand);
    const end = await errand.engine.run("generate", { prompt: "go" });
    expect(end.output).toMatchObject({ text: "bye", finish: "stop" });
    expect(commits.slice(-2)).toEqual([
      ["call", "text by"],
      ["text e", "callEnd", "call.completed", "task.completed"],
    ]);
    expect(commits.flat().filter((told) => told === "call")).toHaveLength(1);
  });

  test("[CALL16] a task that begins with a call asks for it in the commit that accepts and starts it", async () => {
    const { errand } = await bench();
    answering(errand, [[{ type: "text", text: "hi" }], [{ type: "finish", reason: "stop" }]]);
    const commits = commitsOf(errand);
    await errand.engine.run("generate", { prompt: "go" });
    expect(commits).toEqual([
      ["task.accepted", "task.queued", "task.started", "call.requested", "call.started"],
      ["call", "text hi"],
      ["callEnd", "call.completed", "task.completed"],
    ]);
  });

  test("[CALL16] a call that was foreseen for another endpoint is given back and made where its role is served now", async () => {
    const { errand, model } = await bench({}, { slots: 1 });
    const { engine } = errand;
    const other = await startFakeModel();
    await engine.pauseQueue("tasks", true);
    const { taskId } = await engine.submit("generate", { prompt: "[[say moved]]" });
    const [fake] = engine.roles.endpoints;
    if (fake === undefined) throw new Error("there is no endpoint");
    engine.roles.addEndpoint({
      ...fake,
      name: "other",
      models: openaiModels({ baseUrl: other.baseUrl }),
    });
    await engine.configureQueue("model:other", { slots: 1 });
    engine.roles.assign("chat", { endpoint: "other", model: "m" });
    await engine.pauseQueue("tasks", false);
    expect((await engine.ended(taskId)).output).toMatchObject({ text: "moved" });
    expect(model.load().runningMax).toBe(0);
    expect(other.load().runningMax).toBe(1);
    for (const name of ["model:fake", "model:other"])
      expect(await engine.reader.queue(name)).toMatchObject({ running: 0, pending: 0 });
    await other.close();
  });

  test("[CALL7] another prompt on replay fails with nondeterministic and never runs", async () => {
    let run = 0;
    const changing = defineTask(
      "changing",
      { retry: { attemptsMax: 2, minDelayMs: 1, jitter: 0 } },
      async (_input: unknown, ctx) => {
        run += 1;
        await ctx.generate("chat", { messages: [{ role: "user", content: `[[say ${run}]]` }] });
        throw new Error("try again");
      },
    );
    const { errand, model } = await bench({}, { tasks: [changing] });
    const end = await errand.engine.run("changing", null);
    expect(end.error?.code).toBe("nondeterministic");
    expect(model.log().filter(({ path }) => path.endsWith("completions"))).toHaveLength(1);
  });

  test("[SESSION11] a stopped turn keeps in its message what it had said", async () => {
    const { errand } = await bench({ tokensPerSecond: 200 });
    const said = await errand.engine.sessions.say({
      userId: "local",
      chatId: "s1",
      text: "[[repeat 5000 word]]",
    });
    await followUntil(errand, said.taskId, (events) => textOfFeed(events).length > 30);
    await errand.engine.sessions.stop("local", "s1");
    const stored = (): Promise<string | null> =>
      errand.engine.sessions.read("local", "s1", (state) =>
        messageText(state.messages.get(said.messageId) ?? { parts: [] }),
      );
    await expect.poll(stored).toMatch(/^word word/);
    expect(await stored()).toBe((await viewOf(errand, said.taskId)).partial);
  });
});
