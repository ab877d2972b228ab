/** One call as it was seen, in ms of one clock. */
export interface CallTimes {
  readonly startedMs: number;
  /** When its first token came, and how many came with it. */
  readonly firstMs: number;
  readonly firstTokens: number;
  /** When its last token came. */
  readonly lastMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** A speed in tokens per second, 1..{@link speedMax}. `atLeast`: too fast, or too little of it seen, for more than a bound. */
export interface Speed {
  readonly tokensPerSecond: number;
  readonly atLeast: boolean;
}

/** What so many calls at once came to together. */
export interface Level {
  readonly calls: number;
  readonly tokensPerSecond: number;
}

/** A speed above is what a clock makes of an answer that was there already. */
export const speedMax = 1_000_000;
/** Aggregate speed must rise by this share for more calls at once to be of use: less is noise, and each call is slower. */
export const riseMin = 0.15;
/** A span below is nothing that tokens can be divided by. */
const spanMsMin = 1;

function bounded(tokensPerSecond: number): number {
  return Number.isFinite(tokensPerSecond)
    ? Math.min(speedMax, Math.max(1, tokensPerSecond))
    : speedMax;
}

/** Time to the first token, in ms. */
export function firstTokenMs({ startedMs, firstMs }: CallTimes): number {
  return firstMs - startedMs;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

function spread(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}

/**
 * How fast prompts are read, by what a longer prompt takes longer: what every call waits for in any case drops out. Where
 * the difference drowns in the spread of equal calls, the long prompt over all of its wait is the bound. Both lists
 * hold at least one call.
 */
export function promptSpeed(short: readonly CallTimes[], long: readonly CallTimes[]): Speed {
  const [shortMs, longMs] = [short.map(firstTokenMs), long.map(firstTokenMs)];
  const moreMs = median(longMs) - median(shortMs);
  const longTokens = median(long.map(({ inputTokens }) => inputTokens));
  const moreTokens = longTokens - median(short.map(({ inputTokens }) => inputTokens));
  const noiseMs = Math.max(spanMsMin, spread(shortMs), spread(longMs));
  if (moreTokens > 0 && moreMs > noiseMs)
    return { tokensPerSecond: bounded((1_000 * moreTokens) / moreMs), atLeast: false };
  const waitMs = Math.max(spanMsMin, median(longMs));
  return { tokensPerSecond: bounded((1_000 * longTokens) / waitMs), atLeast: true };
}

/**
 * How fast calls that ran at once wrote together: the tokens behind each one's first, from the first that came to the
 * last. Answers that came in one piece are counted over all of their time, which is a bound. Takes at least one call.
 */
export function decodeSpeed(calls: readonly CallTimes[]): Speed {
  const endMs = Math.max(...calls.map(({ lastMs }) => lastMs));
  const spanMs = endMs - Math.min(...calls.map(({ firstMs }) => firstMs));
  const later = sum(calls.map(({ outputTokens, firstTokens }) => outputTokens - firstTokens));
  if (later > 0 && spanMs >= spanMsMin)
    return { tokensPerSecond: bounded((1_000 * later) / spanMs), atLeast: false };
  const allMs = Math.max(spanMsMin, endMs - Math.min(...calls.map(({ startedMs }) => startedMs)));
  const tokens = sum(calls.map(({ outputTokens }) => outputTokens));
  return { tokensPerSecond: bounded((1_000 * tokens) / allMs), atLeast: true };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** What the first call waited longer than a like one behind it, in ms: the loading of its model. Never negative. */
export function loadMs(first: CallTimes, warm: CallTimes): number {
  return Math.max(0, firstTokenMs(first) - firstTokenMs(warm));
}

/** Numbers of calls to try at once: 1, 2, 4 and so on, and `slotsMax` at last. */
export function levelsUpTo(slotsMax: number): readonly number[] {
  const levels: number[] = [];
  for (let calls = 1; calls < slotsMax; calls *= 2) levels.push(calls);
  return [...levels, slotsMax];
}

/** Whether the last of the levels is enough faster than the one before it to try more; one level alone is. */
export function stillRises(levels: readonly Level[]): boolean {
  const [last, before] = [levels.at(-1), levels.at(-2)];
  if (last === undefined || before === undefined) return true;
  return last.tokensPerSecond >= before.tokensPerSecond * (1 + riseMin);
}

/** The calls at once up to which the aggregate speed rose. `levels` are as tried, ascending; 1 for none. */
export function usefulSlots(levels: readonly Level[]): number {
  let useful = levels[0]?.calls ?? 1;
  for (let tried = 2; tried <= levels.length; tried += 1) {
    if (!stillRises(levels.slice(0, tried))) break;
    useful = levels[tried - 1]?.calls ?? useful;
  }
  return useful;
}
