/** Builds the page into dist/web unless it is there and current: `npm start` and the web suite call it each time. */
import { existsSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "./child-process.ts";
import { type Target, viteBuild, whenStale } from "./when-stale.ts";

const PAGE: Target = {
  folder: "dist/web",
  sources: ["src/{web,client,core}/**/*.*", "vite.config.ts", "package-lock.json"],
};

/** Resolves once dist/web holds the page of the present sources; throws when it does not build. */
export async function buildWeb(): Promise<void> {
  if (!existsSync(join(ROOT, "src/web/index.html"))) return;
  await whenStale(PAGE, () => viteBuild("the page", []));
}

if (import.meta.main) await buildWeb();
