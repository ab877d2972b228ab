/**
 * Bundles the server into dist/server unless it is there and current: `npm start` runs it from there, because loading
 * 500 files takes longer than everything else a start does (decision 0016). All else runs from source.
 */
import { writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

import { build, type Plugin } from "vite";

import { ROOT } from "./child-process.ts";
import { type Target, whenStale } from "./when-stale.ts";

const SERVER: Target = {
  folder: "dist/server",
  sources: [
    "src/*.ts",
    "src/{adapters,cli,client,core,engine,hosts,ports,server,tasks}/**/*.ts",
    "scripts/build-server.ts",
    "package-lock.json",
  ],
};
/** What `npm start` runs; its arguments are those of `errand`. */
const ENTRY = "errand.js";

/** Resolves once dist/server holds the server of the present sources; throws when it does not build. */
export async function buildServer(): Promise<void> {
  await whenStale(SERVER, bundle);
}

async function bundle(): Promise<void> {
  console.log("building the server");
  await build({
    configFile: false,
    root: ROOT,
    logLevel: "warn",
    plugins: [atItsSource],
    // Nothing of node_modules is left to be found at the start.
    ssr: { noExternal: true, target: "node" },
    build: {
      ssr: true,
      outDir: SERVER.folder,
      emptyOutDir: true,
      target: "es2024",
      minify: false,
      // The page's files are not the server's.
      copyPublicDir: false,
      rolldownOptions: {
        input: { cli: "src/cli.ts", index: "src/index.ts" },
        output: { entryFileNames: "[name].js", chunkFileNames: "[name]-[hash].js" },
      },
    },
  });
  writeFileSync(join(ROOT, SERVER.folder, ENTRY), entry);
}

/** Files that stand beside a module, as the page's folder or the entry of isolated handlers, stay where they are. */
const atItsSource: Plugin = {
  name: "at-its-source",
  transform(code, id) {
    if (!id.startsWith(join(ROOT, "src"))) return null;
    const source = relative(join(ROOT, SERVER.folder), dirname(id));
    return code.replaceAll(
      /new URL\("([^"]+)", import\.meta\.url\)/g,
      (_, path: string) => `new URL(${JSON.stringify(join(source, path))}, import.meta.url)`,
    );
  },
};

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
