import { randomUUID } from "node:crypto";

import { defineCommand, type CommandDef } from "citty";

import { nodeFetch } from "../adapters/node/http-fetch.ts";
import { checkBaseUrl } from "../adapters/openai/endpoint.ts";
import { openaiModels } from "../adapters/openai/openai-models.ts";
import { ModelError, type Models } from "../ports/models.ts";
import { proposedSettings, reportText } from "./endpoint-report.ts";
import { callsOf, measureEndpoint } from "./measure-endpoint.ts";

const benchArgs = {
  endpoint: {
    type: "positional",
    description: "Base URL, as http://127.0.0.1:1234/v1 (default: ERRAND_MODEL_BASE_URL)",
    required: false,
  },
  model: { type: "string", description: "Model id (default: the first chat model it offers)" },
  key: {
    type: "string",
    description: "Its API key (default: ERRAND_MODEL_API_KEY, for ERRAND_MODEL_BASE_URL only)",
  },
  "slots-max": { type: "string", description: "Most calls to try at once, 1..64 (default 8)" },
  json: { type: "boolean", description: "Print JSON, one document a line" },
} as const;

const slotsMaxMost = 64;
const listMsMax = 10_000;
/** As shells say of a program that Ctrl-C has ended. */
const interruptedCode = 130;

interface Target {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  readonly slotsMax: number;
}

/** `errand bench`: how fast a model endpoint is, and the settings that fit it. Progress goes to stderr. */
export const bench: CommandDef<typeof benchArgs> = defineCommand({
  meta: {
    name: "bench",
    description:
      "Measure a model endpoint and propose its settings; let nobody else use it meanwhile",
  },
  args: benchArgs,
  async run({ args }) {
    const stop = new AbortController();
    const interrupt = (): void => stop.abort(new Error("stopped"));
    process.once("SIGINT", interrupt);
    try {
      const target = targetOf(args, process.env);
      const text = await measured(target, args.model, args.json === true, stop.signal);
      process.stdout.write(text);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      process.stderr.write(
        `errand: ${stop.signal.aborted ? "stopped, nothing is changed" : words}\n`,
      );
      process.exitCode = stop.signal.aborted ? interruptedCode : 1;
    } finally {
      process.removeListener("SIGINT", interrupt);
    }
  },
});

interface Flags {
  readonly endpoint?: string | undefined;
  readonly key?: string | undefined;
  readonly "slots-max"?: string | undefined;
}

function targetOf(args: Flags, env: NodeJS.ProcessEnv): Target {
  const usual = env["ERRAND_MODEL_BASE_URL"] ?? "";
  const given = args.endpoint ?? usual;
  if (given === "")
    throw new Error(
      "say which endpoint to measure: errand bench http://127.0.0.1:1234/v1, or set ERRAND_MODEL_BASE_URL",
    );
  const baseUrl = checkBaseUrl(given);
  const slotsMax = Number(args["slots-max"] ?? 8);
  if (!(Number.isInteger(slotsMax) && slotsMax >= 1 && slotsMax <= slotsMaxMost))
    throw new Error(
      `--slots-max must be a whole number 1..${slotsMaxMost}, got "${args["slots-max"]}"`,
    );
  // The key of one endpoint is none of another's business.
  const isUsual = usual !== "" && baseUrl === checkBaseUrl(usual);
  const usualKey = isUsual ? (env["ERRAND_MODEL_API_KEY"] ?? env["OPENAI_API_KEY"]) : undefined;
  return { baseUrl, apiKey: args.key ?? usualKey, slotsMax };
}

async function measured(
  { baseUrl, apiKey, slotsMax }: Target,
  wanted: string | undefined,
  isJson: boolean,
  signal: AbortSignal,
): Promise<string> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  try {
    const models = openaiModels({ baseUrl, apiKey, fetch: nodeFetch() });
    const model = await chosen(models, baseUrl, wanted, signal);
    say(`${baseUrl}, model ${model}: at most ${callsOf(slotsMax)} calls; Ctrl-C stops`);
    const nowMs = (): number => performance.now();
    const nonce = randomUUID();
    const result = await measureEndpoint({ models, model, slotsMax, nonce, nowMs, signal, say });
    const settings = proposedSettings(baseUrl, result);
    return isJson
      ? `${JSON.stringify({ endpoint: baseUrl, model, ...result, settings })}\n`
      : reportText(model, result, settings, apiKey !== undefined);
  } catch (error) {
    throw error instanceof ModelError ? new Error(explained(error, baseUrl)) : error;
  }
}

async function chosen(
  models: Models,
  baseUrl: string,
  wanted: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const limit = AbortSignal.timeout(listMsMax);
  const offered = await models
    .list({ signal: AbortSignal.any([signal, limit]) })
    .catch((error: unknown) => {
      signal.throwIfAborted();
      if (limit.aborted)
        throw new Error(`${baseUrl} did not answer within ${listMsMax / 1_000} s: is it running?`);
      throw error;
    });
  const shown = offered.slice(0, 10).join(", ");
  if (wanted !== undefined) {
    // Some servers answer any name with the model they have: the figures would bear the wrong one.
    if (offered.includes(wanted)) return wanted;
    throw new Error(`${baseUrl} has no model "${wanted}"; there are: ${shown || "none"}`);
  }
  const first = offered.find((id) => !/embed/i.test(id));
  if (first !== undefined) return first;
  throw new Error(
    offered.length === 0
      ? `${baseUrl} has no model: load one`
      : `${baseUrl} has no chat model, only ${shown}: load one, or name one with --model`,
  );
}

function explained({ failure, status, message }: ModelError, baseUrl: string): string {
  if (status === 401 || status === 403)
    return `${baseUrl} refuses the key (${status}): give it with --key, or set ERRAND_MODEL_API_KEY beside ERRAND_MODEL_BASE_URL`;
  if (status === 404) return `${message}: does the URL end in /v1?`;
  if (failure === "refused") return `${message}: is it running?`;
  if (failure === "loading") return `${message}: try again once the model is loaded`;
  return message;
}
