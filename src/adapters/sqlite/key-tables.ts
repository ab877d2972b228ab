import { ErrandError } from "../../core/errors.ts";
import type { Bytes, Group, KeyRow, SyncStore } from "../../ports/store.ts";
import { bytesOf, numberOf, textOf } from "./columns.ts";
import type { Driver, SqlRow } from "./driver.ts";
import {
  deleteIdemKey,
  insertDataKey,
  selectDataKey,
  selectDataKeyById,
  selectExpiredKeys,
  selectIdemKey,
  upsertIdemKey,
} from "./statements.ts";

/** Idempotency keys. */
export interface IdemKeyTable {
  /** The key's row, also if it has expired. */
  get(userId: string, key: string): KeyRow | null;
  /** Keys of the group that are taken, as `userId/key`. One that expired before the group's time is free. */
  taken(group: Group): readonly string[];
  put(row: KeyRow): void;
  /** Removes keys that have expired at `nowMs`, oldest first, at most `limit`. */
  expire(nowMs: number, limit: number): void;
}

/** Opens the table `idem_key`. */
export function openIdemKeyTable(driver: Driver): IdemKeyTable {
  const select = driver.prepare(selectIdemKey);
  const upsert = driver.prepare(upsertIdemKey);
  const selectExpired = driver.prepare(selectExpiredKeys);
  const remove = driver.prepare(deleteIdemKey);

  function get(userId: string, key: string): KeyRow | null {
    const row = select.get(userId, key);
    return row === undefined ? null : keyOf(row);
  }

  return {
    get,
    taken(group) {
      if (group.keys.length === 0) return [];
      const nowMs =
        group.atMs ?? group.appends.reduce((latest, row) => Math.max(latest, row.atMs), 0);
      const taken: string[] = [];
      const seen = new Set<string>();
      for (const { userId, key } of group.keys) {
        const name = `${userId}/${key}`;
        const stored = get(userId, key);
        if (seen.has(name) || (stored !== null && stored.expiresAtMs > nowMs)) taken.push(name);
        seen.add(name);
      }
      return taken;
    },
    put: ({ userId, key, hash, ref, expiresAtMs }) =>
      upsert.run(userId, key, hash, ref, expiresAtMs),
    expire(nowMs, limit) {
      for (const row of selectExpired.all(nowMs, limit)) {
        remove.run(textOf(row, "user_id"), textOf(row, "key"));
      }
    },
  };
}

function keyOf(row: SqlRow): KeyRow {
  return {
    userId: textOf(row, "user_id"),
    key: textOf(row, "key"),
    hash: textOf(row, "hash"),
    ref: textOf(row, "ref"),
    expiresAtMs: numberOf(row, "expires_at_ms"),
  };
}

/** Wrapped data keys of users. */
export interface DataKeyTable {
  readonly ofUser: SyncStore["wrappedKey"];
  readonly byId: SyncStore["wrappedKeyById"];
  readonly put: SyncStore["wrappedKeyPut"];
}

/** Opens the table `data_key`. */
export function openDataKeyTable(driver: Driver): DataKeyTable {
  const selectOfUser = driver.prepare(selectDataKey);
  const selectById = driver.prepare(selectDataKeyById);
  const insert = driver.prepare(insertDataKey);

  function ofUser(userId: string): { readonly id: number; readonly wrapped: Bytes } | null {
    const row = selectOfUser.get(userId);
    return row === undefined ? null : { id: numberOf(row, "id"), wrapped: bytesOf(row, "wrapped") };
  }

  return {
    ofUser,
    byId(id) {
      const row = selectById.get(id);
      if (row === undefined) return null;
      return { userId: textOf(row, "user_id"), wrapped: bytesOf(row, "wrapped") };
    },
    put(userId, wrapped) {
      insert.run(userId, wrapped);
      const stored = ofUser(userId);
      if (stored === null) throw new ErrandError("internal", "a data key was not stored");
      return stored;
    },
  };
}
