import { expect, test } from "vitest";

import { callOf, queueWith, seededUnits } from "../../../test/queue-run.ts";
import { why } from "../queue/views.ts";
import {
  foldKept,
  foldPromised,
  foldRunOut,
  noPromises,
  rangeOf,
  type Calibration,
} from "./calibrate.ts";

const points = { start: 10, end: 30 };
const ask = (id: string, parts: object = {}) =>
  callOf(id, { role: "chat", lead: 0.1, cost: 2, ...parts });

/** Promises one after another, each of which comes `factor` times as late as estimated. */
function live(calibration: Calibration, factors: readonly number[]): boolean[] {
  let atMs = 0;
  return factors.map((factor, index) => {
    const root = `r${index}`;
    foldPromised(calibration, root, { call: `${root}.1`, band: 0, points }, atMs);
    const { dueMs } = calibration.promises.get(root)!;
    const keptInTime = atMs + factor * 10_000 <= dueMs.start;
    atMs += factor * 10_000;
    foldRunOut(calibration, atMs);
    foldKept(calibration, root, "start", atMs);
    foldKept(calibration, root, "end", atMs + 5_000);
    calibration.promises.delete(root);
    return keptInTime;
  });
}

test("[QUEUE22] nothing known: the range is the plain estimate and its double", () => {
  expect(rangeOf(noPromises(), "start", 0, points)).toEqual({ p50: 10, p90: 20 });
});

test("[QUEUE22] nine of ten promises hold, also after the world has changed", () => {
  const unit = seededUnits(7);
  const spread = (scale: number) => scale * (0.2 + unit() + unit() * unit() * 3);
  const calibration = noPromises();
  const first = live(
    calibration,
    Array.from({ length: 1_500 }, () => spread(1)),
  );
  const then = live(
    calibration,
    Array.from({ length: 3_000 }, () => spread(2.5)),
  );
  const share = (kept: readonly boolean[]) =>
    kept.slice(500).filter(Boolean).length / (kept.length - 500);
  expect(share(first)).toBeGreaterThan(0.87);
  expect(share(first)).toBeLessThan(0.93);
  expect(share(then)).toBeGreaterThan(0.87);
  expect(share(then)).toBeLessThan(0.93);
});

test("[QUEUE22] a promise that runs out counts then, once, and is put right when it comes", () => {
  const calibration = noPromises();
  foldPromised(calibration, "r", { call: "r.1", band: 1, points }, 0);
  foldRunOut(calibration, 20_001);
  foldRunOut(calibration, 30_000);
  expect(calibration.rings.get("start 1")).toMatchObject({ seen: 1, sorted: [2.5] });
  foldKept(calibration, "r", "start", 50_000);
  expect(calibration.rings.get("start 1")).toMatchObject({ seen: 1, sorted: [5] });
});

test("[QUEUE22] what is remembered of promises is bounded", () => {
  const calibration = noPromises();
  for (let number = 0; number < 5_000; number += 1) {
    foldPromised(calibration, `r${number}`, { call: `r${number}.1`, band: 0, points }, number);
  }
  expect(calibration.promises.size).toBe(1_024);
  expect(calibration.promises.has("r4999")).toBe(true);
});

test("[QUEUE22] a tree that begins to wait is promised a start and an end, which why tells as ranges", () => {
  const run = queueWith(1);
  run.do(ask("x.1", { cost: 8 }));
  const [, promised] = run.do(ask("a.1"));
  expect(promised).toEqual({ type: "call.promised", call: "a.1", root: "a", start: 8, end: 10 });
  run.do(ask("b.1", { key: "bob" }));
  const now = () => why(run.state, "b.1", run.nowMs)?.estimate;
  expect(now()).toMatchObject({ start: { p50: 8, p90: 16 }, late: false });
  run.nowMs += 21_000;
  expect(now()).toMatchObject({ late: true });
  expect(run.recovered().fingerprint()).toBe(run.fingerprint());
});

test("[QUEUE22] an interactive call expects nothing of lower bands, and a lower one what higher ones take", () => {
  const run = queueWith(1);
  run.do(ask("x.1", { cost: 8 }));
  run.do(ask("low.1", { band: 2, cost: 100 }));
  run.do(ask("high.1"));
  const start = (call: string) => why(run.state, call, run.nowMs)?.estimate?.start.p50;
  expect(start("high.1")).toBe(8);
  expect(start("low.1")).toBe(10);
});

test("[QUEUE22] a deep line makes few promises, and calls of pools none", () => {
  const run = queueWith(1);
  for (let number = 0; number < 2_000; number += 1) run.do(ask(`t${number}.1`));
  const promises = run.log.filter(({ event }) => event.type === "call.promised").length;
  expect(promises).toBeGreaterThan(40);
  expect(promises).toBeLessThan(1_000);
  const pool = queueWith(1);
  for (const id of ["a.1", "b.1", "c.1"]) pool.do(callOf(id));
  expect(pool.log.some(({ event }) => event.type === "call.promised")).toBe(false);
});

test("[QUEUE22] a tree that is taken back before it starts is no broken promise", () => {
  const run = queueWith(1);
  run.do(ask("x.1"));
  run.do(ask("a.1"));
  expect(run.state.schedule.calibration.promises.size).toBe(1);
  run.do({ type: "settle", call: "a.1" });
  expect(run.state.schedule.calibration.promises.size).toBe(0);
});

test("[QUEUE22] a tree that ends without success is forgotten, and breaks no promise", () => {
  const run = queueWith(1);
  run.do(ask("x.1", { cost: 8 }));
  run.do(ask("a.1"));
  run.after(2_000, { type: "settle", call: "x.1" });
  run.after(500, { type: "settle", call: "a.1" });
  const [over] = run.do({ type: "over", root: "a", failed: true });
  expect(over).toEqual({ type: "tree.over", root: "a", failed: true });
  expect(run.state.schedule.calibration.promises.size).toBe(0);
  expect(run.state.schedule.calibration.rings.get("end 0")).toBeUndefined();
  run.do(ask("x.2", { cost: 8 }));
  run.do(ask("b.1", { task: "b" }));
  run.after(100, { type: "settle", call: "x.2" });
  run.after(100, { type: "settle", call: "b.1" });
  run.do({ type: "over", root: "b" });
  expect(run.state.schedule.calibration.rings.get("end 0")?.seen).toBe(1);
  expect(run.recovered().fingerprint()).toBe(run.fingerprint());
});

test("[QUEUE22] a tree whose calls wait side by side is promised something once, and its first start decides", () => {
  const run = queueWith(1);
  run.do(ask("x.1"));
  const made = ["a.1", "a.2", "a.3"].flatMap((id) => run.after(1_000, ask(id)));
  expect(made.filter(({ type }) => type === "call.promised")).toHaveLength(1);
  const { promises } = run.state.schedule.calibration;
  expect(promises.get("a")?.call).toBe("a.1");
  run.after(1_000, { type: "settle", call: "x.1" });
  expect(promises.get("a")?.outcome.start).toBe("known");
});
