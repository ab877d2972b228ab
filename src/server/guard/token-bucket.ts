import type { Clock } from "../../ports/host.ts";

/** Answer of a bucket. `retryAfterMs` is 0 if the request may go on. */
export interface Allowance {
  readonly retryAfterMs: number;
  /** Requests that may follow at once. */
  readonly left: number;
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

/** Buckets kept at most; a full one can be forgotten, because a new one is full. */
const bucketsMax = 10_000;

/** A token bucket for each user: `perSecond` on average, `burst` at once. */
export class TokenBuckets {
  readonly perSecond: number;
  readonly burst: number;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(perSecond: number, burst: number, clock: Clock) {
    this.perSecond = perSecond;
    this.burst = burst;
    this.#clock = clock;
  }

  /** Users whose bucket is not known to be full. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes one token of `user`, if there is one. */
  take(user: string): Allowance {
    const bucket = this.#bucket(user);
    if (bucket.tokens < 1)
      return { retryAfterMs: Math.ceil(((1 - bucket.tokens) / this.perSecond) * 1_000), left: 0 };
    bucket.tokens -= 1;
    return { retryAfterMs: 0, left: Math.floor(bucket.tokens) };
  }

  #bucket(user: string): Bucket {
    const nowMs = this.#clock.nowMs();
    const bucket = this.#buckets.get(user);
    if (bucket !== undefined) {
      this.#fill(bucket, nowMs);
      return bucket;
    }
    if (this.#buckets.size >= bucketsMax) this.#forgetFull(nowMs);
    const made = { tokens: this.burst, filledAtMs: nowMs };
    this.#buckets.set(user, made);
    return made;
  }

  #fill(bucket: Bucket, nowMs: number): void {
    // A clock that was set back gives nothing and takes nothing.
    const passedMs = Math.max(0, nowMs - bucket.filledAtMs);
    bucket.tokens = Math.min(this.burst, bucket.tokens + (passedMs * this.perSecond) / 1_000);
    bucket.filledAtMs = nowMs;
  }

  #forgetFull(nowMs: number): void {
    for (const [user, bucket] of this.#buckets) {
      this.#fill(bucket, nowMs);
      if (bucket.tokens >= this.burst) this.#buckets.delete(user);
    }
  }
}
