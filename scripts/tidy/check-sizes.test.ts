import { expect, test } from "vitest";

import {
  checkFileLength,
  checkFunctionLength,
  FILE_LINES_MAX,
  FUNCTION_LINES_MAX,
} from "./check-sizes.ts";

const path = "src/core/long.ts";
const lines = (count: number): string => "call();\n".repeat(count);

test("a file at the limit passes, one line more does not", () => {
  expect(checkFileLength([{ path, text: lines(FILE_LINES_MAX) }])).toEqual([]);
  expect(checkFileLength([{ path, text: lines(FILE_LINES_MAX + 1) }])).toEqual([
    { path, message: "has 401 lines, at most 400 allowed" },
  ]);
});

test.each([
  ["function", (body: string) => `function long() {\n${body}}`],
  ["arrow", (body: string) => `const long = () => {\n${body}};`],
  ["method", (body: string) => `class Long { run() {\n${body}} }`],
])("a %s at the limit passes, one line more does not", (_kind, wrap) => {
  const text = wrap(lines(FUNCTION_LINES_MAX - 2));
  expect(checkFunctionLength([{ path, text }])).toEqual([]);
  expect(checkFunctionLength([{ path, text: wrap(lines(FUNCTION_LINES_MAX - 1)) }])).toEqual([
    { path, line: 1, message: "function has 71 lines, at most 70 allowed" },
  ]);
});

test("a function that registers tests may be long, a test may not", () => {
  const contract = `function contract() {\ntest("a", go);\n${lines(100)}}`;
  expect(checkFunctionLength([{ path, text: contract }])).toEqual([]);
  const each = `describe("a", () => {\ntest.each([1])("b", go);\n${lines(100)}});`;
  expect(checkFunctionLength([{ path, text: each }])).toEqual([]);
  const body = `test("a", () => {\n${lines(100)}});`;
  expect(checkFunctionLength([{ path, text: body }])).toHaveLength(1);
});
