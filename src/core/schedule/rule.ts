/**
 * The numbers of the scheduling rule, in one place, and the arithmetic that uses
 * them. Service is measured in slot-seconds: one slot held for one second. Only + - * / and comparisons are used,
 * so that every host computes the same doubles and takes the same decisions.
 */

/** Lower bands may have waited this long behind interactive work before they earn turns of their own. */
export const patienceMs = 60_000;
/** Share of interactive service that lower bands earn once their patience is over. */
export const lowerShare = 0.1;
/** Share of background service that batch work earns while both wait. */
export const batchShare = 0.05;
/** Most credit, in slot-seconds, that lower bands or batch may save up: a burst of turns stays short. */
export const creditMax = 60;
/**
 * Most that one long turn may put a credit below 0, in slot-seconds: lower bands wait for their next turn until
 * interactive work has had at most ten times as much, and batch until background work has had twenty times.
 */
export const debtMax = 600;
/** Credit at which batch takes a turn before background work, in slot-seconds. */
export const batchTurnCredit = 3;
/**
 * How far, in slot-seconds per weight, a key may fall behind its band's clock and still catch up. Without caps a key
 * lags by about one call of somebody else's; behind a cap of its type it could save up service for hours.
 */
export const lagMax = 300;
/** An interactive task tree that has used more slot-seconds than this goes on in the background band. */
export const demoteAfter = 120;
/** What a second of waiting weighs against a slot-second of service, by band. Constant, so heaps stay valid. */
const ageWeight: readonly [number, number, number] = [0, 0.02, 0.02];

/** Smallest and largest predicted cost of a call, in slot-seconds. */
export const costMin = 0.001;
/** See {@link costMin}. */
export const costMax = 1_000_000;
/** Smallest and largest weight of a fairness key. */
export const weightMin = 0.001;
/** See {@link weightMin}. */
export const weightMax = 1_000;
/** Length of the window over which the load of a band is measured. */
export const recentMs = 600_000;
/** A root task that has used less than this, in slot-seconds, is not worth remembering between its calls. */
export const rootServiceMin = 1;

/** How many root tasks a queue remembers between their calls; those served longest ago are forgotten first. */
export function rootsMax(slots: number): number {
  return 1_024 + 4 * slots;
}

/**
 * A predicted cost as the clocks may be charged with it: within its limits, in whole thousandths so that it is
 * short in the log. What is not a number becomes the smallest cost, because one NaN would spoil a clock for good.
 */
export function tidyCost(cost: number): number {
  if (!(cost >= costMin)) return costMin;
  return cost > costMax ? costMax : Math.round(cost * 1_000) / 1_000;
}

/** Predicted tokens as a limit may be charged with them: a whole number from 0 to a billion. */
export function tidyTokens(tokens: number | undefined): number {
  if (tokens === undefined || !(tokens > 0)) return 0;
  return tokens > 1_000_000_000 ? 1_000_000_000 : Math.round(tokens);
}

/**
 * A cost in whole thousandths of a slot-second. Sums are made of these, because they are exact: a sum of doubles
 * would depend on the order in which a restart brings them back.
 */
export function thousandths(cost: number): number {
  return Math.round(cost * 1_000);
}

/** A weight within its limits; what is not a number becomes 1. */
export function tidyWeight(weight: number): number {
  if (Number.isNaN(weight)) return 1;
  if (weight < weightMin) return weightMin;
  return weight > weightMax ? weightMax : weight;
}

/**
 * Rank of a fairness key in its band; the least goes first: what the key has been served per weight, plus what
 * its next call is predicted to cost, and in the lower bands a little for every second it came later. Terms of
 * the rule that come later (the cost of swapping a model, the bonus of a warm prefix) are added here.
 */
export function rankOf(
  band: 0 | 1 | 2,
  served: number,
  weight: number,
  cost: number,
  readyAtMs: number,
): number {
  return served + cost / weight + ageWeight[band] * (readyAtMs / 1_000);
}
