import { anyModel, firstModel } from "../../../adapters/openai/first-model.ts";
import { openaiModels } from "../../../adapters/openai/openai-models.ts";
import { ErrandError } from "../../../core/errors.ts";
import type { Models } from "../../../ports/models.ts";
import { remoteModels, type LlmWorker } from "./remote-models.ts";
import { workersAiModels, type AiBinding } from "./workers-ai.ts";
import { workersAiIds } from "./workers-ai-ids.ts";

/** Bindings and variables about models, of the Worker and of an llm-worker. */
export interface ModelEnv {
  /** Workers AI, where an account is; elsewhere a stand-in, or nothing. */
  readonly AI?: AiBinding;
  /** The Worker that makes the calls; absent: they are made here. */
  readonly LLM_WORKER?: LlmWorker;
  /** `openai` or `workers-ai`. Default: `openai` with a base URL, else `workers-ai` where `AI` is bound. */
  readonly ERRAND_MODEL_PROVIDER?: string;
  readonly ERRAND_MODEL_BASE_URL?: string;
  readonly ERRAND_MODEL_API_KEY?: string;
  /** Read when `ERRAND_MODEL_API_KEY` is not set. */
  readonly OPENAI_API_KEY?: string;
  /** Calls the endpoint serves at once, 1..10,000. Default 1, and 8 of Workers AI. */
  readonly ERRAND_MODEL_SLOTS?: string;
}

/** The endpoint of models. */
export interface ModelSettings {
  readonly provider: "openai" | "workers-ai";
  /** `null`: Workers AI, or an llm-worker that knows it. */
  readonly baseUrl: string | null;
  readonly apiKey: string | undefined;
  readonly slots: number;
  /** Text generations a minute that Workers AI allows by default; `null`: no limit is known. */
  readonly requestsPerMinute: number | null;
  /** Model id by role: from `ERRAND_ROLE_<NAME>`, else from the provider's defaults. */
  readonly roles: Readonly<Record<string, string>>;
}

const slotsDefault = { openai: 1, "workers-ai": 8 } as const;

/** Reads what is set about models; `null`: none. Throws `unavailable` for what cannot be right. */
export function modelSettings(env: ModelEnv): ModelSettings | null {
  const baseUrl = textOf(env.ERRAND_MODEL_BASE_URL);
  if (baseUrl === null && env.AI === undefined && env.LLM_WORKER === undefined) return null;
  if (baseUrl !== null && !URL.canParse(baseUrl))
    throw unset(`ERRAND_MODEL_BASE_URL must be an http(s) URL, got "${baseUrl}"`);
  const provider = providerOf(env, baseUrl);
  const slots = Number(textOf(env.ERRAND_MODEL_SLOTS) ?? slotsDefault[provider]);
  if (!Number.isInteger(slots) || slots < 1 || slots > 10_000)
    throw unset(`ERRAND_MODEL_SLOTS must be a whole number 1..10000`);
  const roles: Record<string, string> =
    provider === "openai" ? { chat: anyModel } : { ...workersAiIds };
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith("ERRAND_ROLE_") && typeof value === "string" && value !== "")
      roles[name.slice("ERRAND_ROLE_".length).toLowerCase()] = value;
  }
  return {
    provider,
    baseUrl: provider === "openai" ? baseUrl : null,
    apiKey: textOf(env.ERRAND_MODEL_API_KEY) ?? textOf(env.OPENAI_API_KEY) ?? undefined,
    slots,
    requestsPerMinute: provider === "openai" ? null : 300,
    roles,
  };
}

function providerOf(env: ModelEnv, baseUrl: string | null): ModelSettings["provider"] {
  const named = textOf(env.ERRAND_MODEL_PROVIDER);
  if (named !== null && named !== "openai" && named !== "workers-ai")
    throw unset(`ERRAND_MODEL_PROVIDER must be openai or workers-ai, got "${named}"`);
  const hasWorker = env.LLM_WORKER !== undefined;
  const provider =
    named ?? (baseUrl === null && (env.AI !== undefined || !hasWorker) ? "workers-ai" : "openai");
  if (hasWorker) return provider;
  if (provider === "openai" && baseUrl === null)
    throw unset("ERRAND_MODEL_PROVIDER is openai, and ERRAND_MODEL_BASE_URL is not set");
  if (provider === "workers-ai" && env.AI === undefined)
    throw unset("ERRAND_MODEL_PROVIDER is workers-ai, and AI is not bound in wrangler.jsonc");
  return provider;
}

/**
 * Who calls the models: the llm-worker if one is bound, else this very Worker or object, by the same code. The model id
 * "auto" is whatever an OpenAI-compatible server offers first.
 */
export function modelsOf(settings: ModelSettings, env: ModelEnv): Models {
  if (env.LLM_WORKER !== undefined) return remoteModels(env.LLM_WORKER);
  if (settings.provider === "workers-ai" && env.AI !== undefined) return workersAiModels(env.AI);
  const { baseUrl, apiKey } = settings;
  return firstModel(openaiModels({ baseUrl: baseUrl ?? "", apiKey }));
}

function textOf(value: string | undefined): string | null {
  return value === undefined || value === "" ? null : value;
}

function unset(message: string): ErrandError {
  return new ErrandError("unavailable", message, { retryAfterMs: 60_000 });
}
