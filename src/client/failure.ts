import type { FieldError } from "../core/errors.ts";

/** What an error answer said. `code` is one of core's `ErrorCode`s, or one of a newer server. */
export interface Refusal {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly fields: readonly FieldError[];
  readonly retryAfterMs: number | null;
  /** Id of the request in the server's log. */
  readonly requestId: string | null;
}

/**
 * Why a request has no good answer. `refused`: the server says no (4xx). `server`: it failed on its side (5xx).
 * `network`: no answer came; what was asked may or may not have happened. `confusing`: an answer came that is
 * not Errand's (another program on that port, a proxy's page, a newer server).
 */
export type Failure =
  | ({ readonly kind: "refused" } & Refusal)
  | ({ readonly kind: "server" } & Refusal)
  | { readonly kind: "network"; readonly detail: string }
  | { readonly kind: "confusing"; readonly detail: string };

/** Thrown by every call of the client, except that a call stopped by its own signal throws the signal's reason. */
export class RequestFailed extends Error {
  override readonly name = "RequestFailed";
  readonly failure: Failure;

  constructor(failure: Failure, options?: { cause?: unknown }) {
    super(failure.detail === "" ? failure.kind : failure.detail, options);
    this.failure = failure;
  }
}

/** The failure inside anything that was thrown: what is not a {@link RequestFailed} is `confusing`. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof RequestFailed) return thrown.failure;
  return {
    kind: "confusing",
    detail: thrown instanceof Error ? thrown.message : "something unknown was thrown",
  };
}

/** The code of a failure, for branching; `null` when no server said one. */
export function failureCode(failure: Failure): string | null {
  return failure.kind === "refused" || failure.kind === "server" ? failure.code : null;
}

/** True if the same request may succeed later without a change: a lost network, a 5xx, or "not now" (408, 425, 429). */
export function mayPass(failure: Failure): boolean {
  switch (failure.kind) {
    case "network":
    case "server":
    case "confusing":
      return true;
    case "refused":
      return failure.status === 408 || failure.status === 425 || failure.status === 429;
    default: {
      const never: never = failure;
      return never;
    }
  }
}
