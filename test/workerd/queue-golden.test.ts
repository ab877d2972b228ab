/// <reference types="vite/client" />
import { expect, test } from "vitest";

import text from "../golden/queue-log.jsonl?raw";
import { decideGolden, readGolden } from "../queue-golden.ts";

test("[QUEUE15] the commands of the golden log give its facts and hashes in workerd", () => {
  const golden = readGolden(text);
  expect(golden.steps.length).toBeGreaterThan(500);
  expect(decideGolden(golden.steps)).toEqual(golden);
});
