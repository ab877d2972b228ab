import type { ErrorData } from "./errors.ts";
import type { IdPrefix } from "./ids.ts";
import type { Row } from "./rows.ts";
import type { Scope } from "./scope.ts";

/** What a decision may know of the world. All three are fixed inputs of the decision, so replay gives the same batch. */
export interface DecideContext {
  readonly nowMs: number;
  /** A new time-ordered id: those of one process sort in the order they were made. */
  id(prefix: IdPrefix): string;
  /** A double in [0, 1). */
  random(): number;
  /** True while the process stops in good order: a queue then grants nothing, and what waits is found by the next one. */
  readonly draining?: boolean;
}

/** What one scope sends another. The kernel gives it the id `<from>#<seq>.<index>` and delivers it at least once. */
export interface Message {
  readonly to: Scope;
  readonly body: unknown;
}

/** Sets (`atMs`) or clears (`null`) the named timer of the deciding scope. A set timer fires at least once, never early. */
export interface TimerChange {
  readonly name: string;
  readonly atMs: number | null;
}

/**
 * Tells the engine what the committed facts ask it to do now (run a handler, abort a call). Given at most once,
 * after the commit, and lost in a crash: recovery derives the same work from the state.
 */
export interface Signal {
  readonly kind: string;
}

/** Answer to a command. A refusal is an answer too: it consumes the command and changes nothing. */
export type Reply =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: ErrorData };

/** Everything one command does. The kernel commits it whole, in one transaction with its group, or not at all. */
export interface Batch<E> {
  readonly events: readonly E[];
  readonly messages?: readonly Message[];
  readonly timers?: readonly TimerChange[];
  readonly rows?: readonly Row[];
  readonly signals?: readonly Signal[];
  readonly reply: Reply;
  /**
   * True if the decider has folded `events` into the state itself while deciding (the queue does, because a
   * grant depends on the settle before it). The kernel then does not fold them a second time.
   */
  readonly folded?: true;
}

/**
 * One kind of scope as pure functions. `evolve` may change the state it is given in place and return it: the
 * kernel owns the state, shows it to nobody while deciding, and drops it whenever a commit is not true.
 */
export interface Decider<S, C, E> {
  /** State before the first event. */
  zero(scope: Scope): S;
  evolve(state: S, event: E, atMs: number): S;
  decide(state: S, command: C, ctx: DecideContext): Batch<E>;
  /** The user whose key seals this scope's payloads; "" is the system's own key. Called after `evolve`. */
  owner(state: S): string;
  /** Rough bytes of heap this state holds, for the cache's limit. */
  weigh(state: S): number;
  /** True if nothing more can happen here, so that the cache may forget the state at once. */
  settled(state: S): boolean;
  /** Number of the attempt whose stream the log's rows are in one order with (STREAM4). Absent: any stream of the scope. */
  attempt?(state: S): number;
  /** Plain JSON of the state for a snapshot, and back. Absent: this kind is always replayed from its first event. */
  readonly snapshot?: { save(state: S): unknown; load(scope: Scope, saved: unknown): S };
}

/** A plain `ok` reply. */
export function ok(value: unknown = null): Reply {
  return { ok: true, value };
}

/** A batch that refuses: no event, no effect, only the reason. */
export function refuse(error: ErrorData): Batch<never> {
  return { events: [], reply: { ok: false, error } };
}

/** A batch that changes nothing because what it asks is already so (a message that came twice). */
export function nothing(value: unknown = null): Batch<never> {
  return { events: [], reply: { ok: true, value } };
}
