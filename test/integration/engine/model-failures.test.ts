import { afterEach, describe, expect, test } from "vitest";

import { startFakeModel, type FakeModel } from "../../../src/adapters/fake-model/fake-model.ts";
import { defineTask } from "../../../src/engine/index.ts";
import type { Embedded } from "../../../src/hosts/embedded/embedded.ts";
import { dataFolder, openIn, viewOf } from "./workbench.ts";

const ask = defineTask(
  "ask",
  { retry: { attemptsMax: 1 } },
  async (input: { prompt: string }, ctx) => {
    const messages = [{ role: "user", content: input.prompt }] as const;
    return (await ctx.generate("chat", { messages })).text;
  },
);

const queue = "model:fake";
const open: { close(): Promise<void> }[] = [];

async function bench(idleTimeoutMs = 10_000): Promise<{ errand: Embedded; model: FakeModel }> {
  const folder = dataFolder();
  const model = await startFakeModel({ tokensPerSecond: 2_000 });
  const errand = await openIn(folder.dir, { tasks: [ask], modelUrl: model.baseUrl, idleTimeoutMs });
  open.push({
    async close() {
      await errand.stop(0);
      await model.close();
      folder.remove();
    },
  });
  return { errand, model };
}

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const triesOf = (model: FakeModel): number =>
  model.log().filter(({ path }) => path.endsWith("completions")).length;

describe("what a failure of the endpoint leads to", () => {
  test.each([
    ["refused", "refuse times=1", 2],
    ["a 429", "rate_limit retryAfterMs=1000 times=1", 2],
    ["loading", "loading times=1", 2],
    ["silent before its first token", "stall times=1", 2],
    ["gone before its first token", "cut times=1", 2],
    ["broken off behind it", "cut afterTokens=5 times=2", 3],
    ["silent between two tokens", "stall afterTokens=5 times=1", 2],
    ["an error", "status status=500 times=1", 2],
  ])(
    "[CALL14] an endpoint that was %s is asked again, in the same attempt",
    async (_, fault, tries) => {
      const { errand, model } = await bench(200);
      const { taskId } = await errand.engine.submit("ask", {
        prompt: `[[repeat 20 word]] [[fault ${fault}]]`,
      });
      expect((await errand.engine.ended(taskId)).status).toBe("completed");
      expect(triesOf(model)).toBe(tries);
      expect((await viewOf(errand, taskId)).attempts).toBe(1);
    },
  );

  test.each([
    ["stall", "model_silent", 2],
    ["stall afterTokens=5", "model_stalled", 2],
    ["cut afterTokens=5", "model_interrupted", 3],
    ["overflow", "context_overflow", 1],
    ["status status=400", "model_rejected", 1],
  ])("[CALL5, CALL14] %s fails a task with %s after %d tries", async (fault, code, tries) => {
    const { errand, model } = await bench(150);
    const end = await errand.engine.run("ask", { prompt: `[[repeat 20 word]] [[fault ${fault}]]` });
    expect(end).toMatchObject({ status: "failed", error: { code } });
    expect(triesOf(model)).toBe(tries);
  });

  test("[QUEUE20] who waits behind a model that is being loaded is told so, and no breaker opens", async () => {
    const { errand } = await bench();
    const first = await errand.engine.submit("ask", {
      prompt: "[[say a]] [[fault loading times=1]]",
    });
    const view = async () =>
      (await errand.engine.reader.queues()).find(({ name }) => name === queue);
    await expect.poll(async () => (await view())?.closed?.code).toBe("endpoint_loading");
    // Its call is back in line a moment after its queue has heard of it.
    await expect
      .poll(() => errand.engine.reader.why(first.taskId, null))
      .toMatchObject({
        queue: { code: "endpoint_loading" },
        message: expect.stringContaining("is loading its model") as string,
      });
    expect((await errand.engine.ended(first.taskId)).output).toBe("a");
    expect((await view())?.closed).toBeNull();
  });

  test("[QUEUE20] after three failures its queue says that the endpoint is down, and how it failed last", async () => {
    const { errand } = await bench();
    const prompt = "[[repeat 20 word]] [[fault cut afterTokens=5]]";
    expect((await errand.engine.run("ask", { prompt })).status).toBe("failed");
    const found = (await errand.engine.reader.queues()).find(({ name }) => name === queue);
    expect(found?.closed).toMatchObject({ code: "endpoint_down", error: "model_interrupted" });
    const { taskId } = await errand.engine.submit("ask", { prompt: "[[say b]]" });
    await expect
      .poll(async () => (await errand.engine.reader.why(taskId, null)).queue)
      .toMatchObject({ code: "endpoint_down", error: "model_interrupted" });
  });

  test("[CALL5] a prompt that is too long is the request's fault: the endpoint stays trusted", async () => {
    const { errand } = await bench();
    for (const letter of ["a", "b", "c", "d"]) {
      const end = await errand.engine.run("ask", {
        prompt: `[[say ${letter}]] [[fault overflow]]`,
      });
      expect(end.error?.code).toBe("context_overflow");
    }
    expect((await errand.engine.run("ask", { prompt: "[[say e]]" })).output).toBe("e");
  });

  test("[QUEUE24] how fast a model reads and writes is learnt from its answers", async () => {
    const { errand } = await bench();
    // Long enough to be seen in more than one piece, however late this process is woken.
    const prompt = `[[repeat 600 word]] ${"long ".repeat(400)}`;
    expect((await errand.engine.run("ask", { prompt })).status).toBe("completed");
    const found = (await errand.engine.reader.queues()).find(({ name }) => name === queue);
    expect(found?.models).toHaveLength(1);
    const [speed] = found?.models ?? [];
    expect(speed?.decodeTokensPerSecond).toBeGreaterThan(0);
  });
});
