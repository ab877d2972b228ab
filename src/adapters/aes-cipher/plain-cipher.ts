import { createHmac } from "node:crypto";

import { ErrandError } from "../../core/errors.ts";
import type { Cipher } from "../../ports/cipher.ts";

/** First byte of every row: no sealed row begins with it. */
const version = 0;

/**
 * A cipher that seals nothing: rows are a zero byte and the text, readable by whoever has the file. For benchmarks
 * and the simulator. It opens no row of a real cipher, and a real cipher opens none of its rows.
 */
export const plainCipher: Cipher = {
  prepare: () => undefined,
  seal(_user, _place, plain) {
    const row = Buffer.allocUnsafe(1 + Buffer.byteLength(plain, "utf8"));
    row[0] = version;
    row.write(plain, 1, "utf8");
    return row;
  },
  open(place, sealed) {
    if (sealed[0] !== version) {
      throw new ErrandError(
        "internal",
        `the row at ${place} cannot be opened: it was sealed with a key, and this process runs without`,
      );
    }
    return Buffer.from(sealed.buffer, sealed.byteOffset + 1, sealed.length - 1).toString("utf8");
  },
  mac: (user, text) =>
    createHmac("sha256", `user ${user}`).update(text, "utf8").digest("base64url"),
};
