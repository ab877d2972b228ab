import { ErrandError } from "../core/errors.ts";
import type { QueueSettings } from "../core/queue/protocol.ts";
import type { Models } from "../ports/models.ts";

/** A model endpoint: a queue with slots in front of one server. */
export interface Endpoint {
  /** Names its queue `model:<name>`. */
  readonly name: string;
  readonly models: Models;
  /** Calls it serves at once. An unknown endpoint has 1 until it is measured. */
  readonly slots: number;
  /** Rates it may be asked at, and slots of one fairness key; absent: no limits. */
  readonly limits?: Omit<QueueSettings, "slots">;
  /** Shown to people; no secret. */
  readonly baseUrl: string | null;
  /** Predicted speeds, tokens per second, for the cost of a call. */
  readonly promptTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
  /** No delta for this long: the call has stalled. */
  readonly idleTimeoutMs: number;
}

/** What a role is served by. */
export interface RoleTarget {
  readonly endpoint: string;
  readonly model: string;
}

/** Names of the roles that models serve. A role that is not configured is served by `chat`. */
export const roleNames: readonly string[] = [
  "chat",
  "planner",
  "worker",
  "writer",
  "embed",
  "vision",
];

/** Queue of an endpoint. */
export function endpointQueue(name: string): string {
  return `model:${name}`;
}

/** Which endpoint and model serve a role. */
export class Roles {
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #targets = new Map<string, RoleTarget>();

  /** Adds an endpoint, or replaces the one of the same name. */
  addEndpoint(endpoint: Endpoint): void {
    this.#endpoints.set(endpoint.name, endpoint);
  }

  /** Lets `endpoint`'s `model` serve `role`. */
  assign(role: string, target: RoleTarget): void {
    this.#targets.set(role, target);
  }

  get endpoints(): readonly Endpoint[] {
    return [...this.#endpoints.values()];
  }

  get assignments(): readonly { role: string; endpoint: string; model: string }[] {
    return [...this.#targets].map(([role, target]) => ({ role, ...target }));
  }

  has(role: string): boolean {
    return this.#find(role) !== undefined;
  }

  /** Throws `model_unavailable` if nothing serves the role. */
  resolve(role: string): { endpoint: Endpoint; model: string } {
    const found = this.#find(role);
    if (found !== undefined) return found;
    throw new ErrandError(
      "model_unavailable",
      `no model serves the role "${role}": set ERRAND_MODEL_BASE_URL, or start LM Studio or Ollama on this machine`,
    );
  }

  #find(role: string): { endpoint: Endpoint; model: string } | undefined {
    const target =
      this.#targets.get(role) ?? (role === "embed" ? undefined : this.#targets.get("chat"));
    const endpoint = target === undefined ? undefined : this.#endpoints.get(target.endpoint);
    return target === undefined || endpoint === undefined
      ? undefined
      : { endpoint, model: target.model };
  }
}
