import { afterEach, expect, test, vi } from "vitest";

import { isStrict, report } from "./run-all.ts";

const skip = { name: "[web] a page", reason: "no browser" };

afterEach(() => vi.restoreAllMocks());

function printed(summary: Parameters<typeof report>[0], strict: boolean): [number, string[]] {
  const lines: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  return [report(summary, strict), lines];
}

test("the last line counts, and a failure fails the run", () => {
  expect(printed({ passed: 3, failed: 0, skips: [] }, true)).toEqual([
    0,
    ["3 passed, 0 failed, 0 skipped"],
  ]);
  expect(printed({ passed: 3, failed: 1, skips: [] }, false)[0]).toBe(1);
});

test("a skip is shown with its reason, and fails a strict run", () => {
  const summary = { passed: 3, failed: 0, skips: [skip] };
  const [code, lines] = printed(summary, false);
  expect(code).toBe(0);
  expect(lines).toEqual(["SKIPPED [web] a page: no browser", "3 passed, 0 failed, 1 skipped"]);
  const [strictCode, strictLines] = printed(summary, true);
  expect(strictCode).toBe(1);
  expect(strictLines.at(-1)).toBe("3 passed, 0 failed, 1 skipped");
});

test("CI and ERRAND_REQUIRE make a run strict", () => {
  expect(isStrict({ CI: "true" })).toBe(true);
  expect(isStrict({ ERRAND_REQUIRE: "all" })).toBe(true);
  expect(isStrict({ CI: "false" })).toBe(false);
});
