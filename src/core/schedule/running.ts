import type { KeyRunning, Lease, Schedule } from "./state.ts";

/* Who holds how much: the counters that caps are checked against. A snapshot leaves them out and counts again. */

/** What the counters need of a lease. */
type RunningOf = Pick<Lease, "key" | "taskType" | "capped" | "slots" | "line">;

/** What a call counts as against caps: its line, if it has one, else its type. */
export function countedAs(taskType: string, line: string | null): string {
  // No task type's name has a space.
  return line === null ? taskType : `line ${line}`;
}

/** Adds one lease to the counters, or takes one away. Snapshots leave the counters out and count again. */
export function countRunning(schedule: Schedule, lease: RunningOf, change: 1 | -1): void {
  const { taskType, line, capped } = lease;
  schedule.slotsTaken += change * lease.slots;
  if (capped) {
    const counted = countedAs(taskType, line);
    const count = (schedule.typeRunning.get(counted) ?? 0) + change;
    if (count === 0) schedule.typeRunning.delete(counted);
    else schedule.typeRunning.set(counted, count);
  }
  if (schedule.keyRunning !== null) countKey(schedule.keyRunning, lease, change);
}

/** Slots and leases by fairness key. */
export function countKeys(leases: Iterable<RunningOf>): Map<string, KeyRunning> {
  const keys = new Map<string, KeyRunning>();
  for (const lease of leases) countKey(keys, lease, 1);
  return keys;
}

function countKey(
  keys: Map<string, KeyRunning>,
  { key, taskType, capped, slots, line }: RunningOf,
  change: 1 | -1,
): void {
  let running = keys.get(key);
  if (running === undefined) {
    running = { all: 0, types: [] };
    keys.set(key, running);
  }
  running.all += change * slots;
  if (running.all === 0) keys.delete(key);
  if (!capped) return;
  const counted = countedAs(taskType, line);
  const type = running.types.find((one) => one.counted === counted);
  if (type === undefined) running.types.push({ counted, count: 1 });
  else type.count += change;
}
