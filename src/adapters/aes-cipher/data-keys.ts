import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

import { ErrandError } from "../../core/errors.ts";
import { DamagedDataKey } from "../../ports/cipher.ts";
import type { SyncStore } from "../../ports/store.ts";
import { nonceBytes } from "./nonces.ts";

/** Data keys held in memory, unwrapped. Half a kilobyte each; one that is not held is unwrapped again in 20 us. */
const keysMax = 10_000;

/** First byte of a wrapped key: a later way of wrapping gets another. */
const wrapVersion = 1;
const keyBytes = 32;
const tagBytes = 16;
const wrappedBytes = 1 + nonceBytes + keyBytes + tagBytes;

/** The part of a store that keeps wrapped data keys. */
export type KeyStore = Pick<SyncStore, "wrappedKey" | "wrappedKeyById" | "wrappedKeyPut">;

/** A user's data key, unwrapped. */
export interface DataKey {
  /** Number under which the store keeps it: it stands in every row that the key sealed. */
  readonly id: number;
  readonly user: string;
  readonly key: Uint8Array;
  /** For hashes that only this user's rows may have; never the key that seals. */
  readonly macKey: Uint8Array;
}

/** Data keys by user and by number, unwrapped when they are first asked for. */
export interface DataKeys {
  /** The user's key. Makes and stores one for a user who has none. */
  ofUser(user: string): DataKey;
  /** The key of that number. Throws `internal` if it is gone: then nothing it sealed can be read any more. */
  byId(id: number): DataKey;
}

/** Opens the data keys of a store. `storeKey` is what wraps them: 32 bytes. */
export function openDataKeys(store: KeyStore, storeKey: Uint8Array): DataKeys {
  // In order of use: a map keeps the order in which its keys were put.
  const held = new Map<number, DataKey>();
  const ids = new Map<string, number>();
  let newest: DataKey | undefined;

  function hold(key: DataKey): DataKey {
    const oldest = held.size < keysMax ? undefined : held.values().next().value;
    if (oldest !== undefined) {
      held.delete(oldest.id);
      ids.delete(oldest.user);
    }
    held.set(key.id, key);
    ids.set(key.user, key.id);
    newest = key;
    return key;
  }

  function heldKey(id: number | undefined): DataKey | undefined {
    const key = id === undefined ? undefined : held.get(id);
    if (key === undefined || key === newest) return key;
    held.delete(key.id);
    held.set(key.id, key);
    newest = key;
    return key;
  }

  return {
    ofUser(user) {
      const known = heldKey(ids.get(user));
      if (known !== undefined) return known;
      const stored =
        store.wrappedKey(user) ?? store.wrappedKeyPut(user, wrap(storeKey, user, randomBytes(32)));
      return hold(dataKey(stored.id, user, unwrap(storeKey, user, stored.wrapped)));
    },
    byId(id) {
      const known = heldKey(id);
      if (known !== undefined) return known;
      const stored = store.wrappedKeyById(id);
      if (stored === null) {
        throw new ErrandError(
          "internal",
          `data key ${id} is gone: what it sealed cannot be read any more; its user was deleted, or the store is damaged`,
        );
      }
      return hold(dataKey(id, stored.userId, unwrap(storeKey, stored.userId, stored.wrapped)));
    },
  };
}

function dataKey(id: number, user: string, key: Uint8Array): DataKey {
  return { id, user, key, macKey: new Uint8Array(hkdfSync("sha256", key, "", "errand mac", 32)) };
}

/** A data key sealed with the store's key, for that user only. */
function wrap(storeKey: Uint8Array, user: string, key: Uint8Array): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", storeKey, nonce);
  cipher.setAAD(Buffer.from(user));
  const sealed = [cipher.update(key), cipher.final()];
  return Buffer.concat([new Uint8Array([wrapVersion]), nonce, ...sealed, cipher.getAuthTag()]);
}

/** Throws `internal` if the key was wrapped for another user, with another store key, or was changed. */
function unwrap(storeKey: Uint8Array, user: string, wrapped: Uint8Array): Uint8Array {
  try {
    if (wrapped.length !== wrappedBytes || wrapped[0] !== wrapVersion) {
      throw new RangeError("not a wrapped key");
    }
    const keyAt = 1 + nonceBytes;
    const cipher = createDecipheriv("aes-256-gcm", storeKey, wrapped.subarray(1, keyAt));
    cipher.setAAD(Buffer.from(user)).setAuthTag(wrapped.subarray(keyAt + keyBytes));
    return Buffer.concat([
      cipher.update(wrapped.subarray(keyAt, keyAt + keyBytes)),
      cipher.final(),
    ]);
  } catch (cause) {
    const whose = user === "" ? "the system" : `user ${user}`;
    throw new DamagedDataKey(`the data key of ${whose} does not open with this store key`, cause);
  }
}
