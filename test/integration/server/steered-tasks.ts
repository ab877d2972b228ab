/** Task types whose every step a test decides. */
import { defineTask, FatalError, type AnyTaskType } from "../../../src/engine/index.ts";

/** What a `script` task does, one after the other. */
export type Act =
  | { readonly say: string; readonly times?: number }
  /** Waits for {@link Steer.open} of this name. */
  | { readonly gate: string }
  | { readonly progress: number }
  | { readonly step: string }
  | { readonly event: string }
  /** Asks its person; its output is the answer. */
  | { readonly approve: string; readonly details?: unknown; readonly timeoutMs?: number }
  | { readonly tool: string; readonly input: unknown }
  | { readonly fail: string }
  | { readonly output: unknown };

/** Opens the gates of tasks. */
export interface Steer {
  open(gate: string): void;
  /** Opens every gate, also those that are still to come. */
  releaseAll(): void;
}

/**
 * The task types, and what steers them. `script` runs acts, `echo` answers its input. Both are in the queue `steered`.
 * `pass` waits at a gate where promises do not reach from a test to a task.
 */
export function steeredTasks(pass?: (gate: string, signal: AbortSignal) => Promise<void>): {
  readonly types: readonly AnyTaskType[];
  readonly steer: Steer;
} {
  const gates = new Map<string, PromiseWithResolvers<void>>();
  let allOpen = false;
  const gate = (name: string): PromiseWithResolvers<void> => {
    const found = gates.get(name) ?? Promise.withResolvers<void>();
    gates.set(name, found);
    return found;
  };
  const script = defineTask<{ acts: readonly Act[] }, unknown>(
    "script",
    { queue: "steered", retry: { attemptsMax: 1 } },
    async ({ acts }, ctx) => {
      let output: unknown = null;
      const tools = ctx.tools({
        look: {
          description: "looks",
          inputSchema: {},
          run: (input) => Promise.resolve({ saw: input }),
        },
      });
      for (const [index, act] of acts.entries()) {
        if ("say" in act)
          for (let time = 0; time < (act.times ?? 1); time += 1) await ctx.write(act.say);
        else if ("gate" in act)
          await (pass?.(act.gate, ctx.signal) ?? (allOpen ? null : gate(act.gate).promise));
        else if ("progress" in act) await ctx.progress({ done: act.progress, total: 10 });
        else if ("step" in act) await ctx.step(act.step, () => index);
        else if ("event" in act) await ctx.waitForEvent(act.event);
        else if ("approve" in act) {
          const { approve, ...options } = act;
          output = await ctx.approve(approve, options);
        } else if ("tool" in act)
          await tools.call({ id: `${act.tool}-${index}`, name: act.tool, input: act.input });
        else if ("fail" in act) throw new FatalError(act.fail);
        else output = act.output;
      }
      return output;
    },
  );
  const echo = defineTask<unknown, unknown>("echo", { queue: "steered" }, (input) =>
    Promise.resolve(input),
  );
  return {
    types: [script, echo],
    steer: {
      open: (name) => gate(name).resolve(),
      releaseAll: () => {
        allOpen = true;
        for (const { resolve } of gates.values()) resolve();
      },
    },
  };
}
