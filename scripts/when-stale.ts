/** Builds what `npm start` and the suites need only when its sources have changed. */
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT, runTool } from "./child-process.ts";

/** Something built into a folder of dist/. */
export type Target = {
  /** Below the root. */
  readonly folder: string;
  /** Globs of all it is made of; the lock file stands for the packages. */
  readonly sources: readonly string[];
};

const STAMP = ".errand-stamp";

/** Calls `build` unless the folder holds what the present sources give; a build that throws is done again next time. */
export async function whenStale(target: Target, build: () => Promise<void>): Promise<void> {
  const stamp = join(ROOT, target.folder, STAMP);
  const wanted = hashOf(target.sources);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  await build();
  writeFileSync(stamp, wanted);
}

/** Runs `vite build`; throws when it fails. Always for production: what a test runner sets would give React's slow half. */
export async function viteBuild(what: string, options: readonly string[]): Promise<void> {
  console.log(`building ${what}`);
  const args = ["build", "--logLevel", "warn", ...options];
  if ((await runTool("vite", args, { NODE_ENV: "production" })) !== 0)
    throw new Error(`${what} does not build (vite's message is above)`);
}

function hashOf(sources: readonly string[]): string {
  const hash = createHash("sha256");
  for (const path of globSync(sources, { cwd: ROOT }).toSorted()) {
    hash.update(path).update(readFileSync(join(ROOT, path)));
  }
  return hash.digest("hex");
}
