/** Given these facts, when this command comes, then these facts follow: how deciders are specified. */
import { expect } from "vitest";

import type {
  Batch,
  DecideContext,
  Decider,
  Message,
  Signal,
  TimerChange,
} from "../src/core/decider.ts";
import type { ErrorCode } from "../src/core/errors.ts";
import { formatId } from "../src/core/ids.ts";
import type { Row } from "../src/core/rows.ts";
import type { Scope } from "../src/core/scope.ts";

/** The time of every fact and command that names no other. */
export const START_MS = 1_800_000_000_000;

/** When a command is decided, and what chance says then. */
export interface Moment {
  readonly nowMs?: number;
  /** Every random number, in [0, 1). */
  readonly unit?: number;
}

/** A fact of the past, with its time if it matters. */
export type Past<E> = E | { readonly event: E; readonly atMs: number };

/** Any decider of the core, as far as a test names its types. */
type AnyOf<S, C, E> = Decider<S, C, E>;

/** Ids `task_...0`, `task_...1` in the order they are asked for. */
export function testContext({ nowMs = START_MS, unit = 0 }: Moment = {}): DecideContext {
  let made = 0;
  return {
    nowMs,
    id(prefix) {
      const bytes = new Uint8Array(10);
      bytes[9] = made;
      made += 1;
      return formatId(prefix, nowMs, bytes);
    },
    random: () => unit,
  };
}

/** Starts a specification from the facts so far. */
export function given<S, C, E extends object>(
  decider: AnyOf<S, C, E>,
  scope: Scope,
  facts: readonly Past<E>[] = [],
): Given<S, C, E> {
  return new Given(decider, scope, facts);
}

/** Facts so far. It never changes: each `when` folds its own state. */
class Given<S, C, E extends object> {
  readonly #decider: AnyOf<S, C, E>;
  readonly #scope: Scope;
  readonly #facts: readonly Past<E>[];

  constructor(decider: AnyOf<S, C, E>, scope: Scope, facts: readonly Past<E>[]) {
    this.#decider = decider;
    this.#scope = scope;
    this.#facts = facts;
  }

  /** The state the facts lead to. */
  state(): S {
    let state = this.#decider.zero(this.#scope);
    for (const fact of this.#facts) {
      const past = "event" in fact && "atMs" in fact ? fact : { event: fact, atMs: START_MS };
      state = this.#decider.evolve(state, past.event, past.atMs);
    }
    return state;
  }

  #fold(state: S, events: readonly E[], atMs: number): S {
    return events.reduce((folded, event) => this.#decider.evolve(folded, event, atMs), state);
  }

  /** Decides a command on that state. */
  when(command: C, moment: Moment = {}): Decided<S, C, E> {
    const state = this.state();
    const batch = this.#decider.decide(state, command, testContext(moment));
    expectSound(batch);
    const { nowMs = START_MS } = moment;
    const facts = [...this.#facts, ...batch.events.map((event) => ({ event, atMs: nowMs }))];
    const after = new Given(this.#decider, this.#scope, facts);
    const live = batch.folded === true ? state : this.#fold(state, batch.events, nowMs);
    expect(live, "the live state, against the log folded again").toEqual(after.state());
    return new Decided(after, command, moment, batch);
  }
}

/** What a command has done. Every check answers the same object, so that checks can be chained. */
class Decided<S, C, E extends object> {
  readonly batch: Batch<E>;
  readonly #after: Given<S, C, E>;
  readonly #command: C;
  readonly #moment: Moment;

  constructor(after: Given<S, C, E>, command: C, moment: Moment, batch: Batch<E>) {
    this.#after = after;
    this.#command = command;
    this.#moment = moment;
    this.batch = batch;
  }

  /** The state after it. */
  get state(): S {
    return this.#after.state();
  }

  /** Exactly these facts follow. */
  then(...events: readonly E[]): this {
    expect(this.batch.reply, "the reply").toMatchObject({ ok: true });
    expect(this.batch.events).toEqual(events);
    return this;
  }

  /** Nothing follows, because what was asked is so already: no fact, and nobody is told. */
  nothing(): this {
    expect(effectsOf(this.batch)).toEqual(noEffects);
    expect(this.batch.reply.ok).toBe(true);
    return this;
  }

  /** It is refused with this code and changes nothing. */
  refused(code: ErrorCode): this {
    expect(this.batch.reply).toMatchObject({ ok: false, error: { code } });
    expect(effectsOf(this.batch)).toEqual(noEffects);
    return this;
  }

  /** The reply's value. */
  answers(value: unknown): this {
    expect(this.batch.reply).toEqual({ ok: true, value });
    return this;
  }

  /** Exactly these messages leave, in this order. */
  sends(...messages: readonly Message[]): this {
    expect(this.batch.messages ?? []).toEqual(messages);
    return this;
  }

  /** Exactly these timers are set or, with `null`, cleared. */
  timers(timers: Readonly<Record<string, number | null>>): this {
    const list: TimerChange[] = Object.entries(timers).map(([name, atMs]) => ({ name, atMs }));
    expect(this.batch.timers ?? []).toEqual(list);
    return this;
  }

  /** Exactly these rows are written; of each, at least the named columns are checked. */
  rows(...rows: readonly Partial<Row>[]): this {
    expect(this.batch.rows ?? []).toMatchObject(rows);
    expect(this.batch.rows ?? []).toHaveLength(rows.length);
    return this;
  }

  /** Exactly these signals follow the commit. */
  signals(...signals: readonly Signal[]): this {
    expect(this.batch.signals ?? []).toEqual(signals);
    return this;
  }

  /** The same command once more, on the state it has led to. */
  again(moment: Moment = this.#moment): Decided<S, C, E> {
    return this.#after.when(this.#command, moment);
  }

  /** The next command. */
  when(command: C, moment: Moment = this.#moment): Decided<S, C, E> {
    return this.#after.when(command, moment);
  }
}

const noEffects = { events: [], messages: [], timers: [], rows: [], signals: [] };

function effectsOf(batch: Batch<unknown>): typeof noEffects {
  const { events, messages = [], timers = [], rows = [], signals = [] } = batch;
  return { ...noEffects, ...({ events, messages, timers, rows, signals } as typeof noEffects) };
}

/** What holds of every batch: a refusal has no effects, and facts and messages are plain JSON. */
function expectSound(batch: Batch<unknown>): void {
  if (!batch.reply.ok) expect(effectsOf(batch), "effects of a refusal").toEqual(noEffects);
  const stored = [batch.events, (batch.messages ?? []).map(({ body }) => body)];
  expect(JSON.parse(JSON.stringify(stored)), "JSON of what is stored").toStrictEqual(stored);
}
