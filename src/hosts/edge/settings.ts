import { ErrandError } from "../../core/errors.ts";
import type { HomeRpc } from "./home-call.ts";
import type { FlowBinding } from "./workflow/instances.ts";

/** Bindings, variables and secrets of the Worker. */
export interface EdgeEnv {
  /** One object per home: a session with its tasks, a user, a queue. */
  readonly HOMES: DurableObjectNamespace<HomeRpc>;
  /** Files of the page. */
  readonly ASSETS?: Fetcher;
  /** `development`, `staging` or `production`; anything but `development` needs keys. */
  readonly ENVIRONMENT?: string;
  /** 32 bytes in base64 or hex: seals what is stored. */
  readonly ERRAND_KEY?: string;
  /** At least 16 characters: turns authentication on. Who shows it is the admin. */
  readonly ERRAND_ADMIN_KEY?: string;
  readonly ERRAND_MODEL_BASE_URL?: string;
  readonly ERRAND_MODEL_API_KEY?: string;
  /** Read when `ERRAND_MODEL_API_KEY` is not set. */
  readonly OPENAI_API_KEY?: string;
  /** Calls the endpoint serves at once, 1..10,000. Default 1. */
  readonly ERRAND_MODEL_SLOTS?: string;
  /** Task types whose handlers run on Cloudflare Workflows, separated by commas. Default: none, all run in objects. */
  readonly ERRAND_WORKFLOWS?: string;
  /** Where those run. */
  readonly ORCHESTRATOR_WORKERS_WORKFLOW?: FlowBinding;
}

/** What the environment comes to. */
export interface EdgeSettings {
  readonly isDevelopment: boolean;
  /** `null`: everybody is the user `local`; only in development. */
  readonly adminKey: string | null;
  readonly storeKey: Uint8Array;
  /** Where the store key came from, for the message when it is the wrong one. */
  readonly keySetting: string;
  readonly model: ModelSettings | null;
  /** Task types that run on Workflows. */
  readonly workflows: readonly string[];
}

/** The OpenAI-compatible endpoint. */
export interface ModelSettings {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  readonly slots: number;
  /** Model id by role, from `ERRAND_ROLE_<NAME>`. */
  readonly roles: Readonly<Record<string, string>>;
}

const adminKeyCharsMin = 16;
const storeKeyBytes = 32;

/** Seals what development stores on this machine; where others can reach the Worker a key of its own is required. */
const developmentKey: Uint8Array = new Uint8Array(storeKeyBytes).fill(7);

/**
 * Reads the environment. Throws `unavailable` that says what to set, outside development without authentication or
 * without a key of its own, and for every value that cannot be right (SPEC HOME8).
 */
export function readEdgeSettings(env: EdgeEnv): EdgeSettings {
  const isDevelopment = env.ENVIRONMENT === "development";
  const adminKey = textOf(env.ERRAND_ADMIN_KEY);
  const key = textOf(env.ERRAND_KEY);
  if (!isDevelopment && (adminKey === null || key === null)) {
    const missing = adminKey === null ? "ERRAND_ADMIN_KEY" : "ERRAND_KEY";
    throw unset(
      `${missing} is not set, so this Worker serves nobody: run "openssl rand -base64 32 | npx wrangler secret put ${missing}", with --env staging for staging`,
    );
  }
  if (adminKey !== null && adminKey.length < adminKeyCharsMin)
    throw unset(`ERRAND_ADMIN_KEY must have at least ${adminKeyCharsMin} characters`);
  return {
    isDevelopment,
    adminKey,
    storeKey: key === null ? developmentKey : parseKey(key),
    keySetting: key === null ? "the key of development" : "ERRAND_KEY",
    model: modelOf(env),
    workflows: (textOf(env.ERRAND_WORKFLOWS) ?? "").split(",").flatMap((name) => name.trim() || []),
  };
}

function textOf(value: string | undefined): string | null {
  return value === undefined || value === "" ? null : value;
}

function modelOf(env: EdgeEnv): ModelSettings | null {
  const baseUrl = textOf(env.ERRAND_MODEL_BASE_URL);
  if (baseUrl === null) return null;
  if (!URL.canParse(baseUrl))
    throw unset(`ERRAND_MODEL_BASE_URL must be an http(s) URL, got "${baseUrl}"`);
  const slots = Number(textOf(env.ERRAND_MODEL_SLOTS) ?? 1);
  if (!Number.isInteger(slots) || slots < 1 || slots > 10_000)
    throw unset(`ERRAND_MODEL_SLOTS must be a whole number 1..10000`);
  const roles: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith("ERRAND_ROLE_") && typeof value === "string" && value !== "")
      roles[name.slice("ERRAND_ROLE_".length).toLowerCase()] = value;
  }
  const apiKey = textOf(env.ERRAND_MODEL_API_KEY) ?? textOf(env.OPENAI_API_KEY) ?? undefined;
  return { baseUrl, apiKey, slots, roles };
}

function parseKey(text: string): Uint8Array {
  const bytes = /^[0-9a-f]{64}$/i.test(text)
    ? Buffer.from(text, "hex")
    : Buffer.from(text, "base64");
  if (bytes.length === storeKeyBytes) return new Uint8Array(bytes);
  throw unset(`ERRAND_KEY must be ${storeKeyBytes} bytes in base64 or hex`);
}

function unset(message: string): ErrandError {
  return new ErrandError("unavailable", message, { retryAfterMs: 60_000 });
}
