import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";

import { ErrandError } from "../../core/errors.ts";
import { isRecord } from "../../core/json.ts";
import type { ApiKeyRow, ApiKeys } from "../../ports/keys.ts";

/** Name of the file in a data folder. */
export const apiKeysFileName: string = "api-keys.json";

/** Most keys of one server: the file is written whole for each new one. */
const keysMax = 10_000;

type Rows = ReadonlyMap<string, ApiKeyRow>;

/**
 * API keys in a file of the data folder, readable by its owner only. It holds hashes, never keys. A change is written
 * beside it, flushed and renamed, so that a crash leaves the old file or the new one. Throws `unavailable` for a file
 * that cannot be read, and `limit_exceeded` for the 10,001st key.
 */
export function fileApiKeys(dataDir: string): ApiKeys {
  const file = join(dataDir, apiKeysFileName);
  let rows = readRows(file);
  let last: Promise<void> = Promise.resolve();
  const change = async (next: (rows: Rows) => Map<string, ApiKeyRow>): Promise<void> => {
    const before = last;
    const mine = Promise.withResolvers<void>();
    last = mine.promise;
    await before;
    try {
      const changed = next(rows);
      await writeRows(dataDir, file, changed);
      rows = changed;
    } finally {
      mine.resolve();
    }
  };
  return {
    add: (row) =>
      change((now) => {
        if (now.size >= keysMax)
          throw new ErrandError(
            "limit_exceeded",
            `there are ${keysMax} API keys, the most: take some back first`,
          );
        return new Map([...now, [row.hash, row]]);
      }),
    find: (hash) => Promise.resolve(rows.get(hash) ?? null),
    list: () =>
      Promise.resolve([...rows.values()].toSorted((a, b) => a.createdAtMs - b.createdAtMs)),
    async remove(userId, hash) {
      let isRemoved = false;
      await change((now) => {
        isRemoved = now.get(hash)?.userId === userId;
        return new Map([...now].filter(([key]) => !isRemoved || key !== hash));
      });
      return isRemoved;
    },
    async removeUser(userId) {
      let removed = 0;
      await change((now) => {
        const kept = new Map([...now].filter(([, row]) => row.userId !== userId));
        removed = now.size - kept.size;
        return kept;
      });
      return removed;
    },
  };
}

function readRows(file: string): Rows {
  if (!existsSync(file)) return new Map();
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (!isRecord(parsed) || !Array.isArray(parsed["keys"]))
      throw new TypeError("it holds no list of keys");
    return new Map(parsed["keys"].map(rowOf).map((row) => [row.hash, row]));
  } catch (cause) {
    throw new ErrandError(
      "unavailable",
      `the API keys in ${file} cannot be read: put the file back from a backup, or remove it and make new keys`,
      { cause },
    );
  }
}

function rowOf(value: unknown): ApiKeyRow {
  if (!isRecord(value)) throw new TypeError("a key is no object");
  const { hash, userId, createdAtMs, expiresAtMs } = value;
  if (typeof hash !== "string" || typeof userId !== "string" || typeof createdAtMs !== "number")
    throw new TypeError("a key has another shape");
  if (expiresAtMs === undefined) return { hash, userId, createdAtMs };
  if (typeof expiresAtMs !== "number") throw new TypeError("a key has another shape");
  return { hash, userId, createdAtMs, expiresAtMs };
}

async function writeRows(
  dataDir: string,
  file: string,
  rows: ReadonlyMap<string, ApiKeyRow>,
): Promise<void> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const draft = `${file}.new`;
  const handle = await open(draft, "w", 0o600);
  try {
    await handle.writeFile(`${JSON.stringify({ v: 1, keys: [...rows.values()] }, null, 1)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  await flushFolder(dataDir);
}

/** A new name is on the disk when its folder has been flushed. Windows cannot do that and does not need it. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
