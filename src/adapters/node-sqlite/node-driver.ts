import { DatabaseSync } from "node:sqlite";

import { ErrandError } from "../../core/errors.ts";
import { textOf } from "../sqlite/columns.ts";
import { refusePromise, type Driver, type Statement } from "../sqlite/driver.ts";

/** Oldest SQLite that is safe: in older ones a reset of the WAL could mix up pages. */
const versionMin = [3, 51, 3] as const;

// Result codes of SQLite; an extended code has its kind in the low byte.
const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;

/**
 * How the database is opened.
 * - EXCLUSIVE: one process only. The operating system drops the lock with the process, so kill -9 leaves nothing
 *   behind; a pid file would. It also spares the shared memory of the WAL.
 * - FULL: a commit has been flushed when it returns. WAL, because then that is one flush. With fullfsync it also
 *   leaves the disk's own cache on macOS; elsewhere that says nothing new.
 * - 1,000 pages between checkpoints (SQLite's own default): at 32,000 tasks/s in groups of 64 the 99th percentile of
 *   a commit is 6 ms, against 13 ms with 4,000 pages at the same rate, and 10 ms with 500 at 0.85 of it.
 * - 16 MB of cache: it is only taken as pages are used, and holds the hot ends of the b-trees.
 */
const settings = `
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA fullfsync = ON;
PRAGMA wal_autocheckpoint = 1000;
PRAGMA cache_size = -16000;
PRAGMA temp_store = MEMORY;
`;

/**
 * Opens the SQLite database `file` (a path, or `:memory:`) for this process alone. Throws `unavailable` if another
 * process has it open, or if this Node's SQLite is older than 3.51.3.
 */
export function openNodeDriver(file: string): Driver {
  const run = <T>(work: () => T): T => translated(file, work);
  const db = run(() => new DatabaseSync(file));
  try {
    run(() => {
      const found = db.prepare("SELECT sqlite_version() AS version").get() ?? {};
      checkSqliteVersion(textOf(found, "version"));
      db.exec(settings);
      // The lock is taken by the first use, not by the setting.
      db.exec("BEGIN IMMEDIATE; COMMIT");
    });
  } catch (error) {
    db.close();
    throw error;
  }
  return driverOver(db, run);
}

/** Throws `unavailable` for an SQLite that may lose data. */
export function checkSqliteVersion(version: string): void {
  const numbers = version.split(".").map(Number);
  for (const [position, wanted] of versionMin.entries()) {
    const found = numbers[position] ?? 0;
    if (found > wanted) return;
    if (found < wanted) {
      throw new ErrandError(
        "unavailable",
        `SQLite must be ${versionMin.join(".")} or newer, this Node has ${version}, which may lose data: use a newer Node`,
      );
    }
  }
}

type Run = <T>(work: () => T) => T;

function driverOver(db: DatabaseSync, run: Run): Driver {
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  return {
    exec: (sql) => run(() => db.exec(sql)),
    prepare: (sql) => statementOf(db, sql, run),
    transaction: (callback) =>
      run(() => {
        begin.run();
        try {
          const result = callback();
          refusePromise(result);
          commit.run();
          return result;
        } catch (error) {
          // SQLite itself may have rolled back, as it does when the disk is full.
          if (db.isTransaction) db.exec("ROLLBACK");
          throw error;
        }
      }),
    close() {
      if (db.isOpen) db.close();
    },
  };
}

function statementOf(db: DatabaseSync, sql: string, run: Run): Statement {
  const statement = run(() => db.prepare(sql));
  const failed = (error: unknown): never =>
    run(() => {
      throw error;
    });
  return {
    // The busiest: no closure for each row.
    run(...params) {
      try {
        return statement.run(...params).changes > 0;
      } catch (error) {
        return failed(error);
      }
    },
    get: (...params) => run(() => statement.get(...params)),
    all: (...params) => run(() => statement.all(...params)),
  };
}

/** Says what SQLite said in Errand's codes. Errors of others, as of a transaction's callback, pass. */
function translated<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isSqliteError(error)) throw error;
    switch (error.errcode & 0xff) {
      case SQLITE_BUSY:
        throw new ErrandError(
          "unavailable",
          `another Errand has ${file} open: stop it, or give this one another data folder (ERRAND_DATA_DIR)`,
          { cause: error },
        );
      case SQLITE_FULL:
        throw new ErrandError(
          "storage_full",
          `there is no room left for ${file}: nothing of this was written; free space on its disk`,
          { cause: error },
        );
      default:
        throw new ErrandError("internal", `SQLite failed on ${file}: ${error.message}`, {
          cause: error,
        });
    }
  }
}

function isSqliteError(error: unknown): error is Error & { readonly errcode: number } {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number";
}
