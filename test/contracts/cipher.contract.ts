import { describe, expect, test } from "vitest";

import { createAesCipher } from "../../src/adapters/aes-cipher/aes-cipher.ts";
import type { KeyStore } from "../../src/adapters/aes-cipher/data-keys.ts";
import { plainCipher } from "../../src/adapters/aes-cipher/plain-cipher.ts";
import { createMemoryStore } from "../../src/adapters/memory/memory-store.ts";
import type { Cipher } from "../../src/ports/cipher.ts";

const storeKey = new Uint8Array(32).fill(7);
const place = "task/a#1";
const texts = ["", "x", '{"a":"grüße 🚂"}', "long ".repeat(5_000), JSON.stringify("\ud800")];

function cipherOver(store: KeyStore, key: Uint8Array = storeKey): Cipher {
  return createAesCipher({ store, storeKey: key, keySetting: "ERRAND_KEY" });
}

/** The same row with one bit of one byte flipped. */
function flipped(row: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(row);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** Every promise of the AES cipher. Run on Node and in workerd, whose crypto is another. */
export function cipherContract(host: string): void {
  describe(`AES cipher on ${host}`, () => {
    test("[SEAL1] what is sealed opens again, compressed or not, and twice gives other bytes", () => {
      const cipher = cipherOver(createMemoryStore());
      for (const text of texts) {
        for (const compress of [false, true]) {
          const sealed = cipher.seal("ann", place, text, { compress });
          expect(cipher.open(place, sealed)).toBe(text);
          expect(cipher.seal("ann", place, text, { compress })).not.toEqual(sealed);
          expect(new TextDecoder().decode(sealed)).not.toContain("long long");
        }
      }
    });

    test("[SEAL1] compression makes a long row short, and costs no more than 34 bytes otherwise", () => {
      const cipher = cipherOver(createMemoryStore());
      const long = "long ".repeat(5_000);
      expect(cipher.seal("ann", place, long).length).toBe(34 + long.length);
      expect(cipher.seal("ann", place, long, { compress: true }).length).toBeLessThan(500);
      expect(cipher.seal("ann", place, "short", { compress: true }).length).toBe(34 + 5);
    });

    test("[SEAL2] a row that was changed in any byte, cut or moved does not open", () => {
      const cipher = cipherOver(createMemoryStore());
      for (const compress of [false, true]) {
        const sealed = cipher.seal("ann", place, "secret ".repeat(40), { compress });
        for (let at = 0; at < sealed.length; at += 1) {
          expect(() => cipher.open(place, flipped(sealed, at)), `byte ${at}`).toThrow(
            expect.objectContaining({ code: "internal" }),
          );
        }
        for (const length of [0, 1, 6, 33, sealed.length - 1]) {
          expect(() => cipher.open(place, sealed.subarray(0, length))).toThrow("cannot be opened");
        }
        expect(() => cipher.open("task/a#2", sealed)).toThrow("belongs elsewhere");
      }
    });

    test("[SEAL3] each user has a data key of their own, and a restart finds it", () => {
      const store = createMemoryStore();
      const cipher = cipherOver(store);
      const wait = cipher.prepare(["ann", "bob", ""]);
      expect(wait).toBeUndefined();
      const rows = ["ann", "bob", ""].map((user) => cipher.seal(user, place, `of ${user}`));
      const again = cipherOver(store);
      expect(rows.map((row) => again.open(place, row))).toEqual(["of ann", "of bob", "of "]);
      expect(new Set(rows.map((row) => row.slice(2, 6).join())).size).toBe(3);
      expect(store.wrappedKey("ann")?.wrapped).not.toEqual(store.wrappedKey("bob")?.wrapped);
    });

    test("[SEAL3] a wrapped key does not serve another user", () => {
      const store = createMemoryStore();
      void cipherOver(store).prepare(["ann"]);
      const stolen = store.wrappedKey("ann")?.wrapped ?? new Uint8Array();
      store.wrappedKeyPut("eve", stolen);
      expect(() => cipherOver(store).seal("eve", place, "x")).toThrow("user eve does not open");
    });

    test("[SEAL5] a store is refused with another key than its own, and the setting is named", () => {
      const store = createMemoryStore();
      cipherOver(store);
      expect(() => cipherOver(store, new Uint8Array(32).fill(8))).toThrow(
        expect.objectContaining({
          code: "unavailable",
          message: expect.stringContaining("check ERRAND_KEY"),
        }),
      );
      expect(() => cipherOver(store, new Uint8Array(31))).toThrow("must be 32 bytes, got 31");
      expect(() => cipherOver(store)).not.toThrow();
    });

    test("[SEAL6] without its data key a user's rows cannot be read, and the error says so", () => {
      const store = createMemoryStore();
      const row = cipherOver(store).seal("ann", place, "x");
      const shredded: KeyStore = {
        ...store,
        wrappedKeyById: () => null,
      };
      expect(() => cipherOver(shredded).open(place, row)).toThrow(/data key \d+ is gone/);
    });

    test("[SEAL7] the mac of a body is equal for equal text of one user only", () => {
      const store = createMemoryStore();
      const cipher = cipherOver(store);
      const mac = cipher.mac("ann", "body");
      expect(mac).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(cipherOver(store).mac("ann", "body")).toBe(mac);
      expect(cipher.mac("ann", "bodY")).not.toBe(mac);
      expect(cipher.mac("bob", "body")).not.toBe(mac);
      expect(cipherOver(createMemoryStore()).mac("ann", "body")).not.toBe(mac);
    });

    test("[SEAL3] more users than keys are held in memory are served all the same", () => {
      const store = createMemoryStore();
      const cipher = cipherOver(store);
      const first = cipher.seal("user 0", place, "first");
      for (let n = 1; n <= 10_050; n += 1) void cipher.prepare([`user ${n}`]);
      expect(cipher.open(place, first)).toBe("first");
      expect(cipherOver(store).open(place, cipher.seal("user 0", place, "again"))).toBe("again");
    });

    test("[SEAL8] the plain cipher keeps text as it is and does not mix with sealed rows", () => {
      const cipher = cipherOver(createMemoryStore());
      for (const text of texts) {
        expect(plainCipher.open(place, plainCipher.seal("ann", place, text))).toBe(text);
      }
      expect(() => plainCipher.open(place, cipher.seal("ann", place, "x"))).toThrow(
        "sealed with a key",
      );
      expect(() => cipher.open(place, plainCipher.seal("ann", place, "x"))).toThrow(
        "cannot be opened",
      );
      expect(plainCipher.mac("ann", "x")).not.toBe(plainCipher.mac("bob", "x"));
    });
  });
}
