/**
 * Bundles the server into dist/server unless it is there and current: `npm start` runs it from there, because loading
 * 500 files takes longer than everything else a start does (decision 0016). All else runs from source.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "./child-process.ts";
import { type Target, viteBuild, whenStale } from "./when-stale.ts";

const SERVER: Target = {
  folder: "dist/server",
  sources: [
    "src/*.ts",
    "src/{adapters,cli,client,core,engine,hosts,ports,server,tasks}/**/*.ts",
    "scripts/build-server.ts",
    "vite.server.config.ts",
    "package-lock.json",
  ],
};
/** What `npm start` runs; its arguments are those of `errand`. */
const ENTRY = "errand.js";

/** Resolves once dist/server holds the server of the present sources; throws when it does not build. */
export async function buildServer(): Promise<void> {
  await whenStale(SERVER, async () => {
    await viteBuild("the server", ["--config", "vite.server.config.ts"]);
    writeFileSync(join(ROOT, SERVER.folder, ENTRY), entry);
  });
}

/** A configuration that imports the library's source gets the running one: a second copy would be slow and not the same. */
const entry = `import { registerHooks } from "node:module";

const source = new URL("../../src/index.ts", import.meta.url).href;
const built = new URL("index.js", import.meta.url).href;
registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    return found.url === source ? { ...found, url: built, format: "module" } : found;
  },
});
await import("./cli.js");
`;

if (import.meta.main) await buildServer();
