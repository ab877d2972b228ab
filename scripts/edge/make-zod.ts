/**
 * Writes the indices of Zod without what no Worker uses: its `locales` (260 kB of messages), its compiler (29 kB, and a
 * Worker may not make code) and its reader of JSON Schema (12 kB). Run it when the package's version changes: `node
 * scripts/edge/make-zod.ts`. zod.test.ts says when that was forgotten.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../child-process.ts";

/** Zod's indices, and where those without locales go. */
export const INDICES: readonly { readonly from: string; readonly to: string }[] = [
  { from: "core", to: "zod-core.mjs" },
  { from: "classic", to: "zod-classic.mjs" },
];

/** Modules that are left out. */
const DROPPED: readonly string[] = ["locales/index.js", "compile.js", "from-json-schema.js"];

/** Names of the compiler, which Zod's own index tells again one by one. */
export const COMPILER: readonly string[] = [
  "INVALID",
  "compile",
  "withParser",
  "compileFn",
  "ZodCompileAsyncError",
  "ZodCompileUnsupportedError",
];

/** The index of a folder of Zod as it is wanted here. */
export function trimmed(folder: string): string {
  const file = folder === "core" ? "core/index.js" : "classic/external.js";
  const zod = "../../node_modules/zod/v4";
  const text = readFileSync(join(ROOT, "node_modules/zod/v4", file), "utf8");
  const lines = text
    .split("\n")
    .filter((line) => line.startsWith("export") && !DROPPED.some((path) => line.includes(path)))
    .map((line) =>
      withoutCompiler(line).replace(/"(\.\.?)\/([^"]+)"/, (_, up: string, path: string) => {
        if (path === "core/index.js") return '"./zod-core.mjs"';
        return `"${zod}/${up === "." ? `${folder}/` : ""}${path}"`;
      }),
    );
  return `/** Made by make-zod.ts from zod/v4/${file}. */\n${lines.join("\n")}\n`;
}

function withoutCompiler(line: string): string {
  return line.replace(/\{([^}]+)\}/, (_, names: string) => {
    const kept = names.split(",").filter((name) => !COMPILER.includes(name.trim()));
    return `{${kept.join(",")}}`;
  });
}

if (import.meta.main)
  for (const { from, to } of INDICES) writeFileSync(join(ROOT, "scripts/edge", to), trimmed(from));
