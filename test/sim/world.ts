import { ErrandError } from "../../src/core/errors.ts";
import { scopeKind, type Scope } from "../../src/core/scope.ts";
import type { Committed, Outcome } from "../../src/engine/kernel/group.ts";
import type { Kernel } from "../../src/engine/kernel/kernel.ts";
import { openRow } from "../../src/engine/kernel/shared-rows.ts";
import type { Group, StreamRow } from "../../src/ports/store.ts";
import { Clients } from "./clients.ts";
import { SimCourier } from "./courier.ts";
import { rollDice, type Dice } from "./dice.ts";
import { Home, type HomePorts } from "./home.ts";
import { honest, type Mutant } from "./mutant.ts";
import { plainCipher } from "./plain-cipher.ts";
import { Planners } from "./planners.ts";
import { noFaults, type Faults, type Plan } from "./plan.ts";
import type { ModelFault, Node } from "./program.ts";
import { Readers } from "./readers.ts";
import { ScopeChecks } from "./scope-checks.ts";
import { Shadow, stateText } from "./shadow.ts";
import type { CommitFate } from "./sim-store.ts";
import { BrokenRule, must, type Trace } from "./trace.ts";
import { Worker } from "./worker.ts";

/** When every world begins. */
export const startMs = 1_800_000_000_000;

/** A commit, counted from 1, and how the process dies there. */
export interface CrashPoint {
  readonly commit: number;
  readonly fate: "diesBefore" | "diesAfter";
}

/** Turns a recovery may take. */
const recoveryTurnsMax = 2_000;

/**
 * One simulated world: the real kernel and the real deciders over a memory store, with everything around them
 * played by the seed. It owns the clock, the event loop's turns, the disk and the deaths of the process; {@link
 * runSeed} decides what happens next.
 */
export class World {
  readonly plan: Plan;
  readonly planted: Mutant;
  readonly dice: Dice;
  readonly trace: Trace;
  readonly shadow: Shadow;
  readonly worker: Worker;
  readonly clients: Clients;
  readonly planners: Planners;
  readonly courier: SimCourier;
  readonly readers: Readers;
  readonly checks: ScopeChecks;
  /** Where tasks, sessions and users live comes first; queues live there too, or in a second home. */
  readonly homes: readonly [Home, ...Home[]];
  readonly #cipher = plainCipher();
  readonly #modelTries = new Map<string, number>();
  #turns: (() => void)[] = [];
  #booted = false;
  readonly #told = new Map<Scope, number>();
  #fullFor = 0;
  #commits = 0;
  /** The one commit at which the process dies, where every single crash point is tried in turn. */
  crashPoint: CrashPoint | null = null;
  nowMs = startMs;
  /** Grows with every death: what an earlier process waits for never comes. */
  incarnation = 0;
  /** The process died in this step. */
  dead = false;
  /** Chaos is over: no more faults. */
  healing = false;
  /** The first broken promise. */
  broken: Error | null = null;

  constructor(plan: Plan, trace: Trace, planted: Mutant = honest) {
    this.plan = plan;
    this.planted = planted;
    this.trace = trace;
    this.dice = rollDice(plan.seed, "schedule");
    this.shadow = new Shadow(this.#cipher);
    this.checks = new ScopeChecks(this.shadow, plan, () => this.nowMs);
    this.shadow.onFact = (scope, event, atMs) => this.checks.before(scope, event, atMs);
    this.worker = new Worker(this);
    this.clients = new Clients(this);
    this.planners = new Planners(this, this.checks.planner);
    this.courier = new SimCourier(this);
    this.readers = new Readers(this);
    this.homes = this.#makeHomes();
  }

  #makeHomes(): [Home, ...Home[]] {
    const { plan, planted, courier } = this;
    const ports: HomePorts = {
      plan,
      planted,
      courier,
      cipher: this.#cipher,
      nowMs: () => this.nowMs,
      incarnation: () => this.incarnation,
      later: (task) => this.#turns.push(task),
      fatal: (error) => this.breaks(error),
      storeHooks: {
        fate: () => this.#noted(this.#fate()),
        committed: (group) => this.judge(() => this.#committed(group)),
        refused: (result) => this.note("refused", JSON.stringify(result)),
        died: () => this.#die("at a commit"),
      },
      listener: {
        entries: (stored) => this.judge(() => this.readers.stored(stored)),
        committed: (commit) =>
          this.judge(() => {
            this.#tell(commit);
            this.planners.heard(commit);
          }),
        signal: (signal) => this.judge(() => this.worker.signal(signal)),
      },
    };
    if (!plan.remoteQueues) return [new Home("all", ports, () => true)];
    const isQueue = (scope: Scope): boolean => scopeKind(scope) === "queue";
    return [
      new Home("tasks", ports, (scope) => !isQueue(scope)),
      new Home("queues", ports, isQueue),
    ];
  }

  /** The kernel of the home where tasks live. */
  get kernel(): Kernel {
    return this.homes[0].kernel;
  }

  /** The home of a scope. */
  homeOf(scope: Scope): Home {
    return this.homes.find((home) => home.owns(scope)) ?? this.homes[0];
  }

  /** Gives a command to the scope's home. */
  dispatch(scope: Scope, command: unknown): Promise<Outcome> {
    return this.homeOf(scope).kernel.dispatch(scope, command);
  }

  /** The faults of this moment. */
  get faults(): Faults {
    return this.healing ? noFaults : this.plan.faults;
  }

  /** Commits so far, whatever became of them. */
  get commits(): number {
    return this.#commits;
  }

  /** Turns of the event loop that wait. */
  get turns(): number {
    return this.#turns.length;
  }

  /** When the first waker rings; `null` if none is armed. */
  get wakeAtMs(): number | null {
    let first: number | null = null;
    for (const { wakeAtMs } of this.homes)
      if (wakeAtMs !== null && (first === null || wakeAtMs < first)) first = wakeAtMs;
    return first;
  }

  /** Place in a list of `count` to take next, as the world's order wants. */
  readonly choose = (count: number): number => {
    if (count <= 1) return 0;
    const { order } = this.plan;
    if (order === "random" || this.dice.chance(0.2)) return this.dice.below(count);
    return order === "oldest" ? 0 : count - 1;
  };

  /** Writes a line of the trace. */
  note(kind: string, detail: string): void {
    this.trace.add(`${this.nowMs - startMs} ${kind} ${detail}`);
  }

  /** Counts a rare state. */
  mark(name: string): void {
    this.trace.mark(name);
  }

  /** Ends the run after this step, for the first thing that went wrong. */
  breaks(error: unknown): void {
    this.broken ??= error instanceof Error ? error : new Error(JSON.stringify(error));
  }

  /** Runs a check; the first failure ends the run after this step. */
  judge(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.breaks(error);
    }
  }

  /**
   * Tells `then` how `work` ended, unless the process dies first. A full disk and a fence are errors that a caller must
   * expect; any other ends the run.
   */
  follow<T>(work: Promise<T>, then: (result: T | Error) => void): void {
    const { incarnation } = this;
    const settle = (result: T | Error): void => {
      if (this.incarnation === incarnation) this.judge(() => then(result));
    };
    work.then(settle, (error: unknown) => {
      if (this.incarnation !== incarnation) return;
      const expected =
        error instanceof ErrandError && (error.code === "storage_full" || error.code === "fenced");
      if (expected) settle(error);
      else this.breaks(error);
    });
  }

  /** Expects a late writer to be refused at once. */
  rejects(write: () => Promise<void>): void {
    this.judge(() => {
      try {
        void write().catch(() => undefined);
      } catch (error) {
        must(error instanceof ErrandError, "a stale epoch cannot write a stream", () =>
          String(error),
        );
        this.mark("stale stream writer fenced");
        return;
      }
      must(false, "a stale epoch cannot write a stream", () => "an old owner's entries were taken");
    });
  }

  /** Another process with an old epoch writes past the kernel: the store itself must refuse. */
  writeStale(stream: string, epoch: number, n: number): void {
    const body = this.#cipher.seal("", "", "");
    const result = this.homes[0].disk.commit({
      ...emptyGroup,
      streams: [{ op: "append", stream, epoch, n, count: 1, body }],
    });
    this.judge(() =>
      must(
        !result.ok,
        "a stale epoch cannot write a stream",
        () => `${stream} took an entry of epoch ${epoch}`,
      ),
    );
    this.mark("stale stream writer refused by the store");
  }

  /** What the model does at the next try of a call. It is not part of the process and remembers over crashes. */
  modelFault(taskId: string, call: Extract<Node, { kind: "call" }>): ModelFault | undefined {
    const key = `${taskId}/${call.op}`;
    const tries = this.#modelTries.get(key) ?? 0;
    this.#modelTries.set(key, tries + 1);
    return call.faults[tries];
  }

  /** Starts the process over what is on disk, and recovers. False if it died again. */
  async boot(): Promise<boolean> {
    this.dead = false;
    this.#turns = [];
    this.note("boot", String(this.incarnation));
    for (const home of this.homes) home.boot();
    if (!this.#booted) this.clients.configure();
    this.#booted = true;
    const recovered = await this.#finish(Promise.all(this.homes.map((home) => home.recover())));
    if (recovered) this.readers.reconnect();
    return recovered;
  }

  /** The process dies between two steps. */
  crash(): void {
    this.#die("between two steps");
  }

  /** One turn of the event loop. */
  turn(): void {
    const [task] = this.#turns.splice(this.choose(this.#turns.length), 1);
    task?.();
  }

  /** The wakers ring, each at its time or for nothing. */
  wake(): void {
    this.note("wake", "");
    for (const home of this.homes) {
      home.wakeAtMs = null;
      this.follow(home.kernel.wake(), () => undefined);
    }
  }

  /** Opens a stored row of a stream. */
  openRow(stream: string, row: StreamRow): string {
    return openRow(this.#cipher, stream, row);
  }

  #noted(fate: CommitFate): CommitFate {
    if (fate !== "commits") this.note("store", fate);
    return fate;
  }

  #fate(): CommitFate {
    this.#commits += 1;
    if (this.crashPoint?.commit === this.#commits) return this.crashPoint.fate;
    if (this.healing) return "commits";
    const { crashAtCommit, storageFull } = this.plan.faults;
    if (this.#fullFor > 0) {
      this.#fullFor -= 1;
      return "full";
    }
    if (this.dice.chance(crashAtCommit)) return this.dice.chance(0.5) ? "diesBefore" : "diesAfter";
    if (!this.dice.chance(storageFull)) return "commits";
    this.mark("disk full");
    this.#fullFor = this.dice.below(3);
    return "full";
  }

  #committed(group: Group): void {
    const { touched, facts } = this.shadow.apply(group);
    this.trace.add(facts);
    this.checks.after(touched);
  }

  /** Number of the newest fact of a scope that anybody was told of. */
  toldOf(scope: Scope): number {
    return this.#told.get(scope) ?? 0;
  }

  /** What the kernel tells its listeners is what is on disk. */
  #tell({ scope, state, seq, events }: Committed): void {
    this.#told.set(scope, seq + events.length - 1);
    const stored = this.shadow.scopes.get(scope);
    must(
      stored !== undefined && stored.seq === seq + events.length - 1,
      "what is told is stored",
      () => `${scope}#${seq}`,
    );
    const live = stateText(scope, state);
    const folded = stateText(scope, stored.state);
    must(
      live === folded,
      "the live state is the folded log",
      () => `${scope} at ${stored.seq}\n  live   ${live}\n  folded ${folded}`,
    );
  }

  #die(where: string): void {
    this.note("crash", where);
    this.mark(`crash ${where}`);
    this.dead = true;
    this.incarnation += 1;
    this.#turns = [];
    for (const home of this.homes) home.wakeAtMs = null;
    this.#fullFor = 0;
    this.worker.crash();
    this.courier.crash();
    this.readers.crash();
  }

  /** Runs turns until `work` is done. False if the process died, or could not start because the disk is full. */
  async #finish(work: Promise<unknown>): Promise<boolean> {
    let ended = "";
    work.then(
      () => (ended = "well"),
      (error: unknown) => {
        ended = "badly";
        if (!this.dead && !(error instanceof ErrandError && error.code === "storage_full"))
          this.breaks(error);
      },
    );
    for (let turn = 0; turn < recoveryTurnsMax; turn += 1) {
      await drain();
      if (this.dead || this.broken !== null) return false;
      if (ended === "badly") this.#die("because it could not start");
      if (ended !== "") return ended === "well";
      if (this.#turns.length > 0) this.turn();
    }
    this.broken ??= new BrokenRule(
      "recovery ends",
      `nothing moves any more after ${recoveryTurnsMax} turns`,
    );
    return false;
  }
}

/** Resolves when every promise that could settle has settled: a turn of the real event loop. */
export function drain(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const emptyGroup: Group = {
  appends: [],
  snapshots: [],
  tasks: [],
  sessions: [],
  readyPut: [],
  readyGone: [],
  timers: [],
  outbox: [],
  outboxDone: [],
  keys: [],
  streams: [],
};
