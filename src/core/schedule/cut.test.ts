import { expect, test } from "vitest";

import { callOf, queueWith, type QueueRun } from "../../../test/queue-run.ts";

const stream = (id: string, parts: object = {}) =>
  callOf(id, { role: "chat", lead: 1, cost: 60, cuttable: true, key: "kim", ...parts });
const question = (id: string, parts: object = {}) =>
  callOf(id, { role: "quick", lead: 0.1, cost: 2, ...parts });
const told = (run: QueueRun) =>
  run.sent.filter(({ body }) => body.type === "cutCall").map(({ body }) => body.call);

/** A batch stream that has its slot for `seconds`, and a question that comes then. */
function waiting(seconds: number, parts: object = {}): QueueRun {
  const run = queueWith(1);
  run.do(stream("long.1", { band: 2, ...parts }));
  run.after(seconds * 1_000, question("ask.1"));
  return run;
}

test("[QUEUE23] a lower stream is told to stop for an interactive call, goes back in line, and is gone on with", () => {
  const run = waiting(5);
  expect(told(run)).toEqual(["long.1"]);
  // It has its slot until it has stopped.
  expect(run.running()).toEqual(["long.1"]);
  run.after(100, { type: "settle", call: "long.1", end: { failed: null, cut: 700 } });
  expect(run.running()).toEqual(["ask.1"]);
  run.do(stream("long.2", { band: 2, cuts: 1, ran: 4 }));
  run.after(2_000, { type: "settle", call: "ask.1" });
  expect(run.running()).toEqual(["long.2"]);
  expect(run.state.schedule.leases.get("long.2")).toMatchObject({ cuts: 1, ran: 4 });
  expect(run.state.schedule.cutting).toMatchObject({ count: 1, tokens: 700 });
  expect(run.recovered().fingerprint()).toBe(run.fingerprint());
});

test("[QUEUE23] a stream that is not old enough is told when it is", () => {
  const run = waiting(0.5, { band: 0 });
  expect(told(run)).toEqual([]);
  expect(run.timers.get("cut")).toBe(run.nowMs + 9_500);
  run.ring();
  expect(told(run)).toEqual(["long.1"]);
});

test.each([
  ["one that cannot be gone on with", { cuttable: false }],
  ["one that is nearly done", { cost: 6 }],
  ["one whose prompt would take longer to read again than the rest takes", { lead: 3, cost: 8 }],
  ["one that was cut four times", { cuts: 4, ran: 1 }],
  ["an answer to the same person", { band: 0, key: "ann" }],
])("[QUEUE23] %s is not stopped", (_, parts) => {
  const run = waiting(4, parts);
  expect(told(run)).toEqual([]);
});

test("[QUEUE23] nobody is stopped for lower bands, nor twice, nor more than wait", () => {
  const run = queueWith(2);
  run.do(stream("a.1", { band: 1 }));
  run.do(stream("b.1", { band: 1 }));
  run.after(5_000, question("low.1", { band: 2 }));
  expect(told(run)).toEqual([]);
  run.do(question("ask.1"));
  expect(told(run)).toHaveLength(1);
  run.after(1_000, question("low.2", { band: 2 }));
  expect(told(run)).toHaveLength(1);
});

test("[QUEUE23] one that says it cannot stop is left alone, and another is told", () => {
  const run = queueWith(2);
  run.do(stream("a.1", { band: 1, cost: 90 }));
  run.do(stream("b.1", { band: 1 }));
  run.after(5_000, question("ask.1"));
  expect(told(run)).toEqual(["a.1"]);
  const [kept] = run.do({ type: "keep", call: "a.1" });
  expect(kept).toEqual({ type: "call.uncut", call: "a.1" });
  expect(told(run)).toEqual(["a.1", "b.1"]);
  run.do({ type: "keep", call: "a.1" });
  expect(run.recovered().fingerprint()).toBe(run.fingerprint());
});

test("[QUEUE23] what cuts lose is bounded by a share of the service", () => {
  const run = queueWith(1);
  let cuts = 0;
  for (let number = 1; number <= 60; number += 1) {
    run.do(stream(`long${number}.1`, { band: 2, lead: 6, cost: 200 }));
    run.after(8_000, question(`ask${number}.1`));
    const isTold = told(run).includes(`long${number}.1`);
    if (isTold) cuts += 1;
    const end = isTold ? { failed: null, cut: 9_000 } : { failed: null };
    run.do({ type: "settle", call: `long${number}.1`, end });
    run.after(1_000, { type: "settle", call: `ask${number}.1` });
  }
  // 6.1 s are lost by each: 60 s may be at first, and then 1.5 % of the service.
  expect(cuts).toBe(10);
});

test("[QUEUE23] what a cut call had written counts as done, and the whole is learnt at its end", () => {
  const run = queueWith(1);
  for (const id of ["x1.1", "x2.1", "x3.1"]) {
    run.do(stream(id, { key: "cid", band: 2 }));
    run.after(41_000, { type: "settle", call: id });
  }
  run.do(stream("long.1", { band: 2 }));
  run.after(11_000, question("ask.1"));
  run.do({ type: "settle", call: "long.1", end: { failed: null, cut: 500 } });
  run.do(stream("long.2", { band: 2, cuts: 1, ran: 10 }));
  const mean = () => run.state.schedule.costs.calls.get("chat chat")?.mean ?? 0;
  const before = mean();
  expect(run.everReady("long.2").cost).toBeCloseTo(1 + before - 10, 0);
  run.do({ type: "settle", call: "ask.1" });
  run.after(1_000 * (1 + before - 10), { type: "settle", call: "long.2" });
  expect(mean()).toBeCloseTo(before, 0);
});

test("[QUEUE23] how a model goes on is a fact of its queue", () => {
  const run = queueWith(1);
  const probed = { type: "probed", target: "m http://x/v1", way: "prefill" } as const;
  expect(run.do(probed)).toEqual([{ ...probed, type: "endpoint.probed" }]);
  expect(run.do(probed)).toEqual([]);
  expect(run.state.schedule.resumes.get("m http://x/v1")).toBe("prefill");
  expect(run.recovered().fingerprint()).toBe(run.fingerprint());
});
