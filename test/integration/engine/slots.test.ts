import { expect, test } from "vitest";

import { createMemoryStore } from "../../../src/adapters/memory/memory-store.ts";
import { defineTask, type TaskType } from "../../../src/engine/index.ts";
import { ModelError, type Delta, type Models } from "../../../src/ports/models.ts";
import { engineOn } from "./workbench.ts";

const answer: readonly Delta[] = [
  { type: "text", text: "yes" },
  { type: "finish", reason: "stop" },
];

/** A model whose prompts say what it does: `refuse` when told, `stay` until it is hung up on, and for a while longer. */
class SlowToHangUp implements Models {
  readonly refuses = Promise.withResolvers<void>();
  /** The socket of `stay` was told to close; it is closed when `letGo` says so. */
  readonly hungUp = Promise.withResolvers<void>();
  readonly letGo = Promise.withResolvers<void>();
  readonly asked: string[] = [];
  open = 0;
  openMax = 0;

  async *stream(...[{ messages }, { signal }]: Parameters<Models["stream"]>) {
    const prompt = messages[0]?.content ?? "";
    this.asked.push(prompt);
    this.open += 1;
    this.openMax = Math.max(this.openMax, this.open);
    try {
      if (prompt === "refuse") {
        await this.refuses.promise;
        throw new ModelError("rejected", "no");
      }
      if (prompt !== "stay") {
        yield answer;
        return;
      }
      yield [{ type: "text", text: "well" }] as const;
      await new Promise((stopped) => signal.addEventListener("abort", stopped));
      this.hungUp.resolve();
      await this.letGo.promise;
      signal.throwIfAborted();
    } finally {
      this.open -= 1;
    }
  }

  list(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  embed(): Promise<{ vectors: [] }> {
    return Promise.resolve({ vectors: [] });
  }
}

const call = (content: string, name?: string) => ({
  messages: [{ role: "user", content }] as const,
  ...(name === undefined ? {} : { name }),
});

const asks = defineTask("asks", {}, async (input: string, ctx) => {
  return (await ctx.generate("chat", call(input))).text;
});

const endpoint = {
  name: "slow",
  slots: 2,
  baseUrl: null,
  promptTokensPerSecond: 500,
  decodeTokensPerSecond: 30,
  idleTimeoutMs: 60_000,
};

const once = { retry: { attemptsMax: 1 } } as const;

/** How a handler ends while a call of it streams. */
const endings: Readonly<Record<string, TaskType<null>>> = {
  "fails because another call of it has": defineTask("ends", once, async (_: null, ctx) => {
    await Promise.all([
      ctx.generate("chat", call("stay", "stay")),
      ctx.generate("chat", call("refuse", "refuse")),
    ]);
  }),
  "returns without waiting for it": defineTask("ends", once, async (_: null, ctx) => {
    void ctx.generate("chat", call("stay", "stay"));
    await ctx.generate("chat", call("refuse", "refuse")).catch(() => null);
  }),
  "takes too long": defineTask("ends", { ...once, timeoutMs: 200 }, async (_: null, ctx) => {
    const stays = ctx.generate("chat", call("stay", "stay"));
    await ctx.generate("chat", call("refuse", "refuse")).catch(() => null);
    await stays;
  }),
};

test.each(Object.entries(endings))(
  "[CALL9] the slot of a call whose handler %s is not given on before its socket is closed",
  async (_, ends) => {
    const model = new SlowToHangUp();
    const engine = await engineOn(createMemoryStore(), [ends, asks], undefined, {
      endpoints: [{ ...endpoint, models: model }],
      roles: { chat: { endpoint: "slow", model: "slow" } },
    });
    const ended = engine.run("ends", null);
    await expect.poll(() => model.asked.toSorted()).toEqual(["refuse", "stay"]);
    const waiting = [engine.run("asks", "one"), engine.run("asks", "two")];
    await expect.poll(async () => (await engine.reader.queue("model:slow")).pending).toBe(2);
    model.refuses.resolve();
    await model.hungUp.promise;
    // The slot that is free serves them all, one after the other; the other is still in use.
    await Promise.all(waiting);
    await engine.run("asks", "three");
    const { taken } = await engine.reader.queue("model:slow");
    expect([taken, model.open, model.openMax]).toEqual([1, 1, 2]);
    model.letGo.resolve();
    expect((await ended).status).toBe(
      ends === endings["returns without waiting for it"] ? "completed" : "failed",
    );
    await expect.poll(async () => (await engine.reader.queue("model:slow")).taken).toBe(0);
    await engine.stop(0);
  },
);
