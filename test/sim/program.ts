import { rollDice, type Dice } from "./dice.ts";
import type { Plan } from "./plan.ts";
import type { RetryWish } from "../../src/core/task/commands.ts";
import type { TaskSpec } from "../../src/core/task/spec.ts";

/** What one try of a model call does besides answering. */
export type ModelFault = "broken" | "refused" | "stalled";

/** One operation of a scripted handler. `op` is its name in the task's log. */
export type Node =
  | { readonly kind: "step"; readonly op: string }
  | { readonly kind: "sleep"; readonly op: string; readonly ms: number }
  | {
      readonly kind: "wait";
      readonly op: string;
      readonly name: string;
      readonly timeoutMs?: number;
      /** It asks its person instead of waiting for an event. */
      readonly asks?: true;
    }
  | { readonly kind: "spawn"; readonly op: string; readonly child: Program }
  | {
      readonly kind: "join";
      readonly op: string;
      readonly ops: readonly string[];
      readonly tolerant: boolean;
    }
  | {
      readonly kind: "call";
      readonly op: string;
      readonly queue: string;
      readonly pieces: readonly string[];
      /** What the first tries do; later ones answer well. */
      readonly faults: readonly ModelFault[];
      /** It can be stopped at a token and gone on with. */
      readonly cuttable: boolean;
      /** Its text goes to the attempt's stream. Parallel calls are not shown, as in the engine. */
      readonly show: boolean;
    }
  | { readonly kind: "tool"; readonly op: string }
  | { readonly kind: "progress"; readonly op: string }
  /** The handler throws while the attempt's number is at most `attempts`. */
  | {
      readonly kind: "fail";
      readonly op: string;
      readonly attempts: number;
      readonly retry: RetryWish;
    }
  | { readonly kind: "all"; readonly branches: readonly (readonly Node[])[] };

/** A scripted handler: its operations in order, and where it runs. It travels in the task's input. */
export interface Program {
  readonly queue: string;
  readonly nodes: readonly Node[];
}

/** The handler of a task, read from its input. */
export function programOf(input: unknown): Program {
  return (input as { program: Program }).program;
}

/** Deepest tree of spawned tasks below a root. */
const depthMax = 2;

/** Draws programs. Names of operations are unique in a program. */
export class ProgramMaker {
  readonly #plan: Plan;
  readonly #dice: Dice;
  readonly #questions: Dice;
  #ops = 0;

  constructor(plan: Plan, dice: Dice) {
    this.#plan = plan;
    this.#dice = dice;
    this.#questions = rollDice(plan.seed, "questions");
  }

  /** A handler of up to `plan.programSize` operations. */
  draw(depth = 0): Program {
    const dice = this.#dice;
    const size = dice.chance(0.15)
      ? 0
      : dice.between(1, Math.max(1, this.#plan.programSize - depth * 2));
    return { queue: dice.pick(this.#plan.pools).name, nodes: this.#sequence(size, depth, false) };
  }

  #sequence(size: number, depth: number, parallel: boolean): Node[] {
    const nodes: Node[] = [];
    while (nodes.length < size) nodes.push(...this.#node(depth, parallel));
    return nodes;
  }

  #op(kind: string): string {
    this.#ops += 1;
    return `${kind}${this.#ops}`;
  }

  #node(depth: number, parallel: boolean): Node[] {
    const dice = this.#dice;
    const roll = dice.below(100);
    if (roll < 20) return [{ kind: "step", op: this.#op("step") }];
    if (roll < 33)
      return [
        { kind: "sleep", op: this.#op("sleep"), ms: dice.pick([0, 5, 50, 400, 3_000, 60_000]) },
      ];
    if (roll < 43) return [this.#wait()];
    if (roll < 66) return [this.#call(parallel)];
    if (roll < 74)
      return depth < depthMax ? this.#tree(depth) : [{ kind: "step", op: this.#op("step") }];
    if (roll < 80) return [{ kind: "tool", op: this.#op("tool") }];
    if (roll < 84) return [{ kind: "progress", op: this.#op("progress") }];
    if (roll < 90) return [this.#fail()];
    if (parallel) return [{ kind: "step", op: this.#op("step") }];
    const branches = Array.from({ length: dice.between(2, 3) }, () =>
      this.#sequence(dice.between(1, 2), depth, true),
    );
    return [{ kind: "all", branches }];
  }

  #wait(): Node {
    const dice = this.#dice;
    const name = dice.pick(["go", "more"]);
    const op = this.#op("wait");
    const asks = this.#questions.chance(0.35) ? ({ asks: true } as const) : {};
    return dice.chance(0.4)
      ? { kind: "wait", op, name, timeoutMs: dice.pick([1, 100, 5_000]), ...asks }
      : { kind: "wait", op, name, ...asks };
  }

  #call(parallel: boolean): Node {
    const dice = this.#dice;
    const rate = this.#plan.faults.model;
    const faults: ModelFault[] = [];
    while (faults.length < 4 && dice.chance(rate))
      faults.push(dice.pick(["broken", "broken", "refused", "stalled"]));
    const op = this.#op("call");
    const pieces = Array.from(
      { length: dice.between(0, 4) },
      (_, at) => `${op}/${at} ${dice.pick(["word", "täg", "😀"])}. `,
    );
    return {
      kind: "call",
      op,
      queue: dice.pick(this.#plan.endpoints).name,
      pieces,
      faults,
      cuttable: pieces.length > 1,
      show: !parallel,
    };
  }

  #tree(depth: number): Node[] {
    const dice = this.#dice;
    const spawns = Array.from({ length: dice.between(1, 3) }, (): Node => ({
      kind: "spawn",
      op: this.#op("child"),
      child: this.draw(depth + 1),
    }));
    const ops = spawns.map((node) => ("op" in node ? node.op : ""));
    const between: Node[] = dice.chance(0.3) ? [{ kind: "step", op: this.#op("step") }] : [];
    // A child that nobody joins is an orphan when the handler returns, and must be cancelled.
    if (dice.chance(0.15)) return [...spawns, ...between];
    return [
      ...spawns,
      ...between,
      { kind: "join", op: this.#op("join"), ops, tolerant: dice.chance(0.6) },
    ];
  }

  #fail(): Node {
    const dice = this.#dice;
    const retry = dice.pick<RetryWish>(["policy", "policy", "policy", "never", { afterMs: 70 }]);
    return { kind: "fail", op: this.#op("fail"), attempts: dice.between(1, 4), retry };
  }
}

/** How programs that begin with a call say so beforehand: not at all, rightly, or with another call than will be wanted. */
const foresight = ["not", "other", "right", "right", "right"] as const;

/** What a program begins with, if that is a call. Its number decides how it is foreseen, so that no die is rolled for it. */
export function firstCallOf({ nodes }: Program): Pick<TaskSpec, "firstCall"> {
  const [first] = nodes;
  if (first?.kind !== "call") return {};
  const { op, queue, pieces } = first;
  const foreseen = foresight[Number(op.slice("call".length)) % foresight.length];
  if (foreseen === "not") return {};
  const hash = foreseen === "other" ? `${op}, foreseen otherwise` : op;
  const cuttable = first.cuttable ? { cuttable: true as const } : {};
  return { firstCall: { op, queue, role: "chat", hash, cost: 40 + pieces.length, ...cuttable } };
}
