import { isRecord } from "../../core/json.ts";
import {
  connectionCode,
  endpointErrorOf,
  endpointFailure,
  readEndpointError,
  retryAfterMs,
  silentCodes,
  streamFailure,
  type AnswerPhase,
  type EndpointError,
} from "../../ports/model-failure.ts";
import { ModelError, type ModelFailure } from "../../ports/models.ts";

/** Errors of the SDK that no other try would mend: a key is missing, the model is unknown, the prompt is wrong. */
const rejections = new Set([
  "AI_InvalidArgumentError",
  "AI_InvalidPromptError",
  "AI_LoadAPIKeyError",
  "AI_LoadSettingError",
  "AI_NoSuchModelError",
  "AI_UnsupportedFunctionalityError",
]);

/** Codes of a connection that was never made. */
const unreached = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

/** Errors of the SDK that say that what came is not an answer. */
const malformed = new Set(["AI_JSONParseError", "AI_TypeValidationError"]);

/**
 * What an error of an AI SDK provider means, as a {@link ModelError}. It is read by its fields and not by its class,
 * because providers bring their own copies of the classes. `phase`: how far the answer had come, if one had begun.
 */
export function sdkFailure(error: unknown, phase: AnswerPhase = "prefill"): ModelError {
  if (error instanceof ModelError) return error;
  // Error parts may be the endpoint's error object itself.
  if (!(error instanceof Error)) return inStream(error, phase);
  const fields: Readonly<Record<string, unknown>> = isRecord(error) ? error : {};
  const { statusCode, responseBody, responseHeaders, isRetryable } = fields;
  const said = readEndpointError(typeof responseBody === "string" ? responseBody : "");
  const message = said.message || endpointErrorOf(error).message;
  if (rejections.has(error.name)) return new ModelError("rejected", message, { cause: error });
  // A good status says that the answer began well: what failed is its body.
  const status = typeof statusCode === "number" && statusCode >= 300 ? statusCode : undefined;
  // A call that got no status and may be repeated did not reach its endpoint.
  if (statusCode === undefined && (isRetryable === true || unreached.has(connectionCode(error))))
    return new ModelError("refused", message, { cause: error });
  const headers = isRecord(responseHeaders) ? responseHeaders : {};
  const header = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === "string" ? value : undefined;
  };
  const about = { ...said, message };
  // Without a status of its own it is the answer that failed; what was said of it before shows that it had begun.
  const hasBegun = phase === "generating" && !malformed.has(error.name);
  const isCut = brokeOff(error, fields);
  const failure =
    status === undefined && (hasBegun || isCut)
      ? cutFailure(error, about, phase)
      : endpointFailure(status, about);
  return new ModelError(failure, message, {
    cause: error,
    ...(status === undefined ? {} : { status }),
    retryAfterMs: retryAfterMs(header, Date.now()),
  });
}

/**
 * True for an answer whose connection or body ended too soon: a status that is good, and yet worth another try to the SDK;
 * a cause with a system's code; or the SDK's own word for an end without a finish reason. Bad data has none of these.
 */
function brokeOff(error: Error, fields: Readonly<Record<string, unknown>>): boolean {
  if (malformed.has(error.name)) return false;
  if (fields["isRetryable"] === true || connectionCode(error.cause) !== "") return true;
  return error.name === "AI_InvalidResponseDataError" && /ended without/i.test(error.message);
}

function cutFailure(error: Error, about: EndpointError, phase: AnswerPhase): ModelFailure {
  if (!silentCodes.has(connectionCode(error.cause))) return streamFailure(about, phase);
  return phase === "generating" ? "stalled" : "prefill";
}

function inStream(error: unknown, phase: AnswerPhase): ModelError {
  const said = endpointErrorOf(isRecord(error) ? { error } : { message: String(error) });
  return new ModelError(
    streamFailure(said, phase),
    `the provider reported an error in the middle of its answer: ${said.message || said.code}`,
    said.status === undefined ? { cause: error } : { cause: error, status: said.status },
  );
}
