import { expect, test } from "vitest";

import { plantedBugs } from "./planted/index.ts";
import { runSeed } from "./run-seed.ts";

/** Within so many seeds every planted bug must be found. */
const seedsMax = 1_000;

test("[SIM2] there are planted bugs, each with a name of its own", () => {
  expect(new Set(plantedBugs.map(({ name }) => name)).size).toBe(plantedBugs.length);
  expect(plantedBugs.length).toBeGreaterThanOrEqual(45);
});

test.each(plantedBugs)("[SIM2] the planted bug $name is found: $about", async (mutant) => {
  for (let seed = 1; seed <= seedsMax; seed += 1) {
    const { failure } = await runSeed(seed, { mutant });
    if (failure !== null) return expect(failure.message).not.toBe("");
  }
  expect.fail(`${seedsMax} seeds did not find it`);
});
