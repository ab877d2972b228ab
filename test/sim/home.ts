import { createMemoryStore, type MemoryStore } from "../../src/adapters/memory/memory-store.ts";
import type { Scope } from "../../src/core/scope.ts";
import type { KernelListener } from "../../src/engine/kernel/kernel-ports.ts";
import { Kernel } from "../../src/engine/kernel/kernel.ts";
import { recover } from "../../src/engine/recovery.ts";
import type { Cipher } from "../../src/ports/cipher.ts";
import type { Courier } from "../../src/ports/host.ts";
import type { AsyncStore, SyncStore } from "../../src/ports/store.ts";
import { deciders } from "../../src/engine/deciders.ts";
import { rollDice } from "./dice.ts";
import type { Mutant } from "./mutant.ts";
import type { Plan } from "./plan.ts";
import { behindConnection, simStore, type StoreHooks } from "./sim-store.ts";

/** What a home needs of its world. Each call is dead once the process that made it has died. */
export interface HomePorts {
  readonly plan: Plan;
  readonly planted: Mutant;
  readonly cipher: Cipher;
  readonly courier: Courier;
  readonly storeHooks: StoreHooks;
  readonly listener: KernelListener;
  readonly nowMs: () => number;
  /** Grows with every death of the process. */
  readonly incarnation: () => number;
  readonly later: (task: () => void) => void;
  readonly fatal: (error: unknown) => void;
}

/**
 * A part of the world's state with one writer: a kernel over a disk of its own. A world has one home, or two whose
 * scopes write to each other through the courier.
 */
export class Home {
  readonly name: string;
  readonly disk: MemoryStore = createMemoryStore();
  readonly #ports: HomePorts;
  readonly #owns: (scope: Scope) => boolean;
  #store: SyncStore | AsyncStore = this.disk;
  #kernel: Kernel | null = null;
  /** When the waker rings; `null` if it is not armed. */
  wakeAtMs: number | null = null;

  constructor(name: string, ports: HomePorts, owns: (scope: Scope) => boolean) {
    this.name = name;
    this.#ports = ports;
    this.#owns = owns;
  }

  /** True if the scope lives here. */
  owns(scope: Scope): boolean {
    return this.#owns(scope);
  }

  /** The running kernel. */
  get kernel(): Kernel {
    if (this.#kernel === null) throw new TypeError(`no process runs home ${this.name}`);
    return this.#kernel;
  }

  /** Starts a process over what is on disk. Recovery is {@link recover}. */
  boot(): void {
    const { plan, planted, storeHooks, listener } = this.#ports;
    const real = simStore(this.disk, storeHooks);
    const store = planted.store?.(real) ?? real;
    this.#store = plan.asyncStore ? behindConnection(store, this.#whileAlive()) : store;
    this.wakeAtMs = null;
    this.#kernel = this.#newKernel(this.#store);
    this.#kernel.listen(listener);
  }

  /** What the engine does at start: void leases, lost tasks, dead streams, then timers and outbox. */
  async recover(): Promise<void> {
    await recover(this.kernel, this.#store, quiet);
    await this.kernel.start();
  }

  /** A kernel that only looks, over what is on disk now. */
  observer(): Kernel {
    return this.#newKernel(this.disk);
  }

  /** Turns of this process: when it has died none comes any more. */
  #whileAlive(): (task: () => void) => void {
    const { incarnation, later } = this.#ports;
    const mine = incarnation();
    return (task) => {
      if (incarnation() === mine) later(task);
    };
  }

  #newKernel(store: SyncStore | AsyncStore): Kernel {
    const { plan, planted, cipher, courier, fatal, nowMs } = this.#ports;
    const incarnation = this.#ports.incarnation();
    const alive = (): boolean => this.#ports.incarnation() === incarnation;
    const random = rollDice(plan.seed, `${this.name} ${incarnation}`);
    return new Kernel(
      {
        store,
        cipher,
        clock: { nowMs },
        random: { bytes: (bytes) => random.bytes(bytes), unit: () => random.unit() },
        turn: { later: this.#whileAlive() },
        waker: {
          arm: (atMs) => {
            if (alive()) this.wakeAtMs = atMs;
          },
        },
        log: quiet,
        courier,
        isLocal: this.#owns,
        fatal(error) {
          if (alive()) fatal(error);
        },
      },
      planted.deciders?.(deciders) ?? deciders,
      { cacheBytesMax: plan.cacheBytesMax, snapshotEventsEvery: plan.snapshotEventsEvery },
    );
  }
}

const quiet = { info: (): void => undefined, error: (): void => undefined };
