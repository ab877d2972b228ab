import { createMemoryStore, type MemoryStore } from "../../src/adapters/memory/memory-store.ts";
import { ErrandError } from "../../src/core/errors.ts";
import { scopeKind } from "../../src/core/scope.ts";
import { deciders } from "../../src/engine/deciders.ts";
import type { Committed } from "../../src/engine/kernel/group.ts";
import { Kernel } from "../../src/engine/kernel/kernel.ts";
import { recover } from "../../src/engine/recovery.ts";
import type { Group, SyncStore } from "../../src/ports/store.ts";
import { Clients } from "./clients.ts";
import { SimCourier } from "./courier.ts";
import { rollDice, type Dice } from "./dice.ts";
import { honest, type Mutant } from "./mutant.ts";
import { plainCipher } from "./plain-cipher.ts";
import { noFaults, type Faults, type Plan } from "./plan.ts";
import type { ModelFault, Node } from "./program.ts";
import { Readers } from "./readers.ts";
import { ScopeChecks } from "./scope-checks.ts";
import { Shadow, stateText } from "./shadow.ts";
import { simStore, type CommitFate } from "./sim-store.ts";
import { BrokenRule, must, type Trace } from "./trace.ts";
import { Worker } from "./worker.ts";

/** When every world begins. */
export const startMs = 1_800_000_000_000;

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
  readonly courier: SimCourier;
  readonly readers: Readers;
  readonly #checks: ScopeChecks;
  readonly #cipher = plainCipher();
  readonly #disk: MemoryStore = createMemoryStore();
  readonly #modelTries = new Map<string, number>();
  #kernel: Kernel | null = null;
  #store: SyncStore | null = null;
  #turns: (() => void)[] = [];
  #wakeAtMs: number | null = null;
  #fullFor = 0;
  nowMs = startMs;
  /** Grows with every death: what an earlier process waits for never comes. */
  incarnation = 0;
  /** The process died in this step. */
  dead = false;
  /** Chaos is over: no more faults. */
  healing = false;
  /** The first broken promise. */
  broken: unknown = null;

  constructor(plan: Plan, trace: Trace, planted: Mutant = honest) {
    this.plan = plan;
    this.planted = planted;
    this.trace = trace;
    this.dice = rollDice(plan.seed, "schedule");
    this.shadow = new Shadow(this.#cipher);
    this.#checks = new ScopeChecks(this.shadow, plan);
    this.shadow.onFact = (scope, event) => this.#checks.before(scope, event);
    this.worker = new Worker(this);
    this.clients = new Clients(this);
    this.courier = new SimCourier(this);
    this.readers = new Readers(this);
  }

  /** The running kernel. */
  get kernel(): Kernel {
    if (this.#kernel === null) throw new TypeError("no process runs");
    return this.#kernel;
  }

  /** The faults of this moment. */
  get faults(): Faults {
    return this.healing ? noFaults : this.plan.faults;
  }

  /** Turns of the event loop that wait. */
  get turns(): number {
    return this.#turns.length;
  }

  /** When the waker rings; `null` if it is not armed. */
  get wakeAtMs(): number | null {
    return this.#wakeAtMs;
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

  /** Runs a check; the first failure ends the run after this step. */
  judge(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.broken ??= error;
    }
  }

  /** Tells `then` how `work` ended, unless the process dies first. Only a full disk is an error a caller must expect. */
  follow<T>(work: Promise<T>, then: (result: T | Error) => void): void {
    const { incarnation } = this;
    const settle = (result: T | Error): void => {
      if (this.incarnation === incarnation) this.judge(() => then(result));
    };
    work.then(settle, (error: unknown) => {
      if (this.incarnation !== incarnation) return;
      const expected = error instanceof ErrandError && error.code === "storage_full";
      if (!expected) this.broken ??= error;
      else settle(error);
    });
  }

  /** Expects a late writer to be refused at once. */
  rejects(write: () => Promise<void>): void {
    this.judge(() => {
      try {
        void write().catch(() => undefined);
      } catch (error) {
        must(error instanceof ErrandError && error.code === "fenced", "a stale epoch cannot write a stream", () => String(error));
        this.mark("stale stream writer fenced");
        return;
      }
      must(false, "a stale epoch cannot write a stream", () => "an old owner's entries were taken");
    });
  }

  /** Another process with an old epoch writes past the kernel: the store itself must refuse. */
  writeStale(stream: string, epoch: number, n: number): void {
    const body = this.#cipher.seal("", "", "");
    const result = this.#disk.commit({ ...emptyGroup, streams: [{ op: "append", stream, epoch, n, count: 1, body }] });
    this.judge(() => must(!result.ok, "a stale epoch cannot write a stream", () => `${stream} took an entry of epoch ${epoch}`));
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
    this.#wakeAtMs = null;
    const first = this.#kernel === null;
    this.note("boot", String(this.incarnation));
    const store = simStore(this.#disk, {
      fate: () => this.#fate(),
      committed: (group) => this.judge(() => this.#committed(group)),
      refused: (result) => this.note("refused", JSON.stringify(result)),
      died: () => this.#die("at a commit"),
    });
    this.#store = this.planted.store?.(store) ?? store;
    this.#kernel = this.#newKernel(this.#store);
    this.planted.kernel?.(this.#kernel);
    if (first) this.clients.configure();
    const recovered = (await this.#finish(recover(this.#kernel, this.#store, quiet))) && (await this.#finish(this.#kernel.start()));
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

  /** The waker rings. */
  wake(): void {
    this.note("wake", "");
    this.#wakeAtMs = null;
    this.follow(this.kernel.wake(), () => undefined);
  }

  /** A process that only looks, over what is on disk now. */
  observer(): Kernel {
    return this.#newKernel(this.#disk);
  }

  /** Opens what was sealed for a place. */
  open(place: string, sealed: Uint8Array): string {
    return this.#cipher.open(place, sealed);
  }

  /** What is on disk. */
  get disk(): SyncStore {
    return this.#disk;
  }

  #newKernel(store: SyncStore): Kernel {
    const { incarnation, plan } = this;
    const alive = (): boolean => this.incarnation === incarnation;
    const random = rollDice(plan.seed, `kernel ${incarnation}`);
    const kernel = new Kernel(
      {
        store,
        cipher: this.#cipher,
        clock: { nowMs: () => this.nowMs },
        random: { bytes: (bytes) => random.bytes(bytes), unit: () => random.unit() },
        turn: { later: (task) => void (alive() && this.#turns.push(task)) },
        waker: { arm: (atMs) => void (alive() && (this.#wakeAtMs = atMs)) },
        log: quiet,
        courier: this.courier,
        isLocal: (scope) => !plan.remoteQueues || scopeKind(scope) !== "queue",
        fatal: (error) => void (alive() && (this.broken ??= error)),
      },
      this.planted.deciders?.(deciders) ?? deciders,
      { cacheBytesMax: plan.cacheBytesMax, snapshotEventsEvery: plan.snapshotEventsEvery },
    );
    kernel.listen({
      entries: (stored) => this.judge(() => this.readers.stored(stored)),
      committed: (commit) => this.judge(() => this.#told(commit)),
      signal: (signal) => this.judge(() => this.worker.signal(signal)),
    });
    return kernel;
  }

  #fate(): CommitFate {
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
    this.#checks.after(touched);
  }

  /** What the kernel tells its listeners is what is on disk. */
  #told({ scope, state, seq, events }: Committed): void {
    const stored = this.shadow.scopes.get(scope);
    must(stored !== undefined && stored.seq === seq + events.length - 1, "what is told is stored", () => `${scope}#${seq}`);
    const live = stateText(scope, state);
    const folded = stateText(scope, stored.state);
    must(live === folded, "the live state is the folded log", () => `${scope} at ${stored.seq}\n  live   ${live}\n  folded ${folded}`);
  }

  #die(where: string): void {
    this.note("crash", where);
    this.mark(`crash ${where}`);
    this.dead = true;
    this.incarnation += 1;
    this.#turns = [];
    this.#wakeAtMs = null;
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
        if (!this.dead && !(error instanceof ErrandError && error.code === "storage_full")) this.broken ??= error;
      },
    );
    for (let turn = 0; turn < recoveryTurnsMax; turn += 1) {
      await drain();
      if (this.dead || this.broken !== null) return false;
      if (ended === "badly") this.#die("because it could not start");
      if (ended !== "") return ended === "well";
      if (this.#turns.length > 0) this.turn();
    }
    this.broken ??= new BrokenRule("recovery ends", `nothing moves any more after ${recoveryTurnsMax} turns`);
    return false;
  }
}

/** Resolves when every promise that could settle has settled: a turn of the real event loop. */
export function drain(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const quiet = { info: (): void => undefined, error: (): void => undefined };

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
