/** Random stories of a queue: what may be asked of it, in any order, and what must be true after each command. */
import * as fc from "fast-check";
import { expect } from "vitest";

import type { QueueEvent } from "../src/core/queue/events.ts";
import type { CallRequest, QueueCommand } from "../src/core/queue/protocol.ts";
import { choose, hasRoom } from "../src/core/schedule/lanes.ts";

import { callOf, QueueRun } from "./queue-run.ts";

/** One thing that happens. `which` picks among the calls asked for so far. */
export type Happening =
  | {
      readonly what: "request";
      readonly key: number;
      readonly band: 0 | 1 | 2;
      readonly type: number;
      readonly cost: number;
      readonly weight: number;
      readonly root: number | null;
      /** A model call: its cost is learnt. */
      readonly role: boolean;
      readonly slots: number;
      readonly model: string | null;
    }
  | { readonly what: "over"; readonly which: number }
  | { readonly what: "repeat" | "settle"; readonly which: number }
  | { readonly what: "finish" | "cut" | "keep"; readonly which: number }
  | { readonly what: "configure"; readonly slots: number; readonly slotsPerKey: number | null }
  | { readonly what: "pause"; readonly paused: boolean }
  | { readonly what: "void" }
  | { readonly what: "timer" };

/** Something that happens so long after what was before. */
export interface Beat {
  readonly afterMs: number;
  readonly happening: Happening;
}

/** Types 0 and 1 have no caps, 2 has a total, 3 one per key, 4 both. */
export const capsOf: readonly (readonly [number | null, number | null])[] = [
  [null, null],
  [null, null],
  [2, null],
  [null, 1],
  [3, 2],
];

const request = fc.record({
  what: fc.constant("request" as const),
  key: fc.nat(4),
  band: fc.constantFrom(0 as const, 0 as const, 1 as const, 2 as const),
  type: fc.nat(4),
  cost: fc.constantFrom(0.1, 1, 1, 3.5, 20, 200),
  weight: fc.constantFrom(1, 1, 1, 2, 0.5, 3.7),
  root: fc.option(fc.nat(3), { freq: 3 }),
  role: fc.boolean(),
  slots: fc.constantFrom(1, 1, 1, 1, 1, 1, 2, 9),
  model: fc.constantFrom(null, "m", "m", "n", "o"),
});
const which = fc.nat(1_000);

/** One beat of a story. */
export const beat: fc.Arbitrary<Beat> = fc.record({
  afterMs: fc.constantFrom(0, 0, 1, 250, 3_000, 40_000, 70_000),
  happening: fc.oneof(
    { weight: 11, arbitrary: request },
    { weight: 7, arbitrary: fc.record({ what: fc.constant("finish" as const), which }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant("settle" as const), which }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant("cut" as const), which }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant("keep" as const), which }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant("repeat" as const), which }) },
    {
      weight: 1,
      arbitrary: fc.record({
        what: fc.constant("configure" as const),
        slots: fc.integer({ min: 1, max: 5 }),
        slotsPerKey: fc.option(fc.integer({ min: 1, max: 3 })),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ what: fc.constant("pause" as const), paused: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.record({ what: fc.constant("over" as const), which }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant("void" as const) }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant("timer" as const) }) },
  ),
});

/** A queue that lives through a story, beside a plain model of what it must keep to. */
export class Story {
  readonly run: QueueRun = new QueueRun();
  /** Every request ever made, by call. */
  readonly asked = new Map<string, CallRequest>();
  readonly #running = new Set<string>();
  /** Slots and model of what runs. */
  readonly #held = new Map<
    string,
    { readonly slots: number; readonly model: string | undefined }
  >();
  readonly #swapMs: number | null;
  readonly #ended = new Map<string, "settled" | "withdrawn" | "lost">();
  #slots = 1;
  #paused = false;

  /** `swapMs`: its endpoint holds one model in memory. */
  constructor({ swapMs = null }: { readonly swapMs?: number | null } = {}) {
    this.#swapMs = swapMs;
    if (swapMs !== null) this.run.do({ type: "configure", settings: this.#settings(1, null) });
  }

  /** Lives through one beat and checks everything. Answers the command, or `null` if there was nobody to ask for. */
  live({ afterMs, happening }: Beat): QueueCommand | null {
    this.run.nowMs += afterMs;
    const command = this.#commandFor(happening);
    if (command === null) return null;
    this.check(command, this.run.do(command));
    return command;
  }

  /** The model's view of one decision: the slots, the caps and the work that must not be left lying. */
  check(command: QueueCommand, events: readonly QueueEvent[]): void {
    if (command.type === "configure") this.#slots = command.settings.slots;
    if (command.type === "pause") this.#paused = command.paused;
    for (const event of events) this.#follow(event);
    expect(this.run.running().toSorted()).toEqual([...this.#running].toSorted());
    checkLedger(this.run);
    // What time alone allows is granted with the next fact: slots that come together bring one.
    if (this.#paused || events.length === 0 || this.#taken() >= this.#slots) return;
    const { schedule } = this.run.state;
    const next = choose(schedule, this.run.nowMs);
    if (next !== null) {
      const { slots, model } = schedule.pool.read(next.slot);
      expect(hasRoom(schedule, slots, model), "the next call waits beside room").toBe(false);
      return;
    }
    for (const call of this.run.waiting()) {
      expect(this.#hasRoom(call), `${call} waits beside a free slot`).toBe(false);
    }
  }

  /** Lets the story end well: everything runs, and every call that was asked for has an end. */
  end(): void {
    this.check({ type: "pause", paused: false }, this.run.do({ type: "pause", paused: false }));
    for (let call = this.run.running()[0]; call !== undefined; call = this.run.running()[0]) {
      this.run.nowMs += 100;
      this.check({ type: "settle", call }, this.run.do({ type: "settle", call }));
    }
    expect(this.run.waiting()).toEqual([]);
    for (const band of this.run.state.schedule.bands) {
      expect([band.accounts.size, band.idle.length, band.gates.length, band.weight]).toEqual([
        0, 0, 0, 0,
      ]);
    }
    for (const call of this.asked.keys()) expect(this.#ended.has(call), call).toBe(true);
  }

  #commandFor(happening: Happening): QueueCommand | null {
    switch (happening.what) {
      case "request": {
        const { key, band, type, cost, weight, root, role, slots, model } = happening;
        const [capTotal = null, capPerKey = null] = capsOf[type] ?? [];
        const command = callOf(`t${this.asked.size}.1`, {
          key: `k${key}`,
          type: `y${type}`,
          band,
          cost,
          weight,
          capTotal,
          capPerKey,
          ...(root === null ? {} : { root: `r${root}` }),
          ...(role ? { role: "chat", lead: 0.05, cuttable: true } : {}),
          ...(slots === 1 ? {} : { slots }),
          ...(model === null ? {} : { model }),
        });
        if (command.type === "request") this.asked.set(command.call, command.request);
        return command;
      }
      case "repeat": {
        // A request that arrives after its end is another story (QUEUE4).
        const open = [...this.asked].filter(([call]) => !this.#ended.has(call));
        const found = open[happening.which % Math.max(1, open.length)];
        return found === undefined ? null : { type: "request", call: found[0], request: found[1] };
      }
      case "settle": {
        const call = [...this.asked.keys()][happening.which % Math.max(1, this.asked.size)];
        return call === undefined ? null : { type: "settle", call };
      }
      case "finish": {
        const call = [...this.#running][happening.which % Math.max(1, this.#running.size)];
        return call === undefined ? null : { type: "settle", call };
      }
      case "cut":
      case "keep": {
        const call = [...this.#running][happening.which % Math.max(1, this.#running.size)];
        if (call === undefined) return null;
        if (happening.what === "keep") return { type: "keep", call };
        return { type: "settle", call, end: { failed: null, cut: 50 } };
      }
      case "configure": {
        const { slots, slotsPerKey } = happening;
        return { type: "configure", settings: this.#settings(slots, slotsPerKey) };
      }
      case "pause":
        return { type: "pause", paused: happening.paused };
      case "over": {
        const roots = [...this.run.state.schedule.roots.keys()];
        const root = roots[happening.which % Math.max(1, roots.length)];
        return root === undefined ? null : { type: "over", root };
      }
      case "void":
        return { type: "voidLeases" };
      case "timer":
        return { type: "timer", name: "later" };
    }
  }

  #follow(event: QueueEvent): void {
    switch (event.type) {
      case "call.granted":
        expect(this.#paused).toBe(false);
        expect(this.#hasRoom(event.call), `${event.call} is granted past a cap`).toBe(true);
        this.#running.add(event.call);
        this.#held.set(event.call, { slots: event.slots ?? 1, model: event.model });
        expect(this.#taken()).toBeLessThanOrEqual(this.#slots);
        expect(this.#models().size, "two models at once").toBeLessThanOrEqual(1);
        return;
      case "call.settled":
        expect(this.#running.delete(event.call)).toBe(true);
        this.#ended.set(event.call, "settled");
        return;
      case "call.withdrawn":
        this.#ended.set(event.call, "withdrawn");
        return;
      case "leases.voided":
        for (const call of this.#running) this.#ended.set(call, "lost");
        this.#running.clear();
        return;
      case "call.cutting":
        expect(this.#running.has(event.call)).toBe(true);
        return;
      case "call.uncut":
      case "endpoint.probed":
      case "endpoint.measured":
      case "tree.over":
      case "call.promised":
      case "call.moved":
      case "call.requested":
      case "queue.configured":
      case "queue.paused":
    }
  }

  #settings(slots: number, slotsPerKey: number | null) {
    return { slots, slotsPerKey, swapMs: this.#swapMs };
  }

  #taken(): number {
    let taken = 0;
    for (const call of this.#running) taken += this.#held.get(call)?.slots ?? 1;
    return taken;
  }

  #models(): Set<string> {
    const models = [...this.#running].map((call) => this.#held.get(call)?.model);
    return new Set(models.filter((model) => model !== undefined));
  }

  /** True if the caps of the call's type leave room for it beside what runs. */
  #hasRoom(call: string): boolean {
    const mine = this.asked.get(call)!;
    const same = [...this.#running].filter((other) => this.asked.get(other)?.type === mine.type);
    const ofKey = same.filter((other) => this.asked.get(other)?.key === mine.key);
    return (
      (mine.capTotal === null || same.length < mine.capTotal) &&
      (mine.capPerKey === null || ofKey.length < mine.capPerKey)
    );
  }
}

/** The invariants of the ledger (`src/core/schedule/state.ts`), counted from what runs and waits. */
function checkLedger({ state: { schedule }, rows }: QueueRun): void {
  const live = new Map<string, number>();
  const calls = [...schedule.leases.values(), ...rows.values()];
  for (const { band, key } of calls) {
    const name = `${band} ${key}`;
    live.set(name, (live.get(name) ?? 0) + 1);
  }
  const faults: unknown[] = [];
  for (const band of schedule.bands) {
    let [weight, all] = [0, 0];
    for (const account of band.accounts.values()) {
      const count = live.get(`${band.band} ${account.key}`) ?? 0;
      live.delete(`${band.band} ${account.key}`);
      all += count;
      if (count > 0) weight += account.weight;
      const forgotten = count === 0 && account.served <= band.clock;
      if (account.live !== count || account.idleIndex >= 0 !== (count === 0) || forgotten) {
        faults.push(account);
      }
    }
    const running = band.live - band.pending;
    const leases = [...schedule.leases.values()].filter((lease) => lease.band === band.band);
    if (band.live !== all || running !== leases.length) faults.push(band);
    if (!(Math.abs(band.weight - weight) < 1e-9) || !Number.isFinite(band.clock)) faults.push(band);
  }
  expect([faults, [...live]]).toEqual([[], []]);
}
