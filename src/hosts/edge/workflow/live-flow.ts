import { ErrandError } from "../../../core/errors.ts";
import { failureOf } from "../../../engine/failures.ts";
import type { Child, TaskContext } from "../../../engine/index.ts";
import type { FlowAnswer, FlowChild, FlowEnd, FlowOperation } from "./flow-call.ts";

/** Steps of a task in whose results stands until when its flow sleeps. */
export const sleepStep = "flow-sleep:";

/** How long a question waits for its answer here before it is told to come again. */
const answerMs = 20_000;

/**
 * A task whose handler runs elsewhere, as it lives in its home: what the flow asks is done with the context of the task's
 * segment here. The same question again joins the first one. When the segment dies, who waits is told to ask again.
 */
export class LiveFlow {
  readonly instance: string;
  /** How the flow ended, once it has said so. */
  readonly ended: Promise<FlowEnd>;
  readonly #ctx: TaskContext;
  readonly #end: (end: FlowEnd) => void;
  readonly #outcomes = new Map<string, Promise<FlowAnswer>>();
  readonly #children = new Map<string, Promise<Child>>();
  readonly #waits = new Map<string, Promise<unknown>>();
  readonly #gone: Promise<FlowAnswer>;

  constructor(instance: string, ctx: TaskContext) {
    this.instance = instance;
    this.#ctx = ctx;
    const { promise, resolve } = Promise.withResolvers<FlowEnd>();
    this.ended = promise;
    this.#end = resolve;
    const gone = Promise.withResolvers<FlowAnswer>();
    gone.promise.catch(() => undefined);
    ctx.signal.addEventListener("abort", () =>
      gone.reject(new ErrandError("unavailable", `task ${ctx.taskId} begins anew: ask again`)),
    );
    this.#gone = gone.promise;
  }

  /** When the flow was heard of last: it asks, or says that it works, every 20 s. Epoch milliseconds. */
  heardMs: number = Date.now();

  /** False when its segment is dead. */
  get lives(): boolean {
    return !this.#ctx.signal.aborted;
  }

  /** What an operation came to, or that it still goes on. Rejects with `unavailable` if the segment dies. */
  async answer(step: string, operation: FlowOperation): Promise<FlowAnswer> {
    this.heardMs = Date.now();
    if (operation.is === "end") this.#end(operation.end);
    if (operation.is === "end" || operation.is === "alive") return { ok: true, value: null };
    const known = this.#outcomes.get(step);
    const outcome = known ?? outcomeOf(() => this.#run(operation));
    if (known === undefined) this.#outcomes.set(step, outcome);
    const later = Promise.withResolvers<FlowAnswer>();
    const timer = setTimeout(() => later.resolve({ pending: true }), answerMs);
    try {
      return await Promise.race([outcome, this.#gone, later.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #run(operation: Exclude<FlowOperation, { is: "end" | "alive" }>): Promise<unknown> {
    const ctx = this.#ctx;
    switch (operation.is) {
      case "step":
        return await ctx.step(operation.name, () => operation.result);
      case "sleep":
        return await ctx.step(sleepStep + operation.name, () => Date.now() + operation.ms);
      case "generate":
        return await ctx.generate(operation.role, operation.request);
      case "embed":
        return await ctx.embed(operation.role, operation.request);
      case "spawn":
        return (await this.#child(operation.child)).id;
      case "settled":
        return await (await this.#child(operation.child)).settled();
      case "wait":
        return await this.#wait(operation);
      case "approve":
        return await ctx.approve(operation.question, operation.options);
      case "progress":
        return await ctx.progress(operation.progress);
      case "write":
        return await ctx.write(operation.text);
      default: {
        const never: never = operation;
        return never;
      }
    }
  }

  #child({ type, input, options }: FlowChild): Promise<Child> {
    const known = this.#children.get(options.name);
    const child = known ?? this.#ctx.spawn(type, input, options);
    this.#children.set(options.name, child);
    return child;
  }

  /** The task counts events of a name in their order: those that the flow has had before are in its log. */
  async #wait({ name, at, timeoutMs }: Extract<FlowOperation, { is: "wait" }>): Promise<unknown> {
    const options = timeoutMs === undefined ? {} : { timeoutMs };
    if (at > 1) await this.#wait({ is: "wait", name, at: at - 1, ...options });
    const key = `${name}#${at}`;
    const known = this.#waits.get(key);
    const wait = known ?? this.#ctx.waitForEvent(name, options);
    this.#waits.set(key, wait);
    return await wait;
  }
}

async function outcomeOf(run: () => Promise<unknown>): Promise<FlowAnswer> {
  try {
    return { ok: true, value: (await run()) ?? null };
  } catch (thrown) {
    return { ok: false, ...failureOf(thrown) };
  }
}
