import * as fc from "fast-check";
import { expect, test } from "vitest";

import { why } from "../queue/views.ts";
import { callOf, queueWith, type QueueRun } from "../../../test/queue-run.ts";

const lower = (id: string, cost: number, parts: object = {}) =>
  callOf(id, { key: id, type: "work", band: 1, cost, ...parts });
const wide = (slots: number) =>
  callOf("wide.1", { key: "trainer", type: "train", slots, cost: 60 });

/** Four slots: one runs for 20 s, three have just ended, and a call that wants all four is next. */
function gathering(): QueueRun {
  const run = queueWith(4);
  for (const id of ["a.1", "b.1", "c.1"]) run.do(lower(id, 1));
  run.do(lower("long.1", 20));
  run.do(wide(4));
  for (const call of ["a.1", "b.1", "c.1"]) run.do({ type: "settle", call });
  return run;
}

test("[QUEUE29] short calls use the slots that come together for a wide one, if twice their time is over before", () => {
  const run = gathering();
  expect(run.do(lower("short.1", 10)).at(-1)).toMatchObject({ call: "short.1", fills: true });
  run.do(lower("longer.1", 10.5));
  run.do(lower("pair.1", 10, { slots: 2, cost: 20 }));
  expect(run.running()).toEqual(["long.1", "short.1", "pair.1"]);
  expect(run.waiting()).toEqual(["wide.1", "longer.1"]);
  run.after(8_000, { type: "settle", call: "short.1" });
  // 12 s are left, and 6 s of work the most that fits.
  run.do(lower("six.1", 6));
  run.do(lower("late.1", 6.1));
  expect(run.running()).toEqual(["long.1", "pair.1", "six.1"]);
  expect(run.recovered().fingerprint()).toBe(run.fingerprint());
});

test("[QUEUE29] nobody fills once the slots should have come together, however late they are", () => {
  const run = gathering();
  run.after(20_000, lower("tiny.1", 0.001));
  run.after(60_000, lower("more.1", 0.001));
  expect(run.running()).toEqual(["long.1"]);
  run.do({ type: "settle", call: "long.1" });
  expect(run.running()).toEqual(["wide.1"]);
});

test("[QUEUE29] who fills takes no turn of its band: the patience of the wide call goes on", () => {
  const run = gathering();
  run.do(lower("longer.1", 30));
  const since = run.nowMs;
  expect(run.state.schedule.lowerSinceMs).toBe(since);
  run.after(1_000, lower("short.1", 1));
  expect(run.running()).toContain("short.1");
  expect(run.state.schedule.lowerSinceMs).toBe(since);
  // Nobody of the lower bands waits any more.
  run.do({ type: "settle", call: "longer.1" });
  run.do(lower("last.1", 1));
  expect(run.state.schedule.lowerSinceMs).toBeNull();
});

test("[QUEUE17] who waits beside free slots because they come together for another is told so", () => {
  const run = gathering();
  run.do(lower("longer.1", 30));
  expect(why(run.state, "longer.1", run.nowMs)).toMatchObject({
    code: "behind_others",
    position: 1,
    running: 1,
    slots: 4,
  });
  expect(why(run.state, "wide.1", run.nowMs)).toMatchObject({ code: "slot_busy", position: 1 });
});

/** Plays calls to their ends: each lasts what it is predicted to, times `overrun`. Answers when the wide one starts. */
function play(
  running: readonly number[],
  short: readonly { readonly atMs: number; readonly costMs: number }[],
  slots: number,
  overrun: (call: string) => number,
): {
  readonly startMs: number;
  readonly dueMs: number;
  readonly lastMs: number;
  readonly filled: number;
} {
  const run = queueWith(running.length);
  const fromMs = run.nowMs;
  const lasts = new Map<string, number>();
  for (const [at, costMs] of running.entries()) {
    run.do(callOf(`r${at}.1`, { key: `r${at}`, cost: costMs / 1_000 }));
    lasts.set(`r${at}.1`, costMs * overrun(`r${at}.1`));
  }
  run.do(wide(slots));
  const dueMs = running.toSorted((a, b) => a - b)[slots - 1] ?? 0;
  const arrivals = short.toSorted((a, b) => a.atMs - b.atMs);
  const granted = new Map<string, number>();
  let arrived = 0;
  for (;;) {
    for (const { event, atMs } of run.log)
      if (event.type === "call.granted" && !granted.has(event.call)) granted.set(event.call, atMs);
    const startMs = granted.get("wide.1");
    if (startMs !== undefined) {
      const before = [...granted].filter(([, atMs]) => atMs - fromMs <= dueMs);
      const ends = before.map(([call, atMs]) => atMs - fromMs + (lasts.get(call) ?? 0));
      const filled = run.log.filter(({ event }) => "fills" in event).length;
      return { startMs: startMs - fromMs, dueMs, lastMs: Math.max(...ends), filled };
    }
    const ends = run.running().map((call) => {
      const atMs = (granted.get(call) ?? fromMs) + (lasts.get(call) ?? 0);
      return { call, atMs };
    });
    const end = ends.toSorted((a, b) => a.atMs - b.atMs)[0];
    const next = arrivals[arrived];
    if (next !== undefined && fromMs + next.atMs <= (end?.atMs ?? Infinity)) {
      arrived += 1;
      run.nowMs = Math.max(run.nowMs, fromMs + next.atMs);
      lasts.set(`s${arrived}.1`, next.costMs * overrun(`s${arrived}.1`));
      run.do(lower(`s${arrived}.1`, next.costMs / 1_000));
    } else if (end !== undefined) {
      run.nowMs = Math.max(run.nowMs, Math.ceil(end.atMs));
      run.do({ type: "settle", call: end.call });
    } else throw new Error("nothing runs and the wide call waits");
  }
}

// All is over before lower bands have waited for a minute: their turns are another rule's.
const costs = fc.array(fc.integer({ min: 100, max: 6_000 }), { minLength: 2, maxLength: 6 });
const shorts = fc.array(
  fc.record({
    atMs: fc.integer({ min: 0, max: 6_000 }),
    costMs: fc.integer({ min: 1, max: 3_000 }),
  }),
  { maxLength: 30 },
);

test("[QUEUE29] a wide call starts when it would have anyway if predictions hold, and waits for nobody who began later if not", () => {
  let filled = 0;
  fc.assert(
    fc.property(
      costs,
      shorts,
      fc.double({ min: 1, max: 9, noNaN: true }),
      (running, short, most) => {
        const slots = running.length;
        const exact = play(running, short, slots, () => 1);
        expect(exact.startMs).toBeLessThanOrEqual(exact.dueMs);
        // Some take much longer than predicted, others not, and it is all the same in each run.
        const late = play(running, short, slots, (call) => (call.length % 2 === 0 ? most : 1));
        expect(late.startMs).toBeLessThanOrEqual(Math.ceil(Math.max(late.dueMs, late.lastMs)));
        filled += exact.filled + late.filled;
      },
    ),
    { numRuns: 150 },
  );
  expect(filled).toBeGreaterThan(100);
});
