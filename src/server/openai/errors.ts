import { describeError, ErrandError, type ErrorCode } from "../../core/errors.ts";
import { saysMissing } from "../input/issue-words.ts";
import { retryAfterOf, retryHeaders } from "../problem.ts";

/** An error as OpenAI's clients read it. */
export interface OpenAiError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

/** OpenAI's words and statuses for errors its clients know; the others keep Errand's. */
const known: Partial<Record<ErrorCode, { readonly code: string; readonly status?: number }>> = {
  unauthenticated: { code: "invalid_api_key" },
  rate_limited: { code: "rate_limit_exceeded" },
  queue_full: { code: "rate_limit_exceeded" },
  model_rate_limited: { code: "rate_limit_exceeded" },
  context_overflow: { code: "context_length_exceeded", status: 400 },
};

/** An error that belongs to a task: the client is told which, and may look at it at the own API. */
export class AnswerError extends ErrandError {
  readonly taskId: string;
  /** Whether the client's own retry may help; undefined: as the code says. */
  readonly again: boolean | undefined;
  constructor(taskId: string, error: ErrandError, again?: boolean) {
    super(error.code, error.message, { cause: error, retryAfterMs: error.retryAfterMs });
    this.taskId = taskId;
    this.again = again;
  }
}

/** An error that is thrown below `/v1` with one of OpenAI's own codes. */
export class OpenAiRefusal extends ErrandError {
  readonly openaiCode: string;
  readonly param: string | null;
  constructor(code: ErrorCode, message: string, openaiCode: string, param: string | null = null) {
    super(code, message, param === null ? {} : { fields: [{ field: param, message }] });
    this.openaiCode = openaiCode;
    this.param = param;
  }
}

/** HTTP status of an error below `/v1`. */
export function openaiStatus(code: ErrorCode): number {
  return known[code]?.status ?? describeError(code).status;
}

/** The error object of an answer, a stream or a failed response. A bug's own words stay inside. */
export function openaiError(error: ErrandError): OpenAiError {
  const status = openaiStatus(error.code);
  const message = error.code === "internal" ? describeError(error.code).title : messageOf(error);
  return {
    message,
    type:
      status >= 500
        ? "server_error"
        : status === 429
          ? "rate_limit_error"
          : "invalid_request_error",
    param: error.fields?.[0]?.field ?? null,
    code: codeOf(error),
  };
}

/** What is wrong with a request is said as OpenAI says it: which parameter, and what it must be. */
function messageOf(error: ErrandError): string {
  const [wrong] = error.fields ?? [];
  if (error instanceof OpenAiRefusal || error.code !== "invalid_request" || wrong === undefined)
    return error.message;
  if (wrong.field === "") return `Invalid request: ${wrong.message}.`;
  return saysMissing(wrong.message)
    ? `Missing required parameter: '${wrong.field}' (${wrong.message}).`
    : `Invalid value for '${wrong.field}': ${wrong.message}.`;
}

function codeOf(error: ErrandError): string {
  if (error instanceof OpenAiRefusal) return error.openaiCode;
  if (error.code !== "invalid_request") return known[error.code]?.code ?? error.code;
  const message = error.fields?.[0]?.message ?? "";
  if (error.fields?.[0] === undefined) return "invalid_request";
  return saysMissing(message) ? "missing_required_parameter" : "invalid_value";
}

/** The answer to an error below `/v1`. A repeat is only invited where it may help. */
export function openaiErrorResponse(error: ErrandError): Response {
  const headers = retryHeaders(error, "application/json");
  const again = error instanceof AnswerError ? error.again : undefined;
  headers.set("x-should-retry", String(again ?? retryAfterOf(error) !== null));
  if (error instanceof AnswerError) headers.set("x-errand-task", error.taskId);
  return new Response(JSON.stringify({ error: openaiError(error) }), {
    status: openaiStatus(error.code),
    headers,
  });
}
