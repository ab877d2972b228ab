/** Configurations for runs on this machine that are more than the environment "development": several Workers at once. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../child-process.ts";

/** What runs besides the Worker. */
export interface LocalParts {
  /** Model calls in a Worker of their own. */
  readonly llmWorker: boolean;
  /** In place of Workers AI: a Worker that plays the fake model behind the same `run()`. */
  readonly aiStandIn: boolean;
  /** Variables of the Worker. */
  readonly vars: Readonly<Record<string, string>>;
  /** Variables of the Worker that calls the models. */
  readonly modelVars: Readonly<Record<string, string>>;
  /** A folder of files in place of the page. */
  readonly assets?: string;
}

type Config = Readonly<Record<string, unknown>>;

const standInName = "errand-ai-stand-in";
const llmWorkerName = "errand-llm-worker";

/** Reads a configuration; comments stand on lines of their own. */
function read(file: string): Config & { readonly env: Readonly<Record<string, Config>> } {
  const text = readFileSync(join(ROOT, file), "utf8")
    .replaceAll(/^\s*\/\/.*$/gm, "")
    .replaceAll(/,(\s*[\]}])/g, "$1");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Files of this repository.
  return JSON.parse(text) as Config & { readonly env: Readonly<Record<string, Config>> };
}

/** The environment "development" as the top level, with paths that do not depend on where it is written. */
function development(file: string): Record<string, unknown> {
  const { env, ai: _, $schema: _schema, ...top } = read(file);
  const config: Record<string, unknown> = { ...top, ...env["development"] };
  config["main"] = join(ROOT, String(top["main"]));
  const alias: Record<string, string> = {};
  for (const [name, path] of Object.entries(top["alias"] ?? {}))
    alias[name] = join(ROOT, String(path));
  config["alias"] = alias;
  config["minify"] = false;
  return config;
}

/** Writes what `wrangler dev` is given with `--config`, one each; the first is the Worker. */
export function writeLocalConfigs(folder: string, parts: LocalParts): readonly string[] {
  const { llmWorker, aiStandIn, vars, modelVars, assets } = parts;
  const standIn = { binding: "AI", service: standInName, entrypoint: "AiStandIn" };
  const main = development("wrangler.jsonc");
  const services = llmWorker ? [{ binding: "LLM_WORKER", service: llmWorkerName }] : [];
  const own = aiStandIn && !llmWorker ? [standIn] : [];
  const provider = aiStandIn ? { ERRAND_MODEL_PROVIDER: "workers-ai" } : {};
  const files: [string, Config][] = [
    [
      "worker",
      {
        ...main,
        services: [...services, ...own],
        vars: { ENVIRONMENT: "development", ...vars, ...provider, ...(llmWorker ? {} : modelVars) },
        assets: {
          binding: "ASSETS",
          run_worker_first: true,
          directory: assets ?? join(ROOT, "dist/web"),
        },
      },
    ],
  ];
  if (llmWorker) {
    const config = development("wrangler.llm-worker.jsonc");
    const ai = aiStandIn ? { services: [standIn] } : {};
    const given = { ENVIRONMENT: "development", ...modelVars, ...provider };
    files.push(["llm-worker", { ...config, name: llmWorkerName, ...ai, vars: given }]);
  }
  if (aiStandIn) {
    const { compatibility_date, compatibility_flags } = main;
    const program = join(ROOT, "test/workerd/ai-stand-in.ts");
    const config = { name: standInName, main: program, compatibility_date, compatibility_flags };
    files.push(["ai-stand-in", config]);
  }
  mkdirSync(folder, { recursive: true });
  return files.map(([name, config]) => {
    const path = join(folder, `${name}.json`);
    // Keys of models and of the data stand in it.
    writeFileSync(path, JSON.stringify(config, null, 2), { mode: 0o600 });
    return path;
  });
}
