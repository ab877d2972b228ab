import { defineTask, type AnyTaskType, type Endpoint } from "../../src/engine/index.ts";

/** What tests know of handlers and calls inside objects: one for the whole isolate. */
interface Steering {
  /** Gates that are open. Who waits looks: a promise that another object settles would not go on in its own context. */
  readonly open: Set<string>;
  /** Users with a model call under way now, and the most there ever were. */
  readonly live: Set<string>;
  most: number;
  /** Starts of handlers, as `task#attempt` is not known to them: by the name in their input. */
  readonly started: string[];
}

declare global {
  // oxlint-disable-next-line no-var -- A global needs one.
  var errandSteering: Steering | undefined;
}

/** The steering of this isolate. */
export function steering(): Steering {
  globalThis.errandSteering ??= { open: new Set(), live: new Set(), most: 0, started: [] };
  return globalThis.errandSteering;
}

/** Lets those go on who wait at the gate of this name, now and later. */
export function openGate(name: string): void {
  steering().open.add(name);
}

/** Waits until a gate is open, or nobody needs that any more. */
export async function passGate(name: string, signal: AbortSignal): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- It looks again and again.
  while (!steering().open.has(name) && !signal.aborted) await pause(2);
}

/** Resolves a little later. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

/** Says a word, waits at its gate, says another. */
const gated = defineTask<{ readonly name: string }, string>("gated", {}, async ({ name }, ctx) => {
  steering().started.push(name);
  await ctx.write("before ");
  await passGate(name, ctx.signal);
  await ctx.write("after");
  return `through ${name}`;
});

/** Keeps a step, then waits at a gate: the step is not done twice. */
const stepped = defineTask<{ readonly name: string }, number>(
  "stepped",
  {},
  async ({ name }, ctx) => {
    const first = await ctx.step("count", () => {
      steering().started.push(name);
      return steering().started.filter((known) => known === name).length;
    });
    await passGate(name, ctx.signal);
    return first;
  },
);

/** Waits for an event, holding nothing. */
const waiting = defineTask<null, unknown>("waiting", {}, async (_input, ctx) =>
  ctx.waitForEvent("go"),
);

/** One call of the steered model, in the name of its user. */
const calling = defineTask<null, string>("calling", {}, async (_input, ctx) => {
  const { text } = await ctx.generate("steered", {
    messages: [{ role: "user", content: ctx.userId }],
  });
  return text;
});

/** A parent with two children in its own home. */
const parent = defineTask<null, readonly unknown[]>("parent", {}, async (_input, ctx) => {
  const children = await Promise.all(["a", "b"].map((name) => ctx.spawn("repeat", name, { name })));
  return await Promise.all(children.map((child) => child.result()));
});

const repeat = defineTask<string, string>("repeat", {}, (input) => Promise.resolve(input));

/** Task types for tests of the edge host. */
export const testTasks: readonly AnyTaskType[] = [gated, stepped, waiting, calling, parent, repeat];

/** A model with one slot that counts who is served. The prompt is the user's id. */
export const testEndpoint: Endpoint = {
  name: "steered",
  slots: 1,
  baseUrl: null,
  promptTokensPerSecond: 500,
  decodeTokensPerSecond: 30,
  idleTimeoutMs: 60_000,
  models: {
    async *stream({ messages }) {
      const { live } = steering();
      const who = messages[0]?.content ?? "";
      live.add(who);
      steering().most = Math.max(steering().most, live.size);
      try {
        for (const text of ["one ", "two ", "three"]) {
          // oxlint-disable-next-line no-await-in-loop -- A model takes its time.
          await pause(3);
          yield [{ type: "text", text }];
        }
        yield [{ type: "finish", reason: "stop" }];
      } finally {
        live.delete(who);
      }
    },
    list: () => Promise.resolve(["steered"]),
    embed: () => Promise.resolve({ vectors: [] }),
  },
};

/** All of it, for hosts that are opened in tests. */
export const steeredParts = {
  tasks: testTasks,
  endpoint: testEndpoint,
  roles: { steered: { endpoint: testEndpoint.name, model: "steered" } },
} as const;
