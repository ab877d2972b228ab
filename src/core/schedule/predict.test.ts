import { expect, test } from "vitest";

import { callOf, queueWith, type QueueRun } from "../../../test/queue-run.ts";
import { queueDecider } from "../queue/decider.ts";
import { learnCall, noCosts, predictedCost } from "./predict.ts";

const call = { taskType: "chat", role: "writer", key: "ann", lead: 1, cost: 6 };

/** Lets one call of a task run for so long. */
function serve(run: QueueRun, id: string, seconds: number, parts: object = {}): void {
  run.do(callOf(id, { role: "writer", lead: 1, cost: 6, ...parts }));
  run.after(seconds * 1_000, { type: "settle", call: id });
}

test("[QUEUE18] a call of an unknown kind costs what its caller guessed", () => {
  expect(predictedCost(noCosts(), call)).toBe(6);
  expect(predictedCost(noCosts(), { ...call, role: null })).toBe(6);
});

test("[QUEUE18] what a kind took beyond its prompt is learnt, and its prompt is added", () => {
  const costs = noCosts();
  for (let times = 0; times < 200; times += 1) learnCall(costs, call, 3);
  expect(predictedCost(costs, call)).toBeCloseTo(3, 2);
  expect(predictedCost(costs, { ...call, lead: 10 })).toBeCloseTo(12, 2);
  expect(predictedCost(costs, { ...call, role: "planner" })).toBe(6);
});

test("[QUEUE18] a key whose calls are longer is predicted so, as far as it is known", () => {
  const costs = noCosts();
  for (let times = 0; times < 100; times += 1) {
    learnCall(costs, call, 3);
    learnCall(costs, { ...call, key: "bob" }, 21);
  }
  const of = (key: string) => predictedCost(costs, { ...call, key });
  expect(of("ann")).toBeLessThan(of("new"));
  expect(of("new")).toBeLessThan(of("bob"));
});

test("[QUEUE18] what is remembered of keys is bounded, and the newest are kept", () => {
  const costs = noCosts();
  for (let key = 0; key < 20_000; key += 1) learnCall(costs, { ...call, key: `k${key}` }, 3);
  expect(costs.calls.size).toBeLessThanOrEqual(5_200);
  expect(costs.calls.has("chat writer k19999")).toBe(true);
});

test("[QUEUE18] the queue charges what it has learnt, and says so in the grant", () => {
  const run = queueWith(1);
  for (let times = 0; times < 120; times += 1) serve(run, `t${times}.1`, 3);
  const [event] = run.do(callOf("z.1", { role: "writer", lead: 2, cost: 90 }));
  expect(event).toMatchObject({ type: "call.granted", role: "writer", lead: 2 });
  expect(event).toHaveProperty("cost", expect.closeTo(4, 1));
});

test("[QUEUE18] a tree whose kind takes long stands behind small work from its first call on", () => {
  const run = queueWith(1);
  for (let times = 0; times < 40; times += 1) {
    const tree = { task: `t${times}`, type: "agent" };
    for (let step = 1; step <= 5; step += 1) serve(run, `t${times}.${step}`, 3, tree);
    run.do({ type: "over", root: `t${times}` });
  }
  expect(run.state.schedule.roots.size).toBe(0);
  expect(run.state.schedule.costs.trees.get("agent")?.mean).toBeCloseTo(15, 1);
  run.do(callOf("x.1"));
  run.do(callOf("agent.1", { type: "agent", role: "writer", lead: 1, cost: 3 }));
  run.do(callOf("small.1", { cost: 6 }));
  expect(run.everReady("agent.1").rest).toBeCloseTo(15, 1);
  expect(run.drain()).toEqual(["small.1", "agent.1"]);
});

test("[QUEUE18] the end of a tree that is unknown here changes nothing, nor does a second one", () => {
  const run = queueWith(1);
  serve(run, "t.1", 3, { task: "t" });
  expect(run.do({ type: "over", root: "ghost" })).toEqual([]);
  expect(run.do({ type: "over", root: "t" })).toEqual([{ type: "tree.over", root: "t" }]);
  expect(run.do({ type: "over", root: "t" })).toEqual([]);
});

test("[QUEUE18] what is learnt is in the snapshot, and one of version 1 has learnt nothing", () => {
  const run = queueWith(1);
  for (let times = 0; times < 9; times += 1) serve(run, `t${times}.1`, 3);
  run.do({ type: "over", root: "t1" });
  const saved = queueDecider.snapshot!.save(run.state) as Record<string, unknown>;
  const back = queueDecider.snapshot!.load("queue/models", JSON.parse(JSON.stringify(saved)));
  expect(queueDecider.snapshot!.save(back)).toEqual(saved);
  const { calls: _calls, trees: _trees, ...rest } = saved;
  const old = { ...rest, version: 1, roots: [["r", "ann", 0, 1, 2, 3]] };
  const upcast = queueDecider.snapshot!.load("queue/models", old).schedule;
  expect([upcast.costs.calls.size, upcast.roots.get("r")]).toEqual([
    0,
    { type: "", key: "ann", band: 0, base: 1, estimate: 2, attained: 3, sinceMs: 0 },
  ]);
});
