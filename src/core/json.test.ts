import * as fc from "fast-check";
import { expect, test } from "vitest";

import { canonicalJson, isRecord, jsonDepth } from "./json.ts";

test("[JSON1] canonical text is the same for equal values, whatever the order of their keys", () => {
  expect(canonicalJson({ b: 1, a: [{ d: null, c: "x" }] })).toBe(
    '{"a":[{"c":"x","d":null}],"b":1}',
  );
  expect(canonicalJson({ a: undefined, b: [undefined, Number.NaN] })).toBe('{"b":[null,null]}');
  expect(canonicalJson(undefined)).toBe("null");
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      expect(canonicalJson(reversed(value))).toBe(text);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("[JSON1] canonical text differs for values that differ", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const same = JSON.stringify(canonical(a)) === JSON.stringify(canonical(b));
      expect(canonicalJson(a) === canonicalJson(b)).toBe(same);
    }),
  );
});

test("[JSON2] depth is counted without recursion, so that no value overflows the stack", () => {
  expect([0, "x", null, [], {}, [1], { a: [] }].map(jsonDepth)).toEqual([0, 0, 0, 1, 1, 1, 2]);
  let deep: unknown = 0;
  for (let level = 0; level < 200_000; level += 1) deep = [deep];
  expect(jsonDepth(deep)).toBe(200_000);
});

test("[JSON2] a record is an object that is no array", () => {
  expect([{}, { a: 1 }, Object.create(null)].every(isRecord)).toBe(true);
  expect([[], null, undefined, "x", 1].some(isRecord)).toBe(false);
});

/** The same value with its keys put in the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).toReversed();
  return Object.fromEntries(entries.map(([key, inner]) => [key, reversed(inner)]));
}

/** The same value with sorted keys. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, canonical(inner)]));
}
