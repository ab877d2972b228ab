import { expect, test } from "vitest";

import { callOf, QueueRun } from "../../../test/queue-run.ts";
import { why } from "../queue/views.ts";

const ask = (id: string, model: string, parts: object = {}) =>
  callOf(id, { key: id, role: "chat", lead: 0.1, cost: 5, model, ...parts });

/** An endpoint that holds one model and takes 5 s to load another. */
function oneModel(slots = 1): QueueRun {
  const run = new QueueRun();
  run.do({ type: "configure", settings: { slots, slotsPerKey: null, swapMs: 5_000 } });
  return run;
}

test("[QUEUE26] calls of the model in memory go first, though another came before them", () => {
  const run = oneModel();
  run.do(ask("a.1", "m"));
  run.after(1_000, ask("b.1", "n"));
  run.after(1_000, ask("c.1", "m"));
  expect(run.after(1_000, { type: "settle", call: "a.1" }).at(-1)).toMatchObject({
    call: "c.1",
    model: "m",
    stays: true,
  });
  expect(run.after(1_000, { type: "settle", call: "c.1" }).at(-1)).toMatchObject({
    call: "b.1",
    model: "n",
    // Loading it is a part of what it takes, and known beforehand.
    lead: 5.1,
  });
  expect(run.state.schedule.swap).toEqual({ model: "n", sinceMs: null, count: 1 });
});

test("[QUEUE26] after four times as long as loading takes, who was passed over goes", () => {
  const run = oneModel();
  run.do(ask("a.1", "m"));
  run.do(ask("other.1", "n"));
  let stayed = 0;
  for (let number = 1; number <= 30; number += 1) {
    run.do(ask(`more${number}.1`, "m"));
    const events = run.after(3_000, { type: "settle", call: run.running()[0]! });
    const granted = events.find(({ type }) => type === "call.granted");
    if (granted?.type !== "call.granted" || granted.model === "n") break;
    stayed += 1;
  }
  // First passed over at 3 s, last before 23 s.
  expect(stayed).toBe(7);
  expect(run.running()).toEqual(["other.1"]);
});

test("[QUEUE26] two models are never in use at once, and why says what a call waits for", () => {
  const run = oneModel(3);
  run.do(ask("a.1", "m"));
  run.do(ask("b.1", "m"));
  run.do(ask("c.1", "n"));
  expect(run.running()).toEqual(["a.1", "b.1"]);
  expect(why(run.state, "c.1", run.nowMs)?.code).toBe("model_swap");
  run.after(1_000, { type: "settle", call: "a.1" });
  expect(run.running()).toEqual(["b.1"]);
  run.after(1_000, { type: "settle", call: "b.1" });
  expect(run.running()).toEqual(["c.1"]);
});

test("[QUEUE26] a call of a lower band does not go first for its model", () => {
  const run = oneModel();
  run.do(ask("a.1", "m"));
  run.do(ask("low.1", "m", { band: 1 }));
  run.do(ask("b.1", "n"));
  run.after(1_000, { type: "settle", call: "a.1" });
  expect(run.running()).toEqual(["b.1"]);
});

test("[QUEUE26] what is in memory, and since when others are passed over, outlives a restart", () => {
  const run = oneModel();
  for (const [id, model] of [
    ["a.1", "m"],
    ["b.1", "n"],
    ["c.1", "m"],
  ] as const)
    run.do(ask(id, model));
  run.after(1_000, { type: "settle", call: "a.1" });
  const back = run.recovered();
  expect(back.fingerprint()).toBe(run.fingerprint());
  expect(back.state.schedule.swap).toEqual({ model: "m", sinceMs: run.nowMs, count: 0 });
});

test("[QUEUE26] where models cost nothing to change, calls of all of them share a line", () => {
  const run = new QueueRun();
  run.do(ask("a.1", "m"));
  for (const [id, model] of [
    ["b.1", "n"],
    ["c.1", "m"],
  ] as const)
    run.after(10, ask(id, model));
  expect(run.drain()).toEqual(["b.1", "c.1"]);
  expect(run.log.some(({ event }) => event.type === "call.granted" && "model" in event)).toBe(
    false,
  );
});
