import { defineCommand } from "citty";
import { expect, test } from "vitest";

import { flagFault } from "./unknown-flags.ts";

const main = defineCommand({
  subCommands: {
    ps: defineCommand({ args: { all: { type: "boolean", alias: "a" } } }),
    why: defineCommand({
      args: { id: { type: "positional" }, url: { type: "string" }, json: { type: "boolean" } },
    }),
    add: defineCommand({ args: { name: { type: "positional" }, text: { type: "positional" } } }),
  },
});

test.each([
  [["ps"], null],
  [["ps", "-a"], null],
  [["ps", "all"], "errand ps takes no words, got 1; put a text of several words in quotes"],
  [["why", "a", "--url", "b", "--json"], null],
  [["why", "a", "b"], "errand why takes one word or text, got 2; put a text"],
  [["why", "-1", "2"], "errand why takes one word or text, got 2"],
  [["add", "a", "b", "c"], "errand add takes 2 words or texts, got 3"],
  [["add", "--", "a", "b", "c"], null],
  [["why", "a", "--jsn"], 'errand why has no flag "--jsn"; there are: --url, --json'],
  [["nothing", "a"], null],
])("[CLI15] flags and words of a command line: %j", async (argv, fault) => {
  const found = await flagFault(main, argv);
  if (fault === null) expect(found).toBeNull();
  else expect(found).toContain(fault);
});
