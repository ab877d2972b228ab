import { lossesMax } from "../../src/core/limits.ts";
import type { TaskEvent } from "../../src/core/task/events.ts";
import { retryDefault, type TaskSpec } from "../../src/core/task/spec.ts";
import { must } from "./trace.ts";

type Phase = "new" | "delayed" | "held" | "queued" | "active" | "lost" | "ended" | "reopened";

/**
 * What a task's log may say, as an automaton of its own: it shares no code with the decider it judges. Fed with
 * the facts of one task in the order of the log, it fails the run at the first one that must not be there.
 */
export class TaskLife {
  readonly id: string;
  phase: Phase = "new";
  spec: TaskSpec | null = null;
  /** How each life ended; a retry begins another one. */
  readonly ends: string[] = [];
  reopened = 0;
  handBacks = 0;
  attempts = 0;
  epoch = 0;
  #attemptsOfLife = 0;
  #failures = 0;
  #losses = 0;
  /** Since something of it was kept. */
  #lossesInARow = 0;
  #handBacksOfLife = 0;
  #dueMs = 0;
  /** Since when its ttl counts. */
  #ttlFromMs = 0;
  #deadlineMs = Infinity;
  readonly #steps = new Set<string>();
  readonly #until = new Map<string, number>();
  readonly #over = new Set<string>();
  /** Status a child ended with; empty while it is open. */
  readonly #children = new Map<string, string>();
  readonly #calls = new Map<
    string,
    "pending" | "granted" | "cut" | "backoff" | "done" | "failed"
  >();

  constructor(id: string) {
    this.id = id;
  }

  /** The task has ended and was not opened again. */
  get ended(): boolean {
    return this.phase === "ended";
  }

  /** Judges one fact, committed at `atMs`. */
  observe(event: TaskEvent, atMs: number): void {
    must(
      this.phase !== "ended" || event.type === "task.reopened",
      "an end never changes",
      () => `${this.id} is ${this.ends.at(-1) ?? ""}, then ${event.type}`,
    );
    must(
      this.phase !== "lost" || event.type === "task.queued" || event.type === "task.failed",
      "a lost attempt goes on",
      () => this.#say(event),
    );
    if (/^(?:step|call)\.completed$|^tool\.settled$|^child\.ended$/.test(event.type))
      this.#lossesInARow = 0;
    const kind = event.type.slice(0, event.type.indexOf("."));
    if (kind === "task") this.#task(event, atMs);
    else if (kind === "call") this.#call(event, atMs);
    else this.#operation(event, atMs);
  }

  #say(event: TaskEvent): string {
    return `${event.type} of ${this.id} while ${this.phase}, attempt ${this.attempts}`;
  }

  #from(event: TaskEvent, ...phases: readonly Phase[]): void {
    must(phases.includes(this.phase), "a task follows its states", () => this.#say(event));
  }

  #task(event: TaskEvent, atMs: number): void {
    switch (event.type) {
      case "task.accepted":
        must(this.spec === null, "a task is accepted once", () => this.id);
        this.spec = event.spec;
        this.#ttlFromMs = atMs + (event.spec.delayMs ?? 0);
        this.#deadlineMs = atMs + (event.spec.deadlineMs ?? Infinity);
        return;
      case "task.delayed":
        this.#from(event, "new", "held");
        this.#dueMs = event.untilMs;
        this.phase = "delayed";
        return;
      case "task.held":
        this.#from(event, "new", "reopened");
        this.#due(event, atMs);
        this.phase = "held";
        return;
      case "task.queued":
        this.#from(event, "new", "delayed", "held", "lost", "reopened", "queued");
        this.#due(event, atMs);
        this.phase = "queued";
        return;
      case "task.started":
        this.#start(event.attempt, event.epoch, event);
        return;
      case "task.resumed":
        this.#from(event, "active");
        must(event.epoch === this.epoch + 1, "an epoch grows by one", () => this.#say(event));
        this.epoch = event.epoch;
        return;
      case "task.lost":
        this.#from(event, "active");
        if (event.graceful === true) {
          this.handBacks += 1;
          this.#handBacksOfLife += 1;
        } else {
          this.#losses += 1;
          this.#lossesInARow += 1;
        }
        this.#leave();
        this.phase = "lost";
        return;
      case "task.retrying":
        this.#from(event, "active");
        this.#failures += 1;
        must(this.#failures < this.#attemptsMax, "retries are bounded", () => this.#say(event));
        this.#dueMs = event.untilMs;
        this.#leave();
        this.phase = "delayed";
        return;
      case "task.reopened":
        this.#reopen(event, atMs);
        return;
      case "task.progressed":
        this.#from(event, "active");
        return;
      default:
        this.#end(event, atMs);
    }
  }

  #reopen(event: TaskEvent, atMs: number): void {
    const again = this.ended && this.ends.at(-1) !== "completed";
    must(again, "only a failed end is opened again", () => this.#say(event));
    this.phase = "reopened";
    this.reopened += 1;
    this.#attemptsOfLife = 0;
    this.#failures = 0;
    this.#losses = 0;
    this.#lossesInARow = 0;
    this.#handBacksOfLife = 0;
    this.#deadlineMs = atMs + (this.spec?.deadlineMs ?? Infinity);
    this.#ttlFromMs = atMs;
    this.#leave();
    this.#forget();
  }

  get #attemptsMax(): number {
    return (this.spec?.retry ?? retryDefault).attemptsMax;
  }

  #due(event: TaskEvent, atMs: number): void {
    if (this.phase !== "delayed") return;
    must(
      atMs >= this.#dueMs,
      "a timer never fires early",
      () => `${this.#say(event)}, ${this.#dueMs - atMs} ms before it is due`,
    );
  }

  #start(attempt: number, epoch: number, event: TaskEvent): void {
    this.#from(event, "queued");
    must(
      attempt === this.attempts + 1,
      "attempts are counted one by one",
      () => `${this.#say(event)}: the next is ${attempt}`,
    );
    must(
      epoch === this.epoch + 1,
      "an epoch grows by one",
      () => `${this.#say(event)}: the next is ${epoch}`,
    );
    this.attempts = attempt;
    this.epoch = epoch;
    this.#attemptsOfLife += 1;
    const most = this.#attemptsMax + this.#losses + this.#handBacksOfLife;
    must(
      this.#attemptsOfLife <= most,
      "attempts are bounded",
      () => `${this.#say(event)}: ${this.#attemptsOfLife} of at most ${most}`,
    );
    must(this.#lossesInARow < lossesMax, "a task that kills its worker is quarantined", () =>
      this.#say(event),
    );
    this.phase = "active";
  }

  /** The attempt is over: calls that are not done are asked for again. */
  #leave(): void {
    for (const [op, state] of this.#calls) if (state !== "done") this.#calls.delete(op);
  }

  /** A task that is opened again keeps what succeeded; open waits and children that failed begin anew. */
  #forget(): void {
    for (const op of this.#until.keys()) if (!this.#over.has(op)) this.#until.delete(op);
    for (const [op, status] of this.#children) {
      if (status === "completed") continue;
      this.#children.delete(op);
      this.#over.delete(op);
    }
  }

  #end(event: TaskEvent, atMs: number): void {
    must(this.spec !== null, "a task is accepted first", () => this.#say(event));
    if (event.type === "task.completed") this.#from(event, "active");
    if (event.type === "task.failed") {
      if (event.error.code === "deadline_exceeded") {
        must(
          atMs >= this.#deadlineMs,
          "a timer never fires early",
          () => `${this.#say(event)}, ${this.#deadlineMs - atMs} ms before the deadline`,
        );
      } else this.#from(event, "active", "lost");
    }
    if (event.type === "task.expired") {
      const dueMs = this.#ttlFromMs + (this.spec?.ttlMs ?? Infinity);
      must(
        atMs >= dueMs,
        "a timer never fires early",
        () => `${this.#say(event)}, ${dueMs - atMs} ms before its ttl`,
      );
      must(this.attempts === 0, "only a task that never ran expires", () => this.#say(event));
    }
    this.ends.push(event.type.slice("task.".length));
    this.phase = "ended";
  }

  #call(event: TaskEvent, atMs: number): void {
    if (!("op" in event)) return;
    this.#from(event, "active");
    const state = this.#calls.get(event.op);
    const expect = (...states: readonly (typeof state)[]): void =>
      must(
        states.includes(state),
        "a call follows its states",
        () => `${this.#say(event)}: call ${event.op} is ${state ?? "new"}`,
      );
    if (event.type === "call.requested") {
      // A foreseen call that has its slot is given back for the one that is wanted.
      const isWanted = state === "granted" && event.hash === event.op;
      if (!isWanted) expect(undefined, "backoff", "failed", "pending", "cut");
      must(
        atMs >= (this.#until.get(event.op) ?? 0) || state !== "backoff",
        "a timer never fires early",
        () => this.#say(event),
      );
      this.#calls.set(event.op, "pending");
    } else if (event.type === "call.started") {
      expect("pending");
      this.#calls.set(event.op, "granted");
    } else if (event.type === "call.cut") {
      expect("granted");
      this.#calls.set(event.op, "cut");
    } else if (event.type === "call.completed") {
      expect("granted");
      this.#calls.set(event.op, "done");
    } else if (event.type === "call.failed") {
      expect("granted");
      this.#calls.set(event.op, event.untilMs === undefined ? "failed" : "backoff");
      if (event.untilMs !== undefined) this.#until.set(event.op, event.untilMs);
    }
  }

  #operation(event: TaskEvent, atMs: number): void {
    if (event.type === "event.received") return;
    if (!("op" in event)) return;
    const { op } = event;
    switch (event.type) {
      case "step.completed":
        this.#from(event, "active");
        must(!this.#steps.has(op), "a step's result is written once", () => this.#say(event));
        this.#steps.add(op);
        return;
      case "sleep.started":
      case "wait.started":
        this.#from(event, "active");
        must(!this.#until.has(op), "a wait begins once", () => this.#say(event));
        this.#until.set(op, event.untilMs ?? Infinity);
        return;
      case "sleep.ended":
      case "wait.ended": {
        must(
          this.#until.has(op) && !this.#over.has(op),
          "a wait ends once",
          () => `${this.#say(event)}: ${op}`,
        );
        const timed = event.type === "sleep.ended" || event.timedOut === true;
        const leftMs = (this.#until.get(op) ?? 0) - atMs;
        must(
          !timed || leftMs <= 0,
          "a timer never fires early",
          () => `${this.#say(event)}: ${op}, ${leftMs} ms early`,
        );
        this.#over.add(op);
        return;
      }
      case "child.spawned":
        this.#from(event, "active");
        must(!this.#children.has(op), "a child is spawned once", () => this.#say(event));
        this.#children.set(op, "");
        return;
      case "child.ended":
        must(
          this.#children.has(op) && !this.#over.has(op),
          "a join runs once",
          () => `${this.#say(event)}: ${op}`,
        );
        this.#children.set(op, event.end.status);
        this.#over.add(op);
        return;
      default:
        this.#from(event, "active");
    }
  }
}
