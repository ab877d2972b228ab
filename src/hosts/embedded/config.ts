import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { checkWebhook } from "../../adapters/node/webhook-sender.ts";
import { ErrandError } from "../../core/errors.ts";
import { durationMsMax } from "../../core/limits.ts";
import type { QueueSettings } from "../../core/queue/protocol.ts";
import type { AnyTaskType, RoleTarget } from "../../engine/index.ts";
import { alertsDefault, type AlertSettings } from "../../tasks/index.ts";
import { checkedConfig } from "./check-config.ts";

/** A model endpoint in `errand.config.ts`. */
export interface EndpointConfig {
  /** Names the endpoint's queue `model:<name>`. */
  readonly name: string;
  /** Up to and with the version, as `http://127.0.0.1:1234/v1`. */
  readonly baseUrl: string;
  readonly apiKey?: string;
  /** Calls it serves at once, 1..10,000. Default 1: an unknown endpoint is not trusted with more. */
  readonly slots?: number;
  /**
   * A device (a GPU) that it shares with other endpoints: they have one queue, `device:<name>`, so that together they
   * never take more than its slots; a task type with `queue: "device:<name>"` and `slots` joins them. Slots of the device
   * are those of `queues: {"device:gpu0": {slots: 4}}`, or else of the endpoint that needs most.
   */
  readonly device?: string;
  /** Slots of the device that one of its calls takes. Default 1. */
  readonly deviceSlots?: number;
  /**
   * How long it takes to load another model, 1..600,000 ms, if it holds one in memory: calls of the one that is there
   * go first then, for four times as long at most. Default: models cost nothing to change.
   */
  readonly swapMs?: number;
  /** Rates it may be asked at, 1..1,000,000,000 a minute, and slots of one person while others wait. Default: no limits. */
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly slotsPerKey?: number;
  /** Predicted speeds in tokens per second, for the order of work. Defaults 500 and 30. */
  readonly promptTokensPerSecond?: number;
  readonly decodeTokensPerSecond?: number;
  /** A call silent for this long has stalled. Default 120,000 ms. */
  readonly idleTimeoutMs?: number;
  /**
   * How its models go on from a partial answer: `prefill` (llama.cpp, LM Studio, Ollama), `continue` (vLLM), `null` (not
   * at all: no call is cut to make room). Default: it is tried out when calls wait.
   */
  readonly resumes?: "prefill" | "continue" | null;
}

/** A receiver of webhooks in `errand.config.ts`. */
export interface WebhookConfig {
  /** Names it in the log; one that answered 410 is written to again only under another name. */
  readonly name: string;
  readonly url: string;
  /** `whsec_` and base64 of 24..64 bytes. */
  readonly secret: string;
}

/** What `errand.config.ts` exports as its default. */
export interface ErrandConfig {
  readonly tasks?: readonly AnyTaskType[];
  readonly endpoints?: readonly EndpointConfig[];
  /** Which endpoint and model serve a role: chat, planner, worker, writer, embed, vision, or your own names. */
  readonly roles?: Readonly<Record<string, RoleTarget>>;
  /** Slots of worker pools by name. */
  readonly queues?: Readonly<Record<string, Partial<QueueSettings>>>;
  /** Weights of users against each other, 0.01..100: who has 2 is served twice as much as who has 1, the default. */
  readonly weights?: Readonly<Record<string, number>>;
  /** Calls that one user may have waiting in one queue, 1..1,000,000, before more are refused with 429. Default 1,000,000. */
  readonly pendingPerKeyMax?: number;
  /** Ended tasks are removed after this long. Default 30 days. */
  readonly retentionMs?: number;
  /** Who is told of the end of each task and of alerts, as Standard Webhooks. */
  readonly webhooks?: readonly WebhookConfig[];
  /** Levels of alerts, as far as they differ from the defaults; `null` for a level turns its rule off, `false` all. */
  readonly alerts?: Partial<AlertSettings> | false;
}

/** Types a configuration; it does nothing else. */
export function defineConfig(config: ErrandConfig): ErrandConfig {
  return config;
}

/** Settings of the embedded host, from the environment and `errand.config.ts`. */
export interface HostSettings {
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  readonly adminKey: string | null;
  /** Extra names the server may be called by, besides loopback's. */
  readonly allowedHosts: readonly string[];
  readonly modelBaseUrl: string | null;
  /** Key of `modelBaseUrl`, or of a server that is found; configured endpoints have their own or none. */
  readonly modelApiKey: string | null;
  readonly modelSlots: number;
  /** Model id by role, from `ERRAND_ROLE_<NAME>`. */
  readonly envRoles: Readonly<Record<string, string>>;
  /** Receivers of the configuration and of `ERRAND_WEBHOOK_URL`. */
  readonly webhooks: readonly WebhookConfig[];
  /** `null`: turned off. */
  readonly alerts: AlertSettings | null;
  readonly config: ErrandConfig;
}

type Env = Readonly<Record<string, string | undefined>>;

function integer(env: Env, name: string, fallback: number, min: number, max: number): number {
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new ErrandError(
    "invalid_request",
    `${name} must be a whole number ${min}..${max}, got "${text}"`,
  );
}

function url(env: Env, name: string): string | null {
  const text = env[name];
  if (text === undefined || text === "") return null;
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new ErrandError(
    "invalid_request",
    `${name} must be an http(s) URL like http://127.0.0.1:1234/v1, got "${text}"`,
  );
}

const loopbackHosts = new Set(["::1", "localhost"]);

/** True if a server bound to `host` can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return loopbackHosts.has(host) || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * Reads the settings. Throws `invalid_request` that names the variable for a bad value, and refuses to serve beyond
 * loopback without a key: whoever could reach the port would be the local user (S22).
 */
export async function readSettings(env: Env, cwd: string): Promise<HostSettings> {
  const host = env["ERRAND_HOST"] ?? "127.0.0.1";
  const adminKey = env["ERRAND_ADMIN_KEY"] ?? null;
  if (adminKey !== null && adminKey.length < 16) {
    throw new ErrandError(
      "invalid_request",
      "ERRAND_ADMIN_KEY must have at least 16 characters; make one with: openssl rand -base64 32",
    );
  }
  if (!isLoopback(host) && adminKey === null) {
    throw new ErrandError(
      "forbidden",
      `ERRAND_HOST=${host} can be reached from other machines, but no key is set, so everybody could use it as you. ` +
        "Set ERRAND_ADMIN_KEY (make one with: openssl rand -base64 32), or leave ERRAND_HOST at 127.0.0.1",
    );
  }
  const envRoles: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith("ERRAND_ROLE_") && value !== undefined && value !== "")
      envRoles[name.slice("ERRAND_ROLE_".length).toLowerCase()] = value;
  }
  const config = await loadConfig(env, cwd);
  const modelBaseUrl = url(env, "ERRAND_MODEL_BASE_URL");
  return {
    port: integer(env, "PORT", 8787, 0, 65_535),
    host,
    dataDir: resolve(cwd, env["ERRAND_DATA_DIR"] ?? ".errand"),
    adminKey,
    allowedHosts: (env["ERRAND_ALLOWED_HOSTS"] ?? "").split(",").filter((name) => name !== ""),
    modelBaseUrl,
    modelApiKey: modelKey(env, modelBaseUrl),
    modelSlots: integer(env, "ERRAND_MODEL_SLOTS", 1, 1, 10_000),
    envRoles,
    webhooks: webhooksOf(env, config),
    alerts: alertsOf(config),
    config,
  };
}

/** OpenAI's key is meant for the address beside it: whoever listens where local servers are looked for gets none. */
function modelKey(env: Env, baseUrl: string | null): string | null {
  const openaiKey = baseUrl === null ? undefined : env["OPENAI_API_KEY"];
  return env["ERRAND_MODEL_API_KEY"] ?? openaiKey ?? null;
}

function webhooksOf(env: Env, { webhooks = [] }: ErrandConfig): readonly WebhookConfig[] {
  const target = url(env, "ERRAND_WEBHOOK_URL");
  const secret = env["ERRAND_WEBHOOK_SECRET"] ?? "";
  const all = target === null ? webhooks : [...webhooks, { name: "default", url: target, secret }];
  for (const webhook of all) checkWebhook(webhook);
  return all;
}

/** Accepted range of each level. */
const alertRanges: Readonly<Record<keyof AlertSettings, readonly [number, number]>> = {
  failureShare: [0, 1],
  failureTasksMin: [1, 1_000_000],
  windowMs: [60_000, 3_600_000],
  queueDepth: [1, 2_000_000],
  stuckMs: [0, durationMsMax],
  downMs: [0, durationMsMax],
  deadLetters: [1, 1_000_000],
  latePromises: [1, 1_000_000],
  everyMs: [10, 3_600_000],
};
const alwaysSet: ReadonlySet<string> = new Set(["failureTasksMin", "windowMs", "everyMs"]);

function alertsOf({ alerts = {} }: ErrandConfig): AlertSettings | null {
  if (alerts === false) return null;
  const ranges: Readonly<Record<string, readonly [number, number]>> = alertRanges;
  for (const [name, value] of Object.entries(alerts)) {
    const range = ranges[name];
    const names = Object.keys(ranges).join(", ");
    if (range === undefined)
      throw new ErrandError("invalid_request", `alerts has no "${name}"; there are: ${names}`);
    const [min, max] = range;
    const isOff = value === null && !alwaysSet.has(name);
    if (isOff || (typeof value === "number" && value >= min && value <= max)) continue;
    const off = alwaysSet.has(name) ? "" : ", or null to turn the rule off";
    throw new ErrandError(
      "invalid_request",
      `alerts.${name} must be ${min}..${max}${off}, got ${String(value)}`,
    );
  }
  return { ...alertsDefault, ...alerts };
}

/** Loads `errand.config.ts` (or `.mts`, `.js`, `.mjs`) of the working directory, or the file `ERRAND_CONFIG` names. */
async function loadConfig(env: Env, cwd: string): Promise<ErrandConfig> {
  const named = env["ERRAND_CONFIG"];
  const candidates =
    named === undefined
      ? ["errand.config.ts", "errand.config.mts", "errand.config.js", "errand.config.mjs"]
      : [named];
  for (const candidate of candidates) {
    const path = resolve(cwd, candidate);
    if (!existsSync(path)) continue;
    const module = await importConfig(candidate, path);
    const exported =
      typeof module === "object" && module !== null && "default" in module
        ? module.default
        : undefined;
    if (typeof exported !== "object" || exported === null) {
      throw new ErrandError(
        "invalid_request",
        `${candidate} must export its configuration as default: export default defineConfig({...})`,
      );
    }
    return checkedConfig(candidate, exported);
  }
  if (named !== undefined)
    throw new ErrandError("invalid_request", `ERRAND_CONFIG names ${named}, which is not there`);
  return {};
}

/** What is wrong in somebody's own file is told with its name: a parser's message alone says nothing of where. */
async function importConfig(name: string, path: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    // The first line of a syntax error's stack is the place of the error.
    const place = cause instanceof SyntaxError ? ` (${cause.stack?.split("\n")[0] ?? path})` : "";
    throw new ErrandError("invalid_request", `${name} cannot be loaded: ${message}${place}`, {
      cause,
    });
  }
}
