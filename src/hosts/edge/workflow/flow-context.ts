/* oxlint-disable typescript/no-unsafe-type-assertion -- What an operation answers is what the task's own context gave
   there, as JSON; its type is what the flow's author knows of it, as on the engine. */
import { ErrandError, errorData } from "../../../core/errors.ts";
import { failureOf, thrownBy } from "../../../engine/failures.ts";
import {
  FatalError,
  type Approved,
  type CallResult,
  type Child,
  type TaskContext,
} from "../../../engine/index.ts";
import { toJson } from "../../../engine/segment.ts";
import type { FlowAnswer, FlowChild, FlowOperation, FlowParams } from "./flow-call.ts";
import { checkBytes, checkKept, type StepOptions, type Steps } from "./steps.ts";

/** Asks the task's home, once; rejects if it cannot be reached just now. */
export type AskTask = (step: string, operation: FlowOperation) => Promise<FlowAnswer>;

/**
 * A day: what an operation may wait in one try, and then it is asked for again. With ten retries from 1 s on, a home may be
 * out of reach for a quarter of an hour.
 */
const operationOptions: StepOptions = { retries: 10, timeoutMs: 86_400_000 };

/** How often a flow says that it works on a step. */
const aliveMs = 20_000;

type Outcome = Exclude<FlowAnswer, { pending: true }>;

/**
 * The context of a handler that runs as a workflow: each operation is a step of the workflow and an operation of the task
 * at the same time, under one name. The task's own home does it, behind the same queues and with the same memory (SPEC
 * FLOW2); what the workflow's journal holds is what it answered.
 */
export class FlowContext {
  readonly #params: FlowParams;
  readonly #steps: Steps;
  readonly #ask: AskTask;
  readonly #ordinals = new Map<string, number>();
  readonly #over = new AbortController();

  constructor(params: FlowParams, steps: Steps, ask: AskTask) {
    this.#params = params;
    this.#steps = steps;
    this.#ask = ask;
  }

  /** The context as handlers see it. */
  get context(): TaskContext {
    const { taskId, userId, sessionId, attempt, roles } = this.#params;
    return {
      taskId,
      userId,
      sessionId,
      attempt,
      signal: this.#over.signal,
      step: (name, fn) => this.#step(name, fn),
      sleep: (ms, { name = this.#next("sleep") } = {}) => this.#sleep(ms, name),
      waitForEvent: <T>(name: string, { timeoutMs }: { readonly timeoutMs?: number } = {}) => {
        const at = this.#count(`wait:${name}`);
        const timeout = timeoutMs === undefined ? {} : { timeoutMs };
        return this.#do<{ readonly payload: T } | null>(`wait:${name}#${at}`, {
          is: "wait",
          name,
          at,
          ...timeout,
        });
      },
      approve: (question, options = {}) => {
        const name = options.name ?? `q-${this.#count("approval")}`;
        return this.#do<Approved>(`approval:${name}`, {
          is: "approve",
          question,
          options: { ...options, name },
        });
      },
      spawn: <O>(type: string, input: unknown, options = {}) =>
        this.#spawn<O>({ type, input, options: { name: this.#next(`child-${type}`), ...options } }),
      progress: (progress) => this.#do(this.#next("progress"), { is: "progress", progress }),
      write: (text) => this.#do(this.#next("write"), { is: "write", text }),
      generate: (role, request) => {
        const { name, show = name === undefined } = request;
        const called = name ?? this.#next(role);
        return this.#do<CallResult>(`call:${called}`, {
          is: "generate",
          role,
          request: { ...request, name: called, show },
        });
      },
      embed: (role, request) => {
        const name = request.name ?? this.#next(`embed-${role}`);
        return this.#do(`call:${name}`, { is: "embed", role, request: { ...request, name } });
      },
      model: () => notHere("ctx.model"),
      tools: () => notHere("ctx.tools"),
      hasModel: (role) => roles.includes(role) || (role !== "embed" && roles.includes("chat")),
    };
  }

  #count(kind: string): number {
    const next = (this.#ordinals.get(kind) ?? 0) + 1;
    this.#ordinals.set(kind, next);
    return next;
  }

  #next(kind: string): string {
    return `${kind}-${this.#count(kind)}`;
  }

  /** The platform sleeps; how long, the task's log says. */
  async #sleep(ms: number, name: string): Promise<void> {
    const untilMs = await this.#do<number>(`until:${name}`, { is: "sleep", name, ms });
    await this.#steps.sleep(`sleep:${name}`, Math.max(1, untilMs - Date.now()));
  }

  async #spawn<O>(child: FlowChild): Promise<Child<O>> {
    const { name } = child.options;
    const id = await this.#do<string>(`child:${name}`, { is: "spawn", child });
    let ended: ReturnType<Child<O>["settled"]> | null = null;
    // Joined twice, it is still one step.
    const settled: Child<O>["settled"] = () =>
      (ended ??= this.#do(`join:${name}`, { is: "settled", child }));
    return {
      id,
      settled,
      async result() {
        const { status, output, error } = await settled();
        if (status === "completed") return output as O;
        const why = error?.message ?? "no reason was given";
        throw new ErrandError("child_failed", `subtask ${id} ${status}: ${why}`);
      },
    };
  }

  /** What the function throws is the step's outcome, as on the engine: it is not tried again in this attempt. */
  async #step<T>(name: string, fn: Parameters<TaskContext["step"]>[1]): Promise<T> {
    const key = `${this.#params.taskId}:${name}`;
    const step = `step:${name}`;
    const outcome = await this.#steps.do<Outcome>(
      step,
      operationOptions,
      async ({ attempt, signal }) => {
        let result: unknown;
        const alive = setInterval(() => this.#alive(), aliveMs);
        try {
          result = toJson(await fn({ attempt, key, signal }), `the result of step "${name}"`);
          checkBytes(result, `the result of step "${name}"`);
        } catch (thrown) {
          return { ok: false, ...failureOf(thrown) };
        } finally {
          clearInterval(alive);
        }
        return await this.#outcome(step, { is: "step", name, result }, signal);
      },
    );
    return valueOf(outcome) as T;
  }

  #alive(): void {
    // Lost, it is said again.
    this.#ask("alive", { is: "alive" }).catch(() => undefined);
  }

  async #do<T>(step: string, operation: FlowOperation): Promise<T> {
    const outcome = await this.#steps.do<Outcome>(step, operationOptions, ({ signal }) =>
      this.#outcome(step, operation, signal),
    );
    return valueOf(outcome) as T;
  }

  /** Asks until the operation is over. Rejects, to be tried again, if the home cannot be reached. */
  async #outcome(step: string, operation: FlowOperation, signal: AbortSignal): Promise<Outcome> {
    try {
      for (;;) {
        signal.throwIfAborted();
        // oxlint-disable-next-line no-await-in-loop -- One question after the other.
        const answer = await this.#ask(step, operation);
        if ("pending" in answer) continue;
        checkBytes(answer, `the result of "${step}"`);
        return answer;
      }
    } catch (thrown) {
      if (!(thrown instanceof ErrandError) || thrown.code === "unavailable") throw thrown;
      // The task goes on without this flow, or what it said is too large: another try would hear the same.
      if (thrown.code === "conflict") this.#over.abort(thrown);
      return { ok: false, ...failureOf(thrown) };
    }
  }
}

function valueOf(outcome: Outcome): unknown {
  if (outcome.ok) return outcome.value;
  throw thrownBy(outcome);
}

function notHere(what: string): never {
  throw new FatalError(
    `${what} is not offered on Cloudflare Workflows: take this task type out of ERRAND_WORKFLOWS`,
  );
}

/** Runs a handler as a flow, and says how it ended. Never rejects. */
export async function runFlow(
  handler: (input: never, ctx: TaskContext) => unknown,
  params: FlowParams,
  flow: FlowContext,
): Promise<Extract<FlowOperation, { is: "end" }>["end"]> {
  if (params.version !== 1) {
    const message = `this flow was begun by a newer Errand (version ${String(params.version)})`;
    return { ok: false, error: errorData("fatal", message), retry: "never" };
  }
  try {
    const output = toJson(
      await handler(params.input as never, flow.context),
      "the handler's output",
    );
    checkKept(output, "the handler's output");
    return { ok: true, output };
  } catch (thrown) {
    return { ok: false, ...failureOf(thrown) };
  }
}
