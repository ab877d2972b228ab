import { invariant } from "../invariant.ts";
import type { ReadyRequest } from "../rows.ts";
import { type HeapOrder, heapFix, heapPush, heapRemove } from "./heap.ts";
import { countedAs, countKeys } from "./running.ts";
import { isLineOpen } from "./lines.ts";
import { batchTurnCredit, patienceMs, rankOf, thousandths } from "./rule.ts";
import { isInUse, prefersLoaded } from "./swap.ts";
import type { Account, BandState, Gate, KeyRunning, Lane, Schedule } from "./state.ts";

/*
 * The waiting part: which call goes next. A band's lanes stand in heaps by rank, one pair of heaps for each gate,
 * so that a type at its cap is passed over by looking at its gate and not at its calls.
 */

/** What a request says of the caps of its task type. */
export interface Caps {
  readonly capTotal: number | null;
  readonly capPerKey: number | null;
}

/** What of a request decides which calls it shares a lane with. */
export interface Shape extends Caps {
  readonly slots?: number;
  readonly model?: string | null;
  readonly line?: string | null;
}

/** The next call, and whether it is a turn of the lower bands while interactive work waits. */
export interface Choice {
  readonly slot: number;
  readonly owed: boolean;
  /** A call of another model goes before it, and is passed over because this one's is in memory. */
  readonly stays: boolean;
}

const laneOrder: HeapOrder<Lane> = {
  before: (a, b) => a.rank < b.rank || (a.rank === b.rank && a.headSeq < b.headSeq),
  moved(lane, index) {
    lane.index = index;
  },
};

/** Adds a call that the ledger has counted, and ranks its key anew, because the request may change the weight. */
export function addWaiting(
  schedule: Schedule,
  account: Account,
  call: string,
  request: ReadyRequest,
): void {
  const band = schedule.bands[request.band];
  const lane = laneFor(band, account, gateFor(band, request.type, request));
  const slot = schedule.pool.add(call, request, lane);
  lane.costSum += thousandths(request.cost);
  // Arrays begin with one place and not with none: an empty one would reserve 17, and many keys have one call.
  if (lane.slots.length > 0) heapPush(lane.slots, slot, schedule.pool);
  else {
    lane.slots = [slot];
    schedule.pool.moved(slot, 0);
  }
  for (const one of account.lanes) settleLane(schedule, one);
}

/** Removes a waiting call: it is granted or withdrawn. The caller then calls {@link refreshKey}, which ranks its lane anew. */
export function removeWaiting(schedule: Schedule, slot: number): void {
  const { pool } = schedule;
  const lane = pool.lane(slot);
  invariant(lane !== undefined, "a slot of the pool is free");
  lane.costSum -= thousandths(pool.cost(slot));
  heapRemove(lane.slots, pool.place(slot), pool);
  pool.remove(slot);
  if (lane.slots.length === 0) dropLane(schedule, lane);
}

/**
 * Ranks and places the lanes of one key again, after its clock in `band` or its leases have changed. Its lanes in
 * other bands are looked at only if some cap counts the leases of keys.
 */
export function refreshKey(schedule: Schedule, changed: 0 | 1 | 2, key: string): void {
  for (const band of schedule.bands) {
    if (band.pending === 0) continue;
    if (band.band !== changed && !countsKeys(schedule, band)) continue;
    const account = band.accounts.get(key);
    if (account === undefined) continue;
    for (const lane of account.lanes) settleLane(schedule, lane);
  }
}

/** Ranks and places every lane again, after a setting has changed. O(lanes). */
export function refreshAll(schedule: Schedule): void {
  for (const band of schedule.bands) {
    for (const account of band.accounts.values()) {
      for (const lane of account.lanes) settleLane(schedule, lane);
    }
  }
}

/** True if the caps of a task type, or a line, let this key have one more slot. */
export function capsAllow(schedule: Schedule, key: string, counted: string, caps: Caps): boolean {
  return (
    (caps.capTotal === null || (schedule.typeRunning.get(counted) ?? 0) < caps.capTotal) &&
    (caps.capPerKey === null || typeCount(runningOf(schedule, key), counted) < caps.capPerKey)
  );
}

/** True if there is room for a call now: for all its slots, and for its model. */
export function hasRoom(schedule: Schedule, slots: number, model: string | null): boolean {
  const { settings, slotsTaken } = schedule;
  return slotsTaken + slotsOf(schedule, slots) <= settings.slots && !isInUse(schedule, model);
}

/** Slots a call gets that asks for so many: no queue has more than it has. */
export function slotsOf({ settings }: Schedule, slots: number): number {
  return slots < settings.slots ? slots : settings.slots;
}

/**
 * The call that goes next when a slot is free; `null` if every waiting call is held back by a cap of its type.
 * Keys that have their `slotsPerKey` come only when nobody else can use the slot.
 */
export function choose(schedule: Schedule, nowMs: number): Choice | null {
  return chooseAmong(schedule, "free", nowMs) ?? chooseAmong(schedule, "capped", nowMs);
}

function chooseAmong(schedule: Schedule, shelf: "free" | "capped", nowMs: number): Choice | null {
  const [interactive, background, batch] = schedule.bands;
  const first = bestLane(schedule, interactive, shelf, nowMs);
  const second = bestLane(schedule, background, shelf, nowMs);
  const third = bestLane(schedule, batch, shelf, nowMs);
  const batchGoes = second === null || (third !== null && batch.credit >= batchTurnCredit);
  const lower = batchGoes ? third : second;
  const owed = first !== null && lower !== null && lowerIsOwed(schedule, nowMs);
  const best = first === null || owed ? lower : first;
  if (best === null) return null;
  const slot = headOf(schedule, best, nowMs);
  const near = owed ? null : nearLane(schedule, schedule.pool.lane(slot) ?? best, shelf, nowMs);
  if (near === null) return { slot, owed, stays: false };
  return { slot: headOf(schedule, near, nowMs, near.gate.model), owed, stays: true };
}

/** The best lane of the same band whose model is in memory, while those go before a lane of another one. */
function nearLane(
  schedule: Schedule,
  best: Lane,
  shelf: "free" | "capped",
  nowMs: number,
): Lane | null {
  const { model } = schedule.swap;
  if (best.gate.model === null || best.gate.model === model) return null;
  if (!prefersLoaded(schedule, nowMs)) return null;
  return bestLane(schedule, schedule.bands[best.band], shelf, nowMs, model);
}

/** Lower bands take a turn past waiting interactive work one call at a time, after a minute, and on credit only. */
function lowerIsOwed(schedule: Schedule, nowMs: number): boolean {
  const { bands, lowerSinceMs, lowerCredit } = schedule;
  const running = bands[1].live - bands[1].pending + bands[2].live - bands[2].pending;
  return (
    running === 0 && lowerSinceMs !== null && nowMs - lowerSinceMs > patienceMs && lowerCredit > 0
  );
}

/** The lane whose call goes first in a band; of those of one model, if it is named. */
function bestLane(
  schedule: Schedule,
  band: BandState,
  shelf: "free" | "capped",
  nowMs: number,
  model: string | null = null,
): Lane | null {
  if (band.pending === 0) return null;
  let best: Lane | null = null;
  for (const gate of band.gates) {
    const lane = gate[shelf][0];
    if (lane === undefined || (model !== null && gate.model !== model)) continue;
    if (!isOpen(schedule, gate, nowMs)) continue;
    if (best === null || laneOrder.before(lane, best)) best = lane;
  }
  return best;
}

/** The best lane says which key is next; among the key's lanes that may run, its own order says which call. */
function headOf(
  schedule: Schedule,
  best: Lane,
  nowMs: number,
  model: string | null = null,
): number {
  const { pool } = schedule;
  let head = firstSlot(best);
  for (const lane of best.account.lanes) {
    if (lane === best || lane.shelf === null || !isOpen(schedule, lane.gate, nowMs)) continue;
    if (model !== null && lane.gate.model !== model) continue;
    const slot = firstSlot(lane);
    if (pool.before(slot, head)) head = slot;
  }
  return head;
}

/** True if no cap of its type and nothing that holds its endpoint back keeps the calls of a gate. */
export function isOpen(
  schedule: Schedule,
  { counted, capTotal, line }: Gate,
  nowMs: number,
): boolean {
  if (line !== null && !isLineOpen(schedule, line, nowMs)) return false;
  if (counted === null || capTotal === null) return true;
  return (schedule.typeRunning.get(counted) ?? 0) < capTotal;
}

/** The call of a lane that goes first. */
export function firstSlot(lane: Lane): number {
  const slot = lane.slots[0];
  invariant(slot !== undefined, "a lane of the schedule is empty");
  return slot;
}

function runningOf(schedule: Schedule, key: string): KeyRunning | undefined {
  schedule.keyRunning ??= countKeys(schedule.leases.values());
  return schedule.keyRunning.get(key);
}

function typeCount(running: KeyRunning | undefined, counted: string): number {
  return running?.types.find((one) => one.counted === counted)?.count ?? 0;
}

function countsKeys({ settings }: Schedule, { gates }: BandState): boolean {
  return settings.slotsPerKey !== null || gates.some((gate) => gate.capPerKey !== null);
}

function gateFor(band: BandState, type: string, shape: Shape): Gate {
  const { capTotal, capPerKey, slots = 1, model = null, line = null } = shape;
  const counted = capTotal === null && capPerKey === null ? null : countedAs(type, line);
  for (const gate of band.gates) {
    if (
      gate.counted === counted &&
      gate.capTotal === capTotal &&
      gate.capPerKey === capPerKey &&
      gate.slots === slots &&
      gate.model === model &&
      gate.line === line
    ) {
      return gate;
    }
  }
  const what = { counted, capTotal, capPerKey, slots, model, line };
  const gate: Gate = { ...what, free: [], capped: [], lanes: 0 };
  band.gates.push(gate);
  return gate;
}

function laneFor(band: BandState, account: Account, gate: Gate): Lane {
  for (const lane of account.lanes) if (lane.gate === gate) return lane;
  const lane: Lane = {
    band: band.band,
    account,
    gate,
    pooled: { number: -1, calls: 0 },
    slots: [],
    costSum: 0,
    rank: 0,
    headSeq: 0,
    shelf: null,
    index: -1,
  };
  if (account.lanes.length > 0) account.lanes.push(lane);
  else account.lanes = [lane];
  gate.lanes += 1;
  return lane;
}

/** Ranks a lane by its head and puts it on the shelf where it belongs now. */
function settleLane(schedule: Schedule, lane: Lane): void {
  const { pool } = schedule;
  const head = firstSlot(lane);
  const { served, weight } = lane.account;
  lane.rank = rankOf(lane.band, served, weight, pool.rest(head), pool.readyAtMs(head));
  lane.headSeq = pool.seq(head);
  const shelf = shelfFor(schedule, lane);
  if (lane.shelf === shelf) {
    if (shelf !== null) heapFix(shelf, lane.index, laneOrder);
    return;
  }
  if (lane.shelf !== null) heapRemove(lane.shelf, lane.index, laneOrder);
  lane.shelf = shelf;
  if (shelf !== null) heapPush(shelf, lane, laneOrder);
}

function shelfFor(schedule: Schedule, { account, gate }: Lane): Lane[] | null {
  if (gate.capPerKey === null && schedule.settings.slotsPerKey === null) return gate.free;
  const running = runningOf(schedule, account.key);
  if (running === undefined) return gate.free;
  const { counted, capPerKey } = gate;
  if (counted !== null && capPerKey !== null && typeCount(running, counted) >= capPerKey) {
    return null;
  }
  const { slotsPerKey } = schedule.settings;
  return slotsPerKey !== null && running.all >= slotsPerKey ? gate.capped : gate.free;
}

function dropLane(schedule: Schedule, lane: Lane): void {
  if (lane.shelf !== null) heapRemove(lane.shelf, lane.index, laneOrder);
  lane.shelf = null;
  lane.account.lanes.splice(lane.account.lanes.indexOf(lane), 1);
  lane.gate.lanes -= 1;
  if (lane.gate.lanes > 0) return;
  const { gates } = schedule.bands[lane.band];
  gates.splice(gates.indexOf(lane.gate), 1);
}
