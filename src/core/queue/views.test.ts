import { expect, test } from "vitest";

import { callOf, queueWith } from "../../../test/queue-run.ts";
import { why } from "./views.ts";

test("[QUEUE17] a call that runs, is over or never came has no reason to wait", () => {
  const run = queueWith(1);
  run.do(callOf("a.1"));
  expect(why(run.state, "a.1", run.nowMs)).toBeNull();
  expect(why(run.state, "ghost.1", run.nowMs)).toBeNull();
});

test("[QUEUE17] the first call waits for a slot, the others behind it", () => {
  const run = queueWith(1);
  for (const call of ["a.1", "b.1", "c.1"]) run.do(callOf(call));
  const rest = { running: 1, slots: 1, pending: 2 };
  expect(why(run.state, "b.1", run.nowMs)).toMatchObject({
    code: "slot_busy",
    position: 1,
    ...rest,
  });
  expect(why(run.state, "c.1", run.nowMs)).toMatchObject({
    code: "behind_others",
    position: 2,
    ...rest,
  });
});

test("[QUEUE17] a pause, a type's cap and a key's cap are told apart", () => {
  const run = queueWith(3, 2);
  run.do(callOf("a.1", { type: "doc", capTotal: 1 }));
  run.do(callOf("b.1", { type: "doc", capTotal: 1 }));
  run.do(callOf("c.1", { type: "tool", capPerKey: 1 }));
  run.do(callOf("d.1", { type: "tool", capPerKey: 1 }));
  expect(why(run.state, "b.1", run.nowMs)?.code).toBe("type_limit");
  expect(why(run.state, "d.1", run.nowMs)?.code).toBe("key_limit");
  run.do(callOf("e.1"));
  run.do(callOf("f.1"));
  expect(why(run.state, "f.1", run.nowMs)?.code).toBe("behind_others");
  run.do(callOf("g.1", { key: "bob" }));
  expect(why(run.state, "f.1", run.nowMs)?.code).toBe("key_limit");
  run.do({ type: "pause", paused: true });
  expect(why(run.state, "b.1", run.nowMs)?.code).toBe("queue_paused");
  expect(why(run.state, "b.1", run.nowMs)?.estimate).toBeNull();
});

test("[QUEUE17] with equal costs the position is the order in which calls are granted", () => {
  const run = queueWith(1);
  run.do(callOf("x.1", { key: "zoe" }));
  for (let number = 1; number <= 12; number += 1) run.do(callOf(`a${number}.1`));
  for (let number = 1; number <= 5; number += 1) run.do(callOf(`b${number}.1`, { key: "bob" }));
  for (let number = 1; number <= 3; number += 1) {
    run.do(callOf(`c${number}.1`, { key: "cid", weight: 2 }));
  }
  const calls = run.waiting();
  const told = new Map(calls.map((call) => [call, why(run.state, call, run.nowMs)?.position ?? 0]));
  const order = run.drain();
  for (const [index, call] of order.entries()) {
    expect(Math.abs((told.get(call) ?? 0) - (index + 1)), call).toBeLessThanOrEqual(1);
  }
  expect(told.get(order[0]!)).toBe(1);
});

test("[QUEUE17] a position counts a key's own work before the call by size and not by arrival", () => {
  const run = queueWith(1);
  run.do(callOf("x.1"));
  run.do(callOf("big.1", { cost: 50 }));
  run.do(callOf("small.1", { cost: 1 }));
  expect(why(run.state, "small.1", run.nowMs)?.position).toBe(1);
  expect(why(run.state, "big.1", run.nowMs)?.position).toBe(2);
});
