import { afterEach, describe, expect, test } from "vitest";

import {
  startFakeModel,
  type FakeModel,
  type FakeModelOptions,
} from "../../../src/adapters/fake-model/fake-model.ts";
import { nodeFetch } from "../../../src/adapters/node/http-fetch.ts";
import { openaiModels } from "../../../src/adapters/openai/openai-models.ts";
import { defineTask, type FeedEvent } from "../../../src/engine/index.ts";
import type { Embedded } from "../../../src/hosts/embedded/embedded.ts";
import { dataFolder, followToEnd, followUntil, openIn, textOfFeed, viewOf } from "./workbench.ts";

/** Two types that do the same: what one has cost says nothing of the other. */
const [ask, write] = ["ask", "write"].map((name) =>
  defineTask(name, {}, async (input: { prompt: string }, ctx) => {
    const { text, usage } = await ctx.generate("chat", {
      messages: [{ role: "user", content: input.prompt }],
    });
    return { text, tokens: usage?.outputTokens };
  }),
);
const tasks = [ask, write].filter((task) => task !== undefined);

const open: (() => Promise<void>)[] = [];

interface Bench {
  readonly errand: Embedded;
  readonly model: FakeModel;
  readonly dir: string;
}

type Settings = Parameters<typeof openIn>[1];

/** One slot, and a model that writes 100 tokens a second. */
async function bench(fake: FakeModelOptions = {}, settings: Settings = {}): Promise<Bench> {
  const folder = dataFolder();
  const model = await startFakeModel({ tokensPerSecond: 100, ...fake });
  open.push(async () => {
    await model.close();
    folder.remove();
  });
  const errand = await openOver(folder.dir, model, settings);
  return { errand, model, dir: folder.dir };
}

async function openOver(dir: string, model: FakeModel, settings: Settings): Promise<Embedded> {
  const errand = await openIn(dir, { tasks, modelUrl: model.baseUrl, ...settings });
  open.unshift(() => errand.stop(0));
  return errand;
}

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

const words = (count: number): string => Array.from({ length: count }, () => "word").join(" ");
const isPaused = (event: FeedEvent): boolean =>
  event.kind === "state" && event.task.reason?.code === "cut";

async function submit({ errand }: Bench, prompt: string, priority: "interactive" | "batch") {
  const type = priority === "batch" ? "write" : "ask";
  return (await errand.engine.submit(type, { prompt }, { priority })).taskId;
}

/** A long stream of the lower bands, and a question that comes once it has begun to stream. */
async function longThenQuestion(on: Bench, tokens = 220) {
  const long = await submit(on, `[[repeat ${tokens} word]]`, "batch");
  await followUntil(on.errand, long, (events) => textOfFeed(events) !== "");
  const question = await submit(on, "[[say hi]]", "interactive");
  return { long, question };
}

describe("a call that is cut for a quick question", () => {
  test("[CALL12] is paused, and goes on behind its text: nothing is said twice, nothing is taken back", async () => {
    const on = await bench({}, { resumes: "prefill" });
    const { long, question } = await longThenQuestion(on);
    const events = await followToEnd(on.errand, long);
    expect(await viewOf(on.errand, question)).toMatchObject({ output: { text: "hi" } });
    expect(textOfFeed(events)).toBe(words(220));
    expect(await viewOf(on.errand, long)).toMatchObject({
      attempts: 1,
      output: { text: words(220), tokens: 220 },
    });
    const paused = events.findIndex(isPaused);
    expect(events[paused]).toMatchObject({
      task: { status: "waiting", reason: { message: "is paused for a quick question" } },
    });
    expect(events.slice(paused).some((event) => event.kind === "token")).toBe(true);
    expect(events.some((event) => event.kind === "reset")).toBe(false);
    const [first, quick, rest] = on.model.log();
    expect(first).toMatchObject({ aborted: true });
    expect(quick).toMatchObject({ prompt: "[[say hi]]" });
    // What was read from the socket and not shown when it was cut is said again by the model, and shown once.
    expect((first?.tokensSent ?? 0) + (rest?.tokensSent ?? 0)).toBeGreaterThanOrEqual(220);
    expect(rest?.tokensSent).toBeLessThan(220);
    expect(on.model.load().runningMax).toBe(1);
    const { cuts } = await on.errand.engine.reader.queue("model:fake");
    expect(cuts.count).toBe(1);
    expect(cuts.tokens).toBeGreaterThan(0);
  });

  test("[CALL12] goes on in another process after a stop in mid-pause, in the same attempt", async () => {
    const on = await bench({}, { resumes: "prefill" });
    const long = await submit(on, "[[repeat 220 word]]", "batch");
    await followUntil(on.errand, long, (events) => textOfFeed(events) !== "");
    const question = await submit(on, "[[repeat 100000 slow]]", "interactive");
    await followUntil(on.errand, long, (events) => events.some(isPaused));
    await open.shift()?.();
    const again = await openOver(on.dir, on.model, { resumes: "prefill" });
    const events = await followUntil(again, long, (told) => told.some(isPaused));
    const before = textOfFeed(events);
    expect(before).not.toBe("");
    // The answer in front of it is given up, and it has its slot.
    await again.engine.cancel(question);
    const whole = await followToEnd(again, long);
    expect(textOfFeed(whole)).toBe(words(220));
    expect(await viewOf(again, long)).toMatchObject({ attempts: 1, output: { text: words(220) } });
  });

  test("[CALL12] is cancelled while it is paused", async () => {
    const on = await bench({}, { resumes: "prefill" });
    const long = await submit(on, "[[repeat 2200 word]]", "batch");
    await followUntil(on.errand, long, (events) => textOfFeed(events) !== "");
    await submit(on, "[[repeat 2200 slow]]", "interactive");
    const seen = await followUntil(on.errand, long, (events) => events.some(isPaused));
    await on.errand.engine.cancel(long);
    const all = await followToEnd(on.errand, long);
    expect(textOfFeed(all)).toBe(textOfFeed(seen));
    expect(await viewOf(on.errand, long)).toMatchObject({ status: "cancelled" });
  });

  test("[CALL13] an endpoint is tried out when calls wait, and its calls are cut from then on", async () => {
    // Slow enough for what an unknown answer is guessed to take, at the speed that is learnt meanwhile, to be worth a cut.
    const on = await bench({ tokensPerSecond: 30 });
    const first = await submit(on, "[[repeat 20 word]]", "interactive");
    const waits = await submit(on, "[[say one]]", "interactive");
    await Promise.all([followToEnd(on.errand, first), followToEnd(on.errand, waits)]);
    const probe = on.model.log().find(({ prompt }) => prompt.startsWith("Count from one"));
    expect(probe).toBeDefined();
    const { long } = await longThenQuestion(on, 90);
    const events = await followToEnd(on.errand, long);
    expect(events.some(isPaused)).toBe(true);
    expect(textOfFeed(events)).toBe(words(90));
  });

  test("[CALL13] an endpoint that answers anew is never cut", async () => {
    const on = await bench({ goesOn: "anew", tokensPerSecond: 30 });
    const first = await submit(on, "[[repeat 20 word]]", "interactive");
    const waits = await submit(on, "[[say one]]", "interactive");
    await Promise.all([followToEnd(on.errand, first), followToEnd(on.errand, waits)]);
    const { long, question } = await longThenQuestion(on, 90);
    const events = await followToEnd(on.errand, long);
    expect(events.some(isPaused)).toBe(false);
    await followToEnd(on.errand, question);
    expect(on.model.log().filter(({ aborted }) => aborted)).toEqual([]);
  });

  test("[CALL13] an endpoint that refuses to go on is asked from the beginning, behind a reset", async () => {
    const on = await bench({}, { resumes: "prefill" });
    const long = await submit(on, "[[repeat 220 word]]", "batch");
    await followUntil(on.errand, long, (events) => textOfFeed(events) !== "");
    await submit(on, "[[repeat 50 slow]]", "interactive");
    await on.model.find(({ prompt }) => prompt.includes("slow"));
    const refusal = { kind: "status", afterTokens: 0, retryAfterMs: 0, delayMs: 0 } as const;
    on.model.control({ faults: [{ ...refusal, status: 400, times: 1 }] });
    const events = await followToEnd(on.errand, long);
    expect(events.some((event) => event.kind === "reset")).toBe(true);
    expect(textOfFeed(events)).toBe(words(220));
    expect(await viewOf(on.errand, long)).toMatchObject({ output: { text: words(220) } });
  });

  test("[CALL3] an answer that breaks off goes on behind its text where the endpoint can", async () => {
    const on = await bench({ tokensPerSecond: 0 }, { resumes: "prefill" });
    const prompt = "[[fault cut afterTokens=20 times=1]] [[repeat 40 word]]";
    const events = await followToEnd(on.errand, await submit(on, prompt, "interactive"));
    expect(textOfFeed(events)).toBe(words(40));
    expect(events.some((event) => event.kind === "reset")).toBe(false);
    expect(on.model.log()[1]?.tokensSent).toBe(20);
  });

  test.each(["prefill", "continue", "anew"] as const)(
    "[CALL13] a probe finds out how a model goes on: %s",
    async (goesOn) => {
      const model = await startFakeModel({ goesOn });
      open.push(() => model.close());
      const models = openaiModels({ baseUrl: model.baseUrl, fetch: nodeFetch() });
      const { signal } = new AbortController();
      expect(await models.probe?.("m", { signal })).toBe(goesOn === "anew" ? null : goesOn);
    },
  );
});
