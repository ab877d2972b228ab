/**
 * `npm run edge`: the page, and the Worker on this machine, at http://127.0.0.1:8788 with no account and no network.
 * Arguments are passed on to `wrangler dev`; settings come from the environment or from `.dev.vars`.
 */
import { run } from "../child-process.ts";
import { buildWeb } from "../build-web.ts";

/** Variables of this process that the Worker is given. */
const passedOn = [
  "ERRAND_MODEL_PROVIDER",
  "ERRAND_MODEL_BASE_URL",
  "ERRAND_MODEL_API_KEY",
  "OPENAI_API_KEY",
  "ERRAND_MODEL_SLOTS",
  "ERRAND_WORKFLOWS",
  "ERRAND_ADMIN_KEY",
  "ERRAND_KEY",
];

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
async function modelHere(): Promise<string | null> {
  const found = await Promise.all(localServers.map(answers));
  return localServers.find((_, index) => found[index]) ?? null;
}

async function main(): Promise<number> {
  await buildWeb();
  const roles = Object.keys(process.env).filter((name) => name.startsWith("ERRAND_ROLE_"));
  const vars = [...passedOn, ...roles].flatMap((name) => {
    const value = process.env[name];
    return value === undefined || value === "" ? [] : [`${name}:${value}`];
  });
  const named = vars.some((text) => text.startsWith("ERRAND_MODEL_BASE_URL:"));
  const model = named ? null : await modelHere();
  if (model !== null) {
    console.log(`a model answers at ${model}`);
    vars.push(`ERRAND_MODEL_BASE_URL:${model}`);
  }
  return await run(
    "wrangler",
    [
      "dev",
      "--env=development",
      "--ip=127.0.0.1",
      "--port=8788",
      "--show-interactive-dev-session=false",
      ...vars.flatMap((text) => ["--var", text]),
      ...process.argv.slice(2),
    ],
    { WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
  );
}

process.exitCode = await main();
