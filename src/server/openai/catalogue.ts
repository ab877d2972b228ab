import {
  unknownModel,
  roleNames,
  type Endpoint,
  type RoleTarget,
  type Roles,
} from "../../engine/index.ts";
import type { Clock } from "../../ports/host.ts";
import { OpenAiRefusal } from "./errors.ts";

/** A list that is older than this is asked for again. */
const listMsMax = 10_000;
/** An endpoint that does not list its models by then is taken for one that does not answer. */
const listWaitMs = 2_000;

/** A model that can be asked, and where. */
export interface Offered {
  readonly id: string;
  readonly endpoint: string;
}

/** Which model ids there are, and which endpoint serves each. Remembers lists for a moment and nothing else. */
export class Catalogue {
  readonly #roles: Roles;
  readonly #clock: Clock;
  #lists: { readonly atMs: number; readonly offered: Promise<readonly Listed[]> } | null = null;

  constructor(roles: Roles, clock: Clock) {
    this.#roles = roles;
    this.#clock = clock;
  }

  /** Models that serve a role, then whatever else the endpoints offer, each id once; none that is not known yet. */
  async list(): Promise<readonly Offered[]> {
    const found = new Map<string, Offered>();
    for (const { endpoint, model } of this.#roles.assignments)
      if (model !== unknownModel && !found.has(model)) found.set(model, { id: model, endpoint });
    for (const { endpoint, models } of await this.#ask())
      for (const id of models ?? []) if (!found.has(id)) found.set(id, { id, endpoint });
    return [...found.values()];
  }

  /**
   * Where a model is asked: a model id, or the name of a role. An id that nobody lists is asked of an endpoint that does
   * not answer now, because it may have it. Throws `model_not_found` (404).
   */
  async find(model: string): Promise<RoleTarget> {
    const assigned = this.#roles.assignments.find((one) => one.model === model);
    if (assigned !== undefined) return { endpoint: assigned.endpoint, model };
    if (roleNames.includes(model) && this.#roles.has(model)) {
      const { endpoint, model: own } = this.#roles.resolve(model);
      return { endpoint: endpoint.name, model: own };
    }
    const lists = await this.#ask();
    const listed =
      lists.find(({ models }) => models?.includes(model) === true) ??
      lists.find(({ models }) => models === null);
    if (listed !== undefined) return { endpoint: listed.endpoint, model };
    throw new OpenAiRefusal(
      "not_found",
      this.#roles.endpoints.length === 0
        ? "no model is connected: set ERRAND_MODEL_BASE_URL, or start LM Studio or Ollama on this machine"
        : `there is no model "${model.slice(0, 100)}": GET /v1/models lists those there are`,
      "model_not_found",
      "model",
    );
  }

  #ask(): Promise<readonly Listed[]> {
    const nowMs = this.#clock.nowMs();
    if (this.#lists === null || nowMs - this.#lists.atMs > listMsMax)
      this.#lists = { atMs: nowMs, offered: Promise.all(this.#roles.endpoints.map(listOf)) };
    return this.#lists.offered;
  }
}

/** `models` null: the endpoint does not answer. */
interface Listed {
  readonly endpoint: string;
  readonly models: readonly string[] | null;
}

async function listOf({ name, models }: Endpoint): Promise<Listed> {
  try {
    return {
      endpoint: name,
      models: await models.list({ signal: AbortSignal.timeout(listWaitMs) }),
    };
  } catch {
    // Not there now: what it would offer is not known, and a task that asks for it waits for it.
    return { endpoint: name, models: null };
  }
}
