import type { RunnerCommand } from "../../src/core/task/commands.ts";
import type { TaskSpec } from "../../src/core/task/spec.ts";
import type { Kernel } from "../../src/engine/kernel/kernel.ts";
import type { Leaf } from "./handler.ts";

/** A command of a segment, without the epoch it always carries. */
export type Command = RunnerCommand extends infer C
  ? C extends RunnerCommand
    ? Omit<C, "epoch">
    : never
  : never;

/** The command by which a handler does its next thing. */
export function commandOf(
  leaf: Exclude<Leaf, { kind: "call" | "fail" | "tool" }>,
  of: TaskSpec,
  attempt: number,
): Command {
  const { op } = leaf;
  switch (leaf.kind) {
    case "step":
      return { type: "step", op, result: { by: attempt, of: op } };
    case "sleep":
      return { type: "sleep", op, ms: leaf.ms };
    case "wait":
      return {
        type: "wait",
        op,
        name: leaf.name,
        ...(leaf.timeoutMs === undefined ? {} : { timeoutMs: leaf.timeoutMs }),
        ...(leaf.asks === true ? { approval: { question: `May I go on at ${op}?` } } : {}),
      };
    case "spawn": {
      const { type, userId, priority, capTotal, capPerKey } = of;
      const caps = capTotal === undefined || capPerKey === undefined ? {} : { capTotal, capPerKey };
      return {
        type: "spawn",
        op,
        spec: {
          type,
          userId,
          priority,
          queue: leaf.child.queue,
          input: { program: leaf.child },
          ...caps,
        },
      };
    }
    case "join":
      return { type: "join", ops: leaf.ops };
    case "progress":
      return { type: "progress", progress: { done: 1, total: 2 } };
    default:
      return leaf satisfies never;
  }
}

/** A planted bug: what was cut off is never taken back. */
export function withoutReset(kernel: Kernel): Kernel {
  const planted: Pick<Kernel, "append" | "hold"> = {
    hold: (stream, entries) => kernel.hold(stream, entries),
    append: (stream, entries) =>
      kernel.append(
        stream,
        entries.filter((entry) => entry.t !== "reset"),
      ),
  };
  return planted as Kernel;
}
