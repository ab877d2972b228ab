import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";

import { ErrandError } from "../../core/errors.ts";
import type { Cipher } from "../../ports/cipher.ts";
import type { Bytes } from "../../ports/store.ts";
import { openDataKeys, type DataKeys, type KeyStore } from "./data-keys.ts";
import { createNonces, nonceBytes } from "./nonces.ts";

// A sealed row: 1 byte version, 1 byte flags, 4 bytes number of the data key, 12 bytes nonce, text, 16 bytes tag.
const version = 1;
const compressedFlag = 1;
const keyIdAt = 2;
const nonceAt = 6;
const textAt = nonceAt + nonceBytes;
const tagBytes = 16;

/** Shorter text is not compressed: setting up costs more than the bytes saved. */
const compressCharsMin = 512;
/** Most bytes of a text that is compressed, so that no row inflates beyond it: the most that workerd inflates. */
const inflatedBytesMax = 128 * 1024 * 1024;

/**
 * The cipher of a store whose answers are synchronous. `storeKey` (32 bytes) wraps the users' data keys and is never
 * stored; `keySetting` names where it came from, for the message when it is the wrong one.
 *
 * Throws `unavailable` if `storeKey` is not the key this store was made with: the system's data key, which every
 * store has from its first start, must open with it.
 */
export function createAesCipher(options: {
  readonly store: KeyStore;
  readonly storeKey: Uint8Array;
  readonly keySetting: string;
}): Cipher {
  const { store, storeKey, keySetting } = options;
  if (storeKey.length !== 32) {
    throw new ErrandError(
      "invalid_request",
      `the store key must be 32 bytes, got ${storeKey.length}: check ${keySetting}`,
    );
  }
  const keys = openDataKeys(store, storeKey);
  try {
    keys.ofUser("");
  } catch (cause) {
    throw new ErrandError(
      "unavailable",
      `this store was made with another key: check ${keySetting}, or restore the key file that belongs to this data folder`,
      { cause },
    );
  }
  return {
    prepare(users) {
      for (const user of users) keys.ofUser(user);
      return undefined;
    },
    seal: openSeal(keys),
    open: (place, sealed) => openSealed(keys, place, sealed),
    mac: (user, text) =>
      createHmac("sha256", keys.ofUser(user).macKey).update(text, "utf8").digest("base64url"),
  };
}

/** One pool for all ciphers of this process. */
const nextNonce = createNonces();

function openSeal(keys: DataKeys): Cipher["seal"] {
  return (user, place, plain, options) => {
    const { id, key } = keys.ofUser(user);
    const packed = options?.compress === true ? compressed(plain) : undefined;
    const flags = packed === undefined ? 0 : compressedFlag;
    const nonce = nextNonce();
    const cipher = createCipheriv("aes-256-gcm", key, nonce);
    cipher.setAAD(authenticated(flags, place));
    const text = packed === undefined ? cipher.update(plain, "utf8") : cipher.update(packed);
    // GCM has no padding: all text is out, this only makes the tag.
    cipher.final();
    const sealed = Buffer.allocUnsafe(textAt + text.length + tagBytes);
    sealed[0] = version;
    sealed[1] = flags;
    sealed.writeUInt32BE(id, keyIdAt);
    sealed.set(nonce, nonceAt);
    sealed.set(text, textAt);
    sealed.set(cipher.getAuthTag(), textAt + text.length);
    return sealed;
  };
}

function openSealed(keys: DataKeys, place: string, sealed: Bytes): string {
  const flags = sealed[1];
  if (sealed[0] !== version || flags === undefined || sealed.length < textAt + tagBytes) {
    throw damaged(place, "it is not a sealed row of this version");
  }
  const { key } = keys.byId(keyIdOf(sealed));
  const tagAt = sealed.length - tagBytes;
  let text: Buffer;
  try {
    const cipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(nonceAt, textAt));
    cipher.setAAD(authenticated(flags, place)).setAuthTag(sealed.subarray(tagAt));
    text = cipher.update(sealed.subarray(textAt, tagAt));
    cipher.final();
  } catch (cause) {
    throw damaged(place, "it was changed, or belongs elsewhere", cause);
  }
  if ((flags & compressedFlag) === 0) return text.toString("utf8");
  return inflateRawSync(text, { maxOutputLength: inflatedBytesMax }).toString("utf8");
}

/** Compressed text, if that is shorter. */
function compressed(plain: string): Buffer | undefined {
  if (plain.length < compressCharsMin) return undefined;
  const bytes = Buffer.from(plain, "utf8");
  if (bytes.length > inflatedBytesMax) return undefined;
  const packed = deflateRawSync(bytes);
  return packed.length < bytes.length ? packed : undefined;
}

/** What the tag vouches for besides the text. The flags too: a flipped one would give the text another meaning. */
function authenticated(flags: number, place: string): Buffer {
  return Buffer.from(`${version}.${flags}.${place}`, "utf8");
}

function keyIdOf(sealed: Bytes): number {
  return new DataView(sealed.buffer, sealed.byteOffset).getUint32(keyIdAt);
}

function damaged(place: string, why: string, cause?: unknown): ErrandError {
  return new ErrandError("internal", `the row at ${place} cannot be opened: ${why}`, { cause });
}
