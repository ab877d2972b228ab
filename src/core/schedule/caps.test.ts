import { expect, test } from "vitest";

import { callOf, queueWith } from "../../../test/queue-run.ts";

const settle = (call: string) => ({ type: "settle", call }) as const;

test("[QUEUE3] a type at its total cap lets other types pass, and goes on when one of it ends", () => {
  const run = queueWith(3);
  const doc = { type: "document", capTotal: 1 };
  run.do(callOf("a.1", doc));
  run.do(callOf("b.1", doc));
  run.do(callOf("c.1", { key: "bob", ...doc }));
  run.do(callOf("d.1", { key: "bob" }));
  expect(run.running()).toEqual(["a.1", "d.1"]);
  run.do(settle("a.1"));
  // Bob has been charged for d.1, but ann's clock is as high: her call came first.
  expect(run.running()).toEqual(["d.1", "b.1"]);
  run.do(settle("d.1"));
  expect(run.running()).toEqual(["b.1"]);
  run.do(settle("b.1"));
  expect(run.running()).toEqual(["c.1"]);
});

test("[QUEUE3] a type's cap per key holds back that key's calls of the type and nothing else", () => {
  const run = queueWith(3);
  const tool = { type: "tool", capPerKey: 1 };
  run.do(callOf("a.1", tool));
  run.do(callOf("b.1", { ...tool, band: 1 }));
  run.do(callOf("c.1", { ...tool, key: "bob" }));
  run.do(callOf("d.1"));
  expect(run.running()).toEqual(["a.1", "c.1", "d.1"]);
  run.do(settle("d.1"));
  expect(run.running()).toEqual(["a.1", "c.1"]);
  run.do(settle("a.1"));
  expect(run.running()).toEqual(["c.1", "b.1"]);
});

test("[QUEUE3] calls of a capped type that name no cap are not counted", () => {
  const run = queueWith(3);
  run.do(callOf("a.1", { type: "agent" }));
  run.do(callOf("b.1", { type: "agent", capTotal: 1, capPerKey: 1 }));
  run.do(callOf("c.1", { type: "agent", capTotal: 1, capPerKey: 1 }));
  expect(run.running()).toEqual(["a.1", "b.1"]);
});

test("[QUEUE3] a key has at most its slots while another key waits", () => {
  const run = queueWith(2, 1);
  run.do(callOf("a.1"));
  run.do(callOf("b.1"));
  expect(run.running()).toEqual(["a.1", "b.1"]);
  run.do(callOf("c.1"));
  run.do(callOf("d.1", { key: "bob", cost: 100 }));
  run.do(callOf("e.1", { key: "bob", cost: 100 }));
  run.do(settle("a.1"));
  expect(run.running()).toEqual(["b.1", "d.1"]);
  // Both keys have their one slot, so nobody who is below the cap waits.
  run.do(settle("b.1"));
  expect(run.running()).toEqual(["d.1", "c.1"]);
});

test("[QUEUE3] a key's slots are counted in all bands", () => {
  const run = queueWith(2, 1);
  run.do(callOf("x.1", { key: "bob" }));
  run.do(callOf("a.1"));
  run.do(callOf("b.1", { band: 0 }));
  run.do(callOf("c.1", { key: "cid", band: 2 }));
  run.do(settle("x.1"));
  expect(run.running()).toEqual(["a.1", "c.1"]);
});

test("[QUEUE2] a key at its slots takes the free slot when nobody else wants it", () => {
  const run = queueWith(3, 1);
  for (const call of ["a.1", "b.1", "c.1", "d.1"]) run.do(callOf(call));
  run.do(callOf("e.1", { key: "bob", type: "tool", capTotal: 1 }));
  run.do(callOf("f.1", { key: "bob", type: "tool", capTotal: 1 }));
  run.do(settle("a.1"));
  expect(run.running()).toEqual(["b.1", "c.1", "e.1"]);
  // f.1 is held back by its type, so the slot is not kept for it.
  run.do(settle("b.1"));
  expect(run.running()).toEqual(["c.1", "e.1", "d.1"]);
});

test("[QUEUE3] a change of the slots of a key holds at once for calls that wait", () => {
  const run = queueWith(2);
  run.do(callOf("a.1"));
  run.do(callOf("b.1"));
  run.do(callOf("c.1"));
  run.do(callOf("d.1", { key: "bob", cost: 50 }));
  run.do({ type: "configure", settings: { slots: 2, slotsPerKey: 1 } });
  run.do(settle("a.1"));
  expect(run.running()).toEqual(["b.1", "d.1"]);
});

test("[QUEUE8] inside a key small work goes first, whatever caps its types have", () => {
  const run = queueWith(1);
  run.do(callOf("x.1", { key: "bob" }));
  run.do(callOf("big.1", { cost: 30 }));
  run.do(callOf("mid.1", { cost: 10, type: "doc", capTotal: 5 }));
  run.do(callOf("small.1", { cost: 2, type: "tool", capPerKey: 2 }));
  expect(run.drain()).toEqual(["small.1", "mid.1", "big.1"]);
});
