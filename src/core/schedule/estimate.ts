import { rangeOf, type Points, type Range } from "./calibrate.ts";
import { ownBefore } from "./position.ts";
import { predictedSpan } from "./predict.ts";
import { rankOf, recentMs, thousandths } from "./rule.ts";
import { pendingCount, type Lane, type Schedule } from "./state.ts";

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
  const { pool, leases, settings, bands } = schedule;
  let ahead = workAhead(schedule, slot, lane);
  for (const { cost, grantedAtMs } of leases.values()) {
    const left = cost - (nowMs - grantedAtMs) / 1_000;
    ahead += left > overdue ? left : overdue;
  }
  let higher = 0;
  for (const band of bands) {
    if (band.band < lane.band) higher += servedShare(band.recent, nowMs) / settings.slots;
  }
  const free = leases.size < settings.slots && pendingCount(schedule) <= 1;
  const share = higher < higherMax ? 1 - higher : 1 - higherMax;
  const start = free ? 0 : ahead / settings.slots / share;
  const { taskType, task, root } = pool.read(slot);
  const span = root === task ? predictedSpan(schedule.costs, taskType) : 0;
  const own = pool.cost(slot);
  return { start, end: start + (span > 0 ? span : own) };
}

/** True for calls that are promised something in the log: all in a small queue, a sample of them in a long one. */
export function isSampled({ pool, bands }: Schedule, band: 0 | 1 | 2, seq: number): boolean {
  const keys = bands[band].accounts.size;
  const stride = 1 + Math.floor((keys + pool.size / 8) / 32);
  return seq % stride === 0;
}

/** Slot-seconds that go before a waiting call if nothing came any more. */
function workAhead({ pool, bands }: Schedule, slot: number, mine: Lane): number {
  const own = ownBefore(pool, mine.account, slot);
  const { served, weight } = mine.account;
  const rank = rankOf(
    mine.band,
    served + own.cost / weight,
    weight,
    pool.rest(slot),
    pool.readyAtMs(slot),
  );
  let work = thousandths(own.cost);
  for (const band of bands) {
    if (band.band > mine.band || band.pending === 0) continue;
    for (const account of band.accounts.values()) {
      if (account === mine.account) continue;
      for (const lane of account.lanes) {
        work += band.band < mine.band ? lane.costSum : costBefore(lane, rank);
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
