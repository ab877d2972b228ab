import { expect, test } from "vitest";

import { listOf, name, object, optional, schema, text, wholeNumber } from "./input-schema.ts";

const field = object({
  title: text({ min: 1, max: 5 }),
  count: optional(wholeNumber({ min: 1, max: 3 })),
  roles: optional(listOf(name(), 2)),
});

function issuesOf(value: unknown): readonly string[] {
  const { issues = [] } = field.read(value);
  return issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

test("[GENERATE3] an input that fits is read, nothing added", () => {
  expect(field.read({ title: "a", count: 3, roles: ["x", "y"] })).toEqual({
    value: { title: "a", count: 3, roles: ["x", "y"] },
  });
  expect(field.read({ title: "abcde" })).toEqual({ value: { title: "abcde" } });
  expect(schema(field)["~standard"].validate({ title: "a" })).toEqual({ value: { title: "a" } });
});

test("[GENERATE3] every wrong field is named with what is accepted", () => {
  expect(issuesOf("text")).toEqual([": must be an object, got string"]);
  expect(issuesOf([])).toEqual([": must be an object, got a list"]);
  expect(issuesOf({})).toEqual(["title: is missing"]);
  expect(issuesOf({ title: "abcdef", count: 4, more: 1 })).toEqual([
    "title: must have at most 5 characters, has 6",
    "count: must be a whole number of 1..3, got 4",
    "more: is not known; known are title, count, roles",
  ]);
  expect(issuesOf({ title: "a", count: 1.5, roles: ["ok", "not ok"] })).toEqual([
    "count: must be a whole number of 1..3, got 1.5",
    'roles.1: must be 1..100 of letters, digits and "_ . : -", got "not ok"',
  ]);
  expect(issuesOf({ title: null, roles: ["a", "b", "c"] })).toEqual([
    "title: must be text, got null",
    "roles: must have at most 2 items, has 3",
  ]);
  expect(issuesOf(JSON.parse('{"title": "a", "__proto__": 1, "toString": 2}'))).toEqual([
    "__proto__: is not known; known are title, count, roles",
    "toString: is not known; known are title, count, roles",
  ]);
});
