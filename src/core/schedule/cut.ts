import { InvariantError } from "../invariant.ts";
import type { Lease, Schedule } from "./state.ts";

/*
 * Which stream is stopped at a token boundary so that a waiting interactive call is served first (SPEC QUEUE23). The
 * call that is cut asks for its slot again and goes on from its text so far, so all that is lost is reading prompt
 * and text once more. Pure arithmetic on what the log says; only endpoints that were seen to go on are cut at all.
 */

/** An interactive stream has its slot for at least so long, in seconds: short answers are never cut. */
const cutAfter = 10;
/** A stream of a lower band has been at it for so long behind its prompt, in seconds: the first token is out. */
const lowerAfter = 1;
/** Times one call may be cut. */
const cutsMax = 4;
/** What is left of a stream must be predicted to take longer than this, in seconds, ... */
const leftMin = 3;
/** ... and longer than so many times what is lost. */
const lostRatio = 1.5;
/** Every cut costs about so much besides what is read again, in seconds. */
const lostMin = 0.5;
/** Seconds of reading that a second of writing makes: text so far is read again, which is much faster. */
const rereadShare = 0.05;
/** What is cut at once is bounded: this share of all service may be lost, and so much saved up, in slot-seconds. */
const lostShare = 0.015;
/** See {@link lostShare}. */
const lostCreditMax = 60;
/** A call that was told to stop has this long before another one is told. */
const cutGraceMs = 10_000;
/** Queues with more slots than this are not looked through: there, a slot is free soon anyway. */
export const cutSlotsMax = 64;

/** What cuts have cost so far. */
export interface Cutting {
  /** Slot-seconds that may be lost now. */
  credit: number;
  /** Calls that were cut. */
  count: number;
  /** Tokens that were, or will be, read a second time. */
  tokens: number;
}

/** Nothing was cut yet. */
export function noCuts(): Cutting {
  return { credit: lostCreditMax, count: 0, tokens: 0 };
}

/** Whom to cut now; if nobody, when to look again; `null`: not before something happens. */
export interface CutChoice {
  readonly victim: Lease | null;
  readonly atMs: number | null;
}

/** Seconds that are lost if a call is cut when it has been held so long. */
export function lostSeconds({ lead }: Pick<Lease, "lead">, held: number): number {
  const wrote = held > lead ? held - lead : 0;
  return lead + rereadShare * wrote;
}

/**
 * The stream to cut for a waiting interactive call of `key`: of those that may be cut, the one with the longest
 * predicted rest for what is lost. Nobody's own answer is cut for another question of theirs. O(leases).
 */
export function chooseCut({ leases, cutting }: Schedule, key: string, nowMs: number): CutChoice {
  let victim: Lease | null = null;
  let most = 0;
  let atMs: number | null = null;
  for (const lease of leases.values()) {
    if (!mayBeCut(lease) || (lease.band === 0 && lease.key === key)) continue;
    const from = firstCut(lease, cutting.credit, nowMs);
    if (from === null) continue;
    if (from > nowMs) {
      if (atMs === null || from < atMs) atMs = from;
      continue;
    }
    const held = secondsHeld(lease, nowMs);
    const worth = leftOf(lease, held) / (lostMin + lostSeconds(lease, held));
    if (worth > most) {
      most = worth;
      victim = lease;
    }
  }
  return { victim, atMs };
}

/** Calls that were told to stop a moment ago: their slots will be free. */
export function cutsUnderWay({ leases }: Schedule, nowMs: number): number {
  let count = 0;
  for (const { cutAtMs } of leases.values()) {
    if (cutAtMs !== null && nowMs - cutAtMs < cutGraceMs) count += 1;
  }
  return count;
}

/** A call is told to stop for somebody who waits. */
export function foldCutting(schedule: Schedule, call: string, atMs: number): void {
  changeLease(schedule, call, { cutAtMs: atMs });
}

/** A call that was told to stop cannot be gone on with, and is left alone. */
export function foldUncut(schedule: Schedule, call: string): void {
  changeLease(schedule, call, { cutAtMs: null, cuttable: false });
}

function changeLease(schedule: Schedule, call: string, change: Partial<Lease>): void {
  const lease = schedule.leases.get(call);
  if (lease === undefined) throw new InvariantError(`call ${call} is changed without a lease`);
  schedule.leases.set(call, { ...lease, ...change });
}

/** A call was cut: its prompt and text so far are read again. */
export function foldCut({ cutting }: Schedule, lease: Lease, held: number, tokens: number): void {
  cutting.count += 1;
  cutting.tokens += tokens;
  cutting.credit -= lostSeconds(lease, held);
}

/** Service earns what cuts may cost. */
export function earnCuts({ cutting }: Schedule, used: number): void {
  const credit = cutting.credit + lostShare * used;
  cutting.credit = credit < lostCreditMax ? credit : lostCreditMax;
}

function mayBeCut({ cuttable, owed, cuts, cutAtMs }: Lease): boolean {
  return cuttable && !owed && cuts < cutsMax && cutAtMs === null;
}

/** The first time from now on at which cutting a lease pays; `null`: never as far as can be seen. */
function firstCut(lease: Lease, credit: number, nowMs: number): number | null {
  const { band, lead, grantedAtMs } = lease;
  const held = secondsHeld(lease, nowMs);
  const least = band === 0 && cutAfter > lead ? cutAfter : lead + lowerAfter;
  const from = held > least ? held : least;
  if (pays(lease, from))
    return lostSeconds(lease, from) <= credit ? grantedAtMs + 1_000 * from : null;
  // Overdue: what is left is predicted to be half of what it has written, which grows.
  const wrote = (lostRatio * lead) / (0.5 - lostRatio * rereadShare);
  const then = lead + (wrote > 2 * leftMin ? wrote : 2 * leftMin) + 0.001;
  if (then <= from || lostSeconds(lease, then) > credit) return null;
  return grantedAtMs + Math.ceil(1_000 * then);
}

function pays(lease: Lease, held: number): boolean {
  const lost = lostRatio * lostSeconds(lease, held);
  return leftOf(lease, held) > (lost > leftMin ? lost : leftMin);
}

function leftOf({ cost, lead, slots }: Lease, held: number): number {
  const left = cost / slots - held;
  const overdue = (held - lead) / 2;
  return left > overdue ? left : overdue;
}

function secondsHeld({ grantedAtMs }: Lease, nowMs: number): number {
  return nowMs > grantedAtMs ? (nowMs - grantedAtMs) / 1_000 : 0;
}
