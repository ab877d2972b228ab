import { randomFillSync } from "node:crypto";

/** Bytes of a nonce of AES-GCM. */
export const nonceBytes = 12;

/** Nonces drawn at once: asking the system for each costs half as much as sealing a row. */
const nonceCount = 512;

/**
 * Gives random 96-bit nonces, none twice. Random, not counted, because a data folder may be restored or copied: a
 * counter would then repeat itself under the same key. One key may seal 2^32 rows before two nonces of it are equal
 * with a chance of 2^-32.
 */
export function createNonces(): () => Uint8Array {
  const pool = new Uint8Array(nonceCount * nonceBytes);
  let at = pool.length;
  return () => {
    if (at === pool.length) {
      randomFillSync(pool);
      at = 0;
    }
    at += nonceBytes;
    return pool.subarray(at - nonceBytes, at);
  };
}
