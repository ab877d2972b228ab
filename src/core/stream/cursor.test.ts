import * as fc from "fast-check";
import { expect, test } from "vitest";

import { cursorStart, formatCursor, parseCursor } from "./cursor.ts";

const number = fc.nat({ max: 999_999_999_999_999 });

test("[STREAM5] a cursor is read back as it was written", () => {
  const cursor = fc.record({ seq: number, attempt: fc.nat(999_999_999), entry: number });
  fc.assert(
    fc.property(cursor, (made) => {
      expect(parseCursor(formatCursor(made))).toEqual(made);
    }),
  );
  expect(formatCursor(cursorStart)).toBe("0.0.0");
});

test("[STREAM5] text that is no cursor is none", () => {
  for (const text of [
    "",
    "1",
    "1.2",
    "1.2.3.4",
    "-1.0.0",
    "1.2.x",
    " 1.2.3",
    "1e3.0.0",
    "1.2.3\n",
  ]) {
    expect(parseCursor(text), JSON.stringify(text)).toBeUndefined();
  }
  expect(parseCursor(`${"9".repeat(16)}.0.0`)).toBeUndefined();
  fc.assert(
    fc.property(fc.string(), (text) => {
      const cursor = parseCursor(text);
      if (cursor !== undefined) expect(parseCursor(formatCursor(cursor))).toEqual(cursor);
    }),
  );
});
