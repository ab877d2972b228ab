import { expect, test } from "vitest";

import { openNodeDriver } from "../node-sqlite/node-driver.ts";
import { textOf } from "./columns.ts";
import { migrate } from "./migrations.ts";
import * as statements from "./statements.ts";

/** What a plan may hold besides searches, by statement. */
const allowed: Readonly<Record<string, RegExp>> = {
  // The oldest messages and the earliest timer: the walk stops at its LIMIT.
  selectOutbox: /^SCAN outbox$/,
  selectTimerNext: /^SCAN timer USING COVERING INDEX timer_by_time$/,
  // Frees the table whole.
  deleteStreamRows: /^SCAN stream_row$/,
  // A person's sessions are few.
  selectSessions: /^USE TEMP B-TREE FOR ORDER BY$/,
  // No table: the answer of one search or the other.
  selectLogEnd: /^SCAN CONSTANT ROW$/,
};

const harmless = /^(?:SEARCH |(?:CORRELATED )?SCALAR SUBQUERY )/;

const driver = openNodeDriver(":memory:");
migrate(driver);

test.each(Object.entries(statements))(
  "[STORE18] %s walks a key or an index, in order",
  (name, sql) => {
    const plan = driver.prepare(`EXPLAIN QUERY PLAN ${sql}`);
    const parameters = Math.max(
      (sql.match(/\?(?!\d)/g) ?? []).length,
      ...[...sql.matchAll(/\?(\d+)/g)].map((match) => Number(match[1])),
    );
    const steps = plan
      .all(...Array.from({ length: parameters }, () => "x"))
      .map((row) => textOf(row, "detail"));
    const surprises = steps.filter(
      (step) => !harmless.test(step) && allowed[name]?.test(step) !== true,
    );
    expect(surprises).toEqual([]);
  },
);
