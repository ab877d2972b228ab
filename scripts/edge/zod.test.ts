import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";
import * as whole from "zod";

import { ROOT } from "../child-process.ts";
import { COMPILER, INDICES, trimmed } from "./make-zod.ts";

test("[HOME10] Zod without what no Worker uses is made from the package that is installed", () => {
  for (const { from, to } of INDICES)
    expect(bare(readFileSync(join(ROOT, "scripts/edge", to), "utf8"))).toBe(bare(trimmed(from)));
});

/** The formatter breaks lines where it likes. */
function bare(text: string): string {
  return text.replaceAll(/[\s,]+/g, "");
}

test("[HOME10] Zod without its languages, compiler and reader has everything else", async () => {
  const path = join(ROOT, "scripts/edge/zod.mjs");
  const without = (await import(path)) as Record<string, unknown>;
  const missing = Object.keys(whole).filter((name) => !(name in without));
  const dropped = new Set(["locales", "fromJSONSchema", ...COMPILER]);
  expect(missing.filter((name) => !dropped.has(name))).toEqual([]);
  expect(missing).toEqual(expect.arrayContaining(["compile", "fromJSONSchema", "locales"]));
  expect(Object.keys(without["z"] as object)).not.toContain("locales");
});
