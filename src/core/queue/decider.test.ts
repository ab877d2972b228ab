import { expect, test } from "vitest";

import { callOf, queueWith, QueueRun } from "../../../test/queue-run.ts";
import { testContext } from "../../../test/given.ts";
import { InvariantError } from "../invariant.ts";
import { queueDecider } from "./decider.ts";
import { restorePending } from "./restore.ts";
import { depth, running } from "./views.ts";

const settle = (call: string) => ({ type: "settle", call }) as const;
const pause = (paused: boolean) => ({ type: "pause", paused }) as const;

test("[QUEUE1] a call gets a free slot as it arrives, with one fact, one message and no row", () => {
  const run = queueWith(2);
  expect(run.do(callOf("a.1"))).toEqual([
    { type: "call.granted", call: "a.1", taskType: "chat", key: "ann", cost: 1 },
  ]);
  expect(run.sent).toEqual([
    { to: "task/a", body: { type: "callGranted", call: "a.1", queue: "models" } },
  ]);
  expect(run.rows.size).toBe(0);
});

test("[QUEUE1] without a free slot a call waits in a ready row until one is settled", () => {
  const run = queueWith(1);
  run.do(callOf("a.1"));
  expect(run.do(callOf("b.1", { key: "bob", weight: 2, band: 1 }))).toEqual([
    { type: "call.requested", call: "b.1", key: "bob", band: 1, weight: 2 },
  ]);
  expect(run.rows.get("b.1")).toEqual({
    task: "b",
    type: "chat",
    key: "bob",
    user: "bob",
    weight: 2,
    band: 1,
    root: "b",
    cost: 1,
    capTotal: null,
    capPerKey: null,
    seq: 1,
    readyAtMs: run.nowMs,
    tag: 1,
  });
  expect(run.after(500, settle("a.1"))).toEqual([
    { type: "call.settled", call: "a.1" },
    {
      type: "call.granted",
      call: "b.1",
      taskType: "chat",
      key: "bob",
      cost: 1,
      band: 1,
      waited: true,
    },
  ]);
  expect(run.rows.size).toBe(0);
  expect(run.running()).toEqual(["b.1"]);
});

test("[QUEUE3] a queue nobody configured has one slot", () => {
  const run = new QueueRun();
  run.do(callOf("a.1"));
  run.do(callOf("b.1"));
  expect(depth(run.state)).toEqual({
    pending: 1,
    running: 1,
    taken: 1,
    perBand: [1, 0, 0],
    slots: 1,
    paused: false,
  });
});

test("[QUEUE3] slots taken away let running calls end and grant nothing until there is room", () => {
  const run = queueWith(3);
  for (const call of ["a.1", "b.1", "c.1", "d.1"]) run.do(callOf(call));
  run.do({ type: "configure", settings: { slots: 1, slotsPerKey: null } });
  run.do(settle("a.1"));
  run.do(settle("b.1"));
  expect(run.running()).toEqual(["c.1"]);
  run.do(settle("c.1"));
  expect(run.running()).toEqual(["d.1"]);
});

test("[QUEUE2] new slots are filled at once", () => {
  const run = queueWith(1);
  for (const call of ["a.1", "b.1", "c.1", "d.1"]) run.do(callOf(call));
  run.do({ type: "configure", settings: { slots: 3, slotsPerKey: null } });
  expect(run.running()).toEqual(["a.1", "b.1", "c.1"]);
});

test("[QUEUE5] a request that comes twice changes nothing while the call waits", () => {
  const run = queueWith(1);
  run.do(callOf("a.1"));
  run.do(callOf("b.1"));
  const before = run.fingerprint();
  expect(run.do(callOf("b.1"))).toEqual([]);
  expect(run.fingerprint()).toBe(before);
  expect(run.sent).toHaveLength(1);
});

test("[QUEUE5] a request of a call that has a slot says so again and changes nothing", () => {
  const run = queueWith(1);
  run.do(callOf("a.1"));
  const before = run.fingerprint();
  expect(run.do(callOf("a.1"))).toEqual([]);
  expect(run.fingerprint()).toBe(before);
  expect(run.sent).toHaveLength(2);
  expect(run.sent[1]).toEqual(run.sent[0]);
});

test("[QUEUE5] a settle of a waiting call takes it back and removes its row", () => {
  const run = queueWith(1);
  run.do(callOf("a.1"));
  run.do(callOf("b.1", { key: "bob", band: 2 }));
  expect(run.do(settle("b.1"))).toEqual([
    { type: "call.withdrawn", call: "b.1", key: "bob", band: 2 },
  ]);
  expect(run.rows.size).toBe(0);
  expect(run.do(settle("b.1"))).toEqual([]);
  expect(run.drain()).toEqual([]);
});

test("[QUEUE5] a settle of an unknown call changes nothing", () => {
  const run = queueWith(1);
  const before = run.fingerprint();
  expect(run.do(settle("ghost.1"))).toEqual([]);
  expect(run.fingerprint()).toBe(before);
});

test("[QUEUE4] a request that arrives after its settle is granted once more, and the task's settle frees the slot", () => {
  const run = queueWith(1);
  run.do(settle("a.1"));
  run.do(callOf("a.1"));
  expect(run.sent.at(-1)?.body).toEqual({ type: "callGranted", call: "a.1", queue: "models" });
  run.do(settle("a.1"));
  expect(depth(run.state)).toMatchObject({ pending: 0, running: 0 });
});

test("[QUEUE9] a paused queue grants nothing and lets running calls end", () => {
  const run = queueWith(2);
  run.do(callOf("a.1"));
  expect(run.do(pause(true))).toEqual([{ type: "queue.paused", paused: true }]);
  run.do(callOf("b.1"));
  run.do(settle("a.1"));
  expect(run.running()).toEqual([]);
  expect(run.do(pause(true))).toEqual([]);
  run.do(pause(false));
  expect(run.running()).toEqual(["b.1"]);
});

test("[QUEUE9] a process that stops in good order grants nothing, and the next one begins with who waited longest", () => {
  const run = queueWith(1);
  run.do(callOf("a.1"));
  run.do(callOf("b.1"));
  run.draining = true;
  run.after(1_000, settle("a.1"));
  run.do(callOf("c.1"));
  expect(run.running()).toEqual([]);
  expect(run.waiting()).toEqual(["b.1", "c.1"]);
  const next = run.recovered();
  // A newcomer is no reason to pass those who wait.
  next.do(callOf("d.1"));
  expect(next.running()).toEqual(["b.1"]);
  const voided = run.recovered();
  voided.do({ type: "voidLeases" });
  expect(voided.running()).toEqual(["b.1"]);
});

test("[QUEUE10] void leases are told to their tasks, free their slots, and cost at most their prediction", () => {
  const run = queueWith(2);
  run.do(callOf("a.1", { cost: 5 }));
  run.do(callOf("b.1", { key: "bob", cost: 5 }));
  run.do(callOf("c.1", { key: "ann", cost: 1 }));
  run.do(callOf("d.1", { key: "bob", cost: 1 }));
  run.sent.length = 0;
  // The process was dead for an hour: that is not service.
  const events = run.after(3_600_000, { type: "voidLeases" });
  expect(events.map((event) => event.type)).toEqual([
    "leases.voided",
    "call.granted",
    "call.granted",
  ]);
  expect(run.sent.map(({ to, body }) => [to, body.type])).toEqual([
    ["task/a", "callLost"],
    ["task/b", "callLost"],
    ["task/c", "callGranted"],
    ["task/d", "callGranted"],
  ]);
  const served = run.state.schedule.bands[0].accounts.get("ann")?.served;
  expect(served).toBe(6);
  expect(run.running()).toEqual(["c.1", "d.1"]);
});

test("[QUEUE10] voiding a queue without leases changes nothing", () => {
  expect(queueWith(1).do({ type: "voidLeases" })).toEqual([]);
});

test.each([
  ["slots", { slots: 0, slotsPerKey: null }],
  ["slots", { slots: 1.5, slotsPerKey: null }],
  ["slots", { slots: 10_001, slotsPerKey: null }],
  ["slots", { slots: Number.NaN, slotsPerKey: null }],
  ["slotsPerKey", { slots: 1, slotsPerKey: 0 }],
  ["slotsPerKey", { slots: 1, slotsPerKey: 10_001 }],
])("[QUEUE11] a setting out of its range is refused: %s of %o", (field, settings) => {
  const run = queueWith(1);
  const before = run.fingerprint();
  const { reply } = queueDecider.decide(run.state, { type: "configure", settings }, testContext());
  expect(reply).toMatchObject({ ok: false, error: { code: "invalid_request" } });
  expect(reply.ok ? "" : reply.error.message).toContain(`${field} of queue models`);
  expect(run.fingerprint()).toBe(before);
});

test("[QUEUE11] the same settings again are no fact", () => {
  const run = queueWith(3, 2);
  expect(run.do({ type: "configure", settings: { slots: 3, slotsPerKey: 2 } })).toEqual([]);
});

test("[QUEUE12] costs and weights that are no sane numbers cannot spoil a clock", () => {
  const run = queueWith(1);
  const broken = [Number.NaN, -1, 0, Number.POSITIVE_INFINITY, 1e300];
  broken.forEach((cost, index) => run.do(callOf(`c${index}.1`, { cost, key: `k${index}` })));
  broken.forEach((weight, index) => run.do(callOf(`w${index}.1`, { weight, key: `l${index}` })));
  expect(run.drain()).toHaveLength(9);
  for (const { clock, weight } of run.state.schedule.bands) {
    expect(Number.isFinite(clock)).toBe(true);
    expect(weight).toBe(0);
  }
});

test("[QUEUE13] request, grant and settle of a call granted at once take at most 250 bytes of log", () => {
  const run = queueWith(1);
  run.log.length = 0;
  const task = "task_01kabcdefghjkmnpqrstvwxyz01";
  run.do(callOf(`${task}.1`, { key: "user_1", type: "document_processing", cost: 12.345 }));
  run.after(1_234, settle(`${task}.1`));
  const text = JSON.stringify(run.log.map(({ event }) => event));
  expect(text.length).toBeLessThanOrEqual(250);
});

test("[QUEUE13] a fact keeps what its ids do not tell", () => {
  const run = queueWith(1);
  const [event] = run.do(
    callOf("call-7", {
      task: "t",
      root: "r",
      user: "ann",
      key: "team",
      band: 2,
      weight: 3,
      capTotal: 1,
    }),
  );
  expect(event).toEqual({
    type: "call.granted",
    call: "call-7",
    taskType: "chat",
    key: "team",
    cost: 1,
    task: "t",
    root: "r",
    user: "ann",
    band: 2,
    weight: 3,
    capped: true,
  });
  expect(running(run.state)).toEqual([
    {
      call: "call-7",
      task: "t",
      type: "chat",
      key: "team",
      user: "ann",
      band: 2,
      grantedAtMs: run.nowMs,
      cost: 1,
    },
  ]);
});

test("[QUEUE14] a state without its waiting calls refuses to decide", () => {
  const run = queueWith(1);
  run.do(callOf("a.1"));
  run.do(callOf("b.1"));
  run.rows.clear();
  const broken = run.recovered();
  expect(() => broken.do(settle("a.1"))).toThrow(InvariantError);
  expect(() => broken.do(settle("a.1"))).toThrow("0 of its 1 waiting calls");
});

test("[QUEUE14] a live state does not fold facts a second time", () => {
  const run = queueWith(1);
  run.do(callOf("a.1"));
  run.do(callOf("b.1"));
  expect(() =>
    queueDecider.evolve(run.state, { type: "call.settled", call: "a.1" }, run.nowMs),
  ).toThrow(InvariantError);
});

test("[QUEUE14] a ready row that the log does not know is an error", () => {
  const run = queueWith(1);
  run.do(callOf("a.1"));
  run.do(callOf("b.1"));
  const row = run.rows.get("b.1")!;
  run.rows.set("x.1", { ...row, seq: 99 });
  expect(() => run.recovered()).toThrow("does not know as waiting");
});

test("[QUEUE14] a page of ready rows that comes twice adds nothing", () => {
  const run = queueWith(1);
  for (const call of ["a.1", "b.1", "c.1"]) run.do(callOf(call));
  const back = run.recovered();
  restorePending(
    back.state,
    Array.from(run.rows, ([call, request]) => ({ call, request })),
  );
  expect(back.fingerprint()).toBe(run.fingerprint());
  expect(back.drain()).toEqual(run.drain());
});

test("[QUEUE15] a snapshot of a newer version is refused", () => {
  const saved = queueDecider.snapshot!.save(queueWith(1).state);
  expect(() =>
    queueDecider.snapshot!.load("queue/models", { ...(saved as object), version: 1_000 }),
  ).toThrow("newer");
  expect(() => queueDecider.snapshot!.load("queue/models", { version: 1 })).toThrow(InvariantError);
});

test("[QUEUE1] the system owns a queue, and a queue is never over", () => {
  const run = queueWith(1);
  const empty = queueDecider.weigh(run.state);
  run.do(callOf("a.1"));
  run.do(callOf("b.1"));
  expect(queueDecider.owner(run.state)).toBe("");
  expect(queueDecider.settled(run.state)).toBe(false);
  expect(queueDecider.weigh(run.state)).toBeGreaterThan(empty);
});
