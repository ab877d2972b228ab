import { InvariantError } from "../invariant.ts";
import { foldKept } from "./calibrate.ts";
import { earnCuts, foldCut } from "./cut.ts";
import { openingOf } from "./lines.ts";
import { foldEnd, foldTokens, takeOpening, type CallEnd } from "./opening.ts";
import { countRunning } from "./running.ts";
import { learnCall, learnTree, predictedTree } from "./predict.ts";
import { type HeapOrder, heapPush, heapRemove } from "./heap.ts";
import {
  batchShare,
  creditMax,
  debtMax,
  demoteAfter,
  lagMax,
  lowerShare,
  patienceMs,
  recentMs,
  rootServiceMin,
  rootsMax,
} from "./rule.ts";
import { foldLoaded } from "./swap.ts";
import type { Account, BandState, Lease, RootService, Schedule } from "./state.ts";

/*
 * The ledger's folds: what each fact does to clocks, credits and counters. They never look at the waiting part,
 * so that a log can be folded before the waiting calls are back. Every fold is a function of the ledger, the fact
 * and the time of its row.
 */

/** Who is charged where: what every fact about a call that is not a lease yet must say. */
export interface Charge {
  readonly key: string;
  readonly band: 0 | 1 | 2;
  readonly weight: number;
}

/** A grant as the ledger needs it. The lease's weight and clock come from the account. */
export interface Grant extends Omit<
  Lease,
  "weight" | "clock" | "grantedAtMs" | "passed" | "cutAtMs"
> {
  /** Weight of the request that is granted as it arrives; `null`: the call has waited and is counted already. */
  readonly entersWith: number | null;
  /** A call of another model was passed over for it. */
  readonly stays: boolean;
  /** It uses slots that come together for a wide call, and is no turn of its band. */
  readonly fills: boolean;
}

const idleOrder: HeapOrder<Account> = {
  before: (a, b) => a.served < b.served || (a.served === b.served && a.key < b.key),
  moved(account, index) {
    account.idleIndex = index;
  },
};

/** A call must wait: its key enters the band, and lower bands begin to lose patience. Its number is `nextSeq`. */
export function foldRequested(schedule: Schedule, charge: Charge, atMs: number): void {
  const band = schedule.bands[charge.band];
  enter(band, charge.key, charge.weight);
  band.pending += 1;
  if (band.band > 0) schedule.lowerSinceMs ??= atMs;
  schedule.nextSeq += 1;
}

/** A call gets a slot: the guess is charged at once, so that the next choice knows of it. */
export function foldGranted(schedule: Schedule, grant: Grant, atMs: number): void {
  const band = schedule.bands[grant.band];
  const { call, key, taskType, cost, owed, entersWith } = grant;
  if (entersWith === null) band.pending -= 1;
  else enter(band, key, entersWith);
  const account = accountOf(schedule, grant.band, key);
  const passed = band.band === 2 && schedule.bands[1].pending > 0;
  schedule.leases.set(call, {
    call,
    slots: grant.slots,
    model: grant.model,
    line: grant.line,
    task: grant.task,
    taskType,
    key,
    user: grant.user,
    root: grant.root,
    band: grant.band,
    weight: account.weight,
    cost,
    role: grant.role,
    lead: grant.lead,
    tokens: grant.tokens,
    grantedAtMs: atMs,
    clock: account.served,
    capped: grant.capped,
    owed,
    passed,
    cuttable: grant.cuttable,
    cuts: grant.cuts,
    ran: grant.ran,
    cutAtMs: null,
  });
  account.served += cost / account.weight;
  if (entersWith === null && grant.role !== null) {
    foldKept(schedule.calibration, grant.root, "start", atMs);
  }
  takeOpening(schedule.opening, grant.tokens, atMs);
  foldLoaded(schedule.swap, grant, grant.stays, atMs);
  countRunning(schedule, grant, 1);
  if (band.band === 0) return;
  const waits = lowerPending(schedule);
  if (grant.fills) {
    // The wide call waits on as if nobody had gone: the patience of its band goes on.
    if (!waits) schedule.lowerSinceMs = null;
  } else if (owed) {
    schedule.lowerCredit = within(schedule.lowerCredit - cost);
    schedule.lowerSinceMs = waits ? atMs - patienceMs : null;
  } else {
    schedule.lowerCredit = 0;
    schedule.lowerSinceMs = waits ? atMs : null;
  }
  if (passed) band.credit = within(band.credit - cost);
}

/** A lease is over: the queue has measured how long it was held and puts the guess right. */
export function foldSettled(
  schedule: Schedule,
  call: string,
  atMs: number,
  end: CallEnd | undefined,
): void {
  const lease = takeLease(schedule, call);
  const held = heldSeconds(lease, atMs);
  // A call that failed says nothing of what one takes.
  if (end?.cut !== undefined) foldCut(schedule, lease, held, end.cut);
  else if (end === undefined || end.failed === null) learnCall(schedule.costs, lease, held);
  if (end !== undefined) {
    foldEnd(openingOf(schedule, lease.line), end, lease.tokens, atMs);
    // Rates are the queue's, whatever its lines are.
    if (lease.line !== null) foldTokens(schedule.opening, end, lease.tokens);
  }
  if (lease.role !== null) earnCuts(schedule, held);
  settle(schedule, lease, held * lease.slots, atMs);
}

/**
 * A tree takes no more calls: what it has used in all is learnt, and it is forgotten. `atMs` is `null` for one that did
 * not complete: it is only forgotten, and what it was promised is no broken promise.
 */
export function foldTreeOver(schedule: Schedule, root: string, atMs: number | null): void {
  if (atMs !== null) foldKept(schedule.calibration, root, "end", atMs);
  schedule.calibration.promises.delete(root);
  const known = schedule.roots.get(root);
  if (known === undefined) return;
  schedule.roots.delete(root);
  if (atMs === null) return;
  const seconds = (atMs - known.sinceMs) / 1_000;
  if (known.type !== "")
    learnTree(schedule.costs, known.type, { attained: known.attained, seconds });
}

/** A waiting call is taken back. */
export function foldWithdrawn(
  schedule: Schedule,
  { band: number, key }: Omit<Charge, "weight">,
): void {
  const band = schedule.bands[number];
  band.pending -= 1;
  if (!lowerPending(schedule)) schedule.lowerSinceMs = null;
  leave(band, accountOf(schedule, number, key));
  forgetIdle(band);
}

/** A waiting call goes on in another band: it leaves one account and enters the other. */
export function foldMoved(
  schedule: Schedule,
  { key, weight, from, to }: { key: string; weight: number; from: 0 | 1 | 2; to: 0 | 1 | 2 },
  atMs: number,
): void {
  foldWithdrawn(schedule, { band: from, key });
  const band = schedule.bands[to];
  enter(band, key, weight);
  band.pending += 1;
  if (to > 0) schedule.lowerSinceMs ??= atMs;
}

/**
 * Every lease is void. Nobody knows how long their holders worked before they died, and the time until somebody
 * noticed is not the user's fault: each is charged what it was predicted, or what it held if that is less.
 */
export function foldVoided(schedule: Schedule, atMs: number): void {
  for (const call of schedule.leases.keys()) {
    const lease = takeLease(schedule, call);
    const held = heldSeconds(lease, atMs) * lease.slots;
    settle(schedule, lease, held < lease.cost ? held : lease.cost, atMs);
  }
}

/** The band a request is served in: an interactive tree that has used a lot goes on in the background. */
export function bandFor(band: 0 | 1 | 2, root: RootService | undefined): 0 | 1 | 2 {
  return band === 0 && root !== undefined && root.attained > demoteAfter ? 1 : band;
}

/**
 * Order of a requested call inside its key, and what its tree is predicted to take from here on. The order is the
 * key's clock when the tree came, plus what the tree is predicted to take in all: small work goes first, and nothing
 * waits for ever, because the clock of later work is higher.
 */
export function placeFor(
  { costs }: Schedule,
  account: Account,
  root: RootService | undefined,
  call: { readonly band: 0 | 1 | 2; readonly cost: number; readonly rootType: string },
): { tag: number; rest: number } {
  const attained = root?.attained ?? 0;
  const same = root?.key === account.key && root.band === call.band;
  const total = same ? root.estimate : predictedTree(costs, root?.type ?? call.rootType);
  const left = total - attained > call.cost ? total - attained : call.cost;
  const tag = same ? root.base + root.estimate : account.served + attained + left;
  return { tag, rest: left };
}

/** The account of a key in a band. It must have one: it has a call there. */
export function accountOf(schedule: Schedule, band: 0 | 1 | 2, key: string): Account {
  const account = schedule.bands[band].accounts.get(key);
  if (account === undefined) {
    throw new InvariantError(`key ${key} has a call in band ${band} but no account there`);
  }
  return account;
}

/** Puts an account that has no live call where it will be dropped from. */
export function rest(band: BandState, account: Account): void {
  heapPush(band.idle, account, idleOrder);
}

/**
 * A key with nothing in the band starts at the band's clock, so time away saves nothing up. If it was served ahead of
 * the clock, its account is still there: it does not escape by leaving for a moment. A key whose calls a cap of their
 * type holds back is not idle, but neither may it save up more than a little for its other calls.
 */
function enter(band: BandState, key: string, weight: number): void {
  let account = band.accounts.get(key);
  if (account === undefined) {
    account = { key, served: band.clock, weight, live: 0, idleIndex: -1, lanes: [] };
    band.accounts.set(key, account);
  } else if (account.live === 0) {
    heapRemove(band.idle, account.idleIndex, idleOrder);
  } else if (account.served < band.clock - lagMax) {
    account.served = band.clock - lagMax;
  }
  band.weight += account.live === 0 ? weight : weight - account.weight;
  account.weight = weight;
  account.live += 1;
  band.live += 1;
}

function leave(band: BandState, account: Account): void {
  account.live -= 1;
  band.live -= 1;
  if (account.live > 0) return;
  band.weight -= account.weight;
  rest(band, account);
}

/** Drops the accounts that a new one would equal. An empty band forgets everybody and owes nothing. */
function forgetIdle(band: BandState): void {
  if (band.live === 0) {
    for (const account of band.accounts.values()) {
      if (account.served > band.clock) band.clock = account.served;
    }
    band.accounts.clear();
    band.idle.length = 0;
    band.weight = 0;
    return;
  }
  for (let first = band.idle[0]; first !== undefined; first = band.idle[0]) {
    if (first.served > band.clock) return;
    heapRemove(band.idle, 0, idleOrder);
    band.accounts.delete(first.key);
  }
}

function takeLease(schedule: Schedule, call: string): Lease {
  const lease = schedule.leases.get(call);
  if (lease === undefined) throw new InvariantError(`call ${call} is settled without a lease`);
  schedule.leases.delete(call);
  countRunning(schedule, lease, -1);
  return lease;
}

/** Seconds a lease was held; a clock that was set back counts as no time. */
function heldSeconds(lease: Lease, atMs: number): number {
  return atMs > lease.grantedAtMs ? (atMs - lease.grantedAtMs) / 1_000 : 0;
}

function settle(schedule: Schedule, lease: Lease, used: number, atMs: number): void {
  const band = schedule.bands[lease.band];
  const account = accountOf(schedule, lease.band, lease.key);
  account.served += (used - lease.cost) / lease.weight;
  band.clock += used / (band.weight > lease.weight ? band.weight : lease.weight);
  const since = schedule.lowerSinceMs;
  if (lease.band === 0 && since !== null && atMs - since > patienceMs) {
    schedule.lowerCredit = within(schedule.lowerCredit + lowerShare * used);
  }
  const more = used - lease.cost;
  if (lease.owed) schedule.lowerCredit = within(schedule.lowerCredit - more);
  const batch = schedule.bands[2];
  if (lease.passed) batch.credit = within(batch.credit - more);
  if (lease.band === 1 && batch.pending > 0) {
    batch.credit = within(batch.credit + batchShare * used);
  }
  countRecent(band, used, atMs);
  remember(schedule, lease, used);
  leave(band, account);
  forgetIdle(band);
}

function countRecent({ recent }: BandState, used: number, atMs: number): void {
  if (atMs - recent.sinceMs >= recentMs) {
    recent.before = atMs - recent.sinceMs < 2 * recentMs ? recent.now : 0;
    recent.now = 0;
    recent.sinceMs = atMs;
  }
  recent.now += used;
}

/** Credit within its limits: neither saved up without end nor owed without end. */
function within(credit: number): number {
  if (credit > creditMax) return creditMax;
  return credit < -debtMax ? -debtMax : credit;
}

function lowerPending(schedule: Schedule): boolean {
  return schedule.bands[1].pending + schedule.bands[2].pending > 0;
}

/** Adds to what a root task has used. Small trees are not remembered: their next call ranks like a new one. */
function remember(schedule: Schedule, lease: Lease, used: number): void {
  const { roots } = schedule;
  const known = roots.get(lease.root);
  const attained = (known?.attained ?? 0) + used;
  if (known === undefined && attained < rootServiceMin) return;
  const same = known?.key === lease.key && known.band === lease.band;
  let type = known?.type ?? "";
  if (lease.root === lease.task && lease.role !== null) type = lease.taskType;
  let estimate = same ? known.estimate : attained - used + lease.cost;
  if (!same) {
    const total = predictedTree(schedule.costs, type);
    if (total > estimate) estimate = total;
  }
  const sinceMs = known?.sinceMs ?? lease.grantedAtMs;
  while (estimate < attained) estimate *= 2;
  const base = same ? known.base : lease.clock;
  const root: RootService = {
    type,
    key: lease.key,
    band: lease.band,
    base,
    estimate,
    attained,
    sinceMs,
  };
  if (known !== undefined) roots.delete(lease.root);
  roots.set(lease.root, root);
  // Trimmed by a quarter at a time: the start of a map from which much was deleted is slow to find.
  const most = rootsMax(schedule.settings.slots);
  if (roots.size <= most + most / 4) return;
  for (const oldest of roots.keys()) {
    if (roots.size <= most) return;
    roots.delete(oldest);
  }
}
