import type { AnyDecider } from "../../src/engine/kernel/group.ts";
import type { Kernel } from "../../src/engine/kernel/kernel.ts";
import type { SyncStore } from "../../src/ports/store.ts";

/**
 * A planted bug: one realistic fault put between the real parts, so that the simulator proves it would notice.
 * All fields but the words are optional; what is absent is the real thing.
 */
export interface Mutant {
  readonly name: string;
  /** What is wrong, and in which real mistake it would come. */
  readonly about: string;
  /** Puts faulty deciders before the real ones. */
  deciders?(real: ReadonlyMap<string, AnyDecider>): ReadonlyMap<string, AnyDecider>;
  /** Puts a faulty store before the real one; called once for each life of the process. */
  store?(real: SyncStore): SyncStore;
  /** Changes a kernel as it starts. */
  kernel?(real: Kernel): void;
  /** Faults of the worker. */
  readonly worker?: { readonly skipReset?: true; readonly keepAborted?: true };
  /** Faults of the recovery at start. */
  readonly recovery?: {
    readonly keepLeases?: true;
    readonly keepRunning?: true;
    readonly keepStreams?: true;
  };
}

/** Nothing is planted. */
export const honest: Mutant = { name: "honest", about: "the real thing" };
