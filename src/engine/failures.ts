import { describeError, ErrandError, errorData, type ErrorData } from "../core/errors.ts";
import { durationMsMax } from "../core/limits.ts";
import type { RetryWish } from "../core/task/commands.ts";
import { ModelError } from "../ports/models.ts";

/** Thrown by a handler to fail its task for good: no further attempt is made. */
export class FatalError extends Error {
  override readonly name = "FatalError";
}

/** Thrown by a handler to be tried again, if attempts are left, not before `afterMs` milliseconds from now. */
export class RetryAfterError extends Error {
  override readonly name = "RetryAfterError";
  readonly afterMs: number;

  constructor(message: string, options: { readonly afterMs: number; readonly cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.afterMs = options.afterMs;
  }
}

/** Longest error message that is stored, in UTF-16 units. */
const messageCharsMax = 2_000;

/** Handlers may throw anything, also an error whose message is none. */
function shorten(thrown: unknown): string {
  const message = String(thrown);
  return message.length > messageCharsMax ? `${message.slice(0, messageCharsMax)}...` : message;
}

/** How an attempt failed: what is stored, and whether another one may be made. */
export interface Failure {
  readonly error: ErrorData;
  readonly retry: RetryWish;
}

/** What a thrown value means: the error to store and whether the task may be tried again. Never throws. */
export function failureOf(thrown: unknown): Failure {
  try {
    return readFailure(thrown);
  } catch {
    const message = "the handler threw something that cannot be read";
    return { error: errorData("handler_failed", message), retry: "policy" };
  }
}

function readFailure(thrown: unknown): Failure {
  if (thrown instanceof FatalError)
    return { error: errorData("fatal", shorten(thrown.message)), retry: "never" };
  if (thrown instanceof RetryAfterError) {
    return {
      error: errorData("handler_failed", shorten(thrown.message)),
      retry: Number.isFinite(thrown.afterMs)
        ? { afterMs: Math.min(durationMsMax, Math.max(0, thrown.afterMs)) }
        : "policy",
    };
  }
  if (thrown instanceof ErrandError) {
    const never = describeError(thrown.code).retry === "never";
    return {
      error: { ...thrown.toData(), message: shorten(thrown.message) },
      retry: never ? "never" : "policy",
    };
  }
  if (thrown instanceof ModelError)
    return { error: errorData(thrown.code, shorten(thrown.message)), retry: "policy" };
  // An AI SDK call wraps what the model threw: the first error of ours in the chain of causes tells more.
  const inner = innerErrand(thrown);
  if (inner !== null) return readFailure(inner);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return {
    error: errorData(
      "handler_failed",
      shorten(message === "" ? "the handler threw without a message" : message),
    ),
    retry: "policy",
  };
}

/** Longest chain of causes that is followed. */
const causesMax = 8;

function innerErrand(thrown: unknown): ErrandError | null {
  let error = thrown;
  for (let depth = 0; depth < causesMax && error instanceof Error; depth += 1) {
    if (error instanceof ErrandError) return error;
    error = error.cause;
  }
  return null;
}

/** What to throw so that {@link failureOf} says the same again: how a failure goes from one process to another. */
export function thrownBy({ error, retry }: Failure): Error {
  if (typeof retry === "object") return new RetryAfterError(error.message, retry);
  if (error.code === "fatal") return new FatalError(error.message);
  if (error.code === "handler_failed") return new Error(error.message);
  const { retryAfterMs, fields } = error;
  return new ErrandError(error.code, error.message, { retryAfterMs, fields });
}
