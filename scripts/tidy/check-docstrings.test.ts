import { expect, test } from "vitest";

import { checkDocstrings } from "./check-docstrings.ts";

const missing = (text: string, path = "src/core/a.ts"): string[] =>
  checkDocstrings([{ path, text }]).map(({ message }) => message);

test.each([
  ["export function a(): void {}", "a"],
  ["export const b: number = 1;", "b"],
  ["export type C = string;", "C"],
  ["export interface D {}", "D"],
  ["export class E {}", "E"],
  ["export default class {}", "default"],
  ["// not a docstring\nexport const f: number = 1;", "f"],
  ["/** of g */\nconst g = 1;\nexport const h: number = g;", "h"],
])("%j lacks a docstring", (text, name) => {
  expect(missing(text)).toEqual([`export ${name} has no docstring`]);
});

test("a docstring right above the export is enough, for all overloads", () => {
  expect(missing("/** What. */\nexport const a: number = 1;")).toEqual([]);
  expect(missing("/** What. */\nexport function a(x: 1): 1;\nexport function a(x: 2): 2;")).toEqual(
    [],
  );
});

test("exports from elsewhere, tests and the page need none", () => {
  expect(missing('export * from "./b.ts";\nexport { c } from "./c.ts";')).toEqual([]);
  expect(missing("export const a: number = 1;", "src/core/a.test.ts")).toEqual([]);
  expect(missing("export const a: number = 1;", "src/web/a.tsx")).toEqual([]);
});
