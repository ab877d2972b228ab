import { beforeEach, expect, test } from "vitest";

import { formatId } from "../ids.ts";
import type { ReadyRequest } from "../rows.ts";
import { CallPool } from "./call-pool.ts";
import { isTaskOfCall, taskOfCall } from "./request-parts.ts";

const pooled: { number: number; calls: number } = { number: -1, calls: 0 };
const lane = {
  ...({
    band: 1,
    account: { key: "ann", weight: 1 },
    gate: { counted: "chat", slots: 1, model: null, line: null, capTotal: null, capPerKey: 3 },
  } as const),
  pooled,
};

beforeEach(() => Object.assign(lane.pooled, { number: -1, calls: 0 }));

function request(task: string, parts: Partial<ReadyRequest> = {}): ReadyRequest {
  return {
    task,
    type: "chat",
    key: "ann",
    user: "ann",
    weight: 1,
    band: 1,
    root: task,
    cost: 2,
    capTotal: null,
    capPerKey: 3,
    seq: 1,
    readyAtMs: 5,
    tag: 7,
    ...parts,
  };
}

test("[QUEUE14] the pool gives back every field, also those that ids do not tell", () => {
  const pool = new CallPool<typeof lane>();
  const plain = pool.add("a.1", request("a"), lane);
  const cut = { cuttable: true, cuts: 2, ran: 1.5 } as const;
  const forecast = { role: "writer", lead: 0.5, rest: 9, tokens: 40, ...cut };
  const odd = pool.add(
    "call-2",
    request("b", { root: "r", user: "bob", type: "doc", ...forecast }),
    lane,
  );
  expect(pool.read(plain)).toEqual({
    call: "a.1",
    task: "a",
    taskType: "chat",
    key: "ann",
    user: "ann",
    root: "a",
    band: 1,
    cost: 2,
    role: null,
    lead: 0,
    tokens: 0,
    cuttable: false,
    cuts: 0,
    ran: 0,
    capped: true,
    slots: 1,
    model: null,
    line: null,
  });
  expect(pool.read(odd)).toMatchObject({ task: "b", root: "r", user: "bob", taskType: "doc" });
  expect(pool.read(odd)).toMatchObject({ role: "writer", lead: 0.5, tokens: 40, ...cut });
  expect([pool.rest(plain), pool.rest(odd)]).toEqual([2, 9]);
  expect(pool.request(plain)).toEqual(request("a"));
  expect(pool.request(odd)).toEqual(
    request("b", { root: "r", user: "bob", type: "doc", ...forecast }),
  );
  expect([pool.cost(odd), pool.seq(odd), pool.readyAtMs(odd)]).toEqual([2, 1, 5]);
});

test("[QUEUE14] ids of tasks and other ids are found beside each other", () => {
  const pool = new CallPool<typeof lane>();
  const task = formatId("task", 1_700_000_000_000, new Uint8Array(10));
  const calls = [`${task}.1`, `${task}.2`, `${task}.02`, task, `x${task}.1`];
  const slots = calls.map((call) => pool.add(call, request(taskOfCall(call)), lane));
  expect(calls.map((call) => pool.find(call))).toEqual(slots);
  expect(slots.map((slot) => pool.read(slot).call)).toEqual(calls);
  expect(slots.map((slot) => pool.read(slot).task)).toEqual(calls.map(taskOfCall));
  expect(pool.find(`${task}.3`)).toBeUndefined();
  pool.remove(pool.find(`${task}.02`)!);
  expect(pool.find(`${task}.02`)).toBeUndefined();
  expect(pool.find(`${task}.2`)).toBe(slots[1]);
});

test("[QUEUE14] a slot that was freed serves another call and keeps nothing of the old one", () => {
  const pool = new CallPool<typeof lane>();
  const kept = pool.add("a.1", request("a"), lane);
  const gone = pool.add("call-2", request("b", { root: "r", user: "bob" }), lane);
  pool.remove(gone);
  expect(pool.find("call-2")).toBeUndefined();
  expect(pool.lane(gone)).toBeUndefined();
  const again = pool.add("c.1", request("c"), lane);
  expect(again).toBe(gone);
  expect(pool.read(again)).toMatchObject({ task: "c", root: "c", user: "ann" });
  expect(pool.find("a.1")).toBe(kept);
  expect(pool.size).toBe(2);
});

test("[QUEUE14] a pool grows as needed and is small again when it is empty", () => {
  const pool = new CallPool<typeof lane>();
  const calls = Array.from({ length: 1_000 }, (_, index) => `task${index}.1`);
  calls.forEach((call, index) => {
    pool.add(call, request(taskOfCall(call), { seq: index, cost: index }), lane);
  });
  expect(calls.every((call, index) => pool.cost(pool.find(call)!) === index)).toBe(true);
  for (const call of calls) pool.remove(pool.find(call)!);
  expect(pool.size).toBe(0);
  expect(pool.add("z.1", request("z"), lane)).toBe(0);
});

test.each([
  ["task_1.1", "task_1"],
  ["a.b.12", "a.b"],
  ["none", ""],
  ["", ""],
  [".1", ""],
])("[QUEUE13] the task of call %j is %j", (call, task) => {
  expect(taskOfCall(call)).toBe(task);
  expect(isTaskOfCall(`${task}x`, call)).toBe(false);
  expect(isTaskOfCall(task, call)).toBe(call.includes("."));
});

test("[QUEUE14] lanes are told apart for as long as they have calls, and their numbers are used again", () => {
  const pool = new CallPool<typeof lane>();
  const [ann, bob, cat] = [1, 2, 3].map(() => ({ ...lane, pooled: { number: -1, calls: 0 } }));
  const first = pool.add("a.1", request("a"), ann!);
  const second = pool.add("b.1", request("b"), bob!);
  const third = pool.add("c.1", request("c"), ann!);
  pool.remove(first);
  expect([pool.lane(second), pool.lane(third)]).toEqual([bob, ann]);
  expect(pool.lane(third)).toBe(ann);
  pool.remove(third);
  expect(ann!.pooled).toEqual({ number: -1, calls: 0 });
  const fourth = pool.add("d.1", request("d"), cat!);
  expect(pool.lane(fourth)).toBe(cat);
  expect(pool.lane(second)).toBe(bob);
  expect(cat!.pooled).toEqual({ number: 0, calls: 1 });
});
