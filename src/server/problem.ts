import { describeError, ErrandError, type ErrorCode, type FieldError } from "../core/errors.ts";

/** Body of an error answer on `/api`: RFC 9457 with Errand's code. Holds no stack, no cause, no path of the machine. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly retryAfterMs?: number;
  readonly errors?: readonly FieldError[];
  /** The task that the request made before it failed. */
  readonly taskId?: string;
  readonly requestid: string;
}

/** Wait told to a client that was refused for now without a time of its own. */
const retryAfterMsDefault = 1_000;

/** An error that belongs to a task: the task was made, and then it did not end well. */
export class TaskProblem extends ErrandError {
  readonly taskId: string;
  constructor(taskId: string, error: ErrandError) {
    super(error.code, error.message, { cause: error, retryAfterMs: error.retryAfterMs });
    this.taskId = taskId;
  }
}

/** How long to wait before the same request may work; null if waiting does not help. */
export function retryAfterOf(error: ErrandError): number | null {
  if (describeError(error.code).retry !== "after") return null;
  return error.retryAfterMs ?? retryAfterMsDefault;
}

/** The answer to an error: problem+json with its status, `Retry-After` where waiting helps. */
export function problemResponse(error: ErrandError, requestId: string): Response {
  const { status, title } = describeError(error.code);
  const retryAfterMs = retryAfterOf(error);
  const problem: Problem = {
    type: `urn:errand:error:${error.code}`,
    title,
    status,
    // A bug's own words may name what is inside.
    detail: error.code === "internal" ? title : error.message,
    code: error.code,
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
    ...(error.fields === undefined ? {} : { errors: error.fields }),
    ...(error instanceof TaskProblem ? { taskId: error.taskId } : {}),
    requestid: requestId,
  };
  return new Response(JSON.stringify(problem), {
    status,
    headers: retryHeaders(error, "application/problem+json"),
  });
}

/** Headers of an error answer: its type, `Retry-After` where waiting helps, and which authorization is wanted. */
export function retryHeaders(error: ErrandError, contentType: string): Headers {
  const headers = new Headers({ "content-type": contentType });
  const retryAfterMs = retryAfterOf(error);
  if (retryAfterMs !== null) headers.set("retry-after", String(Math.ceil(retryAfterMs / 1_000)));
  if (error.code === "unauthenticated") headers.set("www-authenticate", 'Bearer realm="errand"');
  return headers;
}
