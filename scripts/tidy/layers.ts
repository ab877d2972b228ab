/**
 * The layer table: who may import whom. The compiler refuses a wrong import between layers by project references;
 * this table also knows packages, and keeps the references true to itself.
 */

/** A folder below src/ with all it may import besides itself. */
export type Layer = {
  readonly folder: string;
  /** Folders, or single files where only the door of a layer is open. */
  readonly layers: readonly string[];
  /** npm packages with their subpaths; "node:" stands for all of Node's own modules. */
  readonly packages: readonly string[];
};

const INNER = ["src/core", "src/ports"];
const NODE_ADAPTERS = [
  "memory",
  "sqlite",
  "node-sqlite",
  "aes-cipher",
  "croner",
  "openai",
  "ai-sdk",
  "node",
].map((name) => `src/adapters/${name}`);
const ALL_BUT_WEB = [...INNER, "src/engine", "src/tasks", "src/server", "src/client"];

/** Adapters never import each other, except that a database driver serves the SQL of its dialect. */
export const LAYERS: readonly Layer[] = [
  { folder: "src/core", layers: [], packages: [] },
  { folder: "src/ports", layers: ["src/core"], packages: [] },
  { folder: "src/engine", layers: INNER, packages: [] },
  { folder: "src/tasks", layers: [...INNER, "src/engine/index.ts"], packages: [] },
  {
    folder: "src/server",
    layers: [...INNER, "src/engine"],
    packages: ["hono", "zod", "@hono/zod-openapi"],
  },
  { folder: "src/client", layers: ["src/core"], packages: [] },
  {
    folder: "src/web",
    layers: ["src/core", "src/client"],
    packages: ["react", "react-dom", "streamdown", "@fontsource-variable/inter"],
  },
  { folder: "src/adapters/memory", layers: INNER, packages: [] },
  { folder: "src/adapters/sqlite", layers: INNER, packages: [] },
  {
    folder: "src/adapters/node-sqlite",
    layers: [...INNER, "src/adapters/sqlite"],
    packages: ["node:"],
  },
  {
    folder: "src/adapters/durable-object",
    layers: [...INNER, "src/adapters/sqlite"],
    packages: ["cloudflare:workers"],
  },
  // Also runs in workerd, which has these two of Node's modules.
  {
    folder: "src/adapters/aes-cipher",
    layers: INNER,
    packages: ["node:crypto", "node:zlib"],
  },
  { folder: "src/adapters/croner", layers: INNER, packages: ["croner"] },
  { folder: "src/adapters/openai", layers: INNER, packages: [] },
  {
    folder: "src/adapters/ai-sdk",
    layers: INNER,
    packages: ["ai", "@ai-sdk/openai-compatible"],
  },
  { folder: "src/adapters/node", layers: INNER, packages: ["node:"] },
  { folder: "src/adapters/fake-model", layers: INNER, packages: ["node:"] },
  {
    folder: "src/hosts/embedded",
    layers: [...ALL_BUT_WEB, ...NODE_ADAPTERS],
    packages: ["node:", "hono", "@hono/node-server", "ws"],
  },
  {
    folder: "src/hosts/edge",
    layers: [
      ...INNER,
      "src/engine",
      "src/tasks",
      "src/server",
      ...["sqlite", "durable-object", "aes-cipher", "croner", "openai", "ai-sdk", "node"].map(
        (name) => `src/adapters/${name}`,
      ),
    ],
    packages: ["cloudflare:workers", "node:buffer", "node:crypto", "workers-ai-provider"],
  },
  {
    // The package's entry and the command line: index.ts, cli.ts, cli/.
    folder: "src",
    layers: [...ALL_BUT_WEB, ...NODE_ADAPTERS, "src/adapters/fake-model", "src/hosts/embedded"],
    packages: ["node:", "citty"],
  },
];
