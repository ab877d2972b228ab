import { array, assert, constantFrom, property, tuple } from "fast-check";
import { expect, test } from "vitest";

import { PassingMap } from "./passing-map.ts";

test("a passing map holds what a map holds, in the order of arrival", () => {
  const step = tuple(constantFrom("set", "delete", "clear"), constantFrom("a", "b", "c", "d"));
  assert(
    property(array(step, { maxLength: 40 }), (steps) => {
      const [map, model] = [new PassingMap<number>(), new Map<string, number>()];
      for (const [at, [what, key]] of steps.entries()) {
        if (what === "set") {
          map.set(key, at);
          model.set(key, at);
        } else if (what === "delete") expect(map.delete(key)).toBe(model.delete(key));
        else if (at % 5 === 0) {
          map.clear();
          model.clear();
        }
        expect(map.size).toBe(model.size);
        expect([...map.keys()]).toEqual([...model.keys()]);
        expect([...map.values()]).toEqual([...model.values()]);
        expect([map.get(key), map.has(key)]).toEqual([model.get(key), model.has(key)]);
      }
    }),
  );
});

test("entries of a passing map may be deleted while it is walked", () => {
  const map = new PassingMap<string>().set("a", "A").set("b", "B").set("c", "C");
  const seen: string[] = [];
  for (const value of map.values()) {
    seen.push(value);
    map.delete(value.toLowerCase());
    map.delete("c");
  }
  expect([seen, map.size]).toEqual([["A", "B"], 0]);
});
