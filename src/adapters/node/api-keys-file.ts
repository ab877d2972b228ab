import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";

import { ErrandError } from "../../core/errors.ts";
import type { ApiKeyRow, ApiKeys } from "../../ports/keys.ts";

/** Name of the file in a data folder. */
const fileName = "api-keys.json";

/** Keys a server may have: all of them are in memory, because each request looks one up. */
const keysMax = 100_000;

/**
 * API keys (their hashes) in a file of the data folder, mode 0600. A change is written beside it, flushed and renamed
 * over it, so the file is whole at any instant. Throws `unavailable` if the file cannot be read as what it should be.
 */
export function fileApiKeys(dataDir: string): ApiKeys {
  const path = join(dataDir, fileName);
  const rows = new Map<string, ApiKeyRow>(readRows(path).map((row) => [row.hash, row]));
  const save = (): void => {
    const descriptor = openSync(`${path}.new`, "w", 0o600);
    writeSync(descriptor, JSON.stringify([...rows.values()]));
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(`${path}.new`, path);
    const folder = openSync(dataDir, "r");
    fsyncSync(folder);
    closeSync(folder);
  };
  return {
    add(row) {
      if (rows.size >= keysMax) throw new ErrandError("limit_exceeded", `a server has at most ${keysMax} API keys`);
      rows.set(row.hash, row);
      save();
      return Promise.resolve();
    },
    find: (hash) => Promise.resolve(rows.get(hash) ?? null),
    removeUser(userId) {
      const gone = [...rows.values()].filter((row) => row.userId === userId);
      for (const { hash } of gone) rows.delete(hash);
      if (gone.length > 0) save();
      return Promise.resolve(gone.length);
    },
  };
}

function readRows(path: string): ApiKeyRow[] {
  if (!existsSync(path)) return [];
  const parsed: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (Array.isArray(parsed) && parsed.every(isRow)) return parsed;
  throw new ErrandError("unavailable", `${path} does not hold API keys as Errand wrote them; put it back from a backup, or remove it and make new keys`);
}

function isRow(value: unknown): value is ApiKeyRow {
  return (
    typeof value === "object" &&
    value !== null &&
    "hash" in value &&
    typeof value.hash === "string" &&
    "userId" in value &&
    typeof value.userId === "string" &&
    "createdAtMs" in value &&
    typeof value.createdAtMs === "number"
  );
}
