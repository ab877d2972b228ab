import type { ModelCall } from "../ports/models.ts";
import type { RoleTarget } from "./endpoints.ts";

/** Input of a task that makes one model call for a client of the OpenAI door. */
export interface ModelRequest {
  readonly target: RoleTarget;
  readonly call: Omit<ModelCall, "model">;
  /** What else the client said, for the door to show again; no handler reads it. */
  readonly asked?: Readonly<Record<string, unknown>>;
}
