import type { QueueSettings } from "../queue/protocol.ts";
import { CallPool } from "./call-pool.ts";
import { noCuts, type Cutting } from "./cut.ts";
import { wideOpen, type Opening } from "./opening.ts";
import { noPromises, type Calibration } from "./calibrate.ts";
import { noCosts, type Costs } from "./predict.ts";
import { noSwap, type Swap } from "./swap.ts";
import type { Speeds } from "./speeds.ts";

/**
 * State of one queue's scheduler. It has two parts.
 *
 * The LEDGER is what the log decides: settings, leases, clocks, credits and counters. `evolve` folds it, a
 * snapshot holds all of it, and it is the same on every host that has folded the same events.
 *
 * The WAITING part (`pool`, `gates`, `lanes`, `shelf`, `rank`) is a cache of the ready rows. It is filled as
 * calls are requested, or from the rows after a restart, and is in no snapshot.
 *
 * Invariants. Between two decisions of a live state:
 *  1. `pool.size` is the sum of `band.pending`: every waiting call the log knows has its row. A state that was
 *     loaded is not live before `restorePending` has made this true; a decision checks it first.
 *  2. `account.live` = its waiting calls + its leases; `band.live` and `band.weight` are the sums of `live` and of
 *     `weight` over accounts with `live > 0`; an account with `live = 0` is in `band.idle` and is dropped as soon
 *     as `served <= band.clock`, because a new account would start at the same clock.
 *  3. `typeRunning` and `keyRunning` count the leases, so a snapshot does not hold them.
 *  4. A call is in `pool` or in `leases`, never in both, and `leases.size` grows only while it is below the slots.
 *  5. No call that may run waits while a slot is free, unless the queue is paused or the process is stopping.
 *  6. Choices depend on values only, never on the layout of a heap or a pool: arrival numbers break all ties.
 */
export interface Schedule {
  settings: QueueSettings;
  /** What the host's configuration said last; `settings` differs if somebody has changed it since. */
  configured: QueueSettings | null;
  /** What holds the whole queue back for a while. */
  readonly opening: Opening;
  paused: boolean;
  /** Arrival number of the next call that must wait. The first is 1. */
  nextSeq: number;
  /** Since when lower bands have waited without a turn of their own; `null`: none of their calls waits. */
  lowerSinceMs: number | null;
  /** Slot-seconds that lower bands may use while interactive work waits; below 0 after a long turn. */
  lowerCredit: number;
  readonly bands: readonly [BandState, BandState, BandState];
  /** Granted calls in the order of their grants. */
  readonly leases: Map<string, Lease>;
  /** Slots of all leases. */
  slotsTaken: number;
  /** Service of root tasks, the one served longest ago first. */
  readonly roots: Map<string, RootService>;
  /** What calls and trees have cost. */
  readonly costs: Costs;
  /** How fast models read and write. */
  readonly speeds: Speeds;
  /** What was promised, and how far off promises were. */
  readonly calibration: Calibration;
  /** Which model is in memory, where that matters. */
  readonly swap: Swap;
  /** What holds single endpoints back that share the device, by line. */
  readonly lines: Map<string, Opening>;
  /** What cuts have cost, and may cost. */
  readonly cutting: Cutting;
  /** How models at the endpoint go on from a partial answer, by model and address; `null`: they do not. */
  readonly resumes: Map<string, ResumeWay | null>;
  /** Leases by task type, of those that count against its caps. */
  readonly typeRunning: Map<string, number>;
  /** Leases by fairness key; `null` until a cap first asks for it, because most queues have none. */
  keyRunning: Map<string, KeyRunning> | null;
  readonly pool: CallPool<Lane>;
  /** Time of the timer that is set to grant what waits; `null`: none. Only a live state has one. */
  wakesAtMs: number | null;
  /** Time of the timer that is set to look for a stream to cut; `null`: none. Only a live state has one. */
  cutWakesAtMs: number | null;
}

/** One priority band: a virtual clock, and an account for every fairness key that is in it. */
export interface BandState {
  readonly band: 0 | 1 | 2;
  /** Virtual time: what a key of weight 1 that was always busy here would have been served, in slot-seconds. */
  clock: number;
  /** Sum of the weights of the accounts that have live calls. */
  weight: number;
  /** Calls that wait or run. */
  live: number;
  pending: number;
  /** Slot-seconds that batch may use before background work, below 0 after a long turn; 0 in the other bands. */
  credit: number;
  /** Slot-seconds used in this window, which began at `sinceMs`, and in the one before. */
  readonly recent: { sinceMs: number; now: number; before: number };
  readonly accounts: Map<string, Account>;
  /** Heap of the accounts without live calls, by `served`. */
  readonly idle: Account[];
  /** Gates that have waiting calls. */
  readonly gates: Gate[];
}

/** What one fairness key has been served in one band. */
export interface Account {
  readonly key: string;
  /** Service clock in slot-seconds per weight: predicted at the grant, corrected at the settle. */
  served: number;
  /** Weight of the newest request. */
  weight: number;
  live: number;
  /** Place in the band's `idle` heap, or -1. */
  idleIndex: number;
  /** Its waiting calls, one lane for each gate. */
  lanes: Lane[];
}

/** Calls of one band that the same caps hold back. All calls without a cap share one gate. */
export interface Gate {
  /** The type, or the line, whose leases are counted; `null`: no cap. */
  readonly counted: string | null;
  /** Slots each takes. */
  readonly slots: number;
  /** Model they ask; `null`: any. */
  readonly model: string | null;
  /** Endpoint they ask, of those that share the device; `null`: the queue has one. */
  readonly line: string | null;
  readonly capTotal: number | null;
  readonly capPerKey: number | null;
  /** Lanes whose key may have another slot while others wait, as a heap by rank. */
  readonly free: Lane[];
  /** Lanes whose key has its `slotsPerKey`, as a heap by rank. They go when nobody else wants the slot. */
  readonly capped: Lane[];
  /** Lanes of this gate, those held back by `capPerKey` included. */
  lanes: number;
}

/** The waiting calls of one account behind one gate. */
export interface Lane {
  readonly band: 0 | 1 | 2;
  readonly account: Account;
  readonly gate: Gate;
  /** What the pool knows of it. */
  readonly pooled: { number: number; calls: number };
  /** Heap of pool slots by tag, then arrival. Never empty between two decisions. */
  slots: number[];
  /** Sum of predicted costs in thousandths of a slot-second, for positions and estimates. */
  costSum: number;
  rank: number;
  /** Arrival number of the head, which breaks ties of `rank`. */
  headSeq: number;
  /** The heap it stands in; `null`: the type's cap per key holds it back. */
  shelf: Lane[] | null;
  index: number;
}

/** A granted call: it holds its slots until it is settled. */
export interface Lease {
  /** Slots it holds. */
  readonly slots: number;
  readonly model: string | null;
  readonly line: string | null;
  readonly call: string;
  readonly task: string;
  readonly taskType: string;
  readonly key: string;
  readonly user: string;
  readonly root: string;
  readonly band: 0 | 1 | 2;
  /** Weight and predicted cost it was charged with. */
  readonly weight: number;
  readonly cost: number;
  readonly grantedAtMs: number;
  /** What a model call is for; `null`: its cost is not learnt. */
  readonly role: string | null;
  /** The part of `cost` that was known beforehand. */
  readonly lead: number;
  /** Tokens taken for it from the queue's limit. */
  readonly tokens: number;
  /** The account's clock before the grant. */
  readonly clock: number;
  /** It counts against the caps of its task type, or of its line. */
  readonly capped: boolean;
  /** A turn of the lower bands while interactive work waited: paid from `lowerCredit`, never cut short. */
  readonly owed: boolean;
  /** Batch that went while background work waited: paid from the band's credit. */
  readonly passed: boolean;
  /** It can be stopped at a token boundary and gone on with. */
  readonly cuttable: boolean;
  /** Times the call was cut before. */
  readonly cuts: number;
  /** Seconds it had written before it was cut, over all its earlier slots. */
  readonly ran: number;
  /** When it was told to stop; `null`: it was not. */
  readonly cutAtMs: number | null;
}

/**
 * How an endpoint is asked to go on from a partial answer: by the partial answer as the last message (`prefill`), or
 * with vLLM's parameters besides (`continue`).
 */
export type ResumeWay = "prefill" | "continue";

/** What the scheduler remembers of a root task between the calls of its tree. */
export interface RootService {
  /** Type of the tree's root; "" if only tasks below it were seen. */
  readonly type: string;
  readonly key: string;
  readonly band: 0 | 1 | 2;
  /** The account's clock when the tree was first served here. */
  readonly base: number;
  /** Predicted total service; doubled whenever it is overrun, so the order comes from service had. */
  readonly estimate: number;
  readonly attained: number;
  /** When it was first granted a slot here. */
  readonly sinceMs: number;
}

/** Slots of one fairness key: of all its leases; and its leases by type or line, of those that count against caps. */
export interface KeyRunning {
  all: number;
  readonly types: { readonly counted: string; count: number }[];
}

function emptyBand(band: 0 | 1 | 2): BandState {
  return {
    band,
    clock: 0,
    weight: 0,
    live: 0,
    pending: 0,
    credit: 0,
    recent: { sinceMs: 0, now: 0, before: 0 },
    accounts: new Map(),
    idle: [],
    gates: [],
  };
}

/** A scheduler before its first event: one slot, because an endpoint nobody described serves one call at a time. */
export function emptySchedule(): Schedule {
  return {
    settings: { slots: 1, slotsPerKey: null },
    configured: null,
    opening: wideOpen(),
    paused: false,
    nextSeq: 1,
    lowerSinceMs: null,
    lowerCredit: 0,
    bands: [emptyBand(0), emptyBand(1), emptyBand(2)],
    leases: new Map(),
    slotsTaken: 0,
    roots: new Map(),
    costs: noCosts(),
    speeds: new Map(),
    calibration: noPromises(),
    swap: noSwap(),
    lines: new Map(),
    cutting: noCuts(),
    resumes: new Map(),
    typeRunning: new Map(),
    keyRunning: null,
    pool: new CallPool(),
    wakesAtMs: null,
    cutWakesAtMs: null,
  };
}

/** Slots that are taken. */
export function slotsUsed({ slotsTaken }: Schedule): number {
  return slotsTaken;
}

/** Calls that wait, as the log knows them. */
export function pendingCount(schedule: Schedule): number {
  const [interactive, background, batch] = schedule.bands;
  return interactive.pending + background.pending + batch.pending;
}
