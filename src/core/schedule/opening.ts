import type { SpeedSeen } from "./speeds.ts";
import { tidyTokens } from "./rule.ts";
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
  /** Code of the last failure; `null`: the last call was answered. */
  cause: string | null;
  /** Calls in a row that found the model not in memory yet. */
  loadings: number;
  /** It is asked again then whether its model is in memory; 0: it has not said that it is being loaded. */
  loadingUntilMs: number;
}

/** How a call ended, as far as it tells something of the endpoint. */
export interface CallEnd {
  /**
   * `down`: the endpoint did not do its work (refused, broken, silent). `loading`: it will, once its model is in memory.
   * `limited`: it asked for a pause. `null`: it has answered.
   */
  readonly failed: "down" | "loading" | "limited" | null;
  /** Code of the failure, of one that is `down`. */
  readonly cause?: string;
  /** How long the endpoint asked to be left alone. */
  readonly retryAfterMs?: number;
  /** Tokens it has counted, prompt and answer. */
  readonly tokens?: number;
  /** The call was cut and will go on: so many tokens have to be read again. */
  readonly cut?: number;
  /** How fast the answer was; it is no part of the log, what is learnt from it is. */
  readonly speed?: SpeedSeen;
}

/** Why a queue that has slots grants nothing, and until when. */
export interface Closed {
  readonly code: "rate_window" | "endpoint_asked" | "endpoint_loading" | "endpoint_down";
  readonly untilMs: number;
  /** Of an endpoint that is down: code of its last failure. */
  readonly error?: string;
}

/** Failures in a row at which an endpoint counts as down. */
export const failuresMax = 3;
/** How long it is left alone then; doubled with every further failure, up to {@link brokenMsMax}. */
export const brokenMs = 5_000;
/** See {@link brokenMs}. */
export const brokenMsMax = 120_000;
/** Pause after the first answer that the model is not in memory yet; doubled up to {@link loadingMsMax}. */
export const loadingMs = 1_000;
/** See {@link loadingMs}. A model is not waited for much longer than it takes, and its server is hardly asked. */
export const loadingMsMax = 10_000;
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
    cause: null,
    loadings: 0,
    loadingUntilMs: 0,
  };
}

/** What holds the queue back now, the longest; `null`: nothing. */
export function closedBy(opening: Opening, nowMs: number): Closed | null {
  const { askedUntilMs, brokenUntilMs, loadingUntilMs, cause } = opening;
  let code: Closed["code"] = "rate_window";
  let untilMs = opensAtMs(opening.requests);
  const tokensAtMs = opensAtMs(opening.tokens);
  if (tokensAtMs > untilMs) untilMs = tokensAtMs;
  if (askedUntilMs > untilMs) {
    code = "endpoint_asked";
    untilMs = askedUntilMs;
  }
  if (loadingUntilMs > untilMs) {
    code = "endpoint_loading";
    untilMs = loadingUntilMs;
  }
  if (brokenUntilMs > untilMs) {
    code = "endpoint_down";
    untilMs = brokenUntilMs;
  }
  if (untilMs <= nowMs) return null;
  return code === "endpoint_down" && cause !== null
    ? { code, untilMs, error: cause }
    : { code, untilMs };
}

/** True while an endpoint that was down, or is loading its model, is tried with one call at a time. */
export function isProbing({ failures, loadings }: Opening): boolean {
  return failures >= failuresMax || loadings > 0;
}

/** A call is granted: it is one request, of so many predicted tokens. */
export function takeOpening(opening: Opening, tokens: number, atMs: number): void {
  takeUnits(opening.requests, 1, atMs);
  takeUnits(opening.tokens, tokens, atMs);
}

/**
 * What the end of a call tells that the queue does not know; `null`: nothing. Facts are written for each call, so that
 * only what changes something is written. `limit`: that of the queue's tokens.
 */
export function newsOf(
  opening: Opening,
  end: CallEnd | undefined,
  limit: Bucket = opening.tokens,
): CallEnd | null {
  if (end === undefined) return null;
  const { failed, cause, retryAfterMs, tokens, cut } = end;
  const counted =
    limit.perMinute === null || tokens === undefined
      ? null
      : // What an endpoint counts may be no number, and one such would spoil the bucket for good.
        { tokens: tidyTokens(tokens) };
  const changes = failed !== null || opening.failures > 0 || opening.loadings > 0;
  if (!changes && counted === null && cut === undefined) return null;
  return {
    failed,
    ...(cause === undefined ? null : { cause }),
    ...(retryAfterMs === undefined ? null : { retryAfterMs }),
    ...counted,
    ...(cut === undefined ? null : { cut }),
  };
}

/** A call has ended: `predicted` tokens were taken for it. */
export function foldEnd(opening: Opening, end: CallEnd, predicted: number, atMs: number): void {
  foldTokens(opening, end, predicted);
  if (end.failed === null) {
    opening.failures = 0;
    opening.brokenUntilMs = 0;
    opening.cause = null;
    opening.loadings = 0;
    opening.loadingUntilMs = 0;
  } else if (end.failed === "loading") {
    opening.loadings += 1;
    const asked = end.retryAfterMs ?? doubled(loadingMs, opening.loadings - 1, loadingMsMax);
    const untilMs = atMs + (asked < askedMsMax ? asked : askedMsMax);
    if (untilMs > opening.loadingUntilMs) opening.loadingUntilMs = untilMs;
  } else if (end.failed === "limited") {
    const asked = end.retryAfterMs ?? askedMsDefault;
    const untilMs = atMs + (asked < askedMsMax ? asked : askedMsMax);
    if (untilMs > opening.askedUntilMs) opening.askedUntilMs = untilMs;
  } else {
    opening.failures += 1;
    opening.cause = end.cause ?? null;
    if (opening.failures < failuresMax) return;
    opening.brokenUntilMs = atMs + doubled(brokenMs, opening.failures - failuresMax, brokenMsMax);
  }
}

/** Tokens were counted that `predicted` were taken for. */
export function foldTokens(opening: Opening, { tokens }: CallEnd, predicted: number): void {
  if (tokens !== undefined) refundUnits(opening.tokens, predicted - tokens);
}

/** `first`, doubled so many times, but no more than `most`. */
function doubled(first: number, times: number, most: number): number {
  let value = first;
  for (let time = 0; time < times && value < most; time += 1) value *= 2;
  return value < most ? value : most;
}
