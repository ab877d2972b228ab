import { expect, test } from "vitest";

import { createRecentMap } from "./recent-map.ts";

test("[LIMIT1] a recent map holds what was set last and forgets what was not", () => {
  const map = createRecentMap<number>(10);
  for (let n = 0; n < 100; n += 1) map.set(`k${n}`, n);
  for (let n = 90; n < 100; n += 1) expect(map.get(`k${n}`)).toBe(n);
  expect(map.get("k79")).toBeUndefined();
});

test("[LIMIT1] a newer value hides the older one, and a deleted key is gone from both generations", () => {
  const map = createRecentMap<number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 3);
  expect(map.get("a")).toBe(3);
  map.delete("a");
  expect(map.get("a")).toBeUndefined();
  expect(map.get("b")).toBe(2);
  map.clear();
  expect(map.get("b")).toBeUndefined();
});
