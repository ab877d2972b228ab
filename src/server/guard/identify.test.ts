import { expect, test } from "vitest";

import type { ApiKeyRow } from "../../ports/keys.ts";
import { sameBytes } from "./digest.ts";
import { createIdentifier, makeApiKey } from "./identify.ts";

async function identifierWith(users: readonly string[]): Promise<{
  identify: (headers: Record<string, string>) => Promise<string>;
  keys: string[];
  rows: Map<string, ApiKeyRow>;
}> {
  const rows = new Map<string, ApiKeyRow>();
  const keys: string[] = [];
  for (const userId of users) {
    const { key, hash } = await makeApiKey();
    keys.push(key);
    rows.set(hash, { hash, userId, createdAtMs: 0 });
  }
  const clock = { nowMs: () => 1_000 };
  const identifier = createIdentifier(
    {
      adminKey: "the-admin-key",
      keys: {
        add: () => Promise.resolve(),
        list: () => Promise.resolve([]),
        remove: () => Promise.resolve(false),
        find: (hash) => Promise.resolve(rows.get(hash) ?? null),
        removeUser: () => Promise.resolve(0),
      },
    },
    clock,
  );
  const identify = async (headers: Record<string, string>): Promise<string> => {
    try {
      const { userId, isAdmin } = await identifier.identify(new Headers(headers));
      return `${userId}${isAdmin ? " (admin)" : ""}`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  return { identify, keys, rows };
}

test("[SEC14] the same rules hold whichever header carries the key", async () => {
  const { identify, keys } = await identifierWith(["u1"]);
  const [key = ""] = keys;
  expect(await identify({ authorization: `Bearer ${key}` })).toBe("u1");
  expect(await identify({ authorization: `bearer   ${key} ` })).toBe("u1");
  expect(await identify({ "x-api-key": key })).toBe("u1");
  expect(await identify({ "x-api-key": "the-admin-key" })).toBe("local (admin)");
  expect(await identify({ authorization: "Bearer the-admin-key" })).toBe("local (admin)");
});

test.each([
  [{}, /needs an API key/],
  [{ authorization: "" }, /must be: Bearer/],
  [{ authorization: "Basic dTE6cHc=" }, /must be: Bearer/],
  [{ authorization: "Bearer" }, /must be: Bearer/],
  [{ authorization: "Bearer a b" }, /must be: Bearer/],
  [{ authorization: "Bearer nonsense", "x-api-key": "the-admin-key" }, /not known/],
  [{ "x-api-key": "" }, /not known/],
  [{ "x-api-key": "the-admin-key" + "x".repeat(600) }, /not known/],
])("[SEC1] %o identifies nobody", async (headers, message) => {
  const { identify } = await identifierWith(["u1"]);
  expect(await identify(headers)).toMatch(message);
});

test("[SEC14] a key has 256 random bits, and only its hash is kept", async () => {
  const { keys, rows } = await identifierWith(["u1", "u1"]);
  expect(new Set(keys).size).toBe(2);
  for (const key of keys) {
    expect(key).toMatch(/^errand_[A-Za-z0-9_-]{43}$/);
    expect(JSON.stringify([...rows.values()])).not.toContain(key.slice(7));
  }
  expect([...rows.keys()].every((hash) => /^[0-9a-f]{64}$/.test(hash))).toBe(true);
});

test("[SEC14] bytes are compared to their end", () => {
  const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
  expect(sameBytes(bytes(1, 2), bytes(1, 2))).toBe(true);
  expect(sameBytes(bytes(1, 2), bytes(1, 3))).toBe(false);
  expect(sameBytes(bytes(1, 2), bytes(1, 2, 3))).toBe(false);
  expect(sameBytes(bytes(1, 2, 0), bytes(1, 2))).toBe(false);
});
