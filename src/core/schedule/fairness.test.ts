import { expect, test } from "vitest";

import { callOf, queueWith, type QueueRun, seededUnits } from "../../../test/queue-run.ts";

/** Somebody who keeps so many calls in the queue, each of `seconds`, predicted as `cost`. */
interface Source {
  readonly key: string;
  readonly outstanding: number;
  readonly weight?: number;
  readonly band?: 0 | 1 | 2;
  readonly cost?: number;
  readonly seconds: () => number;
}

interface Served {
  seconds: number;
  calls: number;
  longestWaitMs: number;
}

/** Sources at a queue, in virtual time. */
class Traffic {
  readonly run: QueueRun;
  readonly served: Served[] = [];
  readonly #sources: Source[] = [];
  readonly #asked = new Map<string, { source: number; atMs: number }>();
  readonly #ends = new Map<string, number>();
  #made = 0;

  constructor(slots: number) {
    this.run = queueWith(slots);
  }

  add(...sources: Source[]): this {
    for (const source of sources) {
      this.#sources.push(source);
      this.served.push({ seconds: 0, calls: 0, longestWaitMs: 0 });
      for (let one = 0; one < source.outstanding; one += 1) this.#ask(this.#sources.length - 1);
    }
    return this;
  }

  /** Lets time pass; `each` is called whenever a call has ended. */
  pass(forSeconds: number, each: () => void = () => {}): Served[] {
    const { run } = this;
    const untilMs = run.nowMs + forSeconds * 1_000;
    for (this.#start(); run.nowMs < untilMs; this.#start()) {
      const [call, endMs] = [...this.#ends].reduce((a, b) => (b[1] < a[1] ? b : a));
      const { source } = this.#asked.get(call)!;
      const startedMs = run.state.schedule.leases.get(call)!.grantedAtMs;
      this.#ends.delete(call);
      this.#asked.delete(call);
      run.nowMs = endMs;
      run.do({ type: "settle", call });
      this.served[source]!.seconds += (endMs - startedMs) / 1_000;
      this.served[source]!.calls += 1;
      each();
      this.#ask(source);
    }
    return this.served;
  }

  #ask(source: number): void {
    const { key, weight = 1, band = 0, cost = 5 } = this.#sources[source]!;
    const call = `t${(this.#made += 1)}.1`;
    this.#asked.set(call, { source, atMs: this.run.nowMs });
    this.run.do(callOf(call, { key, weight, band, cost }));
  }

  #start(): void {
    const { nowMs } = this.run;
    for (const call of this.run.running()) {
      const asked = this.#asked.get(call);
      if (asked === undefined || this.#ends.has(call)) continue;
      const { source, atMs } = asked;
      const told = this.served[source]!;
      told.longestWaitMs = Math.max(told.longestWaitMs, nowMs - atMs);
      this.#ends.set(call, nowMs + Math.round(this.#sources[source]!.seconds() * 1_000));
    }
  }
}

/** What each source was served in so long a time. */
function play(slots: number, sources: readonly Source[], forSeconds: number): Served[] {
  return new Traffic(slots).add(...sources).pass(forSeconds);
}

/** Call lengths with a long tail, a mean of about `mean` seconds. */
function lengths(seed: number, mean: number): () => number {
  const unit = seededUnits(seed);
  return () => {
    const tail = unit();
    return mean * (0.2 + 4 * tail * tail * tail * tail);
  };
}

test.each([1, 4])(
  "[QUEUE6] a key that floods the queue gets no more than one that does not, %d slots",
  (slots) => {
    const sources: Source[] = [
      { key: "flood", outstanding: 400, seconds: lengths(1, 5) },
      { key: "light", outstanding: slots + 1, seconds: lengths(2, 5) },
    ];
    const [flood, light] = play(slots, sources, 4_000);
    expect(light!.seconds / flood!.seconds).toBeGreaterThan(0.95);
    expect(light!.seconds / flood!.seconds).toBeLessThan(1.05);
  },
);

test.each([1, 4])("[QUEUE6] keys are served by their weights, %d slots", (slots) => {
  const weights = [1, 2, 4, 1, 2];
  const sources = weights.map((weight, index) => ({
    key: `k${index}`,
    weight,
    outstanding: 8,
    seconds: lengths(index, 4),
  }));
  const served = play(slots, sources, 8_000);
  const perWeight = served.map(({ seconds }, index) => seconds / weights[index]!);
  const mean = perWeight.reduce((sum, one) => sum + one, 0) / perWeight.length;
  for (const one of perWeight) expect(Math.abs(one / mean - 1)).toBeLessThan(0.05);
});

test("[QUEUE6] service is measured and not predicted: long calls that claim to be short gain nothing", () => {
  const sources: Source[] = [
    { key: "liar", outstanding: 20, cost: 0.001, seconds: () => 20 },
    { key: "honest", outstanding: 20, cost: 2, seconds: () => 2 },
  ];
  const [liar, honest] = play(1, sources, 8_000);
  expect(Math.abs(liar!.seconds / honest!.seconds - 1)).toBeLessThan(0.05);
  expect(honest!.calls).toBeGreaterThan(9 * liar!.calls);
});

test("[QUEUE6] the gap between two busy keys stays within two of the longest calls", () => {
  const traffic = new Traffic(1).add(
    { key: "a", outstanding: 5, seconds: lengths(7, 10) },
    { key: "b", outstanding: 50, seconds: lengths(8, 3) },
  );
  const longest = 10 * 4.2;
  let gap = 0;
  traffic.pass(3_000, () => {
    const [a, b] = traffic.served;
    gap = Math.max(gap, Math.abs(a!.seconds - b!.seconds));
  });
  expect(gap).toBeGreaterThan(0);
  expect(gap).toBeLessThan(2 * longest);
});

test("[QUEUE7] a key that comes back after idling has not saved up service", () => {
  const traffic = new Traffic(1).add({ key: "busy", outstanding: 3, seconds: () => 5 });
  traffic.pass(1_000);
  traffic.add({ key: "late", outstanding: 30, seconds: () => 5 });
  const before = traffic.served[0]!.seconds;
  const [busy, late] = traffic.pass(200);
  expect(late!.seconds).toBeGreaterThan(90);
  expect(late!.seconds).toBeLessThan(busy!.seconds - before + 15);
});

test("[QUEUE7] a key that had the queue for itself owes nothing when another comes", () => {
  const traffic = new Traffic(1).add({ key: "busy", outstanding: 3, seconds: () => 5 });
  traffic.pass(1_000);
  const before = traffic.served[0]!.seconds;
  traffic.add({ key: "other", outstanding: 3, seconds: () => 5 });
  const [busy, other] = traffic.pass(200);
  expect(Math.abs(busy!.seconds - before - other!.seconds)).toBeLessThanOrEqual(15);
});

test("[QUEUE7] a key whose call a cap holds back does not save up service for its other calls", () => {
  const traffic = new Traffic(2);
  const { run } = traffic;
  const doc = { type: "document", capTotal: 1, band: 0 as const };
  traffic.add({ key: "ann", outstanding: 3, seconds: () => 5 });
  run.do(callOf("doc1.1", { key: "dee", ...doc }));
  traffic.pass(10);
  const open = run.running();
  expect(open).toContain("doc1.1");
  run.do(callOf("doc2.1", { key: "late", ...doc }));
  traffic.pass(10_000);
  const { clock, accounts } = run.state.schedule.bands[0];
  expect(accounts.get("late")?.served).toBeLessThan(clock - 3_000);
  run.do(callOf("chat.1", { key: "late" }));
  expect(accounts.get("late")?.served).toBe(clock - 300);
});

test("[QUEUE7] a queue forgets every key that has nothing in it once its band is empty", () => {
  const run = queueWith(4);
  for (let number = 0; number < 3_000; number += 1) {
    const band = number % 2 === 0 ? 0 : 1;
    run.after(10, callOf(`t${number}.1`, { key: `user${number}`, band, cost: 0.1 }));
    run.after(10, { type: "settle", call: `t${number}.1` });
  }
  expect(run.state.schedule.bands.map((band) => band.accounts.size)).toEqual([0, 0, 0]);
  expect(run.state.schedule.roots.size).toBe(0);
});

test("[QUEUE7] a busy band forgets the keys that it has caught up with", () => {
  const run = queueWith(1);
  const unit = seededUnits(5);
  run.do(callOf("steady0.1", { key: "steady" }));
  for (let number = 1; number < 2_000; number += 1) {
    run.do(callOf(`steady${number}.1`, { key: "steady", cost: 2 }));
    run.do(callOf(`guest${number}.1`, { key: `guest${number}`, cost: 2 }));
    for (let turn = 0; turn < 2; turn += 1) {
      run.after(500 + 3_000 * unit(), { type: "settle", call: run.running()[0]! });
    }
  }
  expect(run.state.schedule.bands[0].accounts.size).toBeLessThan(50);
  expect(run.state.schedule.roots.size).toBeLessThanOrEqual(1_285);
});

test("[QUEUE8] inside a key a big call waits behind small ones, but not for ever", () => {
  const run = queueWith(1);
  run.do(callOf("x.1"));
  run.do(callOf("big.1", { cost: 40 }));
  let small = 0;
  while (!run.granted().includes("big.1")) {
    run.do(callOf(`small${(small += 1)}.1`, { cost: 1 }));
    run.after(1_000, { type: "settle", call: run.running()[0]! });
    expect(small).toBeLessThan(50);
  }
  expect(small).toBeGreaterThan(30);
});

test("[QUEUE8] a later call of a tree keeps its tree's place before newer work of its key", () => {
  const run = queueWith(1);
  run.do(callOf("agent.1", { cost: 3 }));
  run.do(callOf("x1.1", { cost: 20 }));
  run.after(3_000, { type: "settle", call: "agent.1" });
  run.after(20_000, { type: "settle", call: "x1.1" });
  run.do(callOf("x2.1", { cost: 5 }));
  run.do(callOf("new.1", { cost: 2 }));
  run.do(callOf("agent.2", { cost: 3 }));
  expect(run.drain()).toEqual(["agent.2", "new.1"]);
});

test("[QUEUE8] a child has its root's place, and a tree that overruns its estimate moves back", () => {
  const run = queueWith(1);
  run.do(callOf("root.1", { cost: 2 }));
  run.after(9_000, { type: "settle", call: "root.1" });
  const root = run.state.schedule.roots.get("root");
  expect(root).toMatchObject({ base: 0, estimate: 16, attained: 9 });
  run.do(callOf("x.1", { cost: 1 }));
  run.do(callOf("child.1", { cost: 1, root: "root" }));
  expect(run.rows.get("child.1")?.tag).toBe(16);
  run.after(30_000, { type: "settle", call: "x.1" });
  run.do(callOf("y.1", { cost: 1 }));
  run.after(10_000, { type: "settle", call: "child.1" });
  expect(run.state.schedule.roots.get("root")).toMatchObject({
    base: 0,
    estimate: 32,
    attained: 19,
  });
});

test("[QUEUE8] an interactive tree that has used 120 slot-seconds goes on in the background", () => {
  const run = queueWith(1);
  run.do(callOf("long.1", { cost: 60 }));
  run.after(121_000, { type: "settle", call: "long.1" });
  run.do(callOf("x.1", { key: "bob" }));
  run.do(callOf("long.2", { cost: 1 }));
  run.do(callOf("chat.1", { key: "cid", cost: 50 }));
  expect(run.rows.get("long.2")?.band).toBe(1);
  expect(run.drain()).toEqual(["chat.1", "long.2"]);
});

test("[QUEUE16] interactive work goes before background work, and that before batch", () => {
  const run = queueWith(1);
  run.do(callOf("x.1"));
  run.do(callOf("batch.1", { band: 2, cost: 0.1 }));
  run.do(callOf("back.1", { band: 1, cost: 0.1, key: "bob" }));
  run.do(callOf("chat.1", { band: 0, cost: 90, key: "cid" }));
  expect(run.drain()).toEqual(["chat.1", "back.1", "batch.1"]);
});

test("[QUEUE16] under interactive work without a pause lower bands get a tenth, after a minute", () => {
  const traffic = new Traffic(1).add(
    { key: "ann", outstanding: 6, seconds: () => 4 },
    { key: "bob", outstanding: 6, band: 2, seconds: () => 5 },
  );
  const [chat, batch] = traffic.pass(20_000);
  const share = batch!.seconds / chat!.seconds;
  expect(share).toBeGreaterThan(0.09);
  expect(share).toBeLessThan(0.11);
  const { log } = traffic.run;
  const first = log.find(({ event }) => event.type === "call.granted" && event.band === 2)!;
  expect(first.atMs - log[0]!.atMs).toBeGreaterThan(60_000);
  expect(first.event).toMatchObject({ owed: true, waited: true });
});

test("[QUEUE16] batch that claims to be short gets no more than its twentieth", () => {
  const [back, batch] = play(
    1,
    [
      { key: "bob", outstanding: 6, band: 1, seconds: () => 5 },
      { key: "cid", outstanding: 6, band: 2, cost: 0.01, seconds: () => 20 },
    ],
    20_000,
  );
  expect(batch!.seconds / back!.seconds).toBeLessThan(0.06);
});

test("[QUEUE16] guesses that are far too low do not give lower bands more than their tenth", () => {
  const [chat, batch] = play(
    1,
    [
      { key: "ann", outstanding: 6, seconds: () => 4 },
      { key: "bob", outstanding: 6, band: 1, cost: 0.01, seconds: () => 30 },
    ],
    20_000,
  );
  expect(batch!.seconds / chat!.seconds).toBeLessThan(0.11);
});

test.each([1, 2])("[QUEUE16] batch is not starved by the two bands above it, %d slots", (slots) => {
  const [, back, batch] = play(
    slots,
    [
      { key: "ann", outstanding: 6, seconds: () => 4 },
      { key: "bob", outstanding: 6, band: 1, seconds: () => 5 },
      { key: "cid", outstanding: 2, band: 2, seconds: () => 5 },
    ],
    20_000,
  );
  expect(batch!.seconds / back!.seconds).toBeGreaterThan(0.03);
  expect(batch!.longestWaitMs).toBeLessThan(4 * 3_600_000);
});

test("[QUEUE16] batch gets a twentieth beside background work", () => {
  const [back, batch] = play(
    1,
    [
      { key: "bob", outstanding: 6, band: 1, seconds: () => 5 },
      { key: "cid", outstanding: 6, band: 2, seconds: () => 5 },
    ],
    20_000,
  );
  const share = batch!.seconds / back!.seconds;
  expect(share).toBeGreaterThan(0.04);
  expect(share).toBeLessThan(0.06);
});

test("[QUEUE16] lower work that is taken back leaves nobody impatient", () => {
  const run = queueWith(1);
  run.do(callOf("x.1"));
  run.do(callOf("batch.1", { band: 2 }));
  expect(run.state.schedule.lowerSinceMs).not.toBeNull();
  run.do({ type: "settle", call: "batch.1" });
  expect(run.state.schedule.lowerSinceMs).toBeNull();
});

test("[QUEUE7] the clock of an empty band stands where its best served key stood", () => {
  const run = queueWith(2);
  run.do(callOf("a.1", { cost: 1 }));
  run.after(9_000, callOf("b.1", { key: "bob", cost: 1 }));
  run.after(1_000, { type: "settle", call: "a.1" });
  // Two keys shared the band when ann's ten seconds were counted, so its clock is behind her.
  expect(run.state.schedule.bands[0].clock).toBe(5);
  run.do({ type: "settle", call: "b.1" });
  expect(run.state.schedule.bands[0].clock).toBe(10);
});

test("[QUEUE16] a turn that lower bands have for free uses up what they had earned", () => {
  const run = queueWith(1);
  run.do(callOf("x.1"));
  run.do(callOf("b1.1", { key: "bob", band: 1 }));
  run.do(callOf("b2.1", { key: "bob", band: 1 }));
  run.after(100_000, { type: "settle", call: "x.1" });
  // Nobody interactive waits: b1.1 goes without being owed, and the ten slot-seconds earned are gone.
  expect(run.running()).toEqual(["b1.1"]);
  expect(run.state.schedule.lowerCredit).toBe(0);
});

test("[QUEUE6] a call that is granted as it arrives moves its key's waiting calls back", () => {
  const run = queueWith(2);
  const doc = { type: "document", capTotal: 1 };
  run.do(callOf("x.1", { key: "bob", ...doc }));
  run.do(callOf("a.1", doc));
  run.do(callOf("c.1", { key: "cid", ...doc }));
  // ann gets the other slot while her document waits for its type.
  run.do(callOf("b.1", { cost: 5 }));
  run.do({ type: "settle", call: "x.1" });
  expect(run.running()).toEqual(["b.1", "c.1"]);
});
