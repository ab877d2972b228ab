import { anyModel, firstModel } from "../../adapters/openai/first-model.ts";
import { openaiModels } from "../../adapters/openai/openai-models.ts";
import { nodeFetch } from "../../adapters/node/http-fetch.ts";
import type { Endpoint, Roles } from "../../engine/index.ts";
import type { Log } from "../../ports/host.ts";
import { ModelError, type Models } from "../../ports/models.ts";
import type { EndpointConfig, HostSettings } from "./config.ts";
import { watchEndpoints } from "./endpoint-watch.ts";

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
/** What a start waits for the first look: a model that is near is named in its first words, a silent one delays nothing. */
const startWaitMs = 250;
/** A model that answers is looked at this often, to be told that it is gone also when nothing is asked of it. */
const steadyMs = 30_000;
/** A missing model is looked for again after this long, twice as long each time, up to `steadyMs`. */
const firstAgainMs = 1_000;
/** Looks in a row without an answer after which a model is gone: one may be a server that is busy. */
const missesMax = 2;

/** Failures after which it is looked whether the model is still there. */
const signsOfLoss: ReadonlySet<ModelError["failure"]> = new Set(["refused", "prefill", "stalled"]);

const defaults = {
  slots: 1,
  promptTokensPerSecond: 500,
  decodeTokensPerSecond: 30,
  idleTimeoutMs: 120_000,
};

/** Endpoints whose server finishes a prompt, but not a call, within one slot, are given as they are configured. */
function endpointOf(
  config: EndpointConfig,
  models: Models,
  outcome: (error: ModelError | null) => void,
): Endpoint {
  return {
    name: config.name,
    models,
    slots: config.slots ?? defaults.slots,
    baseUrl: config.baseUrl,
    promptTokensPerSecond: config.promptTokensPerSecond ?? defaults.promptTokensPerSecond,
    decodeTokensPerSecond: config.decodeTokensPerSecond ?? defaults.decodeTokensPerSecond,
    idleTimeoutMs: config.idleTimeoutMs ?? defaults.idleTimeoutMs,
    limits: limitsOf(config),
    ...(config.device === undefined ? {} : { device: config.device }),
    ...(config.deviceSlots === undefined ? {} : { deviceSlots: config.deviceSlots }),
    ...(config.resumes === undefined ? {} : { resumes: config.resumes }),
    outcome,
  };
}

function limitsOf(config: EndpointConfig): NonNullable<Endpoint["limits"]> {
  const { slotsPerKey = null, requestsPerMinute = null, tokensPerMinute = null } = config;
  const { swapMs = null } = config;
  return { slotsPerKey, requestsPerMinute, tokensPerMinute, swapMs };
}

/** What a look at a server came to: what it offers, or why it cannot be used. */
type Answer = { readonly models: readonly string[] } | { readonly reason: string };

/**
 * Finds the model of the default endpoint and watches it: a person who starts or stops LM Studio does not have to
 * restart Errand, and what people are told is true both ways. Configured endpoints are never replaced by found ones.
 */
export class ModelWatch {
  readonly #settings: HostSettings;
  readonly #log: Log;
  readonly #fetch = nodeFetch();
  #roles: Roles | null = null;
  #onEndpoint: (endpoint: Endpoint) => Promise<void> = async () => undefined;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  readonly #stop = new AbortController();
  #misses = 0;
  /** Roles that this watch gave to the model it found. */
  #given: string[] = [];
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
      endpointOf(
        config,
        firstModel(this.#models(config.baseUrl, config.apiKey)),
        this.#outcomeOf(config.baseUrl),
      ),
    );
  }

  /**
   * Looks for a model and goes on watching it. Resolves after the first look, or earlier if a server is silent: a
   * configured one has its roles at once, so that work waits for it. `onEndpoint` makes the queue of a new endpoint.
   */
  async start(roles: Roles, onEndpoint: (endpoint: Endpoint) => Promise<void>): Promise<void> {
    this.#roles = roles;
    this.#onEndpoint = onEndpoint;
    const configured = this.#configuredUrl();
    const others = roles.endpoints.filter(({ baseUrl }) => baseUrl !== configured);
    watchEndpoints(others, roles, this.#stop.signal);
    if (configured !== undefined) {
      // It is configured, so it will come: calls are sent, refused and tried again until it does.
      this.#expect(configured);
      const note = `Looking for a model at ${configured}.`;
      this.#status = { ...this.#status, baseUrl: configured, note };
      roles.setTrouble(this.#nameOf(configured), "it has not answered yet");
    }
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, startWaitMs)));
    await Promise.race([this.#look(), enough]);
    clearTimeout(timer);
  }

  stop(): void {
    this.#stop.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #configuredUrl(): string | undefined {
    return this.#settings.modelBaseUrl ?? this.#settings.config.endpoints?.[0]?.baseUrl;
  }

  #models(baseUrl: string, apiKey: string | undefined): Models {
    return openaiModels({ baseUrl, apiKey, fetch: this.#fetch });
  }

  #own(baseUrl: string): EndpointConfig | undefined {
    return this.#settings.config.endpoints?.find((endpoint) => endpoint.baseUrl === baseUrl);
  }

  #nameOf(baseUrl: string): string {
    return this.#own(baseUrl)?.name ?? "default";
  }

  /** What calls come to is the first sign that a server is gone, or back. */
  #outcomeOf(baseUrl: string): (error: ModelError | null) => void {
    return (error) => {
      const { connected, baseUrl: watched } = this.#status;
      if (watched !== baseUrl || this.#stop.signal.aborted) return;
      const isGone = error !== null && signsOfLoss.has(error.failure);
      if (connected ? isGone : error === null) void this.#look();
    };
  }

  /** Never rejects. One look at a time: whoever asks meanwhile waits for it. */
  async #look(): Promise<void> {
    this.#looking ??= this.#lookOnce()
      .catch((error: unknown) => this.#log.error("looking for a model failed", error))
      .finally(() => (this.#looking = null));
    await this.#looking;
  }

  async #lookOnce(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    try {
      const found = await this.#find();
      if (this.#stop.signal.aborted) return;
      if ("models" in found) {
        this.#misses = 0;
        await this.#connect(found.baseUrl, found.models);
      } else {
        this.#misses += 1;
        if (!this.#status.connected || this.#misses >= missesMax) this.#disconnect(found.reason);
      }
    } finally {
      if (!this.#stop.signal.aborted) this.#lookAgain();
    }
  }

  #lookAgain(): void {
    const againMs = this.#misses === 0 ? steadyMs : firstAgainMs * 2 ** (this.#misses - 1);
    this.#timer = setTimeout(() => void this.#look(), Math.min(againMs, steadyMs));
    this.#timer.unref();
  }

  /** Looks at the server that is configured or was found; else at those that may run on this machine. */
  async #find(): Promise<{ baseUrl: string; models: readonly string[] } | { reason: string }> {
    const { connected, baseUrl } = this.#status;
    const known = this.#configuredUrl() ?? (connected ? baseUrl : null);
    if (known !== null && known !== undefined)
      return { baseUrl: known, ...(await this.#ask(known, configuredProbeMs)) };
    const answers = await Promise.all(
      localServers.map(async (server) => ({
        baseUrl: server.baseUrl,
        ...(await this.#ask(server.baseUrl, probeMs)),
      })),
    );
    for (const answer of answers) if ("models" in answer && answer.models.length > 0) return answer;
    return { reason: "nothing answers on this machine" };
  }

  async #ask(baseUrl: string, timeoutMs: number): Promise<Answer> {
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#stop.signal]);
    try {
      // With the key that calls are made with, and no other: a look must not succeed where calls fail.
      const own = this.#own(baseUrl);
      const apiKey = own === undefined ? (this.#settings.modelApiKey ?? undefined) : own.apiKey;
      return { models: await this.#models(baseUrl, apiKey).list({ signal }) };
    } catch (error) {
      // Not there, or not a model server: the status says which.
      if (error instanceof ModelError) return { reason: error.message };
      return { reason: `${baseUrl} did not answer within ${timeoutMs / 1_000} s` };
    }
  }

  /** Serves roles by an endpoint that has not answered yet, the role `chat` with whatever model it will offer. */
  #expect(baseUrl: string): void {
    const { config, envRoles } = this.#settings;
    const endpoint = this.#nameOf(baseUrl);
    if (this.#own(baseUrl) === undefined) this.#roles?.addEndpoint(this.#endpoint(baseUrl));
    if (config.roles?.["chat"] === undefined)
      this.#roles?.assign("chat", { endpoint, model: anyModel });
    for (const [role, model] of Object.entries(envRoles))
      this.#roles?.assign(role, { endpoint, model });
  }

  /** The endpoint of an address that the configuration does not name. */
  #endpoint(baseUrl: string): Endpoint {
    const { modelApiKey, modelSlots } = this.#settings;
    const models = firstModel(this.#models(baseUrl, modelApiKey ?? undefined));
    const config = { name: this.#nameOf(baseUrl), baseUrl, slots: modelSlots };
    return endpointOf(config, models, this.#outcomeOf(baseUrl));
  }

  async #connect(baseUrl: string, models: readonly string[]): Promise<void> {
    const roles = this.#roles;
    if (roles === null) return;
    const name = this.#nameOf(baseUrl);
    roles.setTrouble(name, null);
    const { connected, models: known } = this.#status;
    if (connected && known.join("\n") === models.join("\n")) return;
    if (this.#configuredUrl() === undefined) {
      const endpoint = this.#endpoint(baseUrl);
      roles.addEndpoint(endpoint);
      await this.#onEndpoint(endpoint);
    }
    const given = this.#rolesFor(models);
    for (const [role, model] of Object.entries(given))
      roles.assign(role, { endpoint: name, model });
    this.#given = Object.keys(given);
    const serving = roles.assignments.map(({ role, model }) => `${role}: ${model}`).join(", ");
    const hasChat =
      given["chat"] !== undefined || this.#settings.config.roles?.["chat"] !== undefined;
    this.#status = {
      connected: hasChat,
      baseUrl,
      models,
      note: hasChat
        ? `Connected to ${baseUrl} (${serving}).`
        : `${baseUrl} answers but offers no model.`,
    };
    this.#log.info("model connected", { baseUrl, roles: serving });
  }

  /** Which model serves which role, of those that are offered or that the environment names. */
  #rolesFor(models: readonly string[]): Readonly<Record<string, string>> {
    const { config, envRoles } = this.#settings;
    const chat = envRoles["chat"] ?? models.find((id) => !/embed/i.test(id));
    const embed = models.find((id) => /embed/i.test(id));
    return {
      ...(embed === undefined || config.roles?.["embed"] !== undefined ? {} : { embed }),
      ...envRoles,
      ...(chat === undefined || config.roles?.["chat"] !== undefined ? {} : { chat }),
    };
  }

  /** A configured server keeps its roles, and work waits for it. A found one is as if it had never been. */
  #disconnect(reason: string): void {
    const { connected, baseUrl } = this.#status;
    const configured = this.#configuredUrl();
    if (configured === undefined) {
      for (const role of this.#given) this.#roles?.unassign(role);
      this.#given = [];
    } else this.#roles?.setTrouble(this.#nameOf(configured), reason);
    this.#status = {
      connected: false,
      baseUrl: configured ?? null,
      models: [],
      note:
        configured === undefined
          ? "No model is connected, so the built-in assistant answers. Start LM Studio (port 1234) or Ollama (port 11434) on this machine, or set ERRAND_MODEL_BASE_URL."
          : `Not connected: ${reason}. Is it running? Errand looks again by itself.`,
    };
    if (connected) this.#log.info("model lost", { baseUrl: baseUrl ?? "", reason });
  }
}
