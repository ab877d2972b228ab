/*
 * What calls and trees of a kind have cost, learnt as they are settled. A fold of the log: the same facts give the
 * same predictions on every host. Only calls that name what they are for (`role`) are predicted: a start of a task
 * declares its cost itself.
 */

/** A running mean that moves fast at first and then follows slowly. */
export interface Learnt {
  mean: number;
  /** Values seen, up to {@link countMax}: more make no difference. */
  count: number;
}

/** What is known of the costs of a queue's calls. */
export interface Costs {
  /** Slot-seconds beyond the part that is known beforehand, by kind and by kind and key; the oldest first. */
  readonly calls: Map<string, Learnt>;
  /** Slot-seconds of whole trees by the type of their root. */
  readonly trees: Map<string, Learnt>;
  /** Seconds from the first grant of a tree to its end, by the type of its root. */
  readonly spans: Map<string, Learnt>;
}

/** A call as far as its cost is concerned. */
export interface Costed {
  readonly taskType: string;
  readonly role: string | null;
  readonly key: string;
  /** The part of the cost that is known beforehand: reading the prompt. */
  readonly lead: number;
  /** Predicted slot-seconds in all. */
  readonly cost: number;
  /** Seconds it had written before it was cut. */
  readonly ran?: number;
  /** Slots it takes: its cost is so many times its seconds. */
  readonly slots?: number;
}

/** A mean never moves by less than this share of the difference: it follows what changes. */
const rateMin = 0.03;
const countMax = 32;
/** A key's own mean counts like so many of its calls; below, the mean of all keys decides. */
const keyTrust = 24;
/** A call that was cut after more than calls of its kind take is expected to need at least this much more, in seconds. */
const leftMin = 0.15;
/** Most kinds and keys that are remembered; those seen longest ago go first. */
const learntMax = 4_096;

/** Nothing known yet. */
export function noCosts(): Costs {
  return { calls: new Map(), trees: new Map(), spans: new Map() };
}

/**
 * Predicted slot-seconds of a call: what is known beforehand, and the mean rest of its kind, moved towards its key's
 * own as far as that is known. A call of an unknown kind costs what its caller guessed.
 */
export function predictedCost(costs: Costs, call: Costed): number {
  if (call.role === null) return call.cost;
  const kind = kindOf(call.taskType, call.role);
  const all = costs.calls.get(kind);
  if (all === undefined) return call.cost;
  const own = costs.calls.get(`${kind} ${call.key}`);
  const trust = own === undefined ? 0 : own.count / (own.count + keyTrust);
  const mean = own === undefined ? all.mean : all.mean + trust * (own.mean - all.mean);
  const left = mean - (call.ran ?? 0);
  return call.lead + (left > leftMin || call.ran === undefined ? left : leftMin);
}

/** Learns what a call held its slot for. */
export function learnCall(costs: Costs, call: Costed, heldSeconds: number): void {
  if (call.role === null) return;
  const { ran = 0 } = call;
  const rest = ran + (heldSeconds > call.lead ? heldSeconds - call.lead : 0);
  const seconds = call.cost / (call.slots ?? 1);
  const guess = seconds > call.lead ? seconds - call.lead : 0;
  const kind = kindOf(call.taskType, call.role);
  learn(costs.calls, kind, rest, guess);
  learn(costs.calls, `${kind} ${call.key}`, rest, costs.calls.get(kind)?.mean ?? guess);
}

/** Predicted slot-seconds of a whole tree whose root is of this type; 0 if nothing is known. */
export function predictedTree(costs: Costs, rootType: string): number {
  return costs.trees.get(rootType)?.mean ?? 0;
}

/** Predicted seconds from the first grant of a tree to its end; 0 if nothing is known. */
export function predictedSpan(costs: Costs, rootType: string): number {
  return costs.spans.get(rootType)?.mean ?? 0;
}

/** Learns what a tree has used in all, and how long it took. */
export function learnTree(
  costs: Costs,
  rootType: string,
  took: { readonly attained: number; readonly seconds: number },
): void {
  learn(costs.trees, rootType, took.attained, took.attained);
  learn(costs.spans, rootType, took.seconds, took.seconds);
}

function learn(known: Map<string, Learnt>, name: string, value: number, guess: number): void {
  let learnt = known.get(name);
  // Put back at the end, so that the first is the one seen longest ago.
  if (learnt === undefined) learnt = { mean: guess, count: 0 };
  else known.delete(name);
  known.set(name, learnt);
  const rate = 1 / (learnt.count + 2);
  learnt.mean += (rate > rateMin ? rate : rateMin) * (value - learnt.mean);
  if (learnt.count < countMax) learnt.count += 1;
  if (known.size <= learntMax + learntMax / 4) return;
  for (const oldest of known.keys()) {
    if (known.size <= learntMax) return;
    known.delete(oldest);
  }
}

function kindOf(taskType: string, role: string): string {
  return `${taskType} ${role}`;
}
