import { rangeOf, type Points, type Range } from "./calibrate.ts";
import { ownBefore } from "./position.ts";
import { predictedSpan } from "./predict.ts";
import { rankOf, recentMs, thousandths } from "./rule.ts";
import {
  pendingCount,
  slotsUsed,
  type Account,
  type Lane,
  type Lease,
  type Schedule,
} from "./state.ts";

/** When a waiting call is expected to start and its tree to end, in seconds from now. */
export interface Estimate {
  readonly start: Range;
  readonly end: Range;
  /** What was promised when it came has run out. */
  readonly late: boolean;
}

/** Higher bands may take at most this share of the slots in an estimate: the rest is a promise nobody could keep. */
const higherMax = 0.9;
/** A lease that was held longer than predicted is expected to take this much more, in seconds. */
const overdue = 0.5;

/** The estimate of a waiting call as ranges. O(keys of its band and of those above + the key's own calls before it). */
export function estimateOf(schedule: Schedule, slot: number, nowMs: number): Estimate | null {
  const lane = schedule.pool.lane(slot);
  if (lane === undefined) return null;
  const points = pointsOf(schedule, slot, lane, nowMs);
  const { calibration } = schedule;
  const { root } = schedule.pool.read(slot);
  const promised = calibration.promises.get(root);
  return {
    start: rangeOf(calibration, "start", lane.band, points),
    end: rangeOf(calibration, "end", lane.band, points),
    late:
      promised !== undefined && promised.outcome.start !== "known" && nowMs > promised.dueMs.start,
  };
}

/** Waiting trees that were promised an earlier start, nine times in ten. O(promises), 1,024 at most. */
export function latePromises({ calibration }: Schedule, nowMs: number): number {
  let late = 0;
  for (const { outcome, dueMs } of calibration.promises.values())
    if (outcome.start !== "known" && nowMs > dueMs.start) late += 1;
  return late;
}

/** The plain estimate: the work ahead under the rule, shared by the slots that higher bands leave. */
export function pointsOf(schedule: Schedule, slot: number, lane: Lane, nowMs: number): Points {
  const { pool, settings } = schedule;
  const own = ownBefore(pool, lane.account, slot);
  const place = { own: own.cost, cost: pool.rest(slot), readyAtMs: pool.readyAtMs(slot) };
  const ahead = workAhead(schedule, lane.band, lane.account, place);
  const free = slotsUsed(schedule) < settings.slots && pendingCount(schedule) <= 1;
  const start = free ? 0 : startAfter(schedule, lane.band, ahead, nowMs);
  const { taskType, task, root } = pool.read(slot);
  const span = root === task ? predictedSpan(schedule.costs, taskType) : 0;
  return { start, end: start + (span > 0 ? span : pool.cost(slot) / lane.gate.slots) };
}

/**
 * When a tree that does not wait here yet may start and end, half of the cases, in seconds from now, behind all that its
 * key has waiting. For who decides whether to take it in at all. O(keys + the key's own calls).
 */
export function pointsOfNew(
  schedule: Schedule,
  asked: {
    readonly band: 0 | 1 | 2;
    readonly key: string;
    readonly taskType: string;
    readonly cost: number;
  },
  nowMs: number,
): Points {
  const { bands, settings, calibration } = schedule;
  const { band, cost } = asked;
  const known = bands[band].accounts.get(asked.key);
  const account = known ?? { served: bands[band].clock, weight: 1, lanes: [] };
  let own = 0;
  for (const lane of account.lanes) own += lane.costSum / 1_000;
  const place = { own, cost, readyAtMs: nowMs };
  const ahead = workAhead(schedule, band, account, place);
  const free = slotsUsed(schedule) < settings.slots && pendingCount(schedule) === 0;
  const start = free ? 0 : startAfter(schedule, band, ahead, nowMs);
  const span = predictedSpan(schedule.costs, asked.taskType);
  const points = { start, end: start + (span > 0 ? span : cost) };
  if (free) return points;
  return {
    start: rangeOf(calibration, "start", band, points).p50,
    end: rangeOf(calibration, "end", band, points).p50,
  };
}

/** Seconds until a slot is free, as predicted: a full line is one shorter then. */
export function nextFreeSeconds({ leases }: Schedule, nowMs: number): number {
  let least = Infinity;
  for (const lease of leases.values()) {
    const left = leftOf(lease, nowMs) / lease.slots;
    if (left < least) least = left;
  }
  return least === Infinity ? overdue : least;
}

/** Slot-seconds that a lease is predicted to still take. */
function leftOf({ cost, grantedAtMs, slots }: Lease, nowMs: number): number {
  const left = cost - (slots * (nowMs - grantedAtMs)) / 1_000;
  return left > overdue ? left : overdue;
}

/** When so much work, and what runs, is done by the slots that higher bands leave. */
function startAfter(schedule: Schedule, band: 0 | 1 | 2, work: number, nowMs: number): number {
  const { leases, settings, bands } = schedule;
  let ahead = work;
  for (const lease of leases.values()) ahead += leftOf(lease, nowMs);
  let higher = 0;
  for (const one of bands) {
    if (one.band < band) higher += servedShare(one.recent, nowMs) / settings.slots;
  }
  const share = higher < higherMax ? 1 - higher : 1 - higherMax;
  return ahead / settings.slots / share;
}

/** True for calls that are promised something in the log: all in a small queue, a sample of them in a long one. */
export function isSampled({ pool, bands }: Schedule, band: 0 | 1 | 2, seq: number): boolean {
  const keys = bands[band].accounts.size;
  const stride = 1 + Math.floor((keys + pool.size / 8) / 32);
  return seq % stride === 0;
}

/** Slot-seconds that go before a call if nothing came any more. `own`: those of its key. */
function workAhead(
  { bands }: Schedule,
  mine: 0 | 1 | 2,
  account: Pick<Account, "served" | "weight">,
  place: { readonly own: number; readonly cost: number; readonly readyAtMs: number },
): number {
  const { served, weight } = account;
  const rank = rankOf(mine, served + place.own / weight, weight, place.cost, place.readyAtMs);
  let work = thousandths(place.own);
  for (const band of bands) {
    if (band.band > mine || band.pending === 0) continue;
    for (const other of band.accounts.values()) {
      if (other === account) continue;
      for (const lane of other.lanes) {
        work += band.band < mine ? lane.costSum : costBefore(lane, rank);
      }
    }
  }
  return work / 1_000;
}

/** What a lane is served, in thousandths, while its key's rank is below `rank`. */
function costBefore(lane: Lane, rank: number): number {
  if (lane.rank >= rank) return 0;
  const room = thousandths((rank - lane.rank) * lane.account.weight);
  const most = room + Math.round(lane.costSum / lane.slots.length);
  return most < lane.costSum ? most : lane.costSum;
}

/** Slot-seconds a second that a band has used lately. */
function servedShare(
  recent: { sinceMs: number; now: number; before: number },
  nowMs: number,
): number {
  const age = nowMs - recent.sinceMs;
  if (age >= 2 * recentMs) return 0;
  if (age >= recentMs) return (recent.now * (2 * recentMs - age)) / recentMs / (recentMs / 1_000);
  return (recent.now + (recent.before * (recentMs - age)) / recentMs) / (recentMs / 1_000);
}
