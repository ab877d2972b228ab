import { ErrandError } from "../../core/errors.ts";
import { refusePromise, type Driver, type SqlRow } from "../sqlite/driver.ts";

/**
 * The SQLite database of a Durable Object, for the object itself. The platform runs one instance of an object at a
 * time and holds back whatever leaves it (replies, messages, stream chunks) until its writes are on disk, so that a
 * commit counts when it has returned.
 */
export function createDurableObjectDriver(storage: DurableObjectStorage): Driver {
  const { sql } = storage;
  return {
    exec: (text) => translated(() => void sql.exec(text)),
    // The platform keeps parsed statements by their text.
    prepare: (text) => ({
      run: (...params) => translated(() => sql.exec(text, ...params).rowsWritten > 0),
      get: (...params) =>
        translated(() => {
          const [row] = sql.exec(text, ...params).toArray();
          return row === undefined ? undefined : withBytes(row);
        }),
      all: (...params) =>
        translated(() =>
          sql
            .exec(text, ...params)
            .toArray()
            .map(withBytes),
        ),
    }),
    transaction: (callback) =>
      translated(() =>
        storage.transactionSync(() => {
          const result = callback();
          refusePromise(result);
          return result;
        }),
      ),
    // The platform closes the database with its object.
    close: () => {},
  };
}

/** The platform answers bytes as ArrayBuffer, the store reads them as Uint8Array. */
function withBytes(row: Readonly<Record<string, SqlStorageValue>>): SqlRow {
  const converted: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row)) {
    converted[name] = value instanceof ArrayBuffer ? new Uint8Array(value) : value;
  }
  return converted;
}

/** Says what SQLite said in Errand's codes. The platform puts SQLite's own name of an error into its message. */
function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof ErrandError) throw error;
    const code = /\bSQLITE_[A-Z]+\b/.exec(error.message)?.[0];
    if (code === undefined) throw error;
    if (code === "SQLITE_FULL") {
      throw new ErrandError(
        "storage_full",
        "this Durable Object is full (10 GB): nothing of this was written; shorten the retention",
        { cause: error },
      );
    }
    throw new ErrandError("internal", `SQLite failed in this Durable Object: ${error.message}`, {
      cause: error,
    });
  }
}
