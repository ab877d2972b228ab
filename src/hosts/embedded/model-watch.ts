import { openaiModels } from "../../adapters/openai/openai-models.ts";
import { nodeFetch } from "../../adapters/node/http-fetch.ts";
import type { Endpoint, Roles } from "../../engine/index.ts";
import type { Log } from "../../ports/host.ts";
import type { Models } from "../../ports/models.ts";
import type { EndpointConfig, HostSettings } from "./config.ts";

/** What people are told of the model. */
export interface ModelStatus {
  readonly connected: boolean;
  readonly baseUrl: string | null;
  readonly models: readonly string[];
  readonly note: string;
}

/** Where a model server is looked for when none is configured. */
const localServers: readonly { readonly name: string; readonly baseUrl: string }[] = [
  { name: "LM Studio", baseUrl: "http://127.0.0.1:1234/v1" },
  { name: "Ollama", baseUrl: "http://127.0.0.1:11434/v1" },
];

/** A local server answers in a few milliseconds; one that is not there must not delay the start. */
const probeMs = 300;
/** A configured endpoint may be far away. */
const configuredProbeMs = 3_000;
/** How often a missing model is looked for again. */
const againMs = 15_000;

const defaults = {
  slots: 1,
  promptTokensPerSecond: 500,
  decodeTokensPerSecond: 30,
  idleTimeoutMs: 120_000,
};

/** Endpoints whose server finishes a prompt, but not a call, within one slot, are given as they are configured. */
function endpointOf(config: EndpointConfig, models: Models): Endpoint {
  return {
    name: config.name,
    models,
    slots: config.slots ?? defaults.slots,
    baseUrl: config.baseUrl,
    promptTokensPerSecond: config.promptTokensPerSecond ?? defaults.promptTokensPerSecond,
    decodeTokensPerSecond: config.decodeTokensPerSecond ?? defaults.decodeTokensPerSecond,
    idleTimeoutMs: config.idleTimeoutMs ?? defaults.idleTimeoutMs,
  };
}

/** Stands for the first chat model an endpoint offers when it is called. */
const anyModel = "auto";

function firstModel(models: Models): Models {
  return {
    ...models,
    async *stream(call, options) {
      const offered = call.model === anyModel ? await models.list(options) : [];
      const model = offered.find((id) => !/embed/i.test(id)) ?? call.model;
      yield* models.stream({ ...call, model }, options);
    },
  };
}

/**
 * Finds the model of the default endpoint, now and as long as there is none: a person who starts LM Studio later
 * does not have to restart Errand. Configured endpoints are never replaced by found ones.
 */
export class ModelWatch {
  readonly #settings: HostSettings;
  readonly #log: Log;
  readonly #fetch = nodeFetch();
  #roles: Roles | null = null;
  #onEndpoint: (endpoint: Endpoint) => Promise<void> = async () => undefined;
  #timer: NodeJS.Timeout | null = null;
  #status: ModelStatus = {
    connected: false,
    baseUrl: null,
    models: [],
    note: "Looking for a model.",
  };

  constructor(settings: HostSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
  }

  get status(): ModelStatus {
    return this.#status;
  }

  /** Endpoints of the configuration file. */
  configured(): Endpoint[] {
    return (this.#settings.config.endpoints ?? []).map((config) =>
      endpointOf(config, this.#models(config.baseUrl, config.apiKey)),
    );
  }

  /** Looks once and assigns roles; looks again later while nothing answers. `onEndpoint` makes the queue of a new one. */
  async start(roles: Roles, onEndpoint: (endpoint: Endpoint) => Promise<void>): Promise<void> {
    this.#roles = roles;
    this.#onEndpoint = onEndpoint;
    await this.#look();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #models(baseUrl: string, apiKey: string | undefined): Models {
    return openaiModels({ baseUrl, apiKey, fetch: this.#fetch });
  }

  async #look(): Promise<void> {
    const found = await this.#find();
    if (found !== null) await this.#connect(found.baseUrl, found.models);
    else {
      this.#timer = setTimeout(
        () =>
          void this.#look().catch((error: unknown) =>
            this.#log.error("looking for a model failed", error),
          ),
        againMs,
      );
      this.#timer.unref();
    }
  }

  async #find(): Promise<{ baseUrl: string; models: readonly string[] } | null> {
    const { modelBaseUrl, config } = this.#settings;
    const first = modelBaseUrl ?? config.endpoints?.[0]?.baseUrl;
    if (first !== undefined) {
      const models = await this.#ask(first, configuredProbeMs);
      if (models !== null) return { baseUrl: first, models };
      this.#status = {
        connected: false,
        baseUrl: first,
        models: [],
        note: `The model server at ${first} does not answer. Is it running? Errand tries again every 15 s.`,
      };
      // It is configured, so it will come: calls are sent, refused and tried again until it does.
      this.#expect(first);
      return null;
    }
    const answers = await Promise.all(
      localServers.map(async ({ baseUrl }) => ({
        baseUrl,
        models: await this.#ask(baseUrl, probeMs),
      })),
    );
    for (const { baseUrl, models } of answers)
      if (models !== null && models.length > 0) return { baseUrl, models };
    this.#status = {
      connected: false,
      baseUrl: null,
      models: [],
      note: "No model is connected, so the built-in assistant answers. Start LM Studio (port 1234) or Ollama (port 11434) on this machine, or set ERRAND_MODEL_BASE_URL.",
    };
    return null;
  }

  /** Serves the role `chat` by an endpoint that does not answer yet, with whatever model it will offer. */
  #expect(baseUrl: string): void {
    const { config, envRoles, modelApiKey, modelSlots } = this.#settings;
    const own = config.endpoints?.find((endpoint) => endpoint.baseUrl === baseUrl);
    const name = own?.name ?? "default";
    if (own === undefined) {
      const models = firstModel(this.#models(baseUrl, modelApiKey ?? undefined));
      this.#roles?.addEndpoint(endpointOf({ name, baseUrl, slots: modelSlots }, models));
    }
    if (config.roles?.["chat"] === undefined)
      this.#roles?.assign("chat", { endpoint: name, model: envRoles["chat"] ?? anyModel });
  }

  async #ask(baseUrl: string, timeoutMs: number): Promise<readonly string[] | null> {
    try {
      return await this.#models(baseUrl, this.#settings.modelApiKey ?? undefined).list({
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch {
      // Not there, or not a model server: both mean that nothing is found here, and the status says so.
      return null;
    }
  }

  async #connect(baseUrl: string, models: readonly string[]): Promise<void> {
    const roles = this.#roles;
    if (roles === null) return;
    const { config, envRoles, modelApiKey, modelSlots } = this.#settings;
    const own = config.endpoints?.find((endpoint) => endpoint.baseUrl === baseUrl);
    const name = own?.name ?? "default";
    if (own === undefined) {
      const endpoint = endpointOf(
        { name, baseUrl, slots: modelSlots },
        this.#models(baseUrl, modelApiKey ?? undefined),
      );
      roles.addEndpoint(endpoint);
      await this.#onEndpoint(endpoint);
    }
    const chat = envRoles["chat"] ?? models.find((id) => !/embed/i.test(id));
    if (chat !== undefined && config.roles?.["chat"] === undefined)
      roles.assign("chat", { endpoint: name, model: chat });
    for (const [role, model] of Object.entries(envRoles))
      roles.assign(role, { endpoint: name, model });
    const embed = models.find((id) => /embed/i.test(id));
    if (embed !== undefined && !roles.has("embed"))
      roles.assign("embed", { endpoint: name, model: embed });
    const serving = roles.assignments.map(({ role, model }) => `${role}: ${model}`).join(", ");
    this.#status = {
      connected: roles.has("chat"),
      baseUrl,
      models,
      note:
        serving === ""
          ? `${baseUrl} answers but offers no model.`
          : `Connected to ${baseUrl} (${serving}).`,
    };
    this.#log.info("model connected", { baseUrl, roles: serving });
  }
}
