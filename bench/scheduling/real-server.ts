import { createHash } from "node:crypto";

import { plainCipher } from "../../src/adapters/aes-cipher/plain-cipher.ts";
import { cronCalendar } from "../../src/adapters/croner/calendar.ts";
import { createMemoryStore } from "../../src/adapters/memory/memory-store.ts";
import { nodeFetch } from "../../src/adapters/node/http-fetch.ts";
import { createSystemRandom } from "../../src/adapters/node/random.ts";
import { nextTurn } from "../../src/adapters/node/turn.ts";
import { openaiModels } from "../../src/adapters/openai/openai-models.ts";
import { defineTask, Engine, type AnyTaskType } from "../../src/engine/index.ts";
import type { Waker } from "../../src/ports/host.ts";

/** A call as a simulated task makes it. */
export interface RealCall {
  readonly type: string;
  readonly in: number;
  readonly out: number;
}

/** A simulated task as input of a real one. `gap` is seconds before a stage. */
export interface RealTask {
  readonly stages: readonly { readonly gap?: number; readonly calls: readonly RealCall[] }[];
}

/** Speeds of the endpoint: those of the simulator's. */
const promptPerSecond = 1_500;
const decodePerSecond = 60;
const overheadSeconds = 0.05;

/** The engine with a clock that runs `scale` times as fast, in front of a model that does too. */
export interface RealServer {
  readonly engine: Engine;
  /** Seconds since the start, by that clock. */
  seconds(): number;
  stop(): Promise<void>;
}

/** Characters of a token, as the engine guesses them. */
const charsPerToken = 4;

/** A prompt of so many tokens that makes the fake model take its time and say so many words. */
function promptOf({ in: tokens, out }: RealCall, scale: number): string {
  const ttftMs = Math.round((1_000 * (overheadSeconds + tokens / promptPerSecond)) / scale);
  const tokensPerSecond = decodePerSecond * scale;
  const told = `[[pace ttftMs=${ttftMs} tokensPerSecond=${tokensPerSecond}]] [[repeat ${out} word]]`;
  return told + ".".repeat(Math.max(0, charsPerToken * tokens - told.length));
}

/** The types of the simulated tasks, each played as its input says. */
function played(types: readonly string[], scale: number): AnyTaskType[] {
  return types.map((type) =>
    defineTask(type, { timeoutMs: 86_400_000 }, async ({ stages }: RealTask, ctx) => {
      for (const [number, { gap = 0, calls }] of stages.entries()) {
        if (gap > 0) await ctx.sleep(Math.round(gap * 1_000));
        await Promise.all(
          calls.map((call, at) =>
            ctx.generate(call.type, {
              messages: [{ role: "user", content: promptOf(call, scale) }],
              ...(stages.length === 1 && calls.length === 1 ? {} : { name: `${number}.${at}` }),
            }),
          ),
        );
      }
      return null;
    }),
  );
}

/** Starts the engine over memory, with one endpoint of so many slots. */
export async function startRealServer(how: {
  readonly baseUrl: string;
  readonly scale: number;
  readonly slots: number;
  readonly types: readonly string[];
  readonly roles: readonly string[];
}): Promise<RealServer> {
  const { scale, slots } = how;
  const startMs = performance.now();
  const seconds = (): number => ((performance.now() - startMs) * scale) / 1_000;
  const clock = { nowMs: () => 1_800_000_000_000 + Math.floor(1_000 * seconds()) };
  const waker = (wake: () => void): Waker => {
    let timer: NodeJS.Timeout | undefined;
    return {
      arm(atMs) {
        clearTimeout(timer);
        if (atMs === null) return;
        timer = setTimeout(wake, Math.max(0, Math.ceil((atMs - clock.nowMs()) / scale)));
      },
    };
  };
  const fail = (error: unknown): never => {
    throw error;
  };
  const models = openaiModels({ baseUrl: how.baseUrl, fetch: nodeFetch() });
  const endpoint = {
    name: "real",
    models,
    slots,
    baseUrl: how.baseUrl,
    promptTokensPerSecond: promptPerSecond,
    decodeTokensPerSecond: decodePerSecond,
    idleTimeoutMs: 60_000,
    resumes: "prefill",
  } as const;
  const engine = new Engine(
    {
      store: createMemoryStore(),
      cipher: plainCipher,
      clock,
      calendar: cronCalendar,
      random: createSystemRandom(),
      turn: nextTurn,
      log: { info: () => undefined, error: (message, error) => console.error(message, error) },
      waker,
      fatal: fail,
      sha256: (text) => Promise.resolve(createHash("sha256").update(text).digest("hex")),
    },
    {
      tasks: played(how.types, scale),
      queues: { tasks: { slots: 10_000 } },
      endpoints: [endpoint],
      roles: Object.fromEntries(how.roles.map((role) => [role, { endpoint: "real", model: "m" }])),
    },
  );
  await engine.start();
  return { engine, seconds, stop: () => engine.stop(0) };
}
