import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const root = fileURLToPath(new URL(".", import.meta.url));
const outDir = join(root, "dist/server");

/** Files that stand beside a module, as the page's folder or the entry of isolated handlers, stay where they are. */
const atItsSource: Plugin = {
  name: "at-its-source",
  transform(code, id) {
    if (!id.startsWith(join(root, "src"))) return null;
    const source = relative(outDir, dirname(id));
    return code.replaceAll(
      /new URL\("([^"]+)", import\.meta\.url\)/g,
      (_, path: string) => `new URL(${JSON.stringify(join(source, path))}, import.meta.url)`,
    );
  },
};

/** The server that `npm start` runs (decision 0016): readable, and with nothing of node_modules left to be found at the start. */
export default defineConfig({
  root,
  plugins: [atItsSource],
  ssr: { noExternal: true, target: "node" },
  build: {
    ssr: true,
    outDir,
    emptyOutDir: true,
    target: "es2024",
    minify: false,
    copyPublicDir: false,
    rolldownOptions: {
      input: { cli: join(root, "src/cli.ts"), index: join(root, "src/index.ts") },
      output: { entryFileNames: "[name].js", chunkFileNames: "[name]-[hash].js" },
    },
  },
});
