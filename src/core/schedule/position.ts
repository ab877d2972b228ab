import type { CallPool } from "./call-pool.ts";
import { rankOf, thousandths } from "./rule.ts";
import type { Account, Lane, Schedule } from "./state.ts";

/**
 * Place of a waiting call in its band, from 1, if nothing came any more: the key's own calls before it, plus the
 * calls of each other key that the rule would serve first. Other keys' calls are taken at their mean cost, so it
 * is exact when costs are equal and an estimate otherwise. O(keys of the band + own calls before it).
 */
export function positionOf(schedule: Schedule, slot: number): number {
  const { pool } = schedule;
  const mine = pool.lane(slot);
  if (mine === undefined) return 1;
  const own = ownBefore(pool, mine.account, slot);
  const { served, weight } = mine.account;
  const rest = pool.rest(slot);
  const rank = rankOf(mine.band, served + own.cost / weight, weight, rest, pool.readyAtMs(slot));
  let before = own.count;
  for (const account of schedule.bands[mine.band].accounts.values()) {
    if (account === mine.account) continue;
    for (const lane of account.lanes) before += servedBefore(lane, rank, pool.seq(slot));
  }
  return before + 1;
}

/** Calls that a key has waiting, in all bands. O(its lanes). */
export function pendingOf({ bands }: Schedule, key: string): number {
  let count = 0;
  for (const band of bands)
    for (const lane of band.accounts.get(key)?.lanes ?? []) count += lane.slots.length;
  return count;
}

/** Calls of a lane that go while its key's rank is below `rank`. */
function servedBefore(lane: Lane, rank: number, seq: number): number {
  if (lane.rank > rank || (lane.rank === rank && lane.headSeq > seq)) return 0;
  const count = lane.slots.length;
  const mean = lane.costSum / 1_000 / count;
  const more = Math.floor(((rank - lane.rank) * lane.account.weight) / mean);
  return more + 1 < count ? more + 1 : count;
}

/** Calls of the account, and their cost, that its own order puts before `slot`: only those are looked at, because heaps are sorted downwards. */
export function ownBefore(
  pool: CallPool<Lane>,
  account: Account,
  slot: number,
): { count: number; cost: number } {
  let count = 0;
  let cost = 0;
  for (const lane of account.lanes) {
    const open = [0];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      const other = lane.slots[index];
      if (other === undefined || other === slot || !pool.before(other, slot)) continue;
      count += 1;
      cost += thousandths(pool.cost(other));
      open.push(2 * index + 1, 2 * index + 2);
    }
  }
  return { count, cost: cost / 1_000 };
}
