/**
 * `npm run edge`: the page, and the Worker on this machine, at http://127.0.0.1:8788 with no account and no network.
 * `--llm-worker` makes model calls in a second Worker, `--pretend-ai` plays Workers AI; a second Worker that would have no
 * model to call has that. Other arguments are passed on to `wrangler dev`; settings come from the environment or from
 * `.dev.vars`.
 */
import { join } from "node:path";

import { ROOT, run } from "../child-process.ts";
import { buildWeb } from "../build-web.ts";
import { writeLocalConfigs } from "./local-configs.ts";

/** Variables of this process that the Worker is given, and those that are for whoever calls the models. */
const passedOn = [
  "ERRAND_MODEL_SLOTS",
  "ERRAND_MODEL_PROVIDER",
  "ERRAND_WORKFLOWS",
  "ERRAND_ADMIN_KEY",
  "ERRAND_KEY",
];
const modelNames = ["ERRAND_MODEL_BASE_URL", "ERRAND_MODEL_API_KEY", "OPENAI_API_KEY"];

/** Where a model server is looked for when none is named. */
const localServers = ["http://127.0.0.1:1234/v1", "http://127.0.0.1:11434/v1"];
const probeMs = 300;

async function answers(baseUrl: string): Promise<boolean> {
  try {
    return (await fetch(`${baseUrl}/models`, { signal: AbortSignal.timeout(probeMs) })).ok;
  } catch {
    // Nothing is there.
    return false;
  }
}

/** The model server of this machine; an object of the edge has no way to look for it. */
async function modelHere(): Promise<Readonly<Record<string, string>>> {
  const found = await Promise.all(localServers.map(answers));
  const model = localServers.find((_, index) => found[index]);
  if (model === undefined) return {};
  console.log(`a model answers at ${model}`);
  return { ERRAND_MODEL_BASE_URL: model };
}

function given(names: readonly string[]): Readonly<Record<string, string>> {
  const roles = Object.keys(process.env).filter((name) => name.startsWith("ERRAND_ROLE_"));
  const all = names === passedOn ? [...names, ...roles] : names;
  const entries = all.map((name): [string, string] => [name, process.env[name] ?? ""]);
  return Object.fromEntries(entries.filter(([, value]) => value !== ""));
}

/** Arguments of wrangler that say what runs, with which variables. */
async function configured(llmWorker: boolean, pretendAi: boolean): Promise<readonly string[]> {
  const named = given(modelNames);
  const looks = !pretendAi && named["ERRAND_MODEL_BASE_URL"] === undefined;
  const modelVars = looks ? { ...named, ...(await modelHere()) } : named;
  const vars = given(passedOn);
  const isAlone = llmWorker && !pretendAi && !("ERRAND_MODEL_BASE_URL" in modelVars);
  if (isAlone)
    console.log(
      "no model answers here and ERRAND_MODEL_BASE_URL is not set: the llm-worker calls a pretended Workers AI",
    );
  const aiStandIn = pretendAi || isAlone;
  if (llmWorker || aiStandIn)
    return writeLocalConfigs(join(ROOT, ".cache/edge"), {
      llmWorker,
      aiStandIn,
      vars,
      modelVars,
    }).map((path) => `--config=${path}`);
  const all = Object.entries({ ...vars, ...modelVars });
  return ["--env=development", ...all.flatMap(([name, value]) => ["--var", `${name}:${value}`])];
}

async function main(): Promise<number> {
  await buildWeb();
  const rest = process.argv.slice(2);
  const [llmWorker = false, pretendAi = false] = ["--llm-worker", "--pretend-ai"].map((flag) => {
    const at = rest.indexOf(flag);
    return at >= 0 && rest.splice(at, 1).length === 1;
  });
  const which = await configured(llmWorker, pretendAi);
  return await run(
    "wrangler",
    [
      "dev",
      ...which,
      // The same chats, however it is started.
      `--persist-to=${join(ROOT, ".wrangler/state")}`,
      "--ip=127.0.0.1",
      "--port=8788",
      "--show-interactive-dev-session=false",
      ...rest,
    ],
    {
      WRANGLER_SEND_METRICS: "false",
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      // Wrangler would write each operation of each object into a database of its own, in the same process: 45 KB a turn.
      X_LOCAL_OBSERVABILITY: process.env["X_LOCAL_OBSERVABILITY"] ?? "false",
    },
  );
}

process.exitCode = await main();
