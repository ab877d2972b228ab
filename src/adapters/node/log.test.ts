import { expect, test } from "vitest";

import { ErrandError } from "../../core/errors.ts";
import { createLog } from "./log.ts";

const HEAD = "at=2027-01-15T08:00:00.000Z level=";

function logged(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  write(createLog({ nowMs: () => 1_800_000_000_000 }, (line) => lines.push(line)));
  expect(lines).toHaveLength(1);
  return lines[0] ?? "";
}

test("[NODE2] an entry is one line of time, level, message and fields", () => {
  expect(
    logged((log) => log.info("listening", { port: 8787, host: "127.0.0.1", tls: false })),
  ).toBe(`${HEAD}info msg=listening port=8787 host=127.0.0.1 tls=false`);
  expect(logged((log) => log.info("two words", { empty: "", quoted: 'a "b" \\c' }))).toBe(
    `${HEAD}info msg="two words" empty="" quoted="a \\"b\\" \\\\c"`,
  );
});

test.each([
  ["a line break", "a\r\nlevel=info msg=forged", '"a\\r\\nlevel=info msg=forged"'],
  ["a terminal escape", "\u001b[2Jx", '"\\u001b[2Jx"'],
  ["a C1 control", "\u009b2J", '"\\u009b2J"'],
  ["a line separator", "a\u2028b", '"a\\u2028b"'],
  ["a direction mark", "a\u202eb", '"a\\u202eb"'],
  ["a tab and a null", "a\tb\0", '"a\\tb\\u0000"'],
])("[NODE2] %s in a value is escaped", (_, value, shown) => {
  expect(logged((log) => log.info("x", { value }))).toBe(`${HEAD}info msg=x value=${shown}`);
});

test("[NODE2] a long value is cut", () => {
  expect(logged((log) => log.info("x", { value: "y".repeat(1_000_000) })).length).toBeLessThan(
    4_200,
  );
});

test("[NODE2] an expected error comes with code and causes, a bug with its stack as well", () => {
  const cause = new Error("disk\nbroke");
  const full = new ErrandError("storage_full", "no room", { cause });
  expect(logged((log) => log.error("commit failed", full, { scope: "task/a" }))).toBe(
    `${HEAD}error msg="commit failed" scope=task/a error="ErrandError: no room <- Error: disk\\nbroke" code=storage_full`,
  );
  expect(logged((log) => log.error("x", new TypeError("bug")))).toMatch(
    /error="TypeError: bug" stack="TypeError: bug\\n {4}at /,
  );
  expect(logged((log) => log.error("x", new ErrandError("internal")))).toContain("stack=");
  expect(logged((log) => log.error("x", "only text"))).toBe(`${HEAD}error msg=x error="only text"`);
  expect(logged((log) => log.error("x", { secret: 1 }))).toBe(
    `${HEAD}error msg=x error="[object Object]"`,
  );
});

test("[NODE2] causes that go round in a circle end", () => {
  const error = new Error("round");
  error.cause = error;
  expect(logged((log) => log.error("x", error))).toContain("Error: round <- Error: round <- ");
});
