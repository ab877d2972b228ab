import { expect, test } from "vitest";

import { readPrompt } from "./prompt-script.ts";

test("[MODEL18] a prompt without directives is plain", () => {
  expect(readPrompt("Plan [a] party [[")).toEqual({
    plain: "Plan [a] party [[",
    tools: [],
    mistakes: [],
  });
});

test.each([
  ["[[say Hello there]]", { say: "Hello there" }],
  ["[[repeat 3 hey you]]", { repeat: { count: 3, word: "hey you" } }],
  ["[[think so]] [[say x]]", { think: "so", say: "x" }],
  ["[[subtasks 5]]", { subtasks: 5 }],
  ["[[pace ttftMs=5 tokensPerSecond=0]]", { pace: { ttftMs: 5, tokensPerSecond: 0 } }],
  ["[[tool now]]", { tools: [{ name: "now", input: {} }] }],
  [
    '[[tool a {"x":[[1]]}]] and [[tool b {"y":"]]"}]]',
    {
      tools: [
        { name: "a", input: { x: [[1]] } },
        { name: "b", input: { y: "]]" } },
      ],
    },
  ],
  ['[[loop a {"x":1}]]', { loop: { name: "a", input: { x: 1 } } }],
  ["[[fault cut afterTokens=5 times=2]]", { fault: { kind: "cut", afterTokens: 5, times: 2 } }],
])("[MODEL18] %s is read", (prompt, script) => {
  expect(readPrompt(`before ${prompt} after`)).toMatchObject({ ...script, mistakes: [] });
  expect(readPrompt(`before ${prompt} after`).plain).toMatch(/^before .*after$/);
});

test.each([
  ["[[dance]]", "dance"],
  ["[[repeat x y]]", "repeat"],
  ["[[repeat 99999999 y]]", "10000000"],
  ["[[subtasks 1000]]", "64"],
  ["[[tool add {oops}]]", "name and an object"],
  ["[[pace fast]]", "pace"],
  ["[[fault explode]]", "explode"],
  ["[[fault cut soon=1]]", "soon"],
  ["[[fault cut afterTokens=-1]]", "afterTokens"],
  ["[[fault cut afterTokens]]", "afterTokens"],
])("[MODEL18] the mistake in %s is named", (prompt, word) => {
  expect(readPrompt(prompt).mistakes.join()).toContain(word);
});
