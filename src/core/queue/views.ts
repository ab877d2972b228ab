import { capsAllow, hasRoom } from "../schedule/lanes.ts";
import { closedBy, isProbing } from "../schedule/opening.ts";
import { estimateOf } from "../schedule/estimate.ts";
import { positionOf } from "../schedule/position.ts";
import { lineClosedBy } from "../schedule/lines.ts";
import { isInUse } from "../schedule/swap.ts";
import { pendingCount, slotsUsed, type Lane, type Schedule } from "../schedule/state.ts";
import type { QueueWhy } from "./protocol.ts";
import type { QueueState } from "./state.ts";

/** How full a queue is. */
export interface QueueDepth {
  readonly pending: number;
  readonly running: number;
  /** Slots that they hold. */
  readonly taken: number;
  /** Waiting calls: interactive, background, batch. */
  readonly perBand: readonly [number, number, number];
  readonly slots: number;
  readonly paused: boolean;
}

/** A call that holds a slot. */
export interface RunningCall {
  readonly call: string;
  readonly task: string;
  readonly type: string;
  readonly key: string;
  readonly user: string;
  readonly band: 0 | 1 | 2;
  readonly grantedAtMs: number;
  /** Predicted slot-seconds. */
  readonly cost: number;
}

/** How full the queue is. O(1). */
export function depth({ schedule }: QueueState): QueueDepth {
  const [interactive, background, batch] = schedule.bands;
  return {
    pending: pendingCount(schedule),
    running: schedule.leases.size,
    taken: slotsUsed(schedule),
    perBand: [interactive.pending, background.pending, batch.pending],
    slots: schedule.settings.slots,
    paused: schedule.paused,
  };
}

/** The calls that hold a slot, in the order they got it. */
export function running({ schedule }: QueueState): readonly RunningCall[] {
  return Array.from(schedule.leases.values(), (lease) => ({
    call: lease.call,
    task: lease.task,
    type: lease.taskType,
    key: lease.key,
    user: lease.user,
    band: lease.band,
    grantedAtMs: lease.grantedAtMs,
    cost: lease.cost,
  }));
}

/**
 * Why a call does not run yet; `null` if it does not wait here. The position is exact when the costs of other keys'
 * calls are equal, otherwise an estimate. O(keys of the band + the key's own calls before it).
 */
export function why({ schedule }: QueueState, call: string, nowMs: number): QueueWhy | null {
  const slot = schedule.pool.find(call);
  const lane = slot === undefined ? undefined : schedule.pool.lane(slot);
  if (slot === undefined || lane === undefined) return null;
  const position = positionOf(schedule, slot);
  const closed = schedule.paused
    ? null
    : (closedBy(schedule.opening, nowMs) ?? lineClosedBy(schedule, lane.gate.line, nowMs));
  return {
    code: closed?.code ?? codeFor(schedule, lane, position),
    ...(closed === null ? null : { untilMs: closed.untilMs }),
    ...(closed?.error === undefined ? null : { error: closed.error }),
    // Nobody knows when a paused queue goes on.
    estimate: schedule.paused ? null : estimateOf(schedule, slot, nowMs),
    position,
    running: slotsUsed(schedule),
    slots: schedule.settings.slots,
    pending: pendingCount(schedule),
  };
}

/** What must change first: a pause and a cap hold a call back even when a slot is free. */
function codeFor(schedule: Schedule, lane: Lane, position: number): QueueWhy["code"] {
  const { account, gate } = lane;
  if (schedule.paused) return "queue_paused";
  const { counted } = gate;
  if (counted !== null) {
    const total = { capTotal: gate.capTotal, capPerKey: null };
    if (!capsAllow(schedule, account.key, counted, total))
      return gate.line === null ? "type_limit" : "slot_busy";
    if (!capsAllow(schedule, account.key, counted, gate)) return "key_limit";
  }
  if (lane.shelf === gate.capped && someoneElseWaits(schedule)) return "key_limit";
  if (position > 1) return "behind_others";
  // First of its band, and there is room: slots come together for a call of another one.
  const isFree = hasRoom(schedule, gate.slots, gate.model) && !isProbing(schedule.opening);
  if (isFree) return "behind_others";
  return isInUse(schedule, gate.model) ? "model_swap" : "slot_busy";
}

/** True if a key below its `slotsPerKey` has a call waiting. */
function someoneElseWaits(schedule: Schedule): boolean {
  return schedule.bands.some((band) => band.gates.some((gate) => gate.free.length > 0));
}
