import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Pacer, type PacedJob } from "./pacer.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Runs every `periodMs` from `firstMs` on, `times` times, and notes when. */
function metronome(pacer: Pacer, firstMs: number, periodMs: number, times: number): number[] {
  const ran: number[] = [];
  const job: PacedJob = {
    run: (nowMs) => {
      ran.push(nowMs);
      return ran.length < times ? firstMs + ran.length * periodMs : undefined;
    },
  };
  pacer.add(job, firstMs);
  return ran;
}

test("[MODEL19] a job that is due runs at once, without a timer", () => {
  const pacer = new Pacer();
  expect(metronome(pacer, performance.now(), 1, 1)).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
});

test("[MODEL19] jobs run when they are due, at most one slot late and never early", () => {
  const pacer = new Pacer();
  const startMs = performance.now();
  const ran = metronome(pacer, startMs + 7, 20, 50);
  vi.advanceTimersByTime(1_200);
  expect(ran).toHaveLength(50);
  for (const [index, atMs] of ran.entries()) {
    const lateMs = atMs - (startMs + 7 + index * 20);
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThanOrEqual(4);
  }
});

test("[MODEL19] a job further away than one turn of the wheel waits for it", () => {
  const pacer = new Pacer();
  const startMs = performance.now();
  const ran = metronome(pacer, startMs + 5_000, 1, 1);
  vi.advanceTimersByTime(4_990);
  expect(ran).toEqual([]);
  vi.advanceTimersByTime(20);
  expect(ran).toHaveLength(1);
});

test("[MODEL19] 500 jobs share one timer, which goes with the last of them", () => {
  const pacer = new Pacer();
  const startMs = performance.now();
  const all = Array.from({ length: 500 }, (_, index) =>
    metronome(pacer, startMs + 1 + index / 25, 20, 10),
  );
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(300);
  expect(all.every((ran) => ran.length === 10)).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test("[MODEL19] after a pause longer than a turn every job that is due runs, once", () => {
  const pacer = new Pacer();
  const startMs = performance.now();
  const all = [10, 400, 1_500, 2_999].map((ms) => metronome(pacer, startMs + ms, 60_000, 2));
  const later = metronome(pacer, startMs + 3_100, 60_000, 2);
  const clock = vi.spyOn(performance, "now").mockReturnValue(startMs + 3_000);
  vi.advanceTimersByTime(2);
  expect(all.map((ran) => ran.length)).toEqual([1, 1, 1, 1]);
  expect(later).toEqual([]);
  clock.mockReturnValue(startMs + 3_102);
  vi.advanceTimersByTime(2);
  expect(later).toHaveLength(1);
  clock.mockRestore();
});

test("[MODEL19] clear forgets everything", () => {
  const pacer = new Pacer();
  const ran = metronome(pacer, performance.now() + 10, 1, 5);
  pacer.clear();
  vi.advanceTimersByTime(100);
  expect(ran).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
