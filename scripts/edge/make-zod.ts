/**
 * Writes the indices of Zod without its `locales`, which are 260 kB of messages that no Worker shows. Run it when the
 * package's version changes: `node scripts/edge/make-zod.ts`. zod.test.ts says when that was forgotten.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../child-process.ts";

/** Zod's indices, and where those without locales go. */
export const INDICES: readonly { readonly from: string; readonly to: string }[] = [
  { from: "core", to: "zod-core.mjs" },
  { from: "classic", to: "zod-classic.mjs" },
];

/** The index of a folder of Zod as it is wanted here. */
export function withoutLocales(folder: string): string {
  const file = folder === "core" ? "core/index.js" : "classic/external.js";
  const zod = "../../node_modules/zod/v4";
  const text = readFileSync(join(ROOT, "node_modules/zod/v4", file), "utf8");
  const lines = text
    .split("\n")
    .filter((line) => line.startsWith("export") && !line.includes("locales"))
    .map((line) =>
      line.replace(/"(\.\.?)\/([^"]+)"/, (_, up: string, path: string) => {
        if (path === "core/index.js") return '"./zod-core.mjs"';
        return `"${zod}/${up === "." ? `${folder}/` : ""}${path}"`;
      }),
    );
  return `/** Made by make-zod.ts from zod/v4/${file}. */\n${lines.join("\n")}\n`;
}

if (import.meta.main)
  for (const { from, to } of INDICES)
    writeFileSync(join(ROOT, "scripts/edge", to), withoutLocales(from));
