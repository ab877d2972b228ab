import { errorData } from "../../src/core/errors.ts";
import { queueScope, taskScope } from "../../src/core/scope.ts";
import { streamId } from "../../src/core/stream/entry.ts";
import { specOf } from "../../src/core/task/batch.ts";
import type { TaskSpec } from "../../src/core/task/spec.ts";
import type { CallOperation, Operation, TaskState } from "../../src/core/task/state.ts";
import type { Kernel } from "../../src/engine/kernel/kernel.ts";
import { Transcript } from "../../src/engine/transcript.ts";
import { Handler, type Leaf } from "./handler.ts";
import { programOf, type ModelFault } from "./program.ts";
import { commandOf, withoutReset, type Command } from "./segment-command.ts";
import { must } from "./trace.ts";
import type { Worker } from "./worker.ts";
import type { World } from "./world.ts";

/** One try of a granted model call while the simulated model answers it. */
interface CallTry {
  readonly call: string;
  readonly fault: ModelFault | undefined;
  at: number;
  begun: boolean;
  /** Where this slot went on from. */
  readonly from: number;
  stalledUntilMs: number | null;
}

/** How long a stalled model is silent before its call is given up. */
const stallMs = 2_000;
/** Tries of a call by how it failed, as the engine allows them. */
const triesMax: Record<ModelFault, number> = { broken: 3, refused: 5, stalled: 2 };

/**
 * A scripted handler at work: one owner of one attempt. It does what the engine's segment does with a real handler:
 * asks with its epoch, waits for the log's news, answers memoised operations from what it was given at its start,
 * and forgets everything in a crash. Each {@link act} is one small thing, so that anything may happen in between.
 */
export class Segment {
  readonly taskId: string;
  readonly attempt: number;
  readonly epoch: number;
  readonly #world: World;
  readonly #worker: Worker;
  readonly #kernel: Kernel;
  readonly #spec: TaskSpec;
  readonly #handler: Handler;
  readonly #tries = new Map<string, CallTry>();
  #transcript: Transcript | null = null;
  dead = false;
  /** Operations that have news which was not read yet. */
  newsUnderWay = 0;

  constructor(
    world: World,
    worker: Worker,
    state: TaskState,
    owner: { attempt: number; epoch: number },
  ) {
    this.#world = world;
    this.#worker = worker;
    this.#kernel = world.kernel;
    this.taskId = state.id;
    this.attempt = owner.attempt;
    this.epoch = owner.epoch;
    this.#spec = specOf(state);
    this.#handler = new Handler(programOf(this.#spec.input), state.operations);
  }

  /** Calls whose queue wants their slot. */
  readonly #toCut = new Set<string>();

  /** The queue wants the slot of a call back at its next token. */
  cut(call: string): void {
    this.#toCut.add(call);
  }

  /** The log has news of an operation. */
  wake(op: string, operation: Operation): void {
    this.#handler.wake(op, operation);
  }

  /** Operations that can go on now; the end of the program counts as one. Empty: everything waits. */
  ready(): readonly (Leaf | "end")[] {
    return this.dead ? [] : this.#handler.ready((op) => this.#stalls(op));
  }

  /** True if nothing of it works and nothing is under way to it: it may be dropped from memory. */
  get idle(): boolean {
    const quiet =
      this.#handler.busy.size === 0 && this.#tries.size === 0 && this.newsUnderWay === 0;
    return quiet && this.ready().length === 0;
  }

  /** When a stalled call is given up; `null` if none is stalled. */
  get nextAtMs(): number | null {
    let next: number | null = null;
    for (const { stalledUntilMs } of this.#tries.values()) {
      if (stalledUntilMs !== null && (next === null || stalledUntilMs < next))
        next = stalledUntilMs;
    }
    return next;
  }

  /** Does one thing. */
  act(leaf: Leaf | "end"): void {
    if (leaf === "end") return this.#end();
    this.#world.note("worker", `${this.taskId} ${leaf.kind} ${leaf.op}`);
    if (leaf.kind === "call") return this.#call(leaf);
    if (leaf.kind === "fail") {
      this.#handler.passed.add(leaf.op);
      if (this.attempt <= leaf.attempts)
        this.#handler.throws(
          errorData("handler_failed", `fails in attempt ${this.attempt}`),
          leaf.retry,
        );
      return;
    }
    if (leaf.kind === "tool") return this.#tool(leaf.op);
    if (leaf.kind === "step") {
      const done = this.#world.shadow.task(this.taskId)?.operations.has(leaf.op) === true;
      must(!done, "a committed step never runs again", () => `${leaf.op} of ${this.taskId}`);
    }
    this.ask(leaf.op, commandOf(leaf, this.#spec, this.attempt), (value) =>
      this.#answered(leaf, value),
    );
  }

  /** Ends the attempt's stream with the next commit, if this segment owns it. */
  closeStream(): void {
    const stream = this.#kernel.streamOf(this.taskId);
    if (stream?.epoch === this.epoch) void this.#kernel.close(stream);
  }

  /** Sends a command with this owner's epoch. A full disk is no answer: the operation can go on again and asks anew. */
  ask(op: string, command: Command, answered: (value: unknown) => void): void {
    this.#handler.busy.add(op);
    const send = (): ReturnType<Kernel["dispatch"]> =>
      this.#kernel.dispatch(taskScope(this.taskId), { ...command, epoch: this.epoch });
    const first = send();
    if (this.#world.dice.chance(this.#world.faults.duplicateCommand)) {
      this.#world.mark("command sent twice");
      send().catch(() => undefined);
    }
    this.#world.follow(first, (result) => {
      if (this.dead) return;
      this.#handler.busy.delete(op);
      if (result instanceof Error) return;
      if (result.reply.ok) return answered(result.reply.value);
      const { code, message } = result.reply.error;
      must(
        code === "fenced",
        "a live owner is refused only by a fence",
        () => `${command.type} of ${this.taskId}: ${code} ${message}`,
      );
      this.#worker.fenced(this);
    });
  }

  #stalls(op: string): boolean {
    return (this.#tries.get(op)?.stalledUntilMs ?? 0) > this.#world.nowMs;
  }

  #answered(leaf: Leaf, value: unknown): void {
    const { op } = leaf;
    if (leaf.kind === "step") this.#handler.operations.set(op, { kind: "step", result: value });
    else if (leaf.kind === "progress") this.#handler.passed.add(op);
    else if (leaf.kind === "spawn") {
      const { child } = value as { child: string };
      if (!this.#handler.operations.has(op))
        this.#handler.operations.set(op, { kind: "child", child, end: null });
    } else if (!this.#handler.operations.has(op)) this.#handler.asked.add(op);
  }

  #tool(op: string): void {
    const operation = this.#handler.operations.get(op);
    if (operation === undefined) {
      this.ask(op, { type: "toolIntend", op, id: op, name: "tool", hash: op }, () => {
        this.#handler.operations.set(op, {
          kind: "tool",
          id: op,
          name: "tool",
          hash: op,
          state: "intended",
          output: null,
          error: null,
        });
      });
      return;
    }
    this.ask(op, { type: "toolSettle", op, state: "confirmed", output: op }, () => {
      if (operation.kind === "tool")
        this.#handler.operations.set(op, { ...operation, state: "confirmed", output: op });
    });
  }

  #call(leaf: Extract<Leaf, { kind: "call" }>): void {
    const { op, queue } = leaf;
    const operation = this.#handler.operations.get(op);
    if (operation?.kind !== "call" || operation.state === "idle" || operation.hash !== op) {
      this.ask(
        op,
        {
          type: "call",
          op,
          queue,
          role: "chat",
          hash: op,
          cost: 40 + leaf.pieces.length,
          ...(leaf.cuttable ? { cuttable: true } : null),
        },
        () => {
          const now = this.#handler.operations.get(op);
          // Its grant may have come with the answer.
          const isForeseen = now?.kind === "call" && now.hash !== op;
          if (isForeseen) this.#world.mark("foreseen call given back");
          if (isForeseen) this.#handler.operations.delete(op);
          if (now?.kind !== "call" || now.state === "idle" || isForeseen)
            this.#handler.asked.add(op);
        },
      );
      return;
    }
    if (operation.state === "failed") {
      this.#handler.throws(operation.error ?? errorData("model_broken"), "policy");
      return;
    }
    if (leaf.show && !this.#hasTranscript()) return;
    if (operation.state === "done") {
      this.#handler.passed.add(op);
      if (operation.result !== null) this.#transcript?.replay(op, "chat", operation.result);
      return;
    }
    this.#stream(leaf, operation);
  }

  /** One piece of a granted call's answer, or its end. */
  #stream(leaf: Extract<Leaf, { kind: "call" }>, operation: CallOperation): void {
    const { op } = leaf;
    const task = this.#world.shadow.task(this.taskId);
    // A task whose queue is elsewhere may have been told that its call is void, and this owner only learns it when it
    // next asks for something.
    const ours =
      !this.#world.plan.remoteQueues || (task?.phase === "active" && task.epoch === this.epoch);
    must(
      !ours || this.#world.checks.holds(operation.queue, operation.call),
      "calls in flight have slots",
      () => `call ${operation.call} of ${this.taskId} streams without a slot of ${operation.queue}`,
    );
    let open = this.#tries.get(op);
    if (open?.call !== operation.call) {
      open = {
        call: operation.call,
        fault: this.#world.modelFault(this.taskId, leaf),
        at: operation.partial?.tokens ?? 0,
        from: operation.partial?.tokens ?? 0,
        begun: false,
        stalledUntilMs: null,
      };
      this.#tries.set(op, open);
    }
    if (!open.begun) {
      open.begun = true;
      const { partial } = operation;
      if (leaf.show && partial === null) this.#transcript?.begin(op, "chat", "sim");
      if (partial !== null) this.#world.mark("cut call went on");
      if (leaf.show && partial !== null) this.#transcript?.resume(op, "chat", "sim", partial.text);
    }
    if (open.fault !== undefined && (open.fault === "refused" || open.at * 2 >= leaf.pieces.length))
      return this.#fault(op, open, open.fault);
    if (this.#makesRoom(leaf, open, operation)) return;
    const piece = leaf.pieces[open.at];
    if (piece !== undefined) {
      open.at += 1;
      if (leaf.show)
        void this.#transcript?.show([{ type: "text", text: piece }]).catch(() => undefined);
      return;
    }
    if (leaf.show) this.#transcript?.end(op, "stop");
    const result = { text: leaf.pieces.join(""), finish: "stop" } as const;
    this.ask(op, { type: "callDone", op, call: open.call, result }, () => {
      this.#tries.delete(op);
      this.#handler.passed.add(op);
      this.#handler.operations.set(op, { ...operation, state: "done", result });
    });
  }

  /** The call was told to stop, and has said something in this slot: it is cut there. */
  #makesRoom(
    { op, pieces, cuttable }: Extract<Leaf, { kind: "call" }>,
    open: CallTry,
    operation: CallOperation,
  ): boolean {
    if (!this.#toCut.has(open.call)) return false;
    if (!cuttable || open.at >= pieces.length) {
      this.#toCut.delete(open.call);
      this.#world.follow(
        this.#world.dispatch(queueScope(operation.queue), { type: "keep", call: open.call }),
        () => undefined,
      );
      return false;
    }
    if (open.at === open.from) return false;
    this.#toCut.delete(open.call);
    this.#world.mark("call cut");
    const text = pieces.slice(0, open.at).join("");
    const partial = { text, tokens: open.at, ran: open.at };
    this.ask(
      op,
      { type: "callCut", op, call: open.call, partial, inputTokens: 3, cost: 2, lead: 0.1 },
      () => {
        this.#tries.delete(op);
        const now = this.#handler.operations.get(op);
        if (now?.kind !== "call" || now.call !== open.call) return;
        this.#handler.operations.set(op, { ...now, state: "pending", partial });
      },
    );
    return true;
  }

  #fault(op: string, open: CallTry, fault: ModelFault): void {
    if (fault === "stalled" && open.stalledUntilMs === null) {
      open.stalledUntilMs = this.#world.nowMs + stallMs;
      return;
    }
    this.#world.mark(`model ${fault}`);
    const error = errorData(
      fault === "stalled"
        ? "model_stalled"
        : fault === "broken"
          ? "model_broken"
          : "model_unavailable",
    );
    this.ask(
      op,
      { type: "callFailed", op, call: open.call, error, triesMax: triesMax[fault] },
      (value) => {
        this.#tries.delete(op);
        const operation = this.#handler.operations.get(op);
        const { again } = value as { again: boolean };
        if (!again) this.#handler.throws(error, "policy");
        else if (operation?.kind === "call" && operation.call === open.call)
          this.#handler.operations.set(op, { ...operation, state: "backoff" });
      },
    );
  }

  /** True if this segment owns the attempt's stream now; opens it otherwise. A refused commit costs us the stream. */
  #hasTranscript(): boolean {
    if (this.#transcript !== null && this.#kernel.streamOf(this.taskId) === this.#transcript.stream)
      return true;
    if (this.#transcript !== null) {
      this.#transcript = null;
      this.#tries.clear();
      this.#handler.passed.clear();
    }
    this.#handler.busy.add("stream");
    const opened = this.#kernel.openStream(
      this.taskId,
      streamId(this.taskId, this.attempt),
      this.#spec.userId,
      this.epoch,
    );
    this.#world.follow(opened, (stream) => {
      this.#handler.busy.delete("stream");
      if (this.dead) return;
      // Only a newer owner keeps this one from its stream; the disk is not asked for room to open one.
      if (stream instanceof Error) return this.#worker.fenced(this);
      this.#transcript = new Transcript(
        this.#world.planted.worker?.skipReset === true ? withoutReset(this.#kernel) : this.#kernel,
        stream,
      );
    });
    return false;
  }

  /** The handler returned or threw: the end of the attempt and of its stream go in one commit. */
  #end(): void {
    const head = this.#world.shadow.streams.get(streamId(this.taskId, this.attempt));
    if (
      ((head !== undefined && !head.closed) || this.#transcript !== null) &&
      !this.#hasTranscript()
    )
      return;
    // Behind a connection the entries may be in an earlier commit than the end, and be refused without it.
    const stream = this.#transcript?.stream;
    if (this.#world.plan.asyncStore && stream !== undefined && stream.ahead > stream.tail) return;
    this.#world.note(
      "worker",
      `${this.taskId} ends attempt ${this.attempt}${this.#handler.failure === null ? "" : " with a failure"}`,
    );
    this.closeStream();
    const command: Command =
      this.#handler.failure === null
        ? { type: "complete", output: { text: this.#handler.text() } }
        : { type: "fail", ...this.#handler.failure };
    this.ask("end", command, () => this.#worker.finished(this));
  }
}
