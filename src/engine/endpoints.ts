import { ErrandError } from "../core/errors.ts";
import type { ModelError, Models } from "../ports/models.ts";
import type { QueueSettings } from "../core/queue/protocol.ts";
import type { DeviceShare } from "../core/task/events.ts";
import type { ResumeWay } from "../core/schedule/state.ts";

/** A model endpoint: a queue with slots in front of one server. */
export interface Endpoint {
  /** Names its queue `model:<name>`. */
  readonly name: string;
  readonly models: Models;
  /** Calls it serves at once. An unknown endpoint has 1 until it is measured. */
  readonly slots: number;
  /** Rates it may be asked at, and slots of one fairness key; absent: no limits. */
  readonly limits?: Omit<QueueSettings, "slots">;
  /** Device that it shares with other endpoints: they have one queue, `device:<name>`. Absent: a queue of its own. */
  readonly device?: string;
  /** Slots of the device that one call takes. Default 1. */
  readonly deviceSlots?: number;
  /** Shown to people; no secret. */
  readonly baseUrl: string | null;
  /** Predicted speeds, tokens per second, for the cost of a call. */
  readonly promptTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
  /** No delta for this long: the call has stalled. */
  readonly idleTimeoutMs: number;
  /** How its models go on from a partial answer; `null`: they do not. Absent: it is tried out when it is of use. */
  readonly resumes?: ResumeWay | null;
  /** Told what each call came to: null if it was answered. */
  readonly outcome?: (error: ModelError | null) => void;
}

/** What a role is served by. */
export interface RoleTarget {
  readonly endpoint: string;
  readonly model: string;
}

/** Stands for the first chat model an endpoint will offer, as long as that is not known. */
export const unknownModel = "auto";

/** Names of the roles that models serve. A role that is not configured is served by `chat`. */
export const roleNames: readonly string[] = [
  "chat",
  "planner",
  "worker",
  "writer",
  "embed",
  "vision",
];

/** Queue of an endpoint, or of the device that it shares. */
export function endpointQueue({ name, device }: Pick<Endpoint, "name" | "device">): string {
  return device === undefined ? `model:${name}` : `device:${device}`;
}

/** Queues of endpoints with their settings: those of one device together have the slots of the one that has most. */
export function endpointQueues(
  endpoints: readonly Endpoint[],
): ReadonlyMap<string, Partial<QueueSettings>> {
  const found = new Map<string, Partial<QueueSettings>>();
  for (const endpoint of endpoints) {
    const queue = endpointQueue(endpoint);
    const before = found.get(queue);
    const own = { ...endpoint.limits, slots: endpoint.slots * (endpoint.deviceSlots ?? 1) };
    const slots = Math.max(own.slots, before?.slots ?? 1);
    const swapMs = Math.max(own.swapMs ?? 0, before?.swapMs ?? 0);
    found.set(queue, { ...before, ...own, slots, ...(swapMs === 0 ? null : { swapMs }) });
  }
  return found;
}

/** How calls of an endpoint share its device; `undefined`: it has a queue of its own. */
export function shareOf({
  name,
  device,
  slots,
  deviceSlots = 1,
}: Endpoint): DeviceShare | undefined {
  return device === undefined ? undefined : { line: name, total: slots, slots: deviceSlots };
}

/** Which endpoint and model serve a role. */
export class Roles {
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #targets = new Map<string, RoleTarget>();
  readonly #troubles = new Map<string, string>();

  /** Adds an endpoint, or replaces the one of the same name. */
  addEndpoint(endpoint: Endpoint): void {
    this.#endpoints.set(endpoint.name, endpoint);
  }

  /** Lets `endpoint`'s `model` serve `role`. */
  assign(role: string, target: RoleTarget): void {
    this.#targets.set(role, target);
  }

  /** Nothing serves `role` any more. */
  unassign(role: string): void {
    this.#targets.delete(role);
  }

  /** Queue of an endpoint that is known by its name. */
  queueOf(endpoint: string): string {
    return endpointQueue(this.#endpoints.get(endpoint) ?? { name: endpoint });
  }

  /** Says why an endpoint does not answer, or that it does. For people: calls are sent all the same. */
  setTrouble(endpoint: string, trouble: string | null): void {
    if (trouble === null) this.#troubles.delete(endpoint);
    else this.#troubles.set(endpoint, trouble);
  }

  /** Why an endpoint does not answer; null if nothing is known against it. */
  trouble(endpoint: string): string | null {
    return this.#troubles.get(endpoint) ?? null;
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

  /** What answers for a role, or the given target. Throws `model_unavailable` if nothing does. */
  resolve(role: string, target?: RoleTarget): { endpoint: Endpoint; model: string } {
    const found = target === undefined ? this.#find(role) : this.#at(target);
    if (found !== undefined) return found;
    if (target !== undefined)
      throw new ErrandError(
        "model_unavailable",
        `no model endpoint is called "${target.endpoint}": it was configured when the task was accepted`,
      );
    throw new ErrandError(
      "model_unavailable",
      `no model serves the role "${role}": set ERRAND_MODEL_BASE_URL, or start LM Studio or Ollama on this machine`,
    );
  }

  #find(role: string): { endpoint: Endpoint; model: string } | undefined {
    const target =
      this.#targets.get(role) ?? (role === "embed" ? undefined : this.#targets.get("chat"));
    return target === undefined ? undefined : this.#at(target);
  }

  #at({ endpoint, model }: RoleTarget): { endpoint: Endpoint; model: string } | undefined {
    const found = this.#endpoints.get(endpoint);
    return found === undefined ? undefined : { endpoint: found, model };
  }
}
