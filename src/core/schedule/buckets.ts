/*
 * Rate limits by the generic cell rate algorithm: of each bucket one number is kept, the time at which it would be
 * empty of debt. A call may go when that time is at most a burst ahead.
 */

/** A limit over time. */
export interface Bucket {
  /** Units a minute; `null`: no limit. */
  perMinute: number | null;
  /** When all that was taken so far is earned, in epoch milliseconds. */
  earnedAtMs: number;
}

/** A queue that was quiet may take this much of its rate at once: in any minute at most a sixth more than its limit. */
export const burstMs = 10_000;

/** A bucket without a limit. */
export function emptyBucket(): Bucket {
  return { perMinute: null, earnedAtMs: 0 };
}

/** When the bucket lets the next call go; at or before now if it does already. */
export function opensAtMs({ perMinute, earnedAtMs }: Bucket): number {
  return perMinute === null ? 0 : earnedAtMs - burstMs;
}

/** Takes units out of the bucket. */
export function takeUnits(bucket: Bucket, units: number, nowMs: number): void {
  if (bucket.perMinute === null) return;
  const from = bucket.earnedAtMs > nowMs ? bucket.earnedAtMs : nowMs;
  bucket.earnedAtMs = from + (units * 60_000) / bucket.perMinute;
}

/** Puts right what was taken on a guess: `units` are given back, or taken if negative. */
export function refundUnits(bucket: Bucket, units: number): void {
  if (bucket.perMinute !== null) bucket.earnedAtMs -= (units * 60_000) / bucket.perMinute;
}
