import { isRecord } from "../../../core/json.ts";
import {
  ModelError,
  type Delta,
  type ModelCall,
  type ModelFailure,
} from "../../../ports/models.ts";

/**
 * How an object and an llm-worker speak: a request is JSON, an answer is lines of JSON. Each line of a stream is a list of
 * deltas, the last one `{"end":true}`; an error is `{"error":{...}}`, as the answer or as the last line.
 */
export type ModelRequest =
  | { readonly ask: "stream"; readonly call: ModelCall }
  | { readonly ask: "probe"; readonly model: string }
  | { readonly ask: "list" }
  | { readonly ask: "embed"; readonly model: string; readonly texts: readonly string[] };

/** One line of an answer. */
export type ModelLine =
  | readonly Delta[]
  | { readonly end: true }
  | { readonly value: unknown }
  | { readonly error: WireError };

/** A {@link ModelError} on its way. */
export interface WireError {
  readonly failure: ModelFailure;
  readonly message: string;
  readonly status?: number;
  readonly retryAfterMs?: number;
}

/** Path of all requests; a change that an older one cannot read gets another. */
export const modelPath = "/v1/models-port";

/** Longest line, in characters: an answer in one piece is shorter. */
export const lineCharsMax = 8_000_000;

/** An object, so that the compiler counts them. */
const failures: Readonly<Record<ModelFailure, true>> = {
  refused: true,
  rate_limited: true,
  loading: true,
  rejected: true,
  context_overflow: true,
  prefill: true,
  generating: true,
  stalled: true,
  broken: true,
};

/** An error as a line tells it. What is no {@link ModelError} is told as `broken`. */
export function wireError(thrown: unknown): WireError {
  if (!(thrown instanceof ModelError)) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return { failure: "broken", message: `the llm-worker failed: ${message}` };
  }
  const { failure, message, status, retryAfterMs } = thrown;
  return {
    failure,
    message,
    ...(status === undefined ? {} : { status }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** Reads a line. Throws the {@link ModelError} it tells, and `broken` for what is no line. */
export function readLine(text: string): Exclude<ModelLine, { error: WireError }> {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch (cause) {
    throw new ModelError("broken", "the llm-worker sent a line that is no JSON", { cause });
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Made by serve-models.ts of the same program.
  if (Array.isArray(line)) return line as readonly Delta[];
  if (isRecord(line) && isRecord(line["error"])) throw toldError(line["error"]);
  if (isRecord(line) && line["end"] === true) return { end: true };
  if (isRecord(line) && "value" in line) return { value: line["value"] };
  throw new ModelError("broken", "the llm-worker sent a line that this version does not know");
}

function toldError(error: Readonly<Record<string, unknown>>): ModelError {
  const { failure, message, status, retryAfterMs } = error;
  const known = typeof failure === "string" && Object.hasOwn(failures, failure);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Just looked up.
  return new ModelError(known ? (failure as ModelFailure) : "broken", String(message), {
    ...(typeof status === "number" ? { status } : {}),
    ...(typeof retryAfterMs === "number" ? { retryAfterMs } : {}),
  });
}
