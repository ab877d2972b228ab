import { ErrandError } from "../core/errors.ts";
import { resultCharsMax, timeoutMsDefault } from "../core/limits.ts";
import { taskScope } from "../core/scope.ts";
import { streamId } from "../core/stream/entry.ts";
import type { RunnerCommand } from "../core/task/commands.ts";
import type { TaskSpec } from "../core/task/spec.ts";
import type { Operation, TaskState } from "../core/task/state.ts";
import type { Kernel } from "./kernel/kernel.ts";
import { Stopwatch } from "./stopwatch.ts";
import { Transcript } from "./transcript.ts";

/** A command of a segment, without the epoch it always carries. */
export type SegmentCommand = RunnerCommand extends infer C
  ? C extends RunnerCommand
    ? Omit<C, "epoch">
    : never
  : never;

/** The attempt that a segment runs. */
export interface Owner {
  readonly spec: TaskSpec;
  readonly attempt: number;
  readonly epoch: number;
  /** The attempt begins with this segment: nothing has been shown of it. */
  readonly isNew: boolean;
}

/**
 * One live run of a handler: an attempt from its start, or from a rehydration, until it ends or loses ownership.
 * When it is dead nothing it awaits ever settles, so that code of an old owner goes no further.
 */
export class Segment {
  readonly taskId: string;
  readonly spec: TaskSpec;
  readonly attempt: number;
  readonly epoch: number;
  readonly #isNew: boolean;
  readonly kernel: Kernel;
  readonly stopwatch: Stopwatch;
  /** Calls with an open upstream socket, by call id: settled when the socket is closed. */
  get upstream(): Set<string> {
    return (this.#upstream ??= new Set());
  }
  /** How calls that stream are told to make room, by call id. */
  get cuts(): Map<string, () => void> {
    return (this.#cuts ??= new Map());
  }
  /** Calls that were told to make room before they began to stream. */
  get cutEarly(): Set<string> {
    return (this.#cutEarly ??= new Set());
  }
  /** Ids of tool calls whose results came from the ledger. */
  get ledgered(): Set<string> {
    return (this.#ledgered ??= new Set());
  }
  // Made when they are first of use: most handlers never ask for one of them.
  #upstream: Set<string> | null = null;
  #cuts: Map<string, () => void> | null = null;
  #cutEarly: Set<string> | null = null;
  #ledgered: Set<string> | null = null;
  #operations: Map<string, Operation> | null = null;
  /** Who waits for an operation: a child may be waited for in two places at once. */
  #waiters: Map<string, (() => void)[]> | null = null;
  #used: Set<string> | null = null;
  #ordinals: Map<string, number> | null = null;
  #transcript: Promise<Transcript> | null = null;
  /** Made when it is first asked for: most handlers never look at their signal. */
  #controller: AbortController | null = null;
  #deadReason: ErrandError | null = null;
  /** Operations that wait, and those that work (steps and streaming calls). */
  #waiting = 0;
  #working = 0;
  /** Its attempt is being ended: what wakes it now comes too late. */
  ending = false;
  #socketsClosed: (() => void) | null = null;

  constructor(
    kernel: Kernel,
    state: TaskState,
    owner: Owner,
    onTimeout: (error: ErrandError) => void,
  ) {
    this.kernel = kernel;
    this.taskId = state.id;
    this.spec = owner.spec;
    this.attempt = owner.attempt;
    this.epoch = owner.epoch;
    this.#isNew = owner.isNew;
    // Copies: the kernel changes its own when it decides, and this segment may know only what is committed.
    for (const [op, operation] of state.operations) this.#keep(op, { ...operation });
    this.stopwatch = new Stopwatch(
      {
        timeoutMs: owner.spec.timeoutMs ?? timeoutMsDefault,
        idleTimeoutMs: owner.spec.idleTimeoutMs ?? null,
      },
      onTimeout,
    );
  }

  get dead(): boolean {
    return this.#deadReason !== null;
  }

  /** Aborted when the segment ends from outside. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#deadReason !== null) this.#controller.abort(this.#deadReason);
    return this.#controller.signal;
  }

  /** True while the handler waits and nothing of it works: it can be dropped and replayed later. */
  get idle(): boolean {
    return this.#waiting > 0 && this.#working === 0;
  }

  /** True while something of the handler works: a step, a tool, a call that streams. */
  get isAtWork(): boolean {
    return this.#working > 0;
  }

  /** Ends the segment: its signal fires, and nothing it awaits settles any more. */
  kill(reason: ErrandError): void {
    if (this.#deadReason !== null) return;
    this.#deadReason = reason;
    this.stopwatch.stop();
    this.#waiters = null;
    this.#controller?.abort(reason);
  }

  /** A call's upstream socket is closed. */
  hungUp(call: string): void {
    this.upstream.delete(call);
    if (this.upstream.size === 0) this.#socketsClosed?.();
  }

  /**
   * Stops the calls that still stream and waits until their sockets are closed, `graceMs` at most: their slots go with
   * the attempt's end, and not before (SPEC CALL9). `undefined`: none streams.
   */
  hangUp(reason: ErrandError, graceMs: number): Promise<void> | undefined {
    if (this.#upstream === null || this.#upstream.size === 0) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, graceMs);
    this.#socketsClosed = () => {
      clearTimeout(timer);
      resolve();
    };
    this.kill(reason);
    return promise;
  }

  /** The queue needs the slot of a call. */
  makeRoom(call: string): void {
    if (this.dead) return;
    const cut = this.cuts.get(call);
    if (cut === undefined) this.cutEarly.add(call);
    else cut();
  }

  /** Claims an operation's name for this run of the handler. */
  claim(op: string): void {
    const used = (this.#used ??= new Set());
    if (used.has(op)) {
      throw new ErrandError(
        "duplicate_step",
        `"${op}" is used twice in task ${this.taskId}; names are unique in a task`,
      );
    }
    used.add(op);
  }

  /** The next name of a kind of operation that has none of its own. */
  ordinal(kind: string): string {
    const ordinals = (this.#ordinals ??= new Map<string, number>());
    const next = (ordinals.get(kind) ?? 0) + 1;
    ordinals.set(kind, next);
    return `${kind}#${next}`;
  }

  operation(op: string): Operation | undefined {
    return this.#operations?.get(op);
  }

  #keep(op: string, operation: Operation): void {
    this.#operations ??= new Map();
    this.#operations.set(op, operation);
  }

  /** Gives a command of this owner to its task. Never settles when the segment has lost the task. */
  async ask(command: SegmentCommand): Promise<unknown> {
    if (this.dead) return await never();
    this.stopwatch.touch();
    const { reply } = await this.kernel.dispatch(taskScope(this.taskId), {
      ...command,
      epoch: this.epoch,
    });
    if (this.dead) return await never();
    if (reply.ok) return reply.value;
    if (reply.error.code !== "fenced") throw new ErrandError(reply.error.code, reply.error.message);
    this.kill(new ErrandError("fenced", reply.error.message));
    return await never();
  }

  /** The log has news of an operation. */
  wake(op: string, operation: Operation): void {
    if (this.dead) return;
    this.#keep(op, operation);
    const waiters = this.#waiters?.get(op) ?? [];
    this.#waiters?.delete(op);
    for (const waiter of waiters) waiter();
  }

  /** Waits until an operation is as wanted, holding no slot. */
  async waitFor<O extends Operation>(
    op: string,
    wanted: (operation: Operation | undefined) => operation is O,
  ): Promise<O> {
    for (;;) {
      const operation = this.operation(op);
      if (wanted(operation)) return operation;
      if (this.dead) return await never();
      this.#waiting += 1;
      this.stopwatch.pauseUnless(this.#working > 0);
      await new Promise<void>((resolve) => {
        this.#waiters ??= new Map();
        const waiters = this.#waiters.get(op);
        if (waiters === undefined) this.#waiters.set(op, [resolve]);
        else waiters.push(resolve);
      });
      this.#waiting -= 1;
      // Of waits side by side one is over: the handler most likely waits for the others, and that time does not count.
      if (!this.idle) this.stopwatch.resume();
    }
  }

  /** Runs something that counts as work of the attempt: its time counts, and the segment is not dropped. */
  async work<T>(run: () => Promise<T> | T): Promise<T> {
    this.#working += 1;
    this.stopwatch.resume();
    try {
      return await run();
    } finally {
      this.#working -= 1;
      if (this.#waiting > 0) this.stopwatch.pauseUnless(this.#working > 0);
    }
  }

  /** The transcript of this attempt, opened at its first use. */
  transcript(): Promise<Transcript> {
    this.#transcript ??= this.#openTranscript();
    return this.#transcript;
  }

  async #openTranscript(): Promise<Transcript> {
    const { kernel, taskId, epoch } = this;
    const of = [taskId, streamId(taskId, this.attempt), this.spec.userId, epoch] as const;
    const stream = this.#isNew ? kernel.beginStream(...of) : await kernel.openStream(...of);
    return new Transcript(kernel, stream);
  }

  /** Ends the attempt's stream with the next commit, if there is one. */
  closeStream(): void {
    const stream = this.kernel.streamOf(this.taskId);
    if (stream?.epoch === this.epoch) void this.kernel.close(stream);
  }
}

/** A promise that never settles: what code of a dead segment awaits. It is collected with the code. */
export function never(): Promise<never> {
  return new Promise<never>(() => undefined);
}

/** A result as it will be read back: plain JSON. Throws `too_large` above 1,000,000 characters, `fatal` if it is not JSON. */
export function toJson(value: unknown, what: string): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === "boolean" || typeof value === "number")
    return Number.isNaN(value) ? null : value;
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new ErrandError(
      "fatal",
      `${what} is not JSON: ${cause instanceof Error ? cause.message : "it cannot be written"}`,
      { cause },
    );
  }
  if (text === undefined) return null;
  if (text.length > resultCharsMax) {
    throw new ErrandError(
      "too_large",
      `${what} has ${text.length} characters of JSON, the most is ${resultCharsMax}; store it elsewhere and return a reference`,
    );
  }
  return JSON.parse(text);
}
