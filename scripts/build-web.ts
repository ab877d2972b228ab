/** Builds the page into dist/web unless it is there and current: `npm start` and the web suite call it each time. */
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT, runTool } from "./child-process.ts";

/** The page is bundled from these; the lock file stands for the packages. */
const SOURCES = ["src/{web,client,core}/**/*.*", "vite.config.ts", "package-lock.json"];
const STAMP = join(ROOT, "dist/web/.errand-stamp");

/** Resolves once dist/web holds the page of the present sources; throws when it does not build. */
export async function buildWeb(): Promise<void> {
  if (!existsSync(join(ROOT, "src/web/index.html"))) return;
  const wanted = hashOfSources();
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === wanted) return;
  console.log("building the page");
  if ((await runTool("vite", ["build", "--logLevel", "warn"])) !== 0) {
    throw new Error("the page does not build (vite's message is above)");
  }
  writeFileSync(STAMP, wanted);
}

function hashOfSources(): string {
  const hash = createHash("sha256");
  for (const path of globSync(SOURCES, { cwd: ROOT }).toSorted()) {
    hash.update(path).update(readFileSync(join(ROOT, path)));
  }
  return hash.digest("hex");
}

if (import.meta.main) await buildWeb();
