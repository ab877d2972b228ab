import * as fc from "fast-check";
import { expect, test } from "vitest";

import { callOf, queueWith, type QueueRun } from "../../../test/queue-run.ts";
import { queueDecider } from "../queue/decider.ts";
import { START_MS } from "../../../test/given.ts";
import { why } from "../queue/views.ts";
import { burstMs } from "./buckets.ts";
import type { CallEnd } from "./opening.ts";

const call = (id: string, tokens = 100) => callOf(id, { role: "chat", lead: 0.1, tokens });
const settle = (id: string, end?: CallEnd) =>
  ({ type: "settle", call: id, ...(end === undefined ? {} : { end }) }) as const;

function limited(settings: { requestsPerMinute?: number; tokensPerMinute?: number }): QueueRun {
  const run = queueWith(100);
  run.do({ type: "configure", settings: { slots: 100, slotsPerKey: null, ...settings } });
  return run;
}

test("[QUEUE19] in no minute are more calls granted than the limit and its burst, and none waits for ever", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.nat(20_000), { minLength: 1, maxLength: 60, size: "max" }),
      (perMinute, gaps) => {
        const run = limited({ requestsPerMinute: perMinute });
        for (const [index, gapMs] of gaps.entries()) {
          run.nowMs += gapMs;
          run.do(call(`t${index}.1`));
        }
        while (run.ring());
        const times = run.log.flatMap(({ event, atMs }) =>
          event.type === "call.granted" ? [atMs] : [],
        );
        expect(times).toHaveLength(gaps.length);
        const most = perMinute + (perMinute * burstMs) / 60_000 + 1;
        for (const from of times) {
          const within = times.filter((at) => at >= from && at < from + 60_000).length;
          expect(within).toBeLessThanOrEqual(most);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test("[QUEUE19] a queue that waits for its rate says until when, and its timer lets the next call go", () => {
  const run = limited({ requestsPerMinute: 6 });
  for (const id of ["a.1", "b.1", "c.1"]) run.do(call(id));
  expect(run.running()).toEqual(["a.1", "b.1"]);
  const untilMs = START_MS + 10_000;
  expect(why(run.state, "c.1", run.nowMs)).toMatchObject({ code: "rate_window", untilMs });
  expect([...run.timers.values()]).toEqual([untilMs]);
  run.do(call("d.1"));
  expect(run.timers.size).toBe(1);
  run.ring();
  expect(run.running()).toEqual(["a.1", "b.1", "c.1"]);
});

test("[QUEUE19] tokens are taken as predicted and put right when they are counted", () => {
  const run = limited({ tokensPerMinute: 6_000 });
  run.do(call("a.1", 3_000));
  run.do(call("b.1", 100));
  expect(run.running()).toEqual(["a.1"]);
  run.do(settle("a.1", { failed: null, tokens: 500 }));
  expect(run.running()).toEqual(["b.1"]);
  expect(run.log.at(-1)?.event).toMatchObject({ type: "call.granted", tokens: 100 });
});

test("[QUEUE20] a 429 keeps the whole queue waiting as long as it says, and no longer", () => {
  const run = queueWith(3);
  for (const id of ["a.1", "b.1"]) run.do(call(id));
  run.do(settle("a.1", { failed: "limited", retryAfterMs: 7_000 }));
  run.do(call("c.1"));
  expect(run.running()).toEqual(["b.1"]);
  expect(why(run.state, "c.1", run.nowMs)).toMatchObject({
    code: "endpoint_asked",
    untilMs: START_MS + 7_000,
  });
  // Another answer says nothing of the pause.
  run.do(settle("b.1", { failed: null }));
  expect(run.running()).toEqual([]);
  run.ring();
  expect([run.nowMs, run.running()]).toEqual([START_MS + 7_000, ["c.1"]]);
});

test("[QUEUE20] an endpoint that fails three calls in a row is left alone, longer each time, then tried with one call", () => {
  const run = queueWith(4);
  for (let number = 0; number < 12; number += 1) run.do(call(`t${number}.1`));
  const fail = () => run.do(settle(run.running()[0]!, { failed: "down" }));
  fail();
  fail();
  expect(run.running()).toHaveLength(4);
  fail();
  expect(run.running()).toHaveLength(3);
  expect(why(run.state, "t11.1", run.nowMs)).toMatchObject({
    code: "endpoint_down",
    untilMs: START_MS + 5_000,
  });
  fail();
  fail();
  fail();
  expect(run.state.schedule.opening.brokenUntilMs).toBe(START_MS + 40_000);
  run.ring();
  expect(run.running()).toHaveLength(1);
  run.do(settle(run.running()[0]!, { failed: null }));
  expect(run.running()).toHaveLength(4);
});

test("[QUEUE20] what was given up tells nothing of the endpoint, and a failed call teaches no cost", () => {
  const run = queueWith(1);
  for (const id of ["a.1", "b.1", "c.1"]) {
    run.do(call(id));
    run.do(settle(id, { failed: "down" }));
  }
  expect(run.state.schedule.opening.failures).toBe(3);
  run.nowMs += 5_000;
  run.do(call("d.1"));
  run.do(settle("d.1"));
  expect(run.state.schedule.opening.failures).toBe(3);
  expect(run.state.schedule.costs.calls.get("chat chat")?.count).toBe(1);
});

test("[QUEUE19, QUEUE20] limits, pauses and failures survive a restart", () => {
  const run = limited({ requestsPerMinute: 6, tokensPerMinute: 600 });
  for (const id of ["a.1", "b.1", "c.1", "d.1"]) run.do(call(id));
  run.do(settle("a.1", { failed: "down", tokens: 3 }));
  run.do(settle("b.1", { failed: "limited", retryAfterMs: 90_000 }));
  const back = run.recovered();
  expect(back.fingerprint()).toBe(run.fingerprint());
  expect(back.state.schedule.opening).toEqual(run.state.schedule.opening);
});

test("[QUEUE21] what somebody changed while it ran outlives the configuration, until that itself changes", () => {
  const run = queueWith(2);
  const to = (slots: number, live?: true) =>
    run.do({
      type: "configure",
      settings: { slots, slotsPerKey: null },
      ...(live === undefined ? {} : { live }),
    });
  expect(to(5, true)).toEqual([
    { type: "queue.configured", slots: 5, slotsPerKey: null, live: true },
  ]);
  expect(to(2)).toEqual([]);
  expect(run.recovered().state.schedule.settings.slots).toBe(5);
  to(3);
  expect(run.state.schedule.settings.slots).toBe(3);
});

test("[QUEUE21] a call that is moved to another band keeps its age and its row, and goes before what it now outranks", () => {
  const run = queueWith(1);
  run.do(call("x.1"));
  for (const id of ["a.1", "b.1"]) run.do(callOf(id, { band: 1 }));
  run.do(callOf("c.1", { key: "bob" }));
  expect(run.do({ type: "move", call: "b.1", band: 0 })).toEqual([
    { type: "call.moved", call: "b.1", key: "ann", weight: 1, from: 1, to: 0 },
  ]);
  expect(run.do({ type: "move", call: "b.1", band: 0 })).toEqual([]);
  expect(run.do({ type: "move", call: "ghost.1", band: 0 })).toEqual([]);
  expect(run.rows.get("b.1")).toMatchObject({ band: 0, seq: 2 });
  expect(run.recovered().fingerprint()).toBe(run.fingerprint());
  expect(run.drain().at(-1)).toBe("a.1");
});

test.each([
  ["requestsPerMinute", 0],
  ["tokensPerMinute", 1.5],
])("[QUEUE11] a rate out of its range is refused: %s of %d", (field, value) => {
  const run = queueWith(1);
  const before = run.fingerprint();
  run.do({ type: "configure", settings: { slots: 1, slotsPerKey: null, [field]: value } });
  expect(run.fingerprint()).toBe(before);
});

test("[QUEUE20] a model that is being loaded is waited for without its breaker, one call at a time, longer each time", () => {
  const run = queueWith(3);
  for (const id of ["a.1", "b.1", "c.1", "d.1"]) run.do(call(id));
  run.do(settle("a.1", { failed: "loading" }));
  expect(why(run.state, "d.1", run.nowMs)).toMatchObject({
    code: "endpoint_loading",
    untilMs: START_MS + 1_000,
  });
  run.do(settle("b.1", { failed: "loading" }));
  run.do(settle("c.1", { failed: "loading" }));
  expect(run.state.schedule.opening).toMatchObject({ failures: 0, loadings: 3 });
  for (const id of ["e.1", "f.1"]) run.do(call(id));
  run.ring();
  expect(run.nowMs).toBe(START_MS + 4_000);
  expect(run.running()).toHaveLength(1);
  // What the server says itself counts.
  run.do(settle(run.running()[0]!, { failed: "loading", retryAfterMs: 30_000 }));
  run.ring();
  expect(run.nowMs).toBe(START_MS + 34_000);
  run.do(settle(run.running()[0]!, { failed: null }));
  expect(run.state.schedule.opening).toMatchObject({ loadings: 0, loadingUntilMs: 0 });
  expect(run.running()).toHaveLength(1);
  expect(run.waiting()).toEqual([]);
});

test("[QUEUE20] a queue says how the endpoint that it leaves alone has failed, also after a restart", () => {
  const run = queueWith(1);
  for (let number = 0; number < 5; number += 1) run.do(call(`t${number}.1`));
  for (const cause of ["model_unavailable", "model_silent", "model_stalled"])
    run.do(settle(run.running()[0]!, { failed: "down", cause }));
  const said = { code: "endpoint_down", error: "model_stalled" };
  expect(why(run.state, "t4.1", run.nowMs)).toMatchObject(said);
  const back = run.recovered(queueDecider.snapshot?.save(run.state), run.log.length);
  expect(why(back.state, "t4.1", run.nowMs)).toMatchObject(said);
});

test("[QUEUE12] tokens that are no number, or beyond all sense, cannot spoil a bucket", () => {
  for (const tokens of [Number.NaN, -5, 1e300]) {
    const run = limited({ tokensPerMinute: 6_000 });
    run.do(call("a.1", 100));
    run.do(settle("a.1", { failed: null, tokens }));
    const { earnedAtMs } = run.state.schedule.opening.tokens;
    expect(Number.isSafeInteger(Math.round(earnedAtMs))).toBe(true);
    expect(run.recovered().fingerprint()).toBe(run.fingerprint());
  }
});
