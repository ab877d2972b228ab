import { isRecord } from "../core/json.ts";
import type { ModelFailure } from "./models.ts";

/** Longest wait taken from a `Retry-After`: a server that asks for more is wrong or hostile. */
export const retryAfterMsMax = 86_400_000;
/** Characters kept of a server's own words in an error message. */
export const endpointMessageCharsMax = 300;

/** What an endpoint says about a failure, in its own words. */
export interface EndpointError {
  /** One line, at most {@link endpointMessageCharsMax} characters, without control characters; "" if it said nothing. */
  readonly message: string;
  /** Its `code` and `type`, joined: "context_length_exceeded invalid_request_error". */
  readonly code: string;
  /** The HTTP status a body carries in itself, as errors in mid-stream do. */
  readonly status: number | undefined;
}

/** Phrases (lower case) by which servers say that the prompt does not fit. */
const overflowPhrases: readonly string[] = [
  "context_length_exceeded", // OpenAI, Groq
  "maximum context length", // OpenAI, vLLM
  "longer than the maximum model length", // vLLM
  "too long to fit into the model", // vLLM
  "exceed_context_size_error", // llama.cpp
  "available context size", // llama.cpp
  "context the overflows", // LM Studio, in these words
  "context overflow", // LM Studio
  "context size has been exceeded", // LM Studio
  "greater than the context length", // LM Studio
  "reached context length", // LM Studio
  "exceeds the context length", // Ollama
  "exceeds maximum context length", // Ollama
  "exceeded max context length", // Ollama
  "exceed context window", // llama-cpp-python
  "context length exceeded",
  "context window exceeded",
  "exceeds the maximum number of tokens", // Gemini
  "prompt is too long", // Anthropic
  "input is too long", // Bedrock
];

/** Phrases of a server that will answer when its model is in memory. */
const loadingPhrases: readonly string[] = [
  "loading model", // llama.cpp
  "model is loading",
  "currently loading", // TGI
  "still loading",
  "no models loaded", // LM Studio: waits for its user
  "model is unloaded", // LM Studio
];

/** Phrases of a server that has more work than room. */
const busyPhrases: readonly string[] = [
  "maximum pending requests", // Ollama
  "server busy",
  "overloaded",
  "at capacity",
  "queue is full",
];

/** Phrases of a 429 that waiting does not cure. */
const quotaPhrases: readonly string[] = ["insufficient_quota", "billing_hard_limit", "no credits"];

/** How far an answer had come when it failed: nothing was said of it yet, or something was. */
export type AnswerPhase = "prefill" | "generating";

/**
 * What a failure in the middle of a stream means. An endpoint that took the call and then could do no more has failed in
 * the phase it was in; what it says of the request itself, or of its load, is the same in any.
 */
export function streamFailure(error: EndpointError, phase: AnswerPhase): ModelFailure {
  const failure = endpointFailure(undefined, error);
  const isOfAnswer = failure === "refused" || failure === "broken" || failure === "prefill";
  return isOfAnswer ? phase : failure;
}

/**
 * What a failure means for a retry (M8). `status` is the HTTP status of the answer, or undefined for an error inside a
 * stream that began well: then the status in the error itself decides, and without one the answer is `broken`.
 */
export function endpointFailure(status: number | undefined, error: EndpointError): ModelFailure {
  const words = `${error.code} ${error.message}`.toLowerCase();
  const says = (phrases: readonly string[]): boolean =>
    phrases.some((phrase) => words.includes(phrase));
  const effective = status ?? error.status;
  if (says(overflowPhrases) || effective === 413) return "context_overflow";
  if (effective === 429) return says(quotaPhrases) ? "rejected" : "rate_limited";
  if (says(loadingPhrases) || effective === 425) return "loading";
  if (says(busyPhrases) || effective === 529) return "rate_limited";
  if (effective === undefined) return "broken";
  if (effective === 408 || effective === 504 || effective === 524) return "prefill";
  if (effective === 502 || effective === 503 || (effective >= 520 && effective <= 523))
    return "refused";
  return effective >= 500 ? "broken" : "rejected";
}

/**
 * Reads an error body of any of the shapes seen in the wild: `{error: {message, code, type}}`, `{error: "..."}`,
 * `{message}`, `{detail}`, or plain text and HTML, whose beginning is quoted. Never throws.
 */
export function readEndpointError(body: string): EndpointError {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { message: oneLine(body), code: "", status: undefined };
  }
  return endpointErrorOf(parsed);
}

/** As {@link readEndpointError}, for a body that is parsed already. */
export function endpointErrorOf(body: unknown): EndpointError {
  const outer = isRecord(body) ? body : {};
  const inner = isRecord(outer["error"]) ? outer["error"] : {};
  const message =
    text(inner["message"]) ?? text(outer["error"]) ?? text(outer["message"]) ?? detail(outer);
  const codes = [inner["code"], inner["type"], outer["code"], outer["type"]];
  const status = [inner["code"], inner["status"], outer["code"], outer["status"]].find(isStatus);
  return {
    message: oneLine(message ?? ""),
    code: oneLine(codes.filter((code) => typeof code === "string").join(" ")),
    status,
  };
}

/** Codes of a connection that was given up because nothing came for too long. */
export const silentCodes: ReadonlySet<string> = new Set([
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);

/**
 * The system's code ("ECONNRESET") of an error that a broken connection led to, "" if it has none. Node hides it in
 * `cause`, and that of several attempts in `cause.errors`.
 */
export function connectionCode(error: unknown): string {
  let at: unknown = error;
  for (let depth = 0; depth < 4 && isRecord(at); depth++) {
    if (typeof at["code"] === "string") return at["code"];
    const errors = at["errors"];
    at = at["cause"] ?? (Array.isArray(errors) ? errors[0] : undefined);
  }
  return "";
}

/**
 * The wait a server asks for, in ms: `retry-after-ms`, else `retry-after` in seconds or as an HTTP date. Between 0 and
 * {@link retryAfterMsMax}; undefined if absent or unreadable.
 */
export function retryAfterMs(
  header: (name: string) => string | null | undefined,
  nowMs: number,
): number | undefined {
  const ms = decimal(header("retry-after-ms"));
  if (ms !== undefined) return clampWait(ms);
  const value = header("retry-after");
  const seconds = decimal(value);
  if (seconds !== undefined) return clampWait(seconds * 1_000);
  // HTTP dates begin with a weekday; `Date.parse` alone takes "-5" for a year.
  const dateMs = /^[a-z]{3,9},? /i.test(value ?? "") ? Date.parse(value ?? "") : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : clampWait(dateMs - nowMs);
}

function clampWait(delayMs: number): number {
  return Math.min(Math.max(Math.ceil(delayMs), 0), retryAfterMsMax);
}

/** A plain decimal: `Number` alone would read "" as 0 and "0x10" as 16. */
function decimal(value: string | null | undefined): number | undefined {
  const trimmed = value?.trim() ?? "";
  return /^\d{1,15}(?:\.\d{1,9})?$/.test(trimmed) ? Number(trimmed) : undefined;
}

function isStatus(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 400 && value <= 599;
}

function detail(body: Readonly<Record<string, unknown>>): string | undefined {
  const value = body["detail"];
  return value === undefined ? undefined : (text(value) ?? JSON.stringify(value));
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Control characters go, because the text ends in logs and terminals. */
function oneLine(value: string): string {
  const start = value.slice(0, 4 * endpointMessageCharsMax);
  const line = start.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
  return line.length > endpointMessageCharsMax
    ? `${line.slice(0, endpointMessageCharsMax - 3)}...`
    : line;
}
