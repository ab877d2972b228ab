import { execFile } from "node:child_process";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const bytesMax = 900 * 1024;

/** Four at a time share the machine: what ends one that hangs, and never a judgement. */
const hangMs = 300_000;

/** What `wrangler deploy` would send, and say of it. */
async function dryRun(
  config: string,
  env: string,
): Promise<{ readonly said: string; readonly bytes: number }> {
  const folder = await mkdtemp(join(tmpdir(), "errand-bundle-"));
  try {
    // What is measured is the Worker: a page need not be built for that.
    await writeFile(join(folder, "index.html"), "<!doctype html>");
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        join(ROOT, "node_modules/wrangler/bin/wrangler.js"),
        "deploy",
        "--dry-run",
        `--config=${join(ROOT, config)}`,
        `--env=${env}`,
        `--outdir=${join(folder, "out")}`,
        ...(config === "wrangler.jsonc" ? [`--assets=${folder}`] : []),
      ],
      { cwd: ROOT, env: { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" } },
    );
    const { size } = await stat(join(folder, "out/worker.js"));
    return { said: stdout, bytes: size };
  } finally {
    await rm(folder, { recursive: true });
  }
}

for (const [name, env, hasAi] of [
  ["production", "", true],
  ["staging", "staging", true],
  ["development", "development", false],
] as const) {
  test.concurrent(
    `[HOME10] the Worker of ${name} can be deployed, and is smaller than 900 KiB`,
    async () => {
      const { said, bytes } = await dryRun("wrangler.jsonc", env);
      expect(said).toContain("env.HOMES (ErrandHome)");
      expect(said).toContain("env.ORCHESTRATOR_WORKERS_WORKFLOW (ErrandWorkflow)");
      expect(said).toContain(`env.ENVIRONMENT ("${name}")`);
      // Without an account there is no Workers AI, and `wrangler dev` would not start with its binding.
      expect(said.includes("env.AI")).toBe(hasAi);
      expect(bytes).toBeLessThan(bytesMax);
    },
    hangMs,
  );
}

test.concurrent(
  "[LLM4] the llm-worker can be deployed by itself, and is small",
  async () => {
    const { said, bytes } = await dryRun("wrangler.llm-worker.jsonc", "");
    expect(said).toContain("env.AI");
    expect(bytes).toBeLessThan(bytesMax / 5);
  },
  hangMs,
);
