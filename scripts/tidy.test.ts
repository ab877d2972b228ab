import { expect, test } from "vitest";

import { CHECKS, readRepository } from "./tidy.ts";
import { show } from "./tidy/tree.ts";

const repository = readRepository();

test.each(Object.entries(CHECKS))("tidy: %s", (_name, check) => {
  expect(check(repository).map(show)).toEqual([]);
});

test("tidy reads the tree without what git ignores", () => {
  const paths = repository.map(({ path }) => path);
  expect(paths).toContain("scripts/tidy.ts");
  expect(paths).toContain(".ci/run");
  expect(paths).toContain(".oxlintrc.json");
  expect(paths.filter((path) => path.includes("node_modules/"))).toEqual([]);
});

test("tidy that sees nothing fails instead of finding nothing", () => {
  expect(() => readRepository(`${import.meta.dirname}/../.ci`)).toThrow("tidy saw 0 code files");
});
