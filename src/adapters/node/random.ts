import { randomFillSync } from "node:crypto";

import type { Random } from "../../ports/host.ts";

/** Bytes drawn from the system at once: a draw costs a microsecond, whatever its size. */
const poolBytes = 8_192;

/** Randomness of the operating system, drawn in pools. No byte is given twice. */
export function createSystemRandom(): Random {
  const pool = new Uint8Array(poolBytes);
  const numbers = new DataView(pool.buffer);
  let at = poolBytes;

  /** Where the next `count` bytes stand. */
  function take(count: number): number {
    if (at + count > poolBytes) {
      randomFillSync(pool);
      at = 0;
    }
    at += count;
    return at - count;
  }

  return {
    bytes(bytes) {
      if (bytes.length > poolBytes) return randomFillSync(bytes);
      const from = take(bytes.length);
      bytes.set(pool.subarray(from, from + bytes.length));
      return bytes;
    },
    unit() {
      const from = take(8);
      // 53 bits, as many as a double below 1 has: 21 and 32.
      return ((numbers.getUint32(from) >>> 11) * 2 ** 32 + numbers.getUint32(from + 4)) / 2 ** 53;
    },
  };
}
