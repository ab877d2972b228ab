/** Runs one vitest project and counts its tests. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runTool } from "./child-process.ts";
import type { Counts } from "./count-reporter.ts";

/** Never rejects for a failing test: a vitest that dies without counting is one failure. */
export async function runSuite(project: string, env: Record<string, string>): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), "errand-counts-"));
  const file = join(folder, "counts.json");
  try {
    const code = await runTool(
      "vitest",
      ["run", "--project", project, "--reporter=default", "--reporter=./scripts/count-reporter.ts"],
      { ...env, ERRAND_COUNTS_FILE: file },
    );
    return checkedAgainst(code, readCounts(file));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readCounts(file: string): Counts | undefined {
  try {
    const counts: Counts = JSON.parse(readFileSync(file, "utf8"));
    return counts;
  } catch {
    return undefined;
  }
}

/** Vitest writes no counts for a project without files, and may fail for reasons that are no test. */
function checkedAgainst(code: number, counts: Counts | undefined): Counts {
  const known = counts ?? { passed: 0, failed: 0, skipped: [] };
  return code !== 0 && known.failed === 0 ? { ...known, failed: 1 } : known;
}
