/** What the caller should do about an error: nothing helps, wait and repeat, or repeat after `retryAfterMs`. */
export type RetryAdvice = "never" | "backoff" | "after";

/** What a code means to whoever gets it. */
export interface ErrorRow {
  readonly status: number;
  readonly retry: RetryAdvice;
  readonly title: string;
}

/** A code of the closed list. */
export type ErrorCode =
  | "invalid_request"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "session_busy"
  | "gone"
  | "too_large"
  | "unsupported_media_type"
  | "idempotency_mismatch"
  | "limit_exceeded"
  | "rate_limited"
  | "queue_full"
  | "client_closed"
  | "internal"
  | "unavailable"
  | "storage_full"
  | "handler_failed"
  | "fatal"
  | "timed_out"
  | "idle_timed_out"
  | "deadline_exceeded"
  | "worker_lost"
  | "unknown_type"
  | "nondeterministic"
  | "duplicate_step"
  | "unledgered_tool"
  | "tool_unknown"
  | "fenced"
  | "model_unavailable"
  | "model_rate_limited"
  | "model_rejected"
  | "model_loading"
  | "model_silent"
  | "model_interrupted"
  | "model_stalled"
  | "model_broken"
  | "context_overflow"
  | "child_failed"
  | "cancelled"
  | "expired";

/** Every error code of Errand. Callers branch on the code, never on the text. */
const rows: Readonly<Record<ErrorCode, ErrorRow>> = {
  invalid_request: { status: 400, retry: "never", title: "The request is not valid" },
  unauthenticated: { status: 401, retry: "never", title: "A valid API key is needed" },
  forbidden: { status: 403, retry: "never", title: "This key may not do that" },
  not_found: { status: 404, retry: "never", title: "There is no such thing, or it is not yours" },
  method_not_allowed: { status: 405, retry: "never", title: "This path does not take that method" },
  conflict: {
    status: 409,
    retry: "never",
    title: "The thing is in a state that does not allow this",
  },
  session_busy: { status: 409, retry: "after", title: "The session is answering another message" },
  gone: { status: 410, retry: "never", title: "The thing was removed after its retention" },
  too_large: { status: 413, retry: "never", title: "The request is larger than the limit" },
  unsupported_media_type: {
    status: 415,
    retry: "never",
    title: "The content type is not one this path reads",
  },
  idempotency_mismatch: {
    status: 422,
    retry: "never",
    title: "This Idempotency-Key was used with another body",
  },
  limit_exceeded: { status: 422, retry: "never", title: "A limit of the task tree was reached" },
  rate_limited: { status: 429, retry: "after", title: "Too many requests" },
  queue_full: { status: 429, retry: "after", title: "Too many tasks are queued" },
  client_closed: { status: 499, retry: "never", title: "The client went away" },
  internal: { status: 500, retry: "backoff", title: "Errand has a bug here" },
  unavailable: { status: 503, retry: "after", title: "Errand cannot do this now" },
  storage_full: { status: 507, retry: "after", title: "The disk is full; nothing was accepted" },
  // Codes of a task's end. They are stored, not answered, except inside a task's `error`.
  handler_failed: { status: 500, retry: "backoff", title: "The task's handler failed" },
  fatal: { status: 500, retry: "never", title: "The task's handler failed for good" },
  timed_out: { status: 504, retry: "backoff", title: "The attempt took longer than its timeout" },
  idle_timed_out: {
    status: 504,
    retry: "backoff",
    title: "The attempt made no progress for too long",
  },
  deadline_exceeded: { status: 504, retry: "never", title: "The task's deadline passed" },
  worker_lost: {
    status: 500,
    retry: "never",
    title: "The worker died too often while running this task",
  },
  unknown_type: { status: 422, retry: "never", title: "No such task type is loaded here" },
  nondeterministic: {
    status: 500,
    retry: "never",
    title: "The handler asked for something else when it was replayed",
  },
  duplicate_step: {
    status: 500,
    retry: "never",
    title: "Two steps of one task have the same name",
  },
  unledgered_tool: {
    status: 500,
    retry: "never",
    title: "A prompt holds a tool result that no ledgered tool gave",
  },
  tool_unknown: {
    status: 500,
    retry: "never",
    title: "It is not known whether a tool call took effect",
  },
  fenced: { status: 409, retry: "never", title: "A newer attempt owns this task" },
  model_unavailable: {
    status: 503,
    retry: "backoff",
    title: "The model endpoint cannot be reached",
  },
  model_rate_limited: { status: 429, retry: "after", title: "The model endpoint limits the rate" },
  model_rejected: { status: 502, retry: "never", title: "The model endpoint refused the request" },
  model_loading: {
    status: 503,
    retry: "backoff",
    title: "The model is not in memory yet",
  },
  model_silent: {
    status: 504,
    retry: "backoff",
    title: "The model did not begin to answer",
  },
  model_interrupted: {
    status: 502,
    retry: "backoff",
    title: "The model's answer broke off",
  },
  model_stalled: { status: 504, retry: "backoff", title: "The model stopped sending tokens" },
  model_broken: {
    status: 502,
    retry: "backoff",
    title: "What the model sent is no answer",
  },
  context_overflow: {
    status: 422,
    retry: "never",
    title: "The prompt is longer than the model's context",
  },
  child_failed: { status: 500, retry: "never", title: "A subtask failed" },
  cancelled: { status: 409, retry: "never", title: "The task was cancelled" },
  expired: { status: 504, retry: "never", title: "The task waited longer than its ttl" },
};

/** HTTP status, retry advice and title of a code. */
export function describeError(code: ErrorCode): ErrorRow {
  return rows[code];
}

/** True if `code` is one of Errand's codes: stored errors are parsed with it, never cast. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(rows, code);
}

/** One wrong field of a request: which, what it held (shortened), what is accepted. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** An error as it is stored and sent: no stack, no cause, no secret. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterMs?: number;
  readonly fields?: readonly FieldError[];
}

/** The one error type of Errand. `message` names the thing, the value and the accepted range, then what to do. */
export class ErrandError extends Error {
  override readonly name = "ErrandError";
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly fields: readonly FieldError[] | undefined;

  constructor(
    code: ErrorCode,
    message?: string,
    options: {
      cause?: unknown;
      retryAfterMs?: number | undefined;
      fields?: readonly FieldError[] | undefined;
    } = {},
  ) {
    super(
      message ?? rows[code].title,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.fields = options.fields;
  }

  /** The part of the error that may be stored and shown. */
  toData(): ErrorData {
    return {
      code: this.code,
      message: this.message,
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
      ...(this.fields === undefined ? {} : { fields: this.fields }),
    };
  }
}

/** Builds error data for a decider's refusal, which is an answer and not an exception. */
export function errorData(code: ErrorCode, message?: string, retryAfterMs?: number): ErrorData {
  return {
    code,
    message: message ?? rows[code].title,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}
