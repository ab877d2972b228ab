import type { Calibration, Promised } from "../schedule/calibrate.ts";
import { bandNumber, list, number, record, text } from "./snapshot-json.ts";

/**
 * Promises as `[root, call, band, situation, atMs, start, end, dueStartMs, dueEndMs, outcomeStart, outcomeEnd]`, and
 * rings as `[key, level, seen, ...ratios in order of time]`.
 */
export function saveCalibration({ promises, rings, nextDueMs }: Calibration): unknown {
  return {
    nextDueMs,
    promises: Array.from(promises, ([root, one]) => [
      root,
      one.call,
      one.band,
      one.situation,
      one.atMs,
      one.points.start,
      one.points.end,
      one.dueMs.start,
      one.dueMs.end,
      one.outcome.start,
      one.outcome.end,
    ]),
    rings: Array.from(rings, ([key, { level, seen, order }]) => [key, level, seen, ...order]),
  };
}

/** Brings back what {@link saveCalibration} saved; `null` is a snapshot from before estimates. */
export function loadCalibration(into: Calibration, saved: unknown): void {
  if (saved === null) return;
  const from = record(saved);
  into.nextDueMs = number(from["nextDueMs"]);
  for (const row of list(from["promises"])) {
    const [root, call, band, situation, atMs, start, end, dueStart, dueEnd, wasStart, wasEnd] =
      list(row);
    into.promises.set(text(root), {
      call: text(call),
      band: bandNumber(band),
      situation: number(situation),
      atMs: number(atMs),
      points: { start: number(start), end: number(end) },
      dueMs: { start: number(dueStart), end: number(dueEnd) },
      outcome: { start: outcomeOf(wasStart), end: outcomeOf(wasEnd) },
    });
  }
  for (const row of list(from["rings"])) {
    const [key, level, seen, ...ratios] = list(row);
    const order = ratios.map(number);
    into.rings.set(text(key), {
      level: number(level),
      seen: number(seen),
      order,
      sorted: order.toSorted((a, b) => a - b),
    });
  }
}

function outcomeOf(value: unknown): Promised["outcome"]["start"] {
  return value === "held" || value === "known" ? value : number(value);
}
