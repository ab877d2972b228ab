import { expect, test } from "vitest";

import { checkFileNames, checkIdentifiers } from "./check-names.ts";

test.each([
  "src/core/utils.ts",
  "src/helpers/a.ts",
  "test/string-helper.ts",
  "src/task-manager.ts",
])("file %s is refused", (path) => {
  expect(checkFileNames([{ path, text: "" }])).toHaveLength(1);
});

test.each([
  "const utils = 1;",
  "function testHelper() {}",
  "class TaskManager {}",
  "type QueueUtils = 1;",
  "interface Common {}",
])("%s is refused", (text) => {
  expect(checkIdentifiers([{ path: "src/a.ts", text }])).toHaveLength(1);
});

test("a word inside a longer name is fine", () => {
  expect(checkFileNames([{ path: "src/commons.ts", text: "" }])).toEqual([]);
  const text = "const commonPrefix = 1; const managerUserId = 1; const [a] = b;";
  expect(checkIdentifiers([{ path: "src/a.ts", text }])).toEqual([]);
});
