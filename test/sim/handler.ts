import { errorData, type ErrorData } from "../../src/core/errors.ts";
import type { RetryWish } from "../../src/core/task/commands.ts";
import type { Operation } from "../../src/core/task/state.ts";
import type { Node, Program } from "./program.ts";

/** An operation of a program, without the branching. */
export type Leaf = Exclude<Node, { kind: "all" }>;

/**
 * Where a scripted handler stands: what it knows of its operations, what it has asked for, and so what it can do
 * next. It is the memory of one owner of one attempt, and begins with what the task's log remembered.
 */
export class Handler {
  readonly #program: Program;
  readonly operations = new Map<string, Operation>();
  /** Operations with a command under way; "stream" and "end" stand for the attempt's own. */
  readonly busy = new Set<string>();
  /** Operations that were asked for and wait for the log's news. */
  readonly asked = new Set<string>();
  /** What leaves no trace in the log: progress told, failures passed, answers shown. */
  readonly passed = new Set<string>();
  #failure: { readonly error: ErrorData; readonly retry: RetryWish } | null = null;

  constructor(program: Program, remembered: ReadonlyMap<string, Operation>) {
    this.#program = program;
    for (const [op, operation] of remembered) this.operations.set(op, { ...operation });
  }

  /** What the handler threw; `null`: it has not thrown. The first throw counts. */
  get failure(): { readonly error: ErrorData; readonly retry: RetryWish } | null {
    return this.#failure;
  }

  /** The handler throws: it does nothing more. */
  throws(error: ErrorData, retry: RetryWish): void {
    this.#failure ??= { error, retry };
  }

  /** The log has news of an operation. */
  wake(op: string, operation: Operation): void {
    this.operations.set(op, { ...operation });
    this.asked.delete(op);
  }

  /** What can be done now; "end" when the program is through or has thrown. Empty: everything waits. */
  ready(stalls: (op: string) => boolean): readonly (Leaf | "end")[] {
    if (this.busy.has("end")) return [];
    const leaves: Leaf[] = [];
    const done = this.#walk(this.#program.nodes, leaves, stalls);
    if (!done && this.#failure === null) return leaves;
    return this.busy.has("stream") ? [] : ["end"];
  }

  /** The text of all calls it has shown, in the program's order: its output. */
  text(): string {
    let text = "";
    for (const node of this.#program.nodes) {
      if (node.kind !== "call" || !node.show) continue;
      const operation = this.operations.get(node.op);
      if (operation?.kind === "call") text += operation.result?.text ?? "";
    }
    return text;
  }

  /** Gathers the leaves that can go on; true if all nodes are done. */
  #walk(nodes: readonly Node[], leaves: Leaf[], stalls: (op: string) => boolean): boolean {
    for (const node of nodes) {
      let done: boolean;
      if (node.kind === "all") {
        done = true;
        for (const branch of node.branches) done = this.#walk(branch, leaves, stalls) && done;
      } else {
        done = this.#done(node);
        const waits = done || this.busy.has(node.op) || this.#waits(node) || stalls(node.op);
        if (!waits) leaves.push(node);
      }
      if (!done) return false;
    }
    return true;
  }

  #done(node: Leaf): boolean {
    if (node.kind === "fail" || node.kind === "progress") return this.passed.has(node.op);
    if (node.kind === "join") return this.#joined(node);
    const operation = this.operations.get(node.op);
    if (operation === undefined) return false;
    if (operation.kind === "sleep" || operation.kind === "wait") return operation.done;
    if (operation.kind === "tool") return operation.state === "confirmed";
    if (operation.kind !== "call" || node.kind !== "call") return true;
    return operation.state === "done" && (!node.show || this.passed.has(node.op));
  }

  /** All children have ended. Unless the handler tolerates it, one that did not complete makes it throw. */
  #joined({ ops, tolerant }: Extract<Leaf, { kind: "join" }>): boolean {
    const ends = ops.map((op) => {
      const child = this.operations.get(op);
      return child?.kind === "child" ? child.end : null;
    });
    if (ends.includes(null)) return false;
    const bad = ends.find((end) => end?.status !== "completed");
    if (bad !== undefined && !tolerant)
      this.throws(errorData("child_failed", `a child ${bad?.status ?? ""}`), "policy");
    return true;
  }

  #waits({ kind, op }: Leaf): boolean {
    const operation = this.operations.get(op);
    if (kind !== "call")
      return (
        this.asked.has(op) || ((kind === "sleep" || kind === "wait") && operation !== undefined)
      );
    if (this.busy.has("stream")) return true;
    // A call that was foreseen and is not what the program wants is none.
    if (operation?.kind !== "call" || operation.state === "idle" || operation.hash !== op)
      return this.asked.has(op);
    return operation.state === "pending" || operation.state === "backoff";
  }
}
