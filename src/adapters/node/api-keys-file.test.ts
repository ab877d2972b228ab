import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { apiKeysFileName, fileApiKeys } from "./api-keys-file.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "errand-keys-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const row = (hash: string, userId: string) => ({ hash, userId, createdAtMs: 1 });

test("[SEC14] a key that was added is there for the next process, in a file only its owner reads", async () => {
  await fileApiKeys(folder).add(row("a".repeat(64), "u1"));
  const again = fileApiKeys(folder);
  expect(await again.find("a".repeat(64))).toEqual(row("a".repeat(64), "u1"));
  expect(await again.find("b".repeat(64))).toBeNull();
  expect(statSync(join(folder, apiKeysFileName)).mode & 0o777).toBe(0o600);
});

test("[SEC14] keys added at once are all kept, and taking a user's back leaves the others", async () => {
  const keys = fileApiKeys(folder);
  await Promise.all(["1", "2", "3"].map((hash) => keys.add(row(hash, hash === "3" ? "u2" : "u1"))));
  expect(await keys.removeUser("u1")).toBe(2);
  expect(await keys.find("1")).toBeNull();
  expect(await fileApiKeys(folder).find("3")).toEqual(row("3", "u2"));
  expect(await keys.removeUser("nobody")).toBe(0);
});

test("[SEC26] keys keep their end, are listed oldest first, and one is taken back by itself", async () => {
  const keys = fileApiKeys(folder);
  await keys.add({ ...row("2", "u1"), createdAtMs: 2, expiresAtMs: 9 });
  await keys.add(row("1", "u1"));
  const listed = [row("1", "u1"), { ...row("2", "u1"), createdAtMs: 2, expiresAtMs: 9 }];
  expect(await fileApiKeys(folder).list()).toEqual(listed);
  expect([await keys.remove("u2", "1"), await keys.remove("u1", "1")]).toEqual([false, true]);
  expect(await fileApiKeys(folder).list()).toEqual(listed.slice(1));
});

test("[SEC14] a file that is not ours is refused and left as it is", () => {
  const file = join(folder, apiKeysFileName);
  writeFileSync(file, '{"keys":[{"hash":1}]}');
  expect(() => fileApiKeys(folder)).toThrow(/cannot be read/);
  expect(readFileSync(file, "utf8")).toBe('{"keys":[{"hash":1}]}');
});
