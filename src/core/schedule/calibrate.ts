/*
 * How far estimates were off, and the ranges that follow from it. Each promise made to a waiting tree is remembered
 * with its plain estimate; what came of it gives a ratio. Quantiles of the last ratios in a like situation make the
 * range, and the level of the upper end moves until nine of ten promises hold (adaptive conformal inference). A fold
 * of the log with + - * / only.
 */

/** What is estimated: the start of a call, and the end of its tree. */
export type Estimated = "start" | "end";

/** A plain estimate in seconds from when it is made, before calibration. */
export interface Points {
  readonly start: number;
  readonly end: number;
}

/** Half and nine tenths of the cases are at most so many seconds. */
export interface Range {
  readonly p50: number;
  readonly p90: number;
}

/** The last ratios of what came to what was estimated, in one kind of situation. */
export interface Ring {
  readonly sorted: number[];
  /** The same in order of time. */
  readonly order: number[];
  /** Quantile that is told as p90. */
  level: number;
  seen: number;
}

/** What was promised to a tree that waits or runs. */
export interface Promised {
  readonly call: string;
  readonly band: 0 | 1 | 2;
  readonly situation: number;
  readonly atMs: number;
  readonly points: Points;
  /** Until when each was promised, nine times in ten. */
  readonly dueMs: Readonly<Record<Estimated, number>>;
  /** `held`: not known yet. A number: it ran out, and this ratio stands in the rings until it is known. */
  readonly outcome: Record<Estimated, "held" | "known" | number>;
}

/** Everything that is known of estimates. */
export interface Calibration {
  readonly rings: Map<string, Ring>;
  /** By root task, the oldest first. */
  readonly promises: Map<string, Promised>;
  /** No promise runs out before this. */
  nextDueMs: number;
}

const ringMax = 200;
const promisesMax = 1_024;
/** Ratios a situation needs before it is told from the others of its band. */
const enough = 30;
const levelStep = 0.025;
const kept = 0.9;
const pointMin = 0.05;
/**
 * Promises to batch are told late what came of them, and the first to be known are the short ones. So until a band has
 * seen so many, its p90 is at least so many times the plain estimate.
 */
const newAt: readonly [number, number, number] = [0, 0, 60];
const newTimes = 4;

/** Nothing promised yet. */
export function noPromises(): Calibration {
  return { rings: new Map(), promises: new Map(), nextDueMs: Number.MAX_SAFE_INTEGER };
}

/** Kind of situation: nearly no wait, a short one, a middle one, a long one, by what follows the wait. */
export function situationOf({ start, end }: Points): number {
  const own = end - start;
  if (start < 0.5) return 0;
  if (start < own) return 1;
  return start < 5 * own ? 2 : 3;
}

/** An estimate as a range in seconds. */
export function rangeOf(
  calibration: Calibration,
  what: Estimated,
  band: 0 | 1 | 2,
  points: Points,
): Range {
  const point = points[what] > pointMin ? points[what] : pointMin;
  const [near, wide] = keysOf(what, band, situationOf(points));
  const [one, all] = [calibration.rings.get(near), calibration.rings.get(wide)];
  const ring = one !== undefined && one.seen >= enough ? one : all;
  const least = (all?.seen ?? 0) < newAt[band] ? newTimes * point : 0;
  if (ring === undefined || ring.sorted.length < 10)
    return { p50: point, p90: least > 2 * point ? least : 2 * point };
  const p50 = point * quantile(ring.sorted, 0.5);
  const p90 = point * quantile(ring.sorted, ring.level);
  const most = p90 > least ? p90 : least;
  return { p50, p90: most > p50 ? most : p50 };
}

/** A promise is made to a tree. */
export function foldPromised(
  calibration: Calibration,
  root: string,
  made: Pick<Promised, "call" | "band" | "points">,
  atMs: number,
): void {
  const { band, points } = made;
  const dueMs = {
    start: atMs + 1_000 * rangeOf(calibration, "start", band, points).p90,
    end: atMs + 1_000 * rangeOf(calibration, "end", band, points).p90,
  };
  calibration.promises.delete(root);
  calibration.promises.set(root, {
    ...made,
    situation: situationOf(points),
    atMs,
    dueMs,
    outcome: { start: "held", end: "held" },
  });
  if (dueMs.start < calibration.nextDueMs) calibration.nextDueMs = dueMs.start;
  if (dueMs.end < calibration.nextDueMs) calibration.nextDueMs = dueMs.end;
  if (calibration.promises.size <= promisesMax) return;
  for (const oldest of calibration.promises.keys()) {
    calibration.promises.delete(oldest);
    return;
  }
}

/** What was promised has come. */
export function foldKept(
  calibration: Calibration,
  root: string,
  what: Estimated,
  atMs: number,
): void {
  const promised = calibration.promises.get(root);
  if (promised === undefined || promised.outcome[what] === "known") return;
  const ratio = ratioOf(promised, what, atMs);
  const before = promised.outcome[what];
  promised.outcome[what] = "known";
  for (const ring of ringsFor(calibration, promised, what)) {
    if (typeof before === "number") replace(ring, before, ratio);
    else {
      add(ring, ratio);
      steer(ring, 1);
    }
  }
}

/** A promise that has run out counts as broken at that moment, not when the wait is over: feedback must be quick. */
export function foldRunOut(calibration: Calibration, atMs: number): void {
  if (atMs <= calibration.nextDueMs) return;
  let next = Number.MAX_SAFE_INTEGER;
  for (const promised of calibration.promises.values()) {
    for (const what of ["start", "end"] as const) {
      if (promised.outcome[what] !== "held") continue;
      const dueMs = promised.dueMs[what];
      if (dueMs >= atMs) {
        if (dueMs < next) next = dueMs;
        continue;
      }
      // A guess until it is known: a quarter later than now promised.
      const ratio = 1.25 * ratioOf(promised, what, dueMs);
      promised.outcome[what] = ratio;
      for (const ring of ringsFor(calibration, promised, what)) {
        add(ring, ratio);
        steer(ring, 0);
      }
    }
  }
  calibration.nextDueMs = next;
}

/** A tree that was promised something was taken back. */
export function foldReleased(calibration: Calibration, call: string): void {
  for (const [root, promised] of calibration.promises) {
    if (promised.call !== call) continue;
    if (promised.outcome.start !== "known") calibration.promises.delete(root);
    return;
  }
}

function ratioOf({ atMs, points }: Promised, what: Estimated, thenMs: number): number {
  const point = points[what] > pointMin ? points[what] : pointMin;
  const seconds = (thenMs - atMs) / 1_000;
  return (seconds > 0.001 ? seconds : 0.001) / point;
}

function keysOf(what: Estimated, band: 0 | 1 | 2, situation: number): readonly [string, string] {
  return [`${what} ${band} ${situation}`, `${what} ${band}`];
}

function ringsFor(
  { rings }: Calibration,
  { band, situation }: Promised,
  what: Estimated,
): readonly Ring[] {
  return keysOf(what, band, situation).map((key) => {
    let ring = rings.get(key);
    if (ring === undefined) {
      ring = { sorted: [], order: [], level: kept, seen: 0 };
      rings.set(key, ring);
    }
    return ring;
  });
}

function steer(ring: Ring, hit: 0 | 1): void {
  if (ring.seen <= 20) return;
  const level = ring.level + levelStep * (kept - hit);
  ring.level = level < 0.6 ? 0.6 : level > 0.995 ? 0.995 : level;
}

function add(ring: Ring, ratio: number): void {
  ring.seen += 1;
  insert(ring.sorted, ratio);
  ring.order.push(ratio);
  const oldest = ring.order.length > ringMax ? ring.order.shift() : undefined;
  if (oldest !== undefined) ring.sorted.splice(placeOf(ring.sorted, oldest), 1);
}

function replace(ring: Ring, before: number, after: number): void {
  const at = ring.order.indexOf(before);
  if (at === -1) return;
  ring.order[at] = after;
  ring.sorted.splice(placeOf(ring.sorted, before), 1);
  insert(ring.sorted, after);
}

function insert(sorted: number[], value: number): void {
  sorted.splice(placeOf(sorted, value), 0, value);
}

/** Where a value stands, or would stand. */
function placeOf(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const index = Math.floor(at);
  const low = sorted[index] ?? 1;
  return low + (at - index) * ((sorted[index + 1] ?? low) - low);
}
