import { expect, test } from "vitest";

import { callOf, queueWith } from "../../../test/queue-run.ts";
import { depth, why } from "../queue/views.ts";

const train = (id: string, slots: number, parts: object = {}) =>
  callOf(id, { key: "trainer", type: "train", band: 1, cost: 60, slots, ...parts });

test("[QUEUE25] a call takes all the slots it asks for, or waits", () => {
  const run = queueWith(4);
  run.do(callOf("a.1"));
  expect(run.do(train("t.1", 2))).toMatchObject([{ type: "call.granted", slots: 2 }]);
  expect(depth(run.state)).toMatchObject({ running: 2, taken: 3, slots: 4 });
  expect(run.do(train("u.1", 2)).map(({ type }) => type)).toEqual(["call.requested"]);
  expect(why(run.state, "u.1", run.nowMs)).toMatchObject({
    code: "slot_busy",
    running: 3,
    slots: 4,
  });
  run.after(1_000, { type: "settle", call: "a.1" });
  expect(run.running()).toEqual(["t.1", "u.1"]);
});

test("[QUEUE25] slots come together for a wide call that is next: nobody of its band passes it", () => {
  const run = queueWith(4);
  for (const id of ["a.1", "b.1", "c.1", "d.1"]) run.do(callOf(id, { band: 1, key: id }));
  run.do(train("t.1", 4, { cost: 1 }));
  for (const id of ["e.1", "f.1"]) run.after(10, callOf(id, { band: 1, key: id, cost: 30 }));
  for (const id of ["a.1", "b.1", "c.1"]) run.after(1_000, { type: "settle", call: id });
  expect(run.running()).toEqual(["d.1"]);
  run.after(1_000, { type: "settle", call: "d.1" });
  expect(run.running()).toEqual(["t.1"]);
  run.after(1_000, { type: "settle", call: "t.1" });
  expect(run.running()).toEqual(["e.1", "f.1"]);
});

test("[QUEUE25] interactive calls go while slots come together for a wide one of a lower band, but it does not starve", () => {
  const run = queueWith(2);
  run.do(callOf("x0.1", { key: "u0" }));
  run.do(train("t.1", 2));
  let granted = 0;
  for (let number = 1; number <= 400 && !run.running().includes("t.1"); number += 1) {
    for (const half of ["a", "b"])
      run.do(callOf(`x${number}${half}.1`, { key: `u${number % 5}`, cost: 4 }));
    for (const call of run.running()) run.after(2_000, { type: "settle", call });
    granted = number;
  }
  expect(run.running()).toEqual(["t.1"]);
  expect(granted).toBeGreaterThan(10);
});

test("[QUEUE25] more slots than the queue has are all of them, also when it has fewer later", () => {
  const run = queueWith(4);
  run.do(callOf("a.1"));
  run.do(train("t.1", 10_000));
  run.do({ type: "configure", settings: { slots: 2, slotsPerKey: null } });
  run.after(1_000, { type: "settle", call: "a.1" });
  expect(run.log.at(-1)?.event).toMatchObject({ call: "t.1", slots: 2 });
  expect(run.recovered().fingerprint()).toBe(run.fingerprint());
});

test("[QUEUE25] a wide call is charged for all its slots, and slots per key counts them", () => {
  const run = queueWith(4, 2);
  run.do(train("t.1", 2));
  run.do(callOf("other.1", { band: 1, key: "ann" }));
  run.do(train("u.1", 1));
  run.do(callOf("next.1", { band: 1, key: "bob" }));
  const served = () => run.state.schedule.bands[1].accounts.get("trainer")?.served ?? 0;
  expect(served()).toBe(120);
  run.after(10_000, { type: "settle", call: "t.1" });
  // 10 s in two slots, and what the second call is predicted to cost.
  expect(served()).toBe(80);
});

test("[QUEUE25] void leases give back every slot", () => {
  const run = queueWith(3);
  run.do(train("t.1", 3));
  run.do(callOf("a.1"));
  run.after(1_000, { type: "voidLeases" });
  expect(run.running()).toEqual(["a.1"]);
  expect(depth(run.state)).toMatchObject({ taken: 1 });
});
