import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { loadStoreKey, type StoreKey } from "./key-file.ts";

const KEY = Uint8Array.from({ length: 32 }, (_, n) => n * 7);
const BASE64 = Buffer.from(KEY).toString("base64");
let home: string;
let dataDir: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "errand-key-"));
  dataDir = join(home, "data");
});

afterEach(() => rmSync(home, { recursive: true }));

function load(env: Record<string, string> = {}): StoreKey {
  return loadStoreKey({ env, dataDir, databaseName: "errand.db" });
}

test("[SEAL9] a new data folder gets a key file, for its owner's eyes only, and keeps it", () => {
  const { key, setting } = load();
  expect(key).toHaveLength(32);
  expect(setting).toContain(join(dataDir, "key"));
  expect(statSync(join(dataDir, "key")).mode & 0o777).toBe(0o600);
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  expect(readdirSync(dataDir)).toEqual(["key"]);
  expect(load().key).toEqual(key);
  writeFileSync(join(dataDir, "errand.db"), "");
  expect(load().key).toEqual(key);
});

test.each([
  ["base64", BASE64],
  ["base64 without padding", BASE64.replace("=", "")],
  ["base64url", Buffer.from(KEY).toString("base64url")],
  ["hex", Buffer.from(KEY).toString("hex")],
])("[SEAL9] ERRAND_KEY and the file of ERRAND_KEY_FILE hold 32 bytes as %s", (_, text) => {
  expect(load({ ERRAND_KEY: text })).toEqual({ key: KEY, setting: "ERRAND_KEY" });
  const file = join(home, "secret");
  writeFileSync(file, `${text}\n`);
  expect(load({ ERRAND_KEY_FILE: file })).toEqual({
    key: KEY,
    setting: `ERRAND_KEY_FILE (${file})`,
  });
  expect(existsSync(dataDir)).toBe(false);
});

test.each(["short", `${BASE64}x`, "é".repeat(44), "g".repeat(64)])(
  "[SEAL9] %j is refused as a key without being repeated in the message",
  (text) => {
    expect(() => load({ ERRAND_KEY: text })).toThrow(
      expect.objectContaining({
        code: "invalid_request",
        message: expect.not.stringContaining(text),
      }),
    );
  },
);

test("[SEAL9] two settings at once, and a file that is not there, are refused", () => {
  expect(() => load({ ERRAND_KEY: BASE64, ERRAND_KEY_FILE: "x" })).toThrow("both set");
  expect(() => load({ ERRAND_KEY_FILE: join(home, "none") })).toThrow(
    expect.objectContaining({ code: "unavailable" }),
  );
  // An empty setting is none, as an empty line of a compose file makes it.
  expect(load({ ERRAND_KEY: "", ERRAND_KEY_FILE: "" }).key).toHaveLength(32);
});

test("[SEAL9] a database without its key file refuses to start, says what to do, and makes no new key", () => {
  load();
  rmSync(join(dataDir, "key"));
  writeFileSync(join(dataDir, "errand.db"), "");
  expect(() => load()).toThrow(
    expect.objectContaining({
      code: "unavailable",
      message: expect.stringContaining("set ERRAND_KEY or ERRAND_KEY_FILE"),
    }),
  );
  expect(readdirSync(dataDir)).toEqual(["errand.db"]);
  expect(load({ ERRAND_KEY: BASE64 }).key).toEqual(KEY);
});

test("[SEAL9] a key file that was cut off is refused and left alone", () => {
  load();
  writeFileSync(join(dataDir, "key"), "abc");
  expect(() => load()).toThrow("got 3 characters");
  expect(readFileSync(join(dataDir, "key"), "utf8")).toBe("abc");
});
