import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { isLoopback, readSettings } from "./config.ts";

async function inFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), "errand-config-"));
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

test("[SEC22] binding beyond loopback without a key is refused, and says what to do", async () => {
  for (const host of ["0.0.0.0", "::", "192.168.1.5", "example.org"]) {
    await expect(readSettings({ ERRAND_HOST: host }, "/")).rejects.toThrow(/ERRAND_ADMIN_KEY/);
    const settings = await readSettings(
      { ERRAND_HOST: host, ERRAND_ADMIN_KEY: "x".repeat(32) },
      "/",
    );
    expect(settings.host).toBe(host);
  }
});

test("[SEC22] loopback needs no key", async () => {
  for (const host of ["127.0.0.1", "localhost", "::1", "127.0.0.53"]) {
    expect(isLoopback(host)).toBe(true);
    expect((await readSettings({ ERRAND_HOST: host }, "/")).adminKey).toBeNull();
  }
});

test("[HOST1] a bad setting names the variable, the value and the range", async () => {
  await expect(readSettings({ PORT: "80a" }, "/")).rejects.toThrow(
    /PORT must be a whole number 0..65535, got "80a"/,
  );
  await expect(readSettings({ ERRAND_MODEL_BASE_URL: "localhost" }, "/")).rejects.toThrow(
    /ERRAND_MODEL_BASE_URL/,
  );
  await expect(readSettings({ ERRAND_ADMIN_KEY: "short" }, "/")).rejects.toThrow(/at least 16/);
});

test("[HOST2] roles come from ERRAND_ROLE_*", async () => {
  const env = { ERRAND_ROLE_PLANNER: "big", ERRAND_ROLE_WORKER: "small" };
  const settings = await readSettings(env, "/");
  expect(settings.envRoles).toEqual({ planner: "big", worker: "small" });
});

test("[HOST2] OpenAI's key is for the address that is set, and not for servers that are found", async () => {
  const url = { ERRAND_MODEL_BASE_URL: "https://api.openai.com/v1" };
  const keyOf = async (env: Readonly<Record<string, string>>): Promise<string | null> =>
    (await readSettings(env, "/")).modelApiKey;
  expect(await keyOf({ ...url, OPENAI_API_KEY: "k" })).toBe("k");
  expect(await keyOf({ ...url, OPENAI_API_KEY: "k", ERRAND_MODEL_API_KEY: "own" })).toBe("own");
  expect(await keyOf({ OPENAI_API_KEY: "k" })).toBeNull();
  expect(await keyOf({ ERRAND_MODEL_API_KEY: "own" })).toBe("own");
});

test("[HOST3] errand.config.ts is loaded, and one without a default export is refused", async () => {
  await inFolder(async (dir) => {
    writeFileSync(join(dir, "errand.config.ts"), "export default { retentionMs: 5 as number };");
    expect((await readSettings({}, dir)).config.retentionMs).toBe(5);
  });
  await inFolder(async (dir) => {
    writeFileSync(join(dir, "errand.config.ts"), "export const tasks = [];");
    await expect(readSettings({}, dir)).rejects.toThrow(/default/);
    await expect(readSettings({ ERRAND_CONFIG: "missing.ts" }, dir)).rejects.toThrow(/missing.ts/);
  });
});

test("[HOST3] a configuration that cannot be loaded, or holds what is none, is refused by its name", async () => {
  const broken = {
    "export default { tasks: [": /errand.config.mjs cannot be loaded/,
    "throw null": /errand.config.mjs cannot be loaded: null/,
    "export default { tasks: { a: 1 } }": /tasks of errand.config.mjs/,
    "export default { tasks: [null] }": /tasks of errand.config.mjs/,
    'export default { retentionMs: "x" }': /retentionMs of errand.config.mjs must be 0../,
  };
  for (const [text, refusal] of Object.entries(broken)) {
    await inFolder(async (dir) => {
      writeFileSync(join(dir, "errand.config.mjs"), text);
      await expect(readSettings({}, dir)).rejects.toThrow(refusal);
    });
  }
});
