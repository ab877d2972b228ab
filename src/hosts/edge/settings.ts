import { ErrandError } from "../../core/errors.ts";
import type { HomeRpc } from "./home-call.ts";
import { modelSettings, type ModelEnv, type ModelSettings } from "./llm-worker/model-settings.ts";
import type { FlowBinding } from "./workflow/instances.ts";

/** Bindings, variables and secrets of the Worker. */
export interface EdgeEnv extends ModelEnv {
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
    model: modelSettings(env),
    workflows: (textOf(env.ERRAND_WORKFLOWS) ?? "").split(",").flatMap((name) => name.trim() || []),
  };
}

function textOf(value: string | undefined): string | null {
  return value === undefined || value === "" ? null : value;
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
