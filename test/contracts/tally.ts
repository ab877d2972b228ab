/** A decider small enough to show what the kernel does: it notes texts, and does what its commands say besides. */
import {
  nothing,
  ok,
  refuse,
  type Batch,
  type Decider,
  type Message,
  type Signal,
  type TimerChange,
} from "../../src/core/decider.ts";
import { errorData } from "../../src/core/errors.ts";
import type { Row } from "../../src/core/rows.ts";
import { scopeName, type Scope } from "../../src/core/scope.ts";
import type { AnyDecider } from "../../src/engine/kernel/group.ts";

/** What a tally scope can be told. */
export type TallyCommand =
  | ({ readonly do: "note"; readonly text: string } & Effects)
  /** Effects without a fact. */
  | ({ readonly do: "tell" } & Effects)
  | { readonly do: "close" | "refuse" | "throw" | "throwInEvolve" | "repeat" }
  | { readonly type: "timer"; readonly name: string };

/** What a command does besides its note. */
export interface Effects {
  readonly messages?: readonly { readonly to: Scope; readonly body: TallyCommand }[];
  readonly timers?: readonly TimerChange[];
  readonly rows?: readonly Row[];
  readonly signals?: readonly Signal[];
}

/** Facts of a tally scope. */
export type TallyEvent =
  | { readonly type: "noted"; readonly text: string }
  | { readonly type: "closed" }
  | { readonly type: "broken" };

/** Its state. */
export interface Tally {
  readonly name: string;
  notes: string[];
  closed: boolean;
}

const tally: Decider<Tally, TallyCommand, TallyEvent> = {
  zero: (scope) => ({ name: scopeName(scope), notes: [], closed: false }),
  evolve(state, event) {
    if (event.type === "broken") throw new Error("this fact cannot be folded");
    if (event.type === "closed") state.closed = true;
    else state.notes.push(event.text);
    return state;
  },
  decide(state, command): Batch<TallyEvent> {
    if ("type" in command) return note(state, `timer ${command.name}`, {});
    switch (command.do) {
      case "note":
        return note(state, command.text, command);
      case "tell":
        return { events: [], ...effects(command), reply: ok(state.notes.length) };
      case "close":
        return { events: [{ type: "closed" }], reply: ok() };
      case "refuse":
        return refuse(errorData("conflict", `${state.name} refuses`));
      case "repeat":
        return nothing(state.notes.length);
      case "throwInEvolve":
        return { events: [{ type: "broken" }], reply: ok() };
      case "throw":
        throw new Error("a bug in this decider");
    }
  },
  owner: () => "ann",
  weigh: (state) => 1_000 + state.notes.length * 100,
  settled: (state) => state.closed,
};

const withSnapshot: typeof tally = {
  ...tally,
  snapshot: {
    save: (state) => state,
    load: (_scope, saved) => saved as Tally,
  },
};

function note(state: Tally, text: string, also: Effects): Batch<TallyEvent> {
  return {
    events: [{ type: "noted", text }],
    ...effects(also),
    reply: ok(state.notes.length + 1),
  };
}

function effects({ messages, timers, rows, signals }: Effects): Effects {
  const sent: readonly Message[] | undefined = messages;
  return {
    ...(sent === undefined ? {} : { messages: sent as Effects["messages"] & {} }),
    ...(timers === undefined ? {} : { timers }),
    ...(rows === undefined ? {} : { rows }),
    ...(signals === undefined ? {} : { signals }),
  };
}

/** Every kind of scope is a tally; queues and sessions have snapshots. */
export const tallies: ReadonlyMap<string, AnyDecider> = new Map([
  ["task", tally as unknown as AnyDecider],
  ["user", tally as unknown as AnyDecider],
  ["session", withSnapshot as unknown as AnyDecider],
  ["queue", withSnapshot as unknown as AnyDecider],
]);

/** The tally of one kind of scope. */
export function kindOf(kind: string): AnyDecider {
  const decider = tallies.get(kind);
  if (decider === undefined) throw new Error(`no tally for ${kind}`);
  return decider;
}

/** A command that notes `text`. */
export function noting(text: string, also: Effects = {}): TallyCommand {
  return { do: "note", text, ...also };
}
