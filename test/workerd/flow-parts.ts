import { defineTask, type AnyTaskType, type Endpoint } from "../../src/engine/index.ts";
import { pause, steering } from "../hosts/steered.ts";

/** Users whose tasks run on Workflows in this suite: those of these names. */
export const flowUsers = /^(?:user|session)\/flow/;

/** Does a step that is told of, keeps to itself how often it ran, and waits for an event. */
const stepping = defineTask<{ readonly name: string }, unknown>(
  "flow_steps",
  {},
  async ({ name }, ctx) => {
    const first = await ctx.step("first", ({ key }) => {
      steering().started.push(name);
      return { key };
    });
    await ctx.sleep(1);
    await ctx.progress({ done: 1, total: 2 });
    const event = await ctx.waitForEvent<number>("go");
    const again = await ctx.waitForEvent<number>("go");
    return { first, events: [event?.payload, again?.payload] };
  },
);

/** Its step comes to more bytes than a step may hold, though not to more characters than Errand takes. */
const large = defineTask<null, string>("flow_large", {}, async (_input, ctx) => {
  return await ctx.step("large", () => "ü".repeat(600_000));
});

/** Uses one name for two steps. */
const twice = defineTask<null, string>("flow_twice", {}, async (_input, ctx) => {
  await ctx.step("same", () => 1);
  await ctx.step("same", () => 2);
  return "never";
});

/** Fails as it is told to. */
const failing = defineTask<{ readonly times: number }, string>(
  "flow_fails",
  { retry: { attemptsMax: 2, minDelayMs: 1, maxDelayMs: 1 } },
  async ({ times }, ctx) => {
    await ctx.step("once", () => {
      steering().started.push("flow_fails");
    });
    if (ctx.attempt <= times) throw new Error(`attempt ${ctx.attempt}`);
    return `attempt ${ctx.attempt}`;
  },
);

/** Ends at once. */
const quick = defineTask<null, string>("flow_quick", {}, () => Promise.resolve("done"));

/** Task types that both `TestHome` and `TestWorkflow` have. */
export const flowTasks: readonly AnyTaskType[] = [stepping, large, twice, failing, quick];

/** A model with one slot that plans three parts, does them and writes: what it is asked says which. */
export const planningEndpoint: Endpoint = {
  name: "planning",
  slots: 1,
  baseUrl: null,
  promptTokensPerSecond: 500,
  decodeTokensPerSecond: 30,
  idleTimeoutMs: 60_000,
  models: {
    async *stream({ messages }, { signal }) {
      const { live } = steering();
      const call = Symbol("call").toString() + String((calls += 1));
      live.add(call);
      steering().most = Math.max(steering().most, live.size);
      try {
        const rules = messages[0]?.content ?? "";
        const asked = messages.at(-1)?.content ?? "";
        steering().started.push(rules.startsWith("You split") ? `plan ${asked}` : `call ${asked}`);
        // oxlint-disable-next-line no-await-in-loop -- It looks again and again.
        while (asked.includes("gated") && !steering().open.has("flow") && !signal.aborted)
          // oxlint-disable-next-line no-await-in-loop
          await pause(2);
        signal.throwIfAborted();
        yield [{ type: "text", text: answerTo(rules, asked) }];
        yield [{ type: "finish", reason: "stop" }];
      } finally {
        live.delete(call);
      }
    },
    list: () => Promise.resolve(["planning"]),
    embed: () => Promise.resolve({ vectors: [] }),
  },
};

let calls = 0;

function answerTo(rules: string, asked: string): string {
  if (rules.startsWith("Different workers")) return "The whole.";
  if (!rules.startsWith("You split")) return `Done: ${asked}`;
  const gate = asked.includes("hold") ? "gated " : "";
  const subtasks = ["a", "b", "c"].map((part) => ({ title: part, prompt: `${gate}part ${part}` }));
  return JSON.stringify({ subtasks });
}
