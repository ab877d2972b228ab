import { expect, test } from "vitest";

import { callOf, queueWith, type QueueRun } from "../../../test/queue-run.ts";
import { START_MS } from "../../../test/given.ts";
import { queueDecider } from "../queue/decider.ts";
import { why } from "../queue/views.ts";

const ask = (id: string, line: string, parts: object = {}) =>
  callOf(id, {
    key: id,
    role: "chat",
    lead: 0.1,
    line,
    capTotal: line === "chat" ? 2 : 4,
    ...parts,
  });

const fail = (run: QueueRun, call: string, end: object) =>
  run.do({ type: "settle", call, end: { failed: "down", cause: "model_unavailable", ...end } });

test("[QUEUE27] endpoints of one device share its slots, and each keeps its own", () => {
  const run = queueWith(4);
  for (const id of ["a.1", "b.1", "c.1"]) run.do(ask(id, "chat"));
  expect(run.running()).toEqual(["a.1", "b.1"]);
  expect(why(run.state, "c.1", run.nowMs)?.code).toBe("slot_busy");
  for (const id of ["e.1", "f.1", "g.1"]) run.do(ask(id, "embed"));
  expect(run.running()).toEqual(["a.1", "b.1", "e.1", "f.1"]);
  run.after(1_000, { type: "settle", call: "a.1" });
  expect(run.running()).toEqual(["b.1", "e.1", "f.1", "c.1"]);
});

test("[QUEUE27] a training that takes the whole device and two endpoints never run at once", () => {
  const run = queueWith(4);
  run.do(ask("a.1", "chat"));
  run.do(callOf("t.1", { type: "train", key: "t", slots: 4 }));
  run.do(ask("e.1", "embed", { cost: 90 }));
  expect(run.running()).toEqual(["a.1"]);
  run.after(1_000, { type: "settle", call: "a.1" });
  expect(run.running()).toEqual(["t.1"]);
  run.after(1_000, { type: "settle", call: "t.1" });
  expect(run.running()).toEqual(["e.1"]);
});

test("[QUEUE27] an endpoint that is down holds nobody else's calls back, and opens by itself", () => {
  const run = queueWith(2);
  for (let number = 0; number < 5; number += 1) run.do(ask(`c${number}.1`, "chat"));
  for (const call of ["c0.1", "c1.1", "c2.1"]) fail(run, call, {});
  run.do({ type: "settle", call: "c3.1" });
  run.do(ask("e.1", "embed"));
  expect(run.running()).toEqual(["e.1"]);
  expect(why(run.state, "c4.1", run.nowMs)).toMatchObject({
    code: "endpoint_down",
    error: "model_unavailable",
    untilMs: START_MS + 5_000,
  });
  run.ring();
  expect([run.nowMs, run.running()]).toEqual([START_MS + 5_000, ["e.1", "c4.1"]]);
  // It is tried with one call at a time.
  run.do({ type: "settle", call: "e.1" });
  run.do(ask("c5.1", "chat"));
  expect(run.running()).toEqual(["c4.1"]);
  run.do({ type: "settle", call: "c4.1", end: { failed: null } });
  expect(run.running()).toEqual(["c5.1"]);
});

test("[QUEUE27] a 429 and a model that is being loaded hold their own endpoint back", () => {
  const run = queueWith(4);
  run.do(ask("a.1", "chat"));
  run.do(ask("e.1", "embed"));
  fail(run, "a.1", { failed: "limited", retryAfterMs: 9_000 });
  fail(run, "e.1", { failed: "loading" });
  run.do(ask("b.1", "chat"));
  run.do(ask("f.1", "embed"));
  expect(run.running()).toEqual([]);
  run.ring();
  expect([run.nowMs, run.running()]).toEqual([START_MS + 1_000, ["f.1"]]);
  run.ring();
  expect([run.nowMs, run.running()]).toEqual([START_MS + 9_000, ["f.1", "b.1"]]);
});

test("[QUEUE27] what holds endpoints back outlives a restart", () => {
  const run = queueWith(2);
  for (const id of ["a.1", "b.1", "c.1"]) run.do(ask(id, "chat"));
  fail(run, "a.1", { failed: "limited", retryAfterMs: 9_000 });
  const saved = queueDecider.snapshot?.save(run.state);
  expect(run.recovered(saved, run.log.length).fingerprint()).toBe(run.fingerprint());
  expect(run.recovered().fingerprint()).toBe(run.fingerprint());
});

test("[QUEUE27] a queue that waits for its rate goes on in time, whatever an endpoint of it waits for", () => {
  const settings = { slots: 4, slotsPerKey: null, requestsPerMinute: 30 };
  const run = queueWith(4);
  run.do({ type: "configure", settings });
  for (let number = 0; number < 3; number += 1)
    run.do(ask(`c${number}.1`, "chat", { capTotal: 4 }));
  for (let number = 0; number < 3; number += 1) fail(run, `c${number}.1`, {});
  for (let number = 0; number < 4; number += 1) run.do(ask(`e${number}.1`, "embed"));
  run.do(ask("c9.1", "chat"));
  expect(why(run.state, "c9.1", run.nowMs)).toMatchObject({ code: "rate_window" });
  const before = run.running().length;
  const untilMs = why(run.state, "e3.1", run.nowMs)?.untilMs ?? Infinity;
  expect(untilMs).toBeLessThan(START_MS + 5_000);
  run.ring();
  expect([run.nowMs, run.running().length]).toEqual([untilMs, before + 1]);
});
