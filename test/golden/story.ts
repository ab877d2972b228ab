/** Who lives the golden story, and what can be done to its tasks. */
import { queueScope, sessionScope, taskScope, type Scope } from "../../src/core/scope.ts";
import type { RunnerCommand, TaskCommand } from "../../src/core/task/commands.ts";
import type { TaskSpec } from "../../src/core/task/spec.ts";
import type { TaskState } from "../../src/core/task/state.ts";
import type { KernelBench } from "../contracts/kernel-bench.ts";

export const ANN = "ann";
export const MAIN: Scope = sessionScope(ANN, "main");
export const minuteMs = 60_000;

/** What a worker may say. */
export type WorkerCommand<C = RunnerCommand> = C extends RunnerCommand ? Omit<C, "epoch"> : never;

/** The story's tasks by name, and what is done to them. */
export class Story {
  readonly bench: KernelBench;
  readonly #ids = new Map<string, string>();

  constructor(bench: KernelBench) {
    this.bench = bench;
  }

  id(name: string): string {
    const known = this.#ids.get(name) ?? this.bench.kernel.id("task");
    this.#ids.set(name, known);
    return known;
  }

  spec(name: string, changes: Partial<TaskSpec> = {}): TaskSpec {
    const fixed = { type: "note", userId: ANN, queue: "tasks", priority: "background" } as const;
    return { ...fixed, input: { note: name }, rootId: this.id(name), ...changes };
  }

  async submit(name: string, changes: Partial<TaskSpec> = {}): Promise<void> {
    await this.tell(name, { type: "submit", spec: this.spec(name, changes) });
  }

  async tell(name: string, command: TaskCommand): Promise<void> {
    await this.bench.kernel.ask(taskScope(this.id(name)), command);
  }

  state(name: string): Promise<TaskState> {
    const { kernel } = this.bench;
    return kernel.read(taskScope(this.id(name)), (state) => structuredClone(state as TaskState));
  }

  /** What the task's present worker does. */
  async work(name: string, command: WorkerCommand): Promise<void> {
    const { epoch } = await this.state(name);
    await this.bench.kernel.ask(taskScope(this.id(name)), { ...command, epoch });
  }

  /** The id of a model call that has its slot. */
  async granted(name: string, op: string): Promise<string> {
    const operation = (await this.state(name)).operations.get(op);
    if (operation?.kind !== "call" || operation.state !== "granted") {
      throw new Error(`call ${op} of ${name} is not granted`);
    }
    return operation.call;
  }

  async later(ms: number): Promise<void> {
    await this.bench.ringAt(this.bench.nowMs + ms);
  }

  async queue(name: string, command: unknown): Promise<void> {
    await this.bench.kernel.ask(queueScope(name), command);
  }
}
