import type { Signal } from "../../src/core/decider.ts";
import { errorData } from "../../src/core/errors.ts";
import { queueScope, taskScope, type Scope } from "../../src/core/scope.ts";
import { streamId } from "../../src/core/stream/entry.ts";
import type { RunnerCommand, TaskSignal } from "../../src/core/task/commands.ts";
import type { TaskState } from "../../src/core/task/state.ts";
import type { OpenStream } from "../../src/engine/kernel/open-stream.ts";
import { Segment } from "./segment.ts";
import { must } from "./trace.ts";
import type { World } from "./world.ts";

/** A worker that has lost its task and does not know it. */
interface Zombie {
  readonly taskId: string;
  readonly attempt: number;
  readonly epoch: number;
  readonly stream: OpenStream | undefined;
}

/** Something the worker still has to do. A full disk makes it try again; a crash makes it forget. */
interface Chore {
  readonly about: string;
  run(): void;
}

/** Zombies kept at a time. */
const zombiesMax = 6;

/**
 * The scripted stand-in for the engine's runner: it acts on signals only, keeps one segment a task in memory, and
 * loses all of it in a crash.
 */
export class Worker {
  readonly segments = new Map<string, Segment>();
  /** How often each task was handed back in good order: no more of its losses may be called so. */
  readonly handBacks = new Map<string, number>();
  readonly #world: World;
  readonly #rehydrating = new Set<string>();
  readonly #chores: Chore[] = [];
  #zombies: Zombie[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** A signal of the kernel, in the turn of its commit. */
  signal(signal: Signal): void {
    const task = signal as TaskSignal;
    this.#world.note("signal", `${task.kind} ${task.taskId}`);
    if (task.kind === "task.start") this.#start(task);
    else if (task.kind === "task.wake") this.#wake(task.taskId, task.op);
    else if (task.kind === "task.cut") this.segments.get(task.taskId)?.cut(task.call);
    else this.#abort(task.taskId, task.calls);
  }

  /** True if something can be done now. */
  get busy(): boolean {
    if (this.#chores.length > 0) return true;
    for (const segment of this.segments.values()) if (segment.ready().length > 0) return true;
    return false;
  }

  /** When a stalled call is given up; `null` if none is stalled. */
  get nextAtMs(): number | null {
    let next: number | null = null;
    for (const { nextAtMs } of this.segments.values()) {
      if (nextAtMs !== null && (next === null || nextAtMs < next)) next = nextAtMs;
    }
    return next;
  }

  /** Does one thing of one segment, or one chore. */
  act(): void {
    const able = [...this.segments.values()].filter((segment) => segment.ready().length > 0);
    const { choose, dice } = this.#world;
    if (this.#chores.length > 0 && (able.length === 0 || dice.chance(0.4))) {
      const chore = this.#chores.splice(choose(this.#chores.length), 1)[0];
      this.#world.note("chore", chore?.about ?? "");
      chore?.run();
      return;
    }
    const segment = able[choose(able.length)];
    const ready = segment?.ready() ?? [];
    const leaf = ready[choose(ready.length)];
    if (leaf !== undefined) segment?.act(leaf);
  }

  /** A random waiting handler is dropped: it is replayed when it goes on. */
  evict(): void {
    const idle = [...this.segments.values()].filter((segment) => segment.idle);
    const segment = idle[this.#world.choose(idle.length)];
    if (segment === undefined) return;
    this.#world.mark("segment evicted");
    this.#world.note("evict", segment.taskId);
    this.#drop(segment);
  }

  /** A random streaming call is told to make room. */
  makeRoom(): void {
    const segment = [...this.segments.values()][this.#world.choose(this.segments.size)];
    const task = this.#world.shadow.task(segment?.taskId ?? "");
    for (const operation of task?.operations.values() ?? []) {
      if (operation.kind === "call" && operation.state === "granted") segment?.cut(operation.call);
    }
  }

  /** A random attempt runs out of time, or its worker goes away in good order. */
  leave(): void {
    const segment = [...this.segments.values()][this.#world.choose(this.segments.size)];
    if (segment === undefined) return;
    const { taskId, epoch } = segment;
    const timedOut = this.#world.dice.chance(0.5);
    segment.closeStream();
    this.#drop(segment);
    this.#world.mark(timedOut ? "attempt timed out" : "task handed back");
    if (!timedOut) this.handBacks.set(taskId, (this.handBacks.get(taskId) ?? 0) + 1);
    const command: RunnerCommand = timedOut
      ? { type: "fail", epoch, error: errorData("timed_out"), retry: "policy" }
      : { type: "handBack", epoch };
    this.#insist(`${command.type} ${taskId}`, taskScope(taskId), command, () =>
      this.#closeCold(taskId, segment.attempt),
    );
  }

  /** A worker that lost its task speaks up: it must not be heard. */
  haunt(): void {
    const { dice, kernel, shadow } = this.#world;
    const zombie = this.#zombies[this.#world.choose(this.#zombies.length)];
    if (zombie === undefined) return;
    const { taskId, epoch, attempt, stream } = zombie;
    const task = shadow.task(taskId);
    if (task === undefined || (task.phase === "active" && task.epoch === epoch)) return;
    this.#world.note("zombie", `${taskId} epoch ${epoch}`);
    if (stream !== undefined && kernel.streamOf(taskId) !== stream && dice.chance(0.3)) {
      this.#world.rejects(() => kernel.append(stream, [{ t: "text", d: "boo" }]));
      return;
    }
    const head = shadow.streams.get(streamId(taskId, attempt));
    if (head !== undefined && (head.closed || head.epoch > epoch) && dice.chance(0.2))
      return this.#world.writeStale(streamId(taskId, attempt), epoch, head.tail);
    const op = dice.pick([...task.operations.keys(), "boo"]);
    const command = dice.pick<RunnerCommand>([
      { type: "complete", epoch, output: "boo" },
      { type: "fail", epoch, error: errorData("handler_failed", "boo"), retry: "never" },
      { type: "step", epoch, op: "boo", result: 1 },
      {
        type: "callDone",
        epoch,
        op,
        call: `${taskId}.${task.calls}`,
        result: { text: "boo", finish: "stop" },
      },
      { type: "progress", epoch, progress: { done: 9 } },
      { type: "handBack", epoch },
    ]);
    this.#world.follow(kernel.dispatch(taskScope(taskId), command), (result) => {
      if (result instanceof Error) return;
      const { reply } = result;
      must(
        !reply.ok && reply.error.code === "fenced",
        "a stale epoch cannot write",
        () => `${command.type} of ${taskId} with epoch ${epoch} was taken`,
      );
      this.#world.mark("stale epoch fenced");
    });
  }

  /** A command of this segment was fenced: it has lost its task. */
  fenced(segment: Segment): void {
    this.#drop(segment);
  }

  /** The attempt has ended by this segment's own word. */
  finished(segment: Segment): void {
    this.#drop(segment);
  }

  /** The process died. */
  crash(): void {
    for (const segment of this.segments.values()) this.#drop(segment);
    this.#chores.length = 0;
    this.#rehydrating.clear();
  }

  #drop(segment: Segment): void {
    segment.dead = true;
    if (this.segments.get(segment.taskId) === segment) this.segments.delete(segment.taskId);
    if (!this.#world.dice.chance(this.#world.faults.zombie)) return;
    const { taskId, attempt, epoch } = segment;
    this.#zombies = [
      ...this.#zombies.slice(1 - zombiesMax),
      { taskId, attempt, epoch, stream: this.#world.kernel.streamOf(taskId) },
    ];
  }

  #start({ taskId, attempt, epoch }: { taskId: string; attempt: number; epoch: number }): void {
    const before = this.segments.get(taskId);
    if (before !== undefined) this.#drop(before);
    if (attempt > 1) this.#closeCold(taskId, attempt - 1);
    this.#look(taskId, (state) => {
      if (state.phase !== "active" || state.epoch !== epoch) return;
      this.segments.set(taskId, new Segment(this.#world, this, state, { attempt, epoch }));
    });
  }

  #wake(taskId: string, op: string): void {
    const segment = this.segments.get(taskId);
    if (segment !== undefined) {
      segment.newsUnderWay += 1;
      this.#look(taskId, (state) => {
        segment.newsUnderWay -= 1;
        const operation = state.operations.get(op);
        if (operation !== undefined) segment.wake(op, operation);
      });
      return;
    }
    if (this.#rehydrating.has(taskId)) return;
    this.#rehydrating.add(taskId);
    this.#chores.push({ about: `rehydrate ${taskId}`, run: () => this.#rehydrate(taskId) });
  }

  #rehydrate(taskId: string): void {
    this.#world.follow(
      this.#world.kernel.dispatch(taskScope(taskId), { type: "rehydrate" }),
      (result) => {
        if (result instanceof Error) {
          this.#chores.push({ about: `rehydrate ${taskId}`, run: () => this.#rehydrate(taskId) });
          return;
        }
        this.#rehydrating.delete(taskId);
        // Refused: it ended, or another attempt waits for its start.
        if (!result.reply.ok) return;
        this.#world.mark("task rehydrated");
        this.#look(taskId, (state) => {
          const { phase, attempt, epoch } = state;
          if (phase === "active")
            this.segments.set(taskId, new Segment(this.#world, this, state, { attempt, epoch }));
        });
      },
    );
  }

  #abort(taskId: string, calls: readonly { queue: string; call: string }[]): void {
    const segment = this.segments.get(taskId);
    this.#world.mark("segment aborted");
    if (segment === undefined)
      this.#closeCold(taskId, this.#world.shadow.task(taskId)?.attempt ?? 0);
    else {
      segment.closeStream();
      this.#drop(segment);
      this.#closeCold(taskId, segment.attempt);
    }
    if (this.#world.planted.worker?.keepAborted === true) return;
    for (const { queue, call } of calls) this.#settleLater(queue, call);
  }

  /** The socket is closed, or the handler out of its slot, a while after it was told to stop. */
  #settleLater(queue: string, call: string): void {
    const about = `settle ${call}`;
    const run = (): void => this.#insist(about, queueScope(queue), { type: "settle", call });
    this.#chores.push({ about, run });
  }

  /** Closes what an earlier owner left open. */
  #closeCold(taskId: string, attempt: number): void {
    const id = streamId(taskId, attempt);
    const user = this.#world.shadow.task(taskId)?.spec?.userId ?? "";
    const run = (): void => {
      const head = this.#world.shadow.streams.get(id);
      const task = this.#world.shadow.task(taskId);
      if (
        head === undefined ||
        head.closed ||
        (task?.phase === "active" && task.attempt === attempt)
      )
        return;
      this.#world.follow(this.#world.kernel.closeStored(taskId, id, user), (result) => {
        if (result instanceof Error) this.#chores.push({ about: `close ${id}`, run });
      });
    };
    this.#chores.push({ about: `close ${id}`, run });
  }

  /** Sends a command now, and again until it is answered. */
  #insist(about: string, scope: Scope, command: unknown, then?: () => void): void {
    this.#world.follow(this.#world.dispatch(scope, command), (result) => {
      if (!(result instanceof Error)) then?.();
      else this.#chores.push({ about, run: () => this.#insist(about, scope, command, then) });
    });
  }

  /** Looks at a task's committed state: at once if it is cached. */
  #look(taskId: string, look: (state: TaskState) => void): void {
    const { kernel } = this.#world;
    const cached = kernel.peek(taskScope(taskId));
    if (cached !== undefined) return look(cached.state as TaskState);
    this.#world.follow(
      kernel.read(taskScope(taskId), (state) => look(state as TaskState)),
      () => undefined,
    );
  }
}
