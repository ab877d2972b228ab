/**
 * `npm run edge`: the page, and the Worker on this machine, at http://127.0.0.1:8788 with no account and no network.
 * `--llm-worker` makes model calls in a second Worker, `--pretend-ai` plays Workers AI. Other arguments are passed on to
 * `wrangler dev`; settings come from the environment or from `.dev.vars`.
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

async function main(): Promise<number> {
  await buildWeb();
  const rest = process.argv.slice(2);
  const [llmWorker, aiStandIn] = ["--llm-worker", "--pretend-ai"].map((flag) => {
    const at = rest.indexOf(flag);
    return at >= 0 && rest.splice(at, 1).length === 1;
  });
  const named = given(modelNames);
  const looks = aiStandIn !== true && named["ERRAND_MODEL_BASE_URL"] === undefined;
  const modelVars = looks ? { ...named, ...(await modelHere()) } : named;
  const vars = given(passedOn);
  const several = llmWorker === true || aiStandIn === true;
  const which = several
    ? writeLocalConfigs(join(ROOT, ".cache/edge"), {
        llmWorker: llmWorker === true,
        aiStandIn: aiStandIn === true,
        vars,
        modelVars,
      }).map((path) => `--config=${path}`)
    : [
        "--env=development",
        ...Object.entries({ ...vars, ...modelVars }).flatMap(([name, value]) => [
          "--var",
          `${name}:${value}`,
        ]),
      ];
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
