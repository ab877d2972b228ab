import { ErrandError } from "../../../core/errors.ts";
import { isRecord } from "../../../core/json.ts";
import type { Scope } from "../../../core/scope.ts";
import type { TaskState } from "../../../core/task/state.ts";
import { thrownBy } from "../../../engine/failures.ts";
import {
  roleNames,
  type AnyTaskType,
  type Engine,
  type TaskContext,
} from "../../../engine/index.ts";
import type { FlowAnswer, FlowCall, FlowEnd, FlowParams } from "./flow-call.ts";
import type { Instances } from "./instances.ts";
import { LiveFlow, sleepStep } from "./live-flow.ts";

/** The handler looks after its flow when nothing was heard for so long; twice as long each time, up to the most. */
const heartbeatMs = 30_000;
const heartbeatMsMax = 600_000;

/** The wait of a task whose handler runs as a workflow. An event of this name lets it look at once. */
const flowEvent = "errand.workflow";

/** How long a question waits until the handler of its task is there. */
const reviveMs = 10_000;

/** A flow that asks nothing for so long, although it asks every 20 s, is dead. */
const silentMs = 60_000;

/** What the host of flows needs of its object. */
export interface FlowPorts {
  readonly home: Scope;
  readonly instances: Instances;
  readonly engine: () => Engine;
  /** Default: 30 s. */
  readonly heartbeatMs?: number | undefined;
  /** Default: 60 s. */
  readonly silentMs?: number | undefined;
}

/**
 * Runs handlers of this home's tasks as Cloudflare Workflows (SPEC FLOW1). The task is a task like any other: its log,
 * its queues, its children and its end are here. What runs elsewhere is the code between its operations.
 */
export class FlowHost {
  readonly #ports: FlowPorts;
  readonly #live = new Map<string, LiveFlow>();
  readonly #arrivals = new Map<string, (() => void)[]>();
  /** Instances that have said how they ended, which are about to stop by themselves. */
  readonly #over = new Set<string>();
  readonly #types = new Set<string>();

  readonly #silentMs: number;

  constructor(ports: FlowPorts) {
    this.#ports = ports;
    this.#silentMs = ports.silentMs ?? silentMs;
  }

  /** The task type with its handler run as a workflow. */
  onWorkflows(task: AnyTaskType): AnyTaskType {
    this.#types.add(task.type);
    return {
      ...task,
      handler: (input: never, ctx: TaskContext) => this.#handle(task.type, input, ctx),
    };
  }

  /** Ends the instance of each task that has an end of its own: cancelled, expired, failed by its limits. */
  watch(engine: Engine): void {
    engine.watchTasks((_, state) => {
      if (state.phase !== "ended" || !this.#types.has(state.spec?.type ?? "")) return;
      this.#live.delete(state.id);
      const instance = instanceOf(state);
      if (instance === null) return;
      const isOver = this.#over.delete(instance);
      if (!isOver && state.status !== "completed") void this.#ports.instances.terminate(instance);
    });
  }

  /**
   * Answers a question of a flow. `unavailable`: the task's handler is not here just now, ask again. `conflict`: the task
   * has ended or goes on with another instance; the flow has nothing more to do.
   */
  async answer({ taskId, instance, step, operation }: FlowCall): Promise<FlowAnswer> {
    const live = await this.#alive(taskId, instance);
    if (operation.is === "end") this.#over.add(instance);
    return await live.answer(step, operation);
  }

  async #handle(type: string, input: unknown, ctx: TaskContext): Promise<unknown> {
    for (let n = 1; ; n += 1) {
      const id = `${ctx.taskId}-${n}`;
      // oxlint-disable-next-line no-await-in-loop -- One instance after the other.
      const made = await ctx.step(`workflow-${n}`, async () => {
        await this.#ports.instances.create(id, this.#params(type, input, ctx));
        return { instance: id, attempt: ctx.attempt };
      });
      const isOwn = made.attempt === ctx.attempt;
      // oxlint-disable-next-line no-await-in-loop
      const { end, told } = await this.#follow(made.instance, ctx, isOwn);
      if (end.ok) return end.output;
      // One that an earlier attempt has left dead is followed by another: its finished operations are in the log.
      if (isOwn || told) throw thrownBy(end);
    }
  }

  /** Waits for the end of an instance, holding no slot. */
  async #follow(
    instance: string,
    ctx: TaskContext,
    isNew: boolean,
  ): Promise<{ readonly end: FlowEnd; readonly told: boolean }> {
    const { instances } = this.#ports;
    const before = isNew ? null : await instances.end(instance);
    if (before !== null) return { end: before, told: false };
    const live = this.#arrive(instance, ctx);
    const told = live.ended.then((end) => ({ end, told: true }));
    const firstMs = this.#ports.heartbeatMs ?? heartbeatMs;
    for (let beat = 0; ; beat += 1) {
      const timeoutMs = Math.min(firstMs * 2 ** beat, heartbeatMsMax);
      // oxlint-disable-next-line no-await-in-loop -- A heartbeat.
      const heard = await Promise.race([told, ctx.waitForEvent(flowEvent, { timeoutMs })]);
      if (heard !== null && "end" in heard) return heard;
      // oxlint-disable-next-line no-await-in-loop
      const end = await instances.end(instance);
      if (end !== null) return { end, told: false };
      // oxlint-disable-next-line no-await-in-loop
      if (Date.now() - live.heardMs > this.#silentMs && !(await this.#sleeps(ctx.taskId))) {
        live.heardMs = Date.now();
        // oxlint-disable-next-line no-await-in-loop
        await instances.wake(instance);
      }
    }
  }

  /** The task's log says that its flow sleeps, so that it asks nothing. */
  async #sleeps(taskId: string): Promise<boolean> {
    const { operations } = await this.#ports.engine().taskState(taskId);
    return [...operations].some(
      ([op, operation]) =>
        op.startsWith(`step:${sleepStep}`) &&
        operation.kind === "step" &&
        Number(operation.result) > Date.now(),
    );
  }

  #arrive(instance: string, ctx: TaskContext): LiveFlow {
    const { taskId } = ctx;
    const live = new LiveFlow(instance, ctx);
    this.#live.set(taskId, live);
    ctx.signal.addEventListener("abort", () => {
      if (this.#live.get(taskId) === live) this.#live.delete(taskId);
    });
    const waiting = this.#arrivals.get(taskId) ?? [];
    this.#arrivals.delete(taskId);
    for (const arrived of waiting) arrived();
    return live;
  }

  /** The handler of a task here, replayed if it has to be. */
  async #alive(taskId: string, instance: string): Promise<LiveFlow> {
    const untilMs = Date.now() + reviveMs;
    for (;;) {
      const live = this.#live.get(taskId);
      if (live?.lives === true && live.instance === instance) return live;
      // oxlint-disable-next-line no-await-in-loop -- One look after the other.
      await this.#checkOpen(taskId, instance);
      const leftMs = untilMs - Date.now();
      if (leftMs <= 0)
        throw new ErrandError("unavailable", `task ${taskId} waits for its start: ask again`, {
          retryAfterMs: 1_000,
        });
      this.#ports.engine().revive(taskId);
      // oxlint-disable-next-line no-await-in-loop
      await this.#arrival(taskId, leftMs);
    }
  }

  async #checkOpen(taskId: string, instance: string): Promise<void> {
    const state = await this.#ports.engine().taskState(taskId);
    if (state.spec === null || state.phase === "ended")
      throw new ErrandError("conflict", `task ${taskId} has ended`);
    const current = instanceOf(state);
    // One that is asked about before the log knows of it was made a moment ago.
    if (current !== null && numberOf(current) > numberOf(instance))
      throw new ErrandError("conflict", `task ${taskId} goes on with workflow ${current}`);
  }

  #arrival(taskId: string, ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => resolve(), ms);
    const arrived = (): void => {
      clearTimeout(timer);
      resolve();
    };
    this.#arrivals.set(taskId, [...(this.#arrivals.get(taskId) ?? []), arrived]);
    return promise;
  }

  #params(type: string, input: unknown, ctx: TaskContext): FlowParams {
    const { taskId, userId, sessionId, attempt } = ctx;
    const roles = this.#ports.engine().roles.assignments.map(({ role }) => role);
    const workerRoles = roles.filter((role) => !roleNames.includes(role)).toSorted();
    const { home } = this.#ports;
    return {
      version: 1,
      taskId,
      home,
      type,
      userId,
      sessionId,
      attempt,
      input,
      roles,
      workerRoles,
    };
  }
}

/** The instance that a task was last given, as its log has it. */
function instanceOf({ operations }: Pick<TaskState, "operations">): string | null {
  let last: string | null = null;
  for (let n = 1; ; n += 1) {
    const made = operations.get(`step:workflow-${n}`);
    if (made?.kind !== "step" || !isRecord(made.result)) return last;
    if (typeof made.result["instance"] === "string") last = made.result["instance"];
  }
}

/** Instances of one task are numbered. */
function numberOf(instance: string): number {
  return Number(instance.slice(instance.lastIndexOf("-") + 1));
}
