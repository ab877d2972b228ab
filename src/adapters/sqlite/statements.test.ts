import { constants, DatabaseSync } from "node:sqlite";

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

/** How many values a statement wants. */
function parametersOf(sql: string): number {
  return Math.max(
    (sql.match(/\?(?!\d)/g) ?? []).length,
    ...[...sql.matchAll(/\?(\d+)/g)].map((match) => Number(match[1])),
  );
}

test.each(Object.entries(statements))(
  "[STORE18] %s walks a key or an index, in order",
  (name, sql) => {
    const plan = driver.prepare(`EXPLAIN QUERY PLAN ${sql}`);
    const steps = plan
      .all(...Array.from({ length: parametersOf(sql) }, () => "x"))
      .map((row) => textOf(row, "detail"));
    const surprises = steps.filter(
      (step) => !harmless.test(step) && allowed[name]?.test(step) !== true,
    );
    expect(surprises).toEqual([]);
  },
);

/** The tables in a database that can be asked when SQLite compiles a statement: it asks the authorizer then. */
function watchedDatabase(): { readonly db: DatabaseSync; compiled: number } {
  const watched = { db: new DatabaseSync(":memory:"), compiled: 0 };
  for (const { sql } of driver
    .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
    .all())
    watched.db.exec(String(sql));
  watched.db.setAuthorizer(() => {
    watched.compiled += 1;
    return constants.SQLITE_OK;
  });
  return watched;
}

test.each(Object.entries(statements))("[STORE23] %s is compiled once", (_name, sql) => {
  const watched = watchedDatabase();
  const statement = watched.db.prepare(sql);
  const { compiled } = watched;
  expect(compiled).toBeGreaterThan(0);
  // Other values each time: SQLite looks at some of them to make its plan, and makes another for new ones.
  for (const value of [1, 2, 3])
    statement.all(...Array.from({ length: parametersOf(sql) }, () => value));
  expect(watched.compiled).toBe(compiled);
});
