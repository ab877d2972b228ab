import { expect, test } from "vitest";

import { instanceOf } from "./schema-instance.ts";

const source = { question: "Open a coffee shop", subtasks: 3 };

test.each([
  [{ type: "string" }, "Collect the facts about open coffee shop."],
  [{ type: "string", maxLength: 7 }, "Collect"],
  [{ type: "string", minLength: 45 }, "Collect the facts about open coffee shop....."],
  [{ type: "string", format: "date" }, "2026-01-02"],
  [{ enum: ["a", "b"] }, "a"],
  [{ const: 7 }, 7],
  [{ type: "integer", minimum: 5 }, 5],
  [{ type: "number", maximum: 0.5 }, 0.5],
  [{ type: "number", exclusiveMinimum: 4 }, 5],
  [{ type: "boolean" }, true],
  [{ type: ["null", "integer"] }, 1],
  [{ anyOf: [{ type: "null" }, { type: "boolean" }] }, true],
  [{ oneOf: [{ const: 1 }, { const: 2 }] }, 1],
  [{ type: "array", items: { type: "integer" } }, [1, 2]],
  [{ type: "array", items: { type: "integer" }, minItems: 4 }, [1, 2, 3, 4]],
  [{ type: "array", items: {}, maxItems: 0 }, []],
  [{ prefixItems: [{ const: 1 }, { const: 2 }], type: "array" }, [1, 2]],
  [
    { properties: { a: { const: 1 }, b: { const: 2 } }, required: ["a"] },
    { a: 1, b: 2 },
  ],
  [{ properties: { subtasks: { type: "array", items: { const: 1 } } } }, { subtasks: [1, 1, 1] }],
  [{ $ref: "#/$defs/x", $defs: { x: { const: 3 } } }, 3],
  [
    { allOf: [{ properties: { a: { const: 1 } } }, { properties: { b: { const: 2 } } }] },
    { a: 1, b: 2 },
  ],
  [{}, "Collect the facts about open coffee shop."],
  ["nonsense", "Collect the facts about open coffee shop."],
])("[MODEL18] %j is filled", (schema, value) => {
  expect(instanceOf(schema, source)).toEqual(value);
});

test.each<[string, object]>([
  ["items", { type: "array", items: {}, minItems: 1e9 }],
  ["items of items", arrayIn(arrayIn(arrayIn({ type: "string" }, 999), 999), 999)],
  ["characters", { type: "string", minLength: 1e9 }],
  ["strings of characters", arrayIn({ type: "string", minLength: 1e6 }, 999)],
  ["branches", { properties: { left: { $ref: "#" }, right: { $ref: "#" } } }],
  ["parts", { allOf: [{ $ref: "#" }, { $ref: "#" }, { properties: { a: {} } }] }],
])("[MODEL18] a schema that wants endless %s is filled in part", (_, schema) => {
  expect(JSON.stringify(instanceOf(schema, source)).length).toBeLessThan(2_000_000);
});

test("[MODEL18] a reference that cannot be decoded leads nowhere", () => {
  expect(instanceOf({ $ref: "#/%" }, source)).toBeTypeOf("string");
});

function arrayIn(items: object, minItems: number): object {
  return { type: "array", items, minItems };
}

test("[MODEL18] a schema that refers to itself comes to an end", () => {
  const schema = { $ref: "#" };
  expect(instanceOf(schema, source)).toBeTypeOf("string");
  const tree = { type: "object", properties: { child: { $ref: "#" } } };
  expect(JSON.stringify(instanceOf(tree, source))).toContain("null");
});
