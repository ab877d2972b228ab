import { isErrorCode } from "../core/errors.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Failure, Refusal } from "./failure.ts";
import type { WireError } from "./wire.ts";

/** An error for people: what happened, and what helps (may be empty). Both are whole sentences. */
export interface Explanation {
  readonly what: string;
  readonly help: string;
}

/** One row for each code of core/errors.ts, so that no error reaches a person as a bare code. */
const sentences: Record<ErrorCode, Explanation> = {
  invalid_request: { what: "The server did not accept this.", help: "" },
  unauthenticated: {
    what: "This server needs an API key.",
    help: "Enter a key that is valid, then try again.",
  },
  forbidden: { what: "Your API key may not do that.", help: "Ask whoever runs this server." },
  not_found: { what: "That does not exist, or it is not yours.", help: "" },
  method_not_allowed: {
    what: "The server does not know this action.",
    help: "It may be older than this page: reload the page.",
  },
  conflict: { what: "That is not possible in its present state.", help: "" },
  session_busy: {
    what: "This chat is still answering another message.",
    help: "Wait for the answer or stop it, then send again.",
  },
  gone: { what: "That was removed because it was too old.", help: "" },
  too_large: { what: "That is too large for this server.", help: "Make it shorter." },
  unsupported_media_type: {
    what: "The server does not read this kind of content.",
    help: "Reload the page.",
  },
  idempotency_mismatch: {
    what: "This was already sent with another text.",
    help: "Send it again as a new message.",
  },
  limit_exceeded: { what: "A limit of this server was reached.", help: "" },
  rate_limited: { what: "Too many requests in a short time.", help: "Wait a moment." },
  queue_full: { what: "The queue is full.", help: "Wait until some tasks have finished." },
  client_closed: { what: "The connection was closed before the answer.", help: "Try again." },
  internal: { what: "The server failed on its side.", help: "Nothing that it accepted is lost." },
  unavailable: { what: "The server cannot do this right now.", help: "Try again in a moment." },
  storage_full: {
    what: "The server's disk is full; nothing was accepted.",
    help: "Free some space on it, then try again.",
  },
  handler_failed: { what: "The task failed while it ran.", help: "A retry may help." },
  fatal: { what: "The task failed for good.", help: "" },
  timed_out: { what: "The task took longer than it may.", help: "A retry may help." },
  idle_timed_out: { what: "The task made no progress for too long.", help: "A retry may help." },
  deadline_exceeded: { what: "The task's deadline passed.", help: "" },
  worker_lost: {
    what: "The worker died several times while it ran this task.",
    help: "The server's log says why.",
  },
  unknown_type: { what: "The server does not know this type of task.", help: "" },
  nondeterministic: {
    what: "The task did something else when it was resumed.",
    help: "Its code must do the same steps each time.",
  },
  duplicate_step: { what: "Two steps of the task have the same name.", help: "Rename one." },
  unledgered_tool: {
    what: "The task used the result of a tool that was not recorded.",
    help: "Its tools must come from ctx.tools.",
  },
  tool_unknown: {
    what: "It is not known whether a tool took effect.",
    help: "Check it before you retry.",
  },
  fenced: { what: "A newer attempt has taken over.", help: "" },
  model_unavailable: {
    what: "The model could not be reached.",
    help: "Check that it is running, then retry.",
  },
  model_rate_limited: { what: "The model limits how often it is asked.", help: "Retry later." },
  model_rejected: { what: "The model refused the request.", help: "" },
  model_loading: {
    what: "The model is still being loaded.",
    help: "Retry in a minute, or look at the model server.",
  },
  model_silent: {
    what: "The model did not begin to answer.",
    help: "Retry; a shorter prompt is read sooner.",
  },
  model_interrupted: { what: "The model's answer broke off.", help: "Retry." },
  model_stalled: { what: "The model stopped in the middle of its answer.", help: "Retry." },
  model_broken: { what: "What the model sent made no sense.", help: "Retry." },
  context_overflow: {
    what: "This conversation is longer than the model can read.",
    help: "Start a new chat, or use a model with a larger context.",
  },
  child_failed: { what: "A subtask failed.", help: "Open the task to see which one." },
  cancelled: { what: "It was stopped.", help: "" },
  expired: { what: "It waited longer than it may, and was given up.", help: "Retry it." },
};

/** What a failed request means, in words. Each class (4xx, 5xx, no network, no sense) has its own sentence. */
export function explainFailure(failure: Failure): Explanation {
  switch (failure.kind) {
    case "network":
      return {
        what: "No connection to the server.",
        help: "Check that it is running and that you are online, then try again.",
      };
    case "confusing":
      return {
        what: "The answer did not come from an Errand server of this version.",
        help: "Check the address, and reload the page.",
      };
    case "refused":
      return explainRefusal(failure, "The server refused this");
    case "server":
      return explainRefusal(failure, "The server failed");
    default: {
      const never: never = failure;
      return never;
    }
  }
}

/** What the error of an ended task means, in words. The server's own message follows when it says more. */
export function explainTaskError(error: WireError): Explanation {
  const known = isErrorCode(error.code) ? sentences[error.code] : undefined;
  if (known === undefined) return { what: error.message || `It failed (${error.code}).`, help: "" };
  return { what: known.what, help: known.help };
}

/** Explanation as one line. */
export function inOneLine(explanation: Explanation): string {
  return explanation.help === "" ? explanation.what : `${explanation.what} ${explanation.help}`;
}

function explainRefusal(refusal: Refusal, otherwise: string): Explanation {
  const known = isErrorCode(refusal.code) ? sentences[refusal.code] : undefined;
  const what = known?.what ?? `${otherwise} (${refusal.status}).`;
  const help = [...details(refusal), known?.help ?? "", when(refusal), trace(refusal)];
  return { what, help: help.filter((part) => part !== "").join(" ") };
}

/** Which fields are wrong, else the server's own sentence where ours is general. */
function details(refusal: Refusal): string[] {
  if (refusal.fields.length > 0) {
    return refusal.fields.map((field) => sentence(`${field.field}: ${field.message}`));
  }
  const general = ["invalid_request", "conflict", "limit_exceeded", "model_rejected"];
  return refusal.detail !== "" && (general.includes(refusal.code) || !isErrorCode(refusal.code))
    ? [sentence(refusal.detail)]
    : [];
}

function when(refusal: Refusal): string {
  if (refusal.retryAfterMs === null) return "";
  const seconds = Math.max(1, Math.ceil(refusal.retryAfterMs / 1000));
  return `The server asks to wait ${seconds} s.`;
}

/** Only a 5xx is worth a look into the server's log. */
function trace(refusal: Refusal): string {
  return refusal.status >= 500 && refusal.requestId !== null
    ? `In its log this is request ${refusal.requestId}.`
    : "";
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
