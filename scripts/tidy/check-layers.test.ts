import { expect, test } from "vitest";

import { checkImports, checkReferences } from "./check-layers.ts";
import { LAYERS } from "./layers.ts";

const messages = (path: string, text: string): string[] =>
  checkImports([{ path, text }]).map(({ line, message }) => `${line}: ${message}`);

test("an import that the table does not allow is named with its line", () => {
  const text = 'import { one } from "./one.ts";\nimport type { Go } from "../engine/go.ts";\n';
  expect(messages("src/core/bad.ts", text)).toEqual(["2: src/core may not import ../engine/go.ts"]);
});

test("re-exports, dynamic imports and type imports are imports", () => {
  const text = `export * from "../a.ts";
    export { b } from "../b.ts";
    export const c: unknown = import("../c.ts");
    export type D = import("../d.ts").D;`;
  expect(messages("src/core/bad.ts", text)).toHaveLength(4);
});

test("a package is allowed with its subpaths only where the table names it", () => {
  const text = 'import { streamSSE } from "hono/streaming";';
  expect(messages("src/server/routes.ts", text)).toEqual([]);
  expect(messages("src/engine/kernel.ts", text)).toEqual([
    "1: src/engine may not import hono/streaming",
  ]);
  expect(messages("src/server/files.ts", 'import "node:fs";')).toHaveLength(1);
  expect(messages("src/server/other.ts", 'import "hono-openapi";')).toHaveLength(1);
});

test("tasks see the engine's door only", () => {
  expect(messages("src/tasks/a.ts", 'import "../engine/index.ts";')).toEqual([]);
  expect(messages("src/tasks/a.ts", 'import "../engine/kernel.ts";')).toHaveLength(1);
});

test("adapters do not see each other", () => {
  expect(messages("src/adapters/memory/a.ts", 'import "../sqlite/a.ts";')).toHaveLength(1);
  expect(messages("src/adapters/node-sqlite/a.ts", 'import "../sqlite/a.ts";')).toEqual([]);
});

test("a unit test may import anything", () => {
  expect(messages("src/core/a.test.ts", 'import "../adapters/memory/a.ts";')).toEqual([]);
});

test("a new folder needs a row", () => {
  expect(messages("src/adapters/new/a.ts", "export {};")).toEqual([
    "undefined: belongs to no layer: add it to layers.ts",
  ]);
  expect(messages("src/cli/serve.ts", "export {};")).toEqual([]);
});

test("project references repeat the table", () => {
  const path = "src/ports/tsconfig.json";
  expect(checkReferences([{ path, text: '{"references":[{"path":"../core"}]}' }])).toEqual([]);
  expect(checkReferences([{ path, text: '{"references":[{"path":"../engine"}]}' }])).toEqual([
    { path, message: "references must be src/core as in layers.ts" },
  ]);
});

test("the table has no cycle: each layer comes after all it may import", () => {
  const seen = new Set<string>();
  for (const { folder, layers } of LAYERS) {
    for (const name of layers) expect(seen).toContain(name.replace("/index.ts", ""));
    seen.add(folder);
  }
});
