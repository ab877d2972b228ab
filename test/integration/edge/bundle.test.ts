import { execFile } from "node:child_process";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const bytesMax = 900 * 1024;

for (const [name, env, hasAi] of [
  ["production", "", true],
  ["staging", "staging", true],
  ["development", "development", false],
] as const) {
  test(`[HOME10] the Worker of ${name} can be deployed, and is smaller than 900 KiB`, async () => {
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
          `--env=${env}`,
          `--outdir=${join(folder, "out")}`,
          `--assets=${folder}`,
        ],
        { cwd: ROOT, env: { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" } },
      );
      expect(stdout).toContain("env.HOMES (ErrandHome)");
      expect(stdout).toContain("env.ORCHESTRATOR_WORKERS_WORKFLOW (errand-workflows");
      expect(stdout).toContain(`env.ENVIRONMENT ("${name}")`);
      // Without an account there is no Workers AI, and `wrangler dev` would not start with its binding.
      expect(stdout.includes("env.AI")).toBe(hasAi);
      const { size } = await stat(join(folder, "out/worker.js"));
      expect(size).toBeLessThan(bytesMax);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
