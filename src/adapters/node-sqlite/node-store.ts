import { mkdirSync } from "node:fs";
import { join } from "node:path";

import type { SyncStore } from "../../ports/store.ts";
import { openSqliteStore } from "../sqlite/sqlite-store.ts";
import { openNodeDriver } from "./node-driver.ts";

/** Name of the database in a data folder. */
export const databaseName: string = "errand.db";

/**
 * Opens the store of a data folder, which is made if it is missing (readable by its owner only). Errors as
 * `openNodeDriver` and `openSqliteStore`.
 */
export function openNodeStore(dataDir: string): SyncStore {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return openOver(join(dataDir, databaseName));
}

/** Opens an empty store in memory, which is gone when it is closed. */
export function openTransientStore(): SyncStore {
  return openOver(":memory:");
}

function openOver(file: string): SyncStore {
  const driver = openNodeDriver(file);
  try {
    return openSqliteStore(driver);
  } catch (error) {
    driver.close();
    throw error;
  }
}
