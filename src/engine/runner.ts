import { asKnownToCaller, asTask, asTaskSignal } from "./erased-types.ts";
import type { Signal } from "../core/decider.ts";
import { ErrandError, errorData } from "../core/errors.ts";
import { isRecord } from "../core/json.ts";
import { segmentsHotMax } from "../core/limits.ts";
import { PassingMap } from "../core/passing-map.ts";
import { queueScope, taskScope, type Scope } from "../core/scope.ts";
import { streamId } from "../core/stream/entry.ts";
import type { TaskState } from "../core/task/state.ts";
import type { Log } from "../ports/host.ts";
import type { AnyTaskType } from "./define.ts";
import { failureOf } from "./failures.ts";
import type { Kernel } from "./kernel/kernel.ts";
import { Segment, toJson, type Owner } from "./segment.ts";
import { taskContext, type ContextPorts } from "./task-context.ts";

/** How a handler is run: in this thread, or isolated. */
export type RunHandler = (
  task: AnyTaskType,
  input: unknown,
  segment: Segment,
  ports: ContextPorts,
) => Promise<unknown>;

/** What the runner needs of the engine. */
export interface RunnerPorts {
  readonly kernel: Kernel;
  readonly log: Log;
  readonly context: Omit<ContextPorts, "released">;
  task(type: string): AnyTaskType | undefined;
  readonly isolated?: RunHandler | undefined;
}

/** How often a stop looks whether something still works. */
const drainLookMs = 20;

/** How often an end that a full disk refused is written again. */
const insistEveryMs = 1_000;

/** How long a cancelled handler may keep its start slot while it ignores its signal. */
const abortGraceMs = 5_000;

/**
 * Runs the segments of this process. It acts on signals only: what the log says, it does. A segment that waits
 * stays hot until there are too many; then the oldest that waits is dropped and replayed when its time comes.
 */
export class Runner {
  readonly #ports: RunnerPorts;
  readonly #contextPorts: ContextPorts;
  readonly #segments = new PassingMap<Segment>();
  readonly #rehydrating = new Set<string>();
  readonly #finished = new PassingMap<Promise<void>>();
  #draining = false;

  constructor(ports: RunnerPorts) {
    this.#ports = ports;
    this.#contextPorts = { ...ports.context, released: (queue, call) => this.#settle(queue, call) };
  }

  /** Segments that live in this process. */
  get size(): number {
    return this.#segments.size;
  }

  /** A signal of the kernel. Never throws. */
  signal(signal: Signal): void {
    const task = asTaskSignal(signal);
    if (task.kind === "task.start") this.#start(task.taskId, task.attempt, task.epoch);
    else if (task.kind === "task.wake") this.#wake(task.taskId, task.op);
    else if (task.kind === "task.cut") this.#segments.get(task.taskId)?.makeRoom(task.call);
    else if (task.kind === "task.abort") this.#abort(task.taskId, task.calls);
  }

  /**
   * Ends work in good order: waits up to `graceMs` for what works, then hands the rest back to the queue, where
   * the next process finds it. Tasks that wait inside are left as they are: the log has all of them.
   */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    this.#ports.kernel.drain();
    // Looked at again and again: a handler stops working also when it begins to wait, and no promise tells that. Once at
    // least, because what has just been committed may be the wait that it is about to begin.
    const untilMs = performance.now() + graceMs;
    do {
      await new Promise<void>((resolve) =>
        setTimeout(() => resolve(), Math.min(drainLookMs, graceMs)),
      );
    } while (this.isWorking && performance.now() < untilMs);
    const left = [...this.#segments.values()];
    await Promise.allSettled(
      left.map(async (segment) => {
        if (!segment.idle) {
          segment.closeStream();
          await this.#ports.kernel.dispatch(taskScope(segment.taskId), {
            type: "handBack",
            epoch: segment.epoch,
          });
        }
        segment.kill(new ErrandError("unavailable", "Errand is stopping"));
      }),
    );
    this.#segments.clear();
  }

  /** Lets a task that waits go on here: its handler is replayed, unless it lives or the task cannot go on. */
  revive(taskId: string): void {
    if (!this.#segments.has(taskId)) this.#wake(taskId, "");
  }

  /** True while a handler works, and not only waits. */
  get isWorking(): boolean {
    return [...this.#segments.values()].some((segment) => !segment.idle);
  }

  #state(taskId: string): TaskState | undefined {
    const cached = this.#ports.kernel.peek(taskScope(taskId));
    return cached === undefined ? undefined : asTask(cached.state);
  }

  #start(taskId: string, attempt: number, epoch: number): void {
    // Handed back it would be granted again at once, round and round: the next process finds it by its lease.
    if (this.#draining) return;
    const state = this.#state(taskId);
    if (state === undefined)
      void this.#quietly(this.#startStored(taskId, attempt, epoch), "start a task", taskId);
    else this.#startWith(state, attempt, epoch);
  }

  /** A task's state, also if it is not in the cache any more: a large group may push out what it has just changed. */
  async #stored(taskId: string): Promise<TaskState> {
    return (
      this.#state(taskId) ??
      (await this.#ports.kernel.read(taskScope(taskId), (state) => asTask(state)))
    );
  }

  async #startStored(taskId: string, attempt: number, epoch: number): Promise<void> {
    this.#startWith(await this.#stored(taskId), attempt, epoch);
  }

  #startWith(state: TaskState, attempt: number, epoch: number): void {
    // What came in between has its own signal.
    if (state.spec === null || state.epoch !== epoch || state.phase !== "active") return;
    this.#segments.get(state.id)?.kill(new ErrandError("fenced", "a new attempt has begun"));
    this.#launch(state, { spec: state.spec, attempt, epoch, isNew: true });
  }

  #launch(state: TaskState, owner: Owner): Segment {
    const segment: Segment = new Segment(
      this.#ports.kernel,
      state,
      owner,
      (error) => void this.#timeout(segment, error),
    );
    this.#segments.set(segment.taskId, segment);
    this.#finished.set(segment.taskId, this.#run(segment));
    this.#evict();
    return segment;
  }

  async #run(segment: Segment): Promise<void> {
    const task = this.#ports.task(segment.spec.type);
    if (task === undefined) {
      const message = `no task type "${segment.spec.type}" is loaded here; add it to errand.config.ts`;
      return await this.#end(segment, {
        type: "fail",
        error: errorData("unknown_type", message),
        retry: "never",
      });
    }
    try {
      const run =
        task.options.isolate === undefined ? inThisThread : (this.#ports.isolated ?? inThisThread);
      const output = toJson(
        await run(task, segment.spec.input, segment, this.#contextPorts),
        "the handler's output",
      );
      if (!segment.dead) await this.#end(segment, { type: "complete", output });
    } catch (thrown) {
      // A handler that was aborted usually throws the signal's reason: its task has ended already.
      if (!segment.dead) await this.#end(segment, { type: "fail", ...failureOf(thrown) });
    }
  }

  /** The attempt's end and the end of its stream go in one commit. */
  async #end(segment: Segment, command: Parameters<Segment["ask"]>[0]): Promise<void> {
    // The handler is over: its time does not count while its end waits for the disk.
    segment.stopwatch.stop();
    segment.ending = true;
    const hungUp = segment.hangUp(attemptEnded, abortGraceMs);
    if (hungUp !== undefined) await hungUp;
    segment.closeStream();
    try {
      const { reply } = await this.#insist(taskScope(segment.taskId), {
        ...command,
        epoch: segment.epoch,
      });
      if (!reply.ok && reply.error.code !== "fenced") {
        this.#ports.log.error("an attempt could not end", new Error(reply.error.message), {
          task: segment.taskId,
        });
      }
    } catch (error) {
      // Nothing was written (the server stops): the task still runs for the log, and recovery finds it.
      this.#ports.log.error("an attempt could not end", error, { task: segment.taskId });
    }
    segment.kill(attemptEnded);
    this.#remove(segment);
  }

  async #timeout(segment: Segment, error: ErrandError): Promise<void> {
    if (segment.dead || segment.ending) return;
    segment.ending = true;
    await segment.hangUp(error, abortGraceMs);
    segment.closeStream();
    const fail = {
      type: "fail",
      error: error.toData(),
      retry: "policy",
      epoch: segment.epoch,
    } as const;
    segment.kill(error);
    await this.#quietly(
      this.#insist(taskScope(segment.taskId), fail),
      "fail a timed out attempt",
      segment.taskId,
    );
    this.#remove(segment);
  }

  #remove(segment: Segment): void {
    if (this.#segments.get(segment.taskId) !== segment) return;
    this.#segments.delete(segment.taskId);
    this.#finished.delete(segment.taskId);
  }

  #wake(taskId: string, op: string): void {
    const segment = this.#segments.get(taskId);
    if (segment?.ending === true) return;
    if (segment !== undefined && !segment.dead) {
      void this.#quietly(this.#wakeLive(segment, op), "wake a task", taskId);
      return;
    }
    if (this.#draining || this.#rehydrating.has(taskId)) return;
    this.#rehydrating.add(taskId);
    void this.#quietly(this.#rehydrate(taskId), "go on with a task", taskId).finally(() =>
      this.#rehydrating.delete(taskId),
    );
  }

  /** The state is nearly always in the cache, because it was just committed. */
  async #wakeLive(segment: Segment, op: string): Promise<void> {
    const cached = this.#state(segment.taskId)?.operations.get(op);
    if (cached !== undefined) return segment.wake(op, { ...cached });
    const stored = await this.#ports.kernel.read(taskScope(segment.taskId), (state) => {
      const operation = asTask(state).operations.get(op);
      return operation === undefined ? null : { ...operation };
    });
    if (stored !== null) segment.wake(op, stored);
  }

  async #rehydrate(taskId: string): Promise<void> {
    const { kernel } = this.#ports;
    const { reply } = await this.#insist(taskScope(taskId), { type: "rehydrate" });
    // Refused: it ended, or another attempt waits for its start.
    if (!reply.ok) return;
    const { spec, attempt, epoch } = await this.#stored(taskId);
    if (spec === null || isStale(reply.value, epoch)) return;
    const stream = streamId(taskId, attempt);
    // An earlier segment of this attempt has shown text: its stream is taken over before the handler runs, to be gone
    // on with and closed, however soon the handler ends.
    if (await kernel.hasStream(stream)) await kernel.openStream(taskId, stream, spec.userId, epoch);
    // While we waited it may have ended, or a new attempt begun, whose segment is not to be pushed out.
    const state = await this.#stored(taskId);
    if (state.phase !== "active" || state.epoch !== epoch) return;
    this.#launch(state, { spec, attempt, epoch, isNew: false });
  }

  #abort(taskId: string, calls: readonly { queue: string; call: string }[]): void {
    const segment = this.#segments.get(taskId);
    if (segment === undefined) {
      for (const { queue, call } of calls) this.#settle(queue, call);
      void this.#quietly(this.#closeColdStream(taskId), "close a stream", taskId);
      return;
    }
    const finished = this.#finished.get(taskId);
    const upstream = new Set(segment.upstream);
    segment.closeStream();
    segment.kill(new ErrandError("cancelled", "the task has ended"));
    this.#remove(segment);
    // Calls with an open socket settle themselves when it is closed; the start slot when the handler is out of it.
    const rest = calls.filter(({ call }) => !upstream.has(call));
    if (rest.length === 0) return;
    const grace = Promise.withResolvers<void>();
    const timer = setTimeout(() => grace.resolve(), abortGraceMs);
    void Promise.race([finished, segment.halted(), grace.promise]).then(() => {
      clearTimeout(timer);
      for (const { queue, call } of rest) this.#settle(queue, call);
    });
  }

  async #closeColdStream(taskId: string): Promise<void> {
    const { kernel } = this.#ports;
    const ended = await kernel.read(taskScope(taskId), (state) => {
      const task = asTask(state);
      return { attempt: task.attempt, user: task.spec?.userId ?? "" };
    });
    await kernel.closeStored(taskId, streamId(taskId, ended.attempt), ended.user);
  }

  #settle(queue: string, call: string): void {
    void this.#quietly(
      this.#insist(queueScope(queue), { type: "settle", call }),
      "settle a call",
      call,
    );
  }

  /** Too many waiting segments: the oldest ones go cold. */
  #evict(): void {
    if (this.#segments.size <= segmentsHotMax) return;
    for (const segment of this.#segments.values()) {
      if (this.#segments.size <= segmentsHotMax) return;
      if (!segment.idle) continue;
      segment.kill(
        new ErrandError(
          "fenced",
          "the segment was dropped to save memory; it is replayed when it goes on",
        ),
      );
      this.#remove(segment);
    }
  }

  /**
   * Gives a command that must not be lost while this process lives: an end that is never written keeps its task
   * running and its slot taken. What a full disk refuses is given again until there is room, or the process stops.
   */
  async #insist(scope: Scope, command: unknown): ReturnType<Kernel["dispatch"]> {
    for (;;) {
      try {
        return await this.#ports.kernel.dispatch(scope, command);
      } catch (error) {
        const heals =
          error instanceof ErrandError &&
          (error.code === "storage_full" || error.code === "unavailable");
        if (!heals || this.#draining) throw error;
        await new Promise<void>((resolve) => setTimeout(() => resolve(), insistEveryMs));
      }
    }
  }

  async #quietly(work: Promise<unknown>, what: string, task: string): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#ports.log.error(`could not ${what}`, error, { task });
    }
  }
}

/** True if a rehydration's answer names another epoch than the task has now. */
function isStale(answer: unknown, epoch: number): boolean {
  return !isRecord(answer) || answer["epoch"] !== epoch;
}

/** One for all: an error takes a stack trace, and this one is needed for every attempt. */
const attemptEnded = new ErrandError("fenced", "the attempt has ended");

const inThisThread: RunHandler = async (task, input, segment, ports) =>
  // The input was parsed by the type's own schema at submit; the handler's parameter type is that schema's output.
  await task.handler(asKnownToCaller<never>(input), taskContext(segment, ports));
