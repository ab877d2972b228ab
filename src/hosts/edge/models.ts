import type { Endpoint, RoleTarget } from "../../engine/index.ts";
import { ModelError, type Models } from "../../ports/models.ts";
import type { ModelStatus } from "../../server/index.ts";
import { readAhead } from "./read-ahead.ts";
import { modelsOf, type ModelEnv, type ModelSettings } from "./llm-worker/model-settings.ts";

/** How long a look at the endpoint may take, and how long its answer counts. */
const lookMs = 3_000;
const freshMs = 30_000;

/** Name of the one endpoint. */
const endpointName = "default";

const noModel: ModelStatus = {
  connected: false,
  baseUrl: null,
  models: [],
  note: "No model is connected, so the built-in assistant answers. Set ERRAND_MODEL_BASE_URL to an OpenAI-compatible server, or bind Workers AI.",
};

/** The model endpoint of an object: what its roles are served by, and what people are told of it. */
export class EdgeModels {
  readonly endpoints: readonly Endpoint[];
  readonly roles: Readonly<Record<string, RoleTarget>>;
  readonly #models: Models | null;
  readonly #settings: ModelSettings | null;
  #status: ModelStatus;
  #lookedMs = 0;

  constructor(settings: ModelSettings | null, env: ModelEnv) {
    this.#settings = settings;
    this.#status = settings === null ? noModel : { ...noModel, baseUrl: settings.baseUrl };
    if (settings === null) {
      this.#models = null;
      this.endpoints = [];
      this.roles = {};
      return;
    }
    const { baseUrl, slots, requestsPerMinute } = settings;
    this.#models = readAhead(modelsOf(settings, env));
    this.endpoints = [
      {
        name: endpointName,
        models: this.#models,
        slots,
        ...(requestsPerMinute === null ? {} : { limits: { requestsPerMinute, slotsPerKey: null } }),
        baseUrl,
        promptTokensPerSecond: 500,
        decodeTokensPerSecond: 30,
        idleTimeoutMs: 120_000,
      },
    ];
    const roles: Record<string, RoleTarget> = {};
    for (const [role, model] of Object.entries(settings.roles))
      roles[role] = { endpoint: endpointName, model };
    this.roles = roles;
  }

  /** What was last known. */
  get status(): ModelStatus {
    return this.#status;
  }

  /** Asks the endpoint what it offers, unless that was asked a moment ago. Never rejects. */
  async look(): Promise<void> {
    const settings = this.#settings;
    if (this.#models === null || settings === null) return;
    if (Date.now() - this.#lookedMs < freshMs && this.#status.connected) return;
    const { baseUrl } = settings;
    const where = baseUrl ?? (settings.provider === "openai" ? "the llm-worker" : "Workers AI");
    try {
      const models = await this.#models.list({ signal: AbortSignal.timeout(lookMs) });
      this.#lookedMs = Date.now();
      this.#status = { connected: true, baseUrl, models, note: `Connected to ${where}.` };
    } catch (error) {
      const reason =
        error instanceof ModelError
          ? error.message
          : `${where} did not answer within ${lookMs / 1_000} s`;
      const note = `Not connected: ${reason}. Is it running? Errand looks again by itself.`;
      this.#status = { connected: false, baseUrl, models: [], note };
    }
  }
}
