import { rollDice, type Dice } from "./dice.ts";

/** Faults a world may have. Each is a probability for each chance it gets; 0 turns it off. */
export interface Faults {
  /** The process dies between two steps. */
  readonly crash: number;
  /** The process dies at a commit, before or after it. */
  readonly crashAtCommit: number;
  /** The store refuses a group because the disk is full; it stays full for a few groups. */
  readonly storageFull: number;
  /** A client does not get its answer and asks again. */
  readonly lostReply: number;
  /** A worker's command is sent twice. */
  readonly duplicateCommand: number;
  /** A worker of an attempt that is over sends commands and stream entries. */
  readonly zombie: number;
  /** A waiting handler is dropped from memory. */
  readonly evict: number;
  /** A worker runs out of its attempt's time, or goes away in good order. */
  readonly leave: number;
  /** A try of a model call breaks, is refused, stalls or is cut. */
  readonly model: number;
  /** A streaming call is told to make room, with or without need. */
  readonly cut: number;
  /** The clock jumps forward by up to a day. */
  readonly clockJump: number;
  /** The waker rings for nothing, or twice. */
  readonly spuriousWake: number;
  /** A message between homes arrives once more, now or later. */
  readonly courierTwice: number;
  /** A message between homes fails and has to be sent again. */
  readonly courierFail: number;
}

/** A queue of a world. */
export interface QueuePlan {
  readonly name: string;
  readonly slots: number;
  readonly slotsPerKey: number | null;
}

/** How the next step is chosen: at random, or the newest or oldest work first. */
export type Order = "random" | "oldest" | "newest";

/** Sizes, rates and faults of one world: all drawn from its seed, so that every seed is another kind of world. */
export interface Plan {
  readonly seed: number;
  readonly users: readonly string[];
  readonly chatsPerUser: number;
  readonly pools: readonly QueuePlan[];
  readonly endpoints: readonly QueuePlan[];
  /** Queues live in another home: their messages go through the courier. */
  readonly remoteQueues: boolean;
  /** The store is behind a connection: it answers later, and other things happen in between. */
  readonly asyncStore: boolean;
  /** Rough bytes of the kernel's cache; small ones make it read the log again and again. */
  readonly cacheBytesMax: number;
  /** Events between two snapshots. */
  readonly snapshotEventsEvery: number;
  /** What clients do before the world heals. */
  readonly actions: number;
  /** Size of task programs, 1 (one step) to 8. */
  readonly programSize: number;
  /** How often each kind of step is chosen. */
  readonly weights: {
    readonly client: number;
    readonly worker: number;
    readonly turn: number;
    readonly courier: number;
    readonly clock: number;
  };
  readonly order: Order;
  readonly faults: Faults;
}

/** Draws the world of a seed. */
export function drawPlan(seed: number): Plan {
  const dice = rollDice(seed, "plan");
  const users = dice.between(1, 4);
  const calm = dice.chance(0.06);
  const asyncStore = dice.chance(0.2);
  return {
    seed,
    users: Array.from({ length: users }, (_, at) => `u${at + 1}`),
    chatsPerUser: dice.between(1, 2),
    pools: drawQueues(dice, "pool", dice.between(1, 2)),
    endpoints: drawQueues(dice, "model", dice.between(1, 2)),
    remoteQueues: dice.chance(0.35),
    asyncStore,
    cacheBytesMax: dice.chance(0.3) ? dice.between(0, 6_000) : 50_000_000,
    snapshotEventsEvery: dice.chance(0.5) ? dice.between(1, 12) : 2_000,
    actions: dice.between(4, 26),
    programSize: dice.between(1, 8),
    weights: {
      client: dice.between(1, 4),
      worker: dice.between(2, 12),
      turn: dice.between(1, 10) * (asyncStore ? 4 : 1),
      courier: dice.between(1, 8),
      clock: dice.between(1, 3),
    },
    order: dice.pick(["random", "random", "random", "oldest", "newest"]),
    faults: drawFaults(dice, calm),
  };
}

function drawQueues(dice: Dice, name: string, count: number): QueuePlan[] {
  return Array.from({ length: count }, (_, at) => {
    const slots = dice.between(1, 4);
    return {
      name: `${name}${at + 1}`,
      slots,
      slotsPerKey: dice.chance(0.3) ? dice.between(1, slots) : null,
    };
  });
}

function drawFaults(dice: Dice, calm: boolean): Faults {
  const some = (share: number, most: number): number => {
    const on = dice.chance(share);
    const probability = dice.unit() * most;
    return on && !calm ? probability : 0;
  };
  return {
    crash: some(0.4, 0.02),
    crashAtCommit: some(0.5, 0.08),
    storageFull: some(0.3, 0.08),
    lostReply: some(0.5, 0.3),
    duplicateCommand: some(0.5, 0.3),
    zombie: some(0.5, 0.4),
    evict: some(0.4, 0.2),
    leave: some(0.3, 0.03),
    model: some(0.6, 0.5),
    clockJump: some(0.3, 0.1),
    spuriousWake: some(0.4, 0.2),
    courierTwice: some(0.6, 0.4),
    courierFail: some(0.5, 0.4),
    cut: some(0.6, 0.2),
  };
}

/** A world in which nothing goes wrong. */
export const noFaults: Faults = {
  crash: 0,
  crashAtCommit: 0,
  storageFull: 0,
  lostReply: 0,
  duplicateCommand: 0,
  zombie: 0,
  evict: 0,
  leave: 0,
  model: 0,
  clockJump: 0,
  spuriousWake: 0,
  courierTwice: 0,
  courierFail: 0,
  cut: 0,
};
