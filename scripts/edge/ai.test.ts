import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { ROOT } from "../child-process.ts";
import { generateId } from "./ai.mjs";

test("[HOME10] the provider of Workers AI takes one function of the AI SDK, which is replaced", () => {
  const folder = join(ROOT, "node_modules/workers-ai-provider/dist");
  const taken = readdirSync(folder)
    .filter((file) => file.endsWith(".mjs"))
    .flatMap((file) =>
      [...readFileSync(join(folder, file), "utf8").matchAll(/^import (.+) from "ai";$/gm)].map(
        ([, names]) => names,
      ),
    );
  expect(taken).toEqual(["{ generateId }"]);
  expect(generateId()).toMatch(/^[0-9a-f]{16}$/);
  expect(generateId()).not.toBe(generateId());
});
