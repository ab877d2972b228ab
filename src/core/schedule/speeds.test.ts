import { expect, test } from "vitest";

import { callOf, queueWith, seededUnits, type QueueRun } from "../../../test/queue-run.ts";
import { queueDecider } from "../queue/decider.ts";
import type { SpeedSeen } from "./speeds.ts";

const ask = (id: string, parts: object = {}) =>
  callOf(id, { role: "chat", model: "m", input: 900, tokens: 1_200, lead: 2, cost: 12, ...parts });

/** An answer of a model that reads and writes so fast. */
const seen = (prompt: number, decode: number, size: Partial<SpeedSeen> = {}): SpeedSeen => {
  const { model = "m", input = 900, output = 101 } = size;
  const firstMs = 50 + (1_000 * input) / prompt;
  return { model, input, firstMs, output, writeMs: (1_000 * (output - 1)) / decode };
};

function answer(run: QueueRun, id: string, speed: SpeedSeen): readonly { type: string }[] {
  run.do(ask(id));
  return run.after(1_000, { type: "settle", call: id, end: { failed: null, speed } });
}

test("[QUEUE24] what answers show of a model's speeds is a fact, at first each, then only what changes a belief", () => {
  const run = queueWith(1);
  expect(answer(run, "a.1", seen(1_000, 40))).toEqual([
    { type: "call.settled", call: "a.1" },
    { type: "endpoint.measured", model: "m", prompt: 1_000, decode: 40 },
  ]);
  expect(answer(run, "b.1", seen(1_000, 40))).toHaveLength(1);
  expect(answer(run, "c.1", seen(500, 40)).at(-1)).toMatchObject({ prompt: 666.67, decode: 40 });
});

test("[QUEUE24] a belief follows a model that has become slower, and no single answer turns it over", () => {
  const run = queueWith(1);
  const unit = seededUnits(3);
  const told = (prompt: number, times: number, from: number): number => {
    let facts = 0;
    for (let at = 0; at < times; at += 1)
      facts += answer(run, `t${from + at}.1`, seen(prompt * (0.8 + 0.4 * unit()), 30)).length - 1;
    return facts;
  };
  told(2_000, 100, 0);
  expect(run.state.schedule.speeds.get("m")?.prompt).toBeGreaterThan(1_800);
  expect(run.state.schedule.speeds.get("m")?.prompt).toBeLessThan(2_200);
  answer(run, "odd.1", seen(200, 30));
  expect(run.state.schedule.speeds.get("m")?.prompt).toBeGreaterThan(900);
  const facts = told(600, 100, 100);
  expect(facts).toBeLessThan(90);
  expect(run.state.schedule.speeds.get("m")?.prompt).toBeGreaterThan(520);
  expect(run.state.schedule.speeds.get("m")?.prompt).toBeLessThan(680);
});

test("[QUEUE24] what a call is predicted to cost follows from the speeds of its model, and not from another's", () => {
  const run = queueWith(1);
  const costOf = (id: string, parts: object = {}) => {
    const granted = run.do(ask(id, parts)).at(-1);
    run.do({ type: "settle", call: id });
    return granted;
  };
  expect(costOf("a.1")).toMatchObject({ cost: 12, lead: 2 });
  answer(run, "b.1", seen(1_000, 50, { model: "other" }));
  expect(costOf("c.1", { role: "plan" })).toMatchObject({ cost: 12, lead: 2 });
  answer(run, "d.1", seen(1_000, 50));
  expect(costOf("e.1", { role: "write" })).toMatchObject({ lead: 0.95, cost: 6.95 });
});

test.each([
  ["too short", seen(1_000, 50, { input: 40, output: 3 })],
  ["no time at all", { model: "m", input: 900, firstMs: 0, output: 100, writeMs: 0 }],
  ["a clock that was set back", { model: "m", input: 900, firstMs: -9, output: 100, writeMs: -9 }],
  ["no numbers", { model: "m", input: NaN, firstMs: NaN, output: NaN, writeMs: NaN }],
])("[QUEUE24] an answer that shows nothing teaches nothing: %s", (_, speed) => {
  const run = queueWith(1);
  expect(answer(run, "a.1", speed)).toEqual([{ type: "call.settled", call: "a.1" }]);
});

test("[QUEUE24] speeds survive a snapshot and the log alike", () => {
  const run = queueWith(1);
  answer(run, "a.1", seen(1_000, 40));
  answer(run, "b.1", seen(300, 20));
  const back = run.recovered(queueDecider.snapshot?.save(run.state), run.log.length);
  expect(back.state.schedule.speeds).toEqual(run.state.schedule.speeds);
  expect(run.recovered().state.schedule.speeds).toEqual(run.state.schedule.speeds);
});

test("[QUEUE24] a failed call says nothing of a model's speed", () => {
  const run = queueWith(1);
  run.do(ask("a.1"));
  const end = { failed: "down", cause: "model_stalled", speed: seen(1_000, 40) } as const;
  expect(run.do({ type: "settle", call: "a.1", end })).toEqual([
    { type: "call.settled", call: "a.1", end: { failed: "down", cause: "model_stalled" } },
  ]);
});
