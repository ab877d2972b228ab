import { afterEach, describe, expect, test } from "vitest";

import { startFakeModel } from "../../../src/adapters/fake-model/fake-model.ts";
import { defineTask } from "../../../src/engine/index.ts";
import { readSettings } from "../../../src/hosts/embedded/config.ts";
import { openEmbedded, type Embedded } from "../../../src/hosts/embedded/embedded.ts";
import { dataFolder, quietLog } from "./workbench.ts";

const device = "device:gpu0";

const ask = defineTask("ask", {}, async (input: { prompt: string }, ctx) => {
  const messages = [{ role: "user", content: input.prompt }] as const;
  return (await ctx.generate("chat", { messages })).text;
});
const vectors = defineTask("vectors", {}, async (_input: unknown, ctx) => {
  return (await ctx.embed("embed", { texts: ["one", "two"] })).length;
});

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** A GPU with 4 slots: a chat server that serves 2 calls, an embedding server that serves 1, and trainings. */
async function gpu(): Promise<{ errand: Embedded; finish: (id: string) => void }> {
  const folder = dataFolder();
  const chat = await startFakeModel({ tokensPerSecond: 200 });
  const embed = await startFakeModel();
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const train = (type: string, slots: number | "all") =>
    defineTask(type, { queue: device, slots }, async (_input: unknown, ctx) => {
      const end = Promise.withResolvers<void>();
      ends.set(ctx.taskId, end);
      await ctx.step("epoch", () => end.promise);
      return "trained";
    });
  const endpoint = { device: "gpu0", apiKey: "none" } as const;
  const config = {
    tasks: [ask, vectors, train("train", 2), train("train-all", "all")],
    endpoints: [
      { ...endpoint, name: "chat", baseUrl: chat.baseUrl, slots: 2 },
      { ...endpoint, name: "embed", baseUrl: embed.baseUrl, slots: 1 },
    ],
    roles: {
      chat: { endpoint: "chat", model: "chat-model" },
      embed: { endpoint: "embed", model: "embed-model" },
    },
    queues: { [device]: { slots: 4 } },
  };
  const settings = await readSettings({ ERRAND_DATA_DIR: folder.dir }, folder.dir);
  const errand = await openEmbedded(
    { ...settings, config },
    {
      log: quietLog(),
      fatal: (error) => {
        throw error;
      },
    },
  );
  open.push({
    async close() {
      for (const end of ends.values()) end.resolve();
      await errand.stop(0);
      await chat.close();
      await embed.close();
      folder.remove();
    },
  });
  return { errand, finish: (id) => ends.get(id)?.resolve() };
}

const standOf = (errand: Embedded) => errand.engine.reader.queue(device);

describe("a device that is shared", () => {
  test("[DEVICE3] a training that takes 2 of 4 slots leaves two to the chat and the embedding model", async () => {
    const { errand, finish } = await gpu();
    const { taskId } = await errand.engine.submit("train", null);
    await expect.poll(async () => (await standOf(errand)).taken).toBe(2);
    expect((await errand.engine.run("ask", { prompt: "[[say hello]]" })).output).toBe("hello");
    expect((await errand.engine.run("vectors", null)).output).toBe(2);
    expect(await standOf(errand)).toMatchObject({ running: 1, taken: 2, slots: 4 });
    finish(taskId);
    expect((await errand.engine.ended(taskId)).output).toBe("trained");
  });

  test("[DEVICE3,QUEUE29] one that takes the whole device waits for both models, short calls fill it, and then they wait for it", async () => {
    const { errand, finish } = await gpu();
    const stream = await errand.engine.submit("ask", { prompt: "[[repeat 20000 word]]" });
    await expect.poll(async () => (await standOf(errand)).taken).toBe(1);
    const all = await errand.engine.submit("train-all", null, { priority: "interactive" });
    await expect
      .poll(async () => (await errand.engine.reader.why(all.taskId, null)).queue?.code)
      .toBe("slot_busy");
    // The stream is predicted to take seconds, and vectors take none.
    expect((await errand.engine.run("vectors", null)).output).toBe(2);
    await errand.engine.cancel(stream.taskId);
    await expect.poll(async () => (await standOf(errand)).taken).toBe(4);
    const late = await errand.engine.submit("vectors", null, { priority: "interactive" });
    await expect.poll(async () => (await standOf(errand)).pending).toBe(1);
    expect((await errand.engine.reader.why(late.taskId, null)).queue?.name).toBe(device);
    finish(all.taskId);
    expect((await errand.engine.ended(late.taskId)).output).toBe(2);
  });

  test("[DEVICE3] an endpoint of the device never serves more calls than it has slots, whatever is free", async () => {
    const { errand } = await gpu();
    const asked = await Promise.all(
      Array.from({ length: 4 }, () =>
        errand.engine.submit("ask", { prompt: "[[repeat 40 word]]" }),
      ),
    );
    await expect.poll(async () => (await standOf(errand)).pending).toBe(2);
    expect(await standOf(errand)).toMatchObject({ taken: 2, slots: 4 });
    // The other endpoint is not kept waiting by them.
    expect((await errand.engine.run("vectors", null)).output).toBe(2);
    for (const { taskId } of asked)
      expect((await errand.engine.ended(taskId)).status).toBe("completed");
  });
});
