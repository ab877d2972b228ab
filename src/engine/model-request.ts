import type { ModelCall } from "../ports/models.ts";
import type { RoleTarget } from "./endpoints.ts";

/** Input of a task that makes one model call for a client of the OpenAI door. */
export interface ModelRequest {
  readonly target: RoleTarget;
  readonly call: Omit<ModelCall, "model">;
  /** What else the client said, for the door to show again; no handler reads it. */
  readonly asked?: Readonly<Record<string, unknown>>;
}

/** Input of a task that makes vectors of texts for a client of the OpenAI door. */
export interface VectorRequest {
  readonly target: RoleTarget;
  readonly texts: readonly string[];
}

/** Name of the call that makes the vectors from the `at`-th text on: they stay in its result, which is too large twice. */
export function vectorCall(at: number): string {
  return `vectors-${at}`;
}
