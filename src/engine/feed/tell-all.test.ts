import { expect, test } from "vitest";

import { tellAll } from "./tell-all.ts";

test("[FEED3] a reader that throws keeps no news from those behind it, and is heard of", () => {
  const told: string[] = [];
  const broken = new Error("a reader's bug");
  const readers = [
    (news: string) => void told.push(`first ${news}`),
    () => {
      throw broken;
    },
    (news: string) => void told.push(`last ${news}`),
  ];
  expect(() => tellAll(readers, "one")).toThrow(expect.objectContaining({ errors: [broken] }));
  expect(told).toEqual(["first one", "last one"]);
  tellAll(readers.slice(2), "two");
  expect(told.at(-1)).toBe("last two");
});
