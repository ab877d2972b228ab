import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { runSeed } from "./run-seed.ts";
import { failureText } from "./seed-suite.ts";

const seeds = readFileSync(new URL("seeds.txt", import.meta.url), "utf8")
  .split("\n")
  .map((line) => Number.parseInt(line, 10))
  .filter((seed) => !Number.isNaN(seed));

test.each(seeds)("[SIM3] seed %i, which once found a bug, finds none", async (seed) => {
  const result = await runSeed(seed);
  if (result.failure !== null) expect.fail(failureText(result));
  expect(result.tasks).toBeGreaterThan(0);
});
