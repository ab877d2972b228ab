import { expect, test } from "vitest";

import { checkLock, checkMachinePaths, checkNotes, checkOnly } from "./check-leftovers.ts";

const path = "src/a.ts";

test("a note needs an issue", () => {
  expect(checkNotes([{ path, text: "call();\n// TODO later" }])).toMatchObject([{ line: 2 }]);
  expect(checkNotes([{ path, text: "/* FIXME */" }])).toHaveLength(1);
  expect(checkNotes([{ path, text: '// TODO(#12) later\nconst todo = "TODO";' }])).toEqual([]);
});

test(".only is refused on tests alone", () => {
  expect(checkOnly([{ path, text: 'test.only("a", go);' }])).toHaveLength(1);
  expect(checkOnly([{ path, text: 'describe.only("a", go);' }])).toHaveLength(1);
  expect(checkOnly([{ path, text: "fruit.only(); const only = 1;" }])).toEqual([]);
});

test("a path of one machine is refused in any text file", () => {
  // Put together, or this file would be reported itself.
  const folder = ["", "work", "main"].join("/");
  expect(checkMachinePaths([{ path: "README.md", text: `a\nsee ${folder}` }])).toEqual([
    { path: "README.md", line: 2, message: "absolute path of one machine" },
  ]);
  expect(checkMachinePaths([{ path, text: `open("${folder}")` }])).toHaveLength(1);
  expect(checkMachinePaths([{ path, text: `open("test${folder}")` }])).toEqual([]);
});

test("a lock that names its registry is refused", () => {
  const lock = { path: "package-lock.json", text: '{ "resolved": "https://registry.invalid/a" }' };
  expect(checkLock([lock])).toHaveLength(1);
  expect(checkLock([{ ...lock, text: '{ "link": true, "resolved": "packages/a" }' }])).toEqual([]);
});
