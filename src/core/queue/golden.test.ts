import { expect, test } from "vitest";

import {
  decideGolden,
  decideKilled,
  goldenCommands,
  readGolden,
  writeGolden,
} from "../../../test/queue-golden.ts";
import text from "../../../test/golden/queue-log.jsonl?raw";

/*
 * The file is the promise: logs that an older Errand has written go on with the same decisions. A change of the rule
 * changes it on purpose: `npx vitest run --project unit src/core/queue/golden.test.ts --update`.
 */

test("[QUEUE15] the golden log is what its commands decide", async () => {
  const made = writeGolden(decideGolden(goldenCommands()));
  await expect(made).toMatchFileSnapshot("../../../test/golden/queue-log.jsonl");
});

test("[QUEUE15] the commands of the golden log give its facts and hashes on this host", () => {
  const golden = readGolden(text);
  expect(golden.steps.length).toBeGreaterThan(500);
  expect(decideGolden(golden.steps)).toEqual(golden);
});

test.each(["log", "snapshot"] as const)(
  "[QUEUE15] a process that dies after every decision takes the same ones, by its %s and its ready rows",
  (from) => {
    const golden = readGolden(text);
    expect(decideKilled(golden.steps, from)).toBe(golden.decisions);
  },
);
