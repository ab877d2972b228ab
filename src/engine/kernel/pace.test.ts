import { expect, test } from "vitest";

import { groupCommandsMax, groupCommandsMin, groupMsAim } from "../../core/limits.ts";
import { Pace } from "./pace.ts";

test("[KERNEL26] a group takes as many commands as recent ones had time for, within limits", () => {
  const pace = new Pace();
  expect(pace.commandsMax).toBe(groupCommandsMax);
  for (let group = 0; group < 40; group += 1) pace.took(100, groupMsAim);
  expect(Math.abs(pace.commandsMax - 100)).toBeLessThanOrEqual(1);
  for (let group = 0; group < 40; group += 1) pace.took(100, 100 * groupMsAim);
  expect(pace.commandsMax).toBe(groupCommandsMin);
  for (let group = 0; group < 80; group += 1) pace.took(100, 0);
  expect(pace.commandsMax).toBe(groupCommandsMax);
});

test("[KERNEL26] a clock that is set back and an empty group change nothing for the worse", () => {
  const pace = new Pace();
  pace.took(0, 1_000);
  pace.took(10, -5_000);
  expect(pace.commandsMax).toBe(groupCommandsMax);
});
