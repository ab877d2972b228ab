import type { WaitingCall } from "./call-pool.ts";
import { firstSlot, hasRoom, isOpen, slotsOf } from "./lanes.ts";
import type { Lane, Schedule } from "./state.ts";
import { isInUse, loadSeconds } from "./swap.ts";

/*
 * While slots come together for a wide call those that are free already would idle. Short calls fill them, if twice what
 * they are predicted to take is over before the last slot that is missing is predicted to be free (SPEC QUEUE29). Their
 * predicted ends are not behind that time, and a lease that has run longer than predicted counts as about to end. So the
 * time never moves away by what is predicted: once it has come nobody fills any more, and the wide call waits for no
 * call that began later.
 */

/** A call must be predicted to be over in this share of the time that is left: one in fifty takes twice as long. */
const fillShare = 0.5;
/** A device with more running calls than this is not looked through: the next of them ends soon anyway. */
const leasesMax = 64;

/** The call that may use free slots before `wide`, which is next and has no room yet; `null`: none. O(leases + gates). */
export function chooseFilling(schedule: Schedule, wide: WaitingCall, nowMs: number): number | null {
  // What another model's calls keep waiting has a bound of its own (SPEC QUEUE26).
  if (wide.slots === 1 || isInUse(schedule, wide.model)) return null;
  const seconds = fillShare * gatherSeconds(schedule, wide.slots, nowMs);
  if (seconds <= 0) return null;
  for (const band of schedule.bands) {
    let best: Lane | null = null;
    for (const gate of band.gates) {
      const lane = gate.free[0];
      if (lane === undefined || !hasRoom(schedule, gate.slots, gate.model)) continue;
      if (!isOpen(schedule, gate, nowMs) || loadSeconds(schedule, gate.model) > 0) continue;
      const cost = schedule.pool.cost(firstSlot(lane)) / slotsOf(schedule, gate.slots);
      if (cost > seconds) continue;
      const isFirst =
        best === null ||
        lane.rank < best.rank ||
        (lane.rank === best.rank && lane.headSeq < best.headSeq);
      if (isFirst) best = lane;
    }
    if (best !== null) return firstSlot(best);
  }
  return null;
}

/** Seconds until so many slots are predicted to be free; 0 if what is missing should be free by now, or nobody can say. */
function gatherSeconds(schedule: Schedule, wanted: number, nowMs: number): number {
  const { leases, settings, slotsTaken } = schedule;
  if (leases.size > leasesMax) return 0;
  const ends = Array.from(leases.values(), ({ cost, slots, grantedAtMs, cutAtMs }) => {
    const left = cutAtMs === null ? cost / slots - (nowMs - grantedAtMs) / 1_000 : 0;
    return { left: left > 0 ? left : 0, slots };
  }).toSorted((a, b) => a.left - b.left);
  let missing = slotsOf(schedule, wanted) - (settings.slots - slotsTaken);
  for (const { left, slots } of ends) {
    missing -= slots;
    if (missing <= 0) return left;
  }
  return 0;
}
