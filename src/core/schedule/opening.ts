import { emptyBucket, opensAtMs, refundUnits, takeUnits, type Bucket } from "./buckets.ts";

/*
 * When a queue may grant at all: its rate limits, what its endpoint asked for, and whether the endpoint answers. A fold
 * of the log.
 */

/** What holds a whole queue back for a while. */
export interface Opening {
  readonly requests: Bucket;
  readonly tokens: Bucket;
  /** The endpoint has asked for a pause until then (429 with Retry-After); 0: it has not. */
  askedUntilMs: number;
  /** Calls in a row that the endpoint has failed. */
  failures: number;
  /** The breaker is open until then; 0: it has not opened since the last success. */
  brokenUntilMs: number;
}

/** How a call ended, as far as it tells something of the endpoint. */
export interface CallEnd {
  /**
   * `down`: the endpoint did not do its work (refused, broken, silent, still loading). `limited`: it asked for a
   * pause. `null`: it has answered.
   */
  readonly failed: "down" | "limited" | null;
  /** How long the endpoint asked to be left alone. */
  readonly retryAfterMs?: number;
  /** Tokens it has counted, prompt and answer. */
  readonly tokens?: number;
  /** The call was cut and will go on: so many tokens have to be read again. */
  readonly cut?: number;
}

/** Why a queue that has slots grants nothing, and until when. */
export interface Closed {
  readonly code: "rate_window" | "endpoint_asked" | "endpoint_down";
  readonly untilMs: number;
}

/** Failures in a row at which an endpoint counts as down. */
export const failuresMax = 3;
/** How long it is left alone then; doubled with every further failure, up to {@link brokenMsMax}. */
export const brokenMs = 5_000;
/** See {@link brokenMs}. */
export const brokenMsMax = 120_000;
/** Pause after a refusal for its rate that named no time. */
export const askedMsDefault = 2_000;
/** Longest pause an endpoint may ask for. */
export const askedMsMax = 3_600_000;

/** Nothing holds the queue back. */
export function wideOpen(): Opening {
  return {
    requests: emptyBucket(),
    tokens: emptyBucket(),
    askedUntilMs: 0,
    failures: 0,
    brokenUntilMs: 0,
  };
}

/** What holds the queue back now, the longest; `null`: nothing. */
export function closedBy(opening: Opening, nowMs: number): Closed | null {
  const { askedUntilMs, brokenUntilMs } = opening;
  let code: Closed["code"] = "rate_window";
  let untilMs = opensAtMs(opening.requests);
  const tokensAtMs = opensAtMs(opening.tokens);
  if (tokensAtMs > untilMs) untilMs = tokensAtMs;
  if (askedUntilMs > untilMs) {
    code = "endpoint_asked";
    untilMs = askedUntilMs;
  }
  if (brokenUntilMs > untilMs) {
    code = "endpoint_down";
    untilMs = brokenUntilMs;
  }
  return untilMs > nowMs ? { code, untilMs } : null;
}

/** True while an endpoint that was down is tried with one call at a time. */
export function isProbing({ failures }: Opening): boolean {
  return failures >= failuresMax;
}

/** A call is granted: it is one request, of so many predicted tokens. */
export function takeOpening(opening: Opening, tokens: number, atMs: number): void {
  takeUnits(opening.requests, 1, atMs);
  takeUnits(opening.tokens, tokens, atMs);
}

/**
 * What the end of a call tells that the queue does not know; `null`: nothing. Facts are written for each call, so that
 * only what changes something is written.
 */
export function newsOf(opening: Opening, end: CallEnd | undefined): CallEnd | null {
  if (end === undefined) return null;
  const { failed, retryAfterMs, tokens, cut } = end;
  const counted = opening.tokens.perMinute === null || tokens === undefined ? null : { tokens };
  if (failed === null && opening.failures === 0 && counted === null && cut === undefined)
    return null;
  return {
    failed,
    ...(retryAfterMs === undefined ? null : { retryAfterMs }),
    ...counted,
    ...(cut === undefined ? null : { cut }),
  };
}

/** A call has ended: `predicted` tokens were taken for it. */
export function foldEnd(opening: Opening, end: CallEnd, predicted: number, atMs: number): void {
  if (end.tokens !== undefined) refundUnits(opening.tokens, predicted - end.tokens);
  if (end.failed === null) {
    opening.failures = 0;
    opening.brokenUntilMs = 0;
  } else if (end.failed === "limited") {
    const asked = end.retryAfterMs ?? askedMsDefault;
    const untilMs = atMs + (asked < askedMsMax ? asked : askedMsMax);
    if (untilMs > opening.askedUntilMs) opening.askedUntilMs = untilMs;
  } else {
    opening.failures += 1;
    if (opening.failures < failuresMax) return;
    let pauseMs = brokenMs;
    for (let more = failuresMax; more < opening.failures && pauseMs < brokenMsMax; more += 1) {
      pauseMs *= 2;
    }
    opening.brokenUntilMs = atMs + (pauseMs < brokenMsMax ? pauseMs : brokenMsMax);
  }
}
