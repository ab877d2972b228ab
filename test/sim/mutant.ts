import type { AnyDecider } from "../../src/engine/kernel/group.ts";
import type { SyncStore } from "../../src/ports/store.ts";

/** The deciders of the four kinds of scope. */
export type Deciders = ReadonlyMap<string, AnyDecider>;

/**
 * A planted bug: one realistic fault put between the real parts, so that the simulator proves it would notice.
 * What is absent is the real thing.
 */
export interface Mutant {
  readonly name: string;
  /** The mistake, in words. */
  readonly about: string;
  /** Puts faulty deciders before the real ones. */
  readonly deciders?: (real: Deciders) => Deciders;
  /** Puts a faulty store before the real one; called once for each life of the process. */
  readonly store?: (real: SyncStore) => SyncStore;
  /** Faults of the worker: it forgets to take back what was cut off, or to settle what was aborted. */
  readonly worker?: { readonly skipReset?: true; readonly keepAborted?: true };
}

/** Nothing is planted. */
export const honest: Mutant = { name: "honest", about: "the real thing" };

/** The deciders with one of them changed. */
export function withDecider(
  real: Deciders,
  kind: "task" | "queue" | "session" | "user",
  change: (decider: AnyDecider) => Partial<AnyDecider>,
): Deciders {
  const decider = real.get(kind);
  if (decider === undefined) throw new TypeError(`there is no decider for ${kind}`);
  return new Map([...real, [kind, { ...decider, ...change(decider) }]]);
}
