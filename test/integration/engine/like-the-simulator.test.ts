import { createHash } from "node:crypto";

import { expect, test } from "vitest";

import { plainCipher } from "../../../src/adapters/aes-cipher/plain-cipher.ts";
import { createMemoryStore } from "../../../src/adapters/memory/memory-store.ts";
import { createSystemRandom } from "../../../src/adapters/node/random.ts";
import { nextTurn } from "../../../src/adapters/node/turn.ts";
import type { QueueEvent } from "../../../src/core/queue/events.ts";
import { defineTask, Engine } from "../../../src/engine/index.ts";
import type { Models } from "../../../src/ports/models.ts";
import { START_MS } from "../../given.ts";
import { callOf, queueWith, seededUnits } from "../../queue-run.ts";
import { quietLog } from "./workbench.ts";

/*
 * The same tasks twice, in virtual time: by the queue alone, as the simulator of `bench/scheduling` drives it, and by the
 * whole engine. What is compared are facts: who got a slot, in which order, for which predicted cost.
 */

interface Asked {
  readonly label: string;
  readonly atMs: number;
  readonly user: string;
  readonly priority: "interactive" | "background" | "batch";
  /** Tokens of the prompt, and how long the answer takes. */
  readonly input: number;
  readonly takesMs: number;
}

const priorities = ["interactive", "interactive", "background", "batch"] as const;
const [promptPerSecond, decodePerSecond] = [1_500, 60];

/** A busy hour of five people at an endpoint. */
function workload(seed: number, count: number): readonly Asked[] {
  const unit = seededUnits(seed);
  let atMs = 0;
  return Array.from({ length: count }, (_, number) => {
    atMs += 1 + Math.floor(9_000 * unit());
    return {
      label: `t${number}`,
      atMs,
      user: `u${Math.floor(5 * unit() * unit())}`,
      priority: priorities[Math.floor(4 * unit())] ?? "batch",
      input: 20 + Math.floor(3_000 * unit()),
      takesMs: 500 + Math.floor(20_000 * unit() * unit()),
    };
  });
}

type Granted = Extract<QueueEvent, { type: "call.granted" }>;

/** A grant as both sides tell it. */
function told(label: string, { cost, lead, band, waited, owed }: Granted) {
  return { label, cost, lead, band, waited, owed };
}

/** The queue alone. */
function alone(slots: number) {
  const run = queueWith(slots);
  return {
    granted: () =>
      run.log.flatMap(({ event }) =>
        event.type === "call.granted" ? [told(event.call.slice(0, -2), event)] : [],
      ),
    ask({ label, user, priority, input }: Asked, nowMs: number): void {
      run.nowMs = nowMs;
      const lead = 0.05 + input / promptPerSecond;
      const cost = lead + 300 / decodePerSecond;
      const band = priority === "interactive" ? 0 : priority === "background" ? 1 : 2;
      const sizes = { lead, cost, tokens: input + 300, input, model: "m" };
      run.do(callOf(`${label}.1`, { key: user, user, type: "ask", role: "chat", band, ...sizes }));
    },
    end(label: string, nowMs: number): void {
      run.nowMs = nowMs;
      run.do({ type: "settle", call: `${label}.1`, end: { failed: null } });
      run.do({ type: "over", root: label });
    },
  };
}

/** A model that answers a call when it is told to. */
function steered() {
  const answers = new Map<string, () => void>();
  const models: Models = {
    async *stream({ messages }, { signal }) {
      const label = messages[0]?.content.split(" ", 1)[0] ?? "";
      const answer = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => answer.reject(signal.reason));
      answers.set(label, () => answer.resolve());
      await answer.promise;
      yield [
        { type: "text", text: label },
        { type: "finish", reason: "stop" },
      ];
    },
    list: () => Promise.resolve(["m"]),
    embed: () => Promise.resolve({ vectors: [] }),
  };
  return { models, answers };
}

const ask = defineTask("ask", {}, async (input: { label: string; tokens: number }, ctx) => {
  const content = `${input.label} `.padEnd(4 * input.tokens, "x");
  return (await ctx.generate("chat", { messages: [{ role: "user", content }] })).text;
});

function engineOver(models: Models, slots: number, nowMs: () => number): Engine {
  return new Engine(
    {
      store: createMemoryStore(),
      cipher: plainCipher,
      clock: { nowMs },
      random: createSystemRandom(),
      turn: nextTurn,
      log: quietLog(),
      waker: () => ({ arm: () => undefined }),
      fatal: (error) => {
        throw error;
      },
      sha256: (text) => Promise.resolve(createHash("sha256").update(text).digest("hex")),
    },
    {
      tasks: [ask],
      queues: { tasks: { slots: 10_000 } },
      endpoints: [
        {
          name: "one",
          models,
          slots,
          baseUrl: null,
          promptTokensPerSecond: promptPerSecond,
          decodeTokensPerSecond: decodePerSecond,
          idleTimeoutMs: 3_600_000,
          resumes: null,
        },
      ],
      roles: { chat: { endpoint: "one", model: "m" } },
    },
  );
}

/** The whole engine over memory, with a clock that stands still and a model that answers when it is told to. */
async function whole(slots: number) {
  let nowMs = START_MS;
  const { models, answers } = steered();
  const engine = engineOver(models, slots, () => nowMs);
  await engine.start();
  const labels = new Map<string, string>();
  const grants: Granted[] = [];
  let asked = 0;
  engine.kernel.listen({
    committed({ scope, events }) {
      if (scope !== "queue/model:one") return;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- facts of a queue
      for (const event of events as readonly QueueEvent[]) {
        if (event.type === "call.granted") grants.push(event);
        if (
          event.type === "call.requested" ||
          (event.type === "call.granted" && event.waited !== true)
        )
          asked += 1;
      }
    },
  });
  const ends: Promise<unknown>[] = [];
  let submitted = 0;
  return {
    granted: () => grants.map((event) => told(labels.get(event.call.slice(0, -2)) ?? "", event)),
    async ask({ label, user, priority, input }: Asked, atMs: number): Promise<void> {
      nowMs = atMs;
      submitted += 1;
      const { taskId } = await engine.submit(
        "ask",
        { label, tokens: input },
        { userId: user, priority },
      );
      labels.set(taskId, label);
      ends.push(engine.ended(taskId));
      await expect.poll(() => asked, { interval: 1 }).toBe(submitted);
    },
    async end(label: string, atMs: number, task: number): Promise<void> {
      await expect.poll(() => answers.has(label), { interval: 1 }).toBe(true);
      nowMs = atMs;
      answers.get(label)?.();
      expect((await engine.ended([...labels][task]?.[0] ?? "")).status).toBe("completed");
    },
    stop: () => engine.stop(0),
  };
}

test.each([
  [1, 3],
  [3, 4],
])(
  "[SIM6] the whole engine grants what the queue alone grants in the simulator: %d slots",
  async (slots, seed) => {
    const asks = workload(seed, 60);
    const queue = alone(slots);
    const engine = await whole(slots);
    const ends = new Map<string, number>();
    let next = 0;
    let started = 0;
    for (;;) {
      const [first] = [...ends].toSorted(([, a], [, b]) => a - b);
      const asked = asks[next];
      if (first === undefined && asked === undefined) break;
      if (asked !== undefined && (first === undefined || asked.atMs < first[1])) {
        next += 1;
        queue.ask(asked, START_MS + asked.atMs);
        await engine.ask(asked, START_MS + asked.atMs);
      } else if (first !== undefined) {
        const [label, atMs] = first;
        ends.delete(label);
        queue.end(label, START_MS + atMs);
        await engine.end(label, START_MS + atMs, Number(label.slice(1)));
      }
      const nowMs =
        asked !== undefined && (first === undefined || asked.atMs < first[1])
          ? asked.atMs
          : (first?.[1] ?? 0);
      const granted = queue.granted();
      expect(engine.granted()).toEqual(granted);
      const fresh = granted.slice(started);
      started = granted.length;
      for (const { label } of fresh)
        ends.set(label, nowMs + (asks[Number(label.slice(1))]?.takesMs ?? 0));
    }
    expect(queue.granted()).toHaveLength(asks.length);
    expect(new Set(queue.granted().map(({ waited }) => waited)).size).toBe(2);
    await engine.stop();
  },
);
