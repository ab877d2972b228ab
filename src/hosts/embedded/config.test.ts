import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { defineTask } from "../../engine/index.ts";
import { checkedConfig } from "./check-config.ts";
import { isLoopback, readSettings, type ErrandConfig } from "./config.ts";

async function inFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), "errand-config-"));
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

test("[SEC22] binding beyond loopback without a key is refused, and says what to do", async () => {
  for (const host of ["0.0.0.0", "::", "192.168.1.5", "example.org", "127.example.org"]) {
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

const file = "errand.config.ts";
const endpoint = { name: "gpu0", baseUrl: "http://127.0.0.1:1/v1" };
const shared = { ...endpoint, device: "gpu", deviceSlots: 2, slots: 2 };
const train = (queue: string) => defineTask("train", { queue, slots: "all" }, () => null);

test("[HOST11] a wrong field of a configuration is named with what it is and may be", () => {
  const wrong: readonly (readonly [unknown, string])[] = [
    [{ endpoint: [] }, "endpoint of errand.config.ts is not known; there are: tasks, endpoints"],
    [{ endpoints: {} }, "endpoints of errand.config.ts must be a list, got {}"],
    [
      { endpoints: [{ ...endpoint, slots: 0 }] },
      "endpoints[0].slots of errand.config.ts must be a whole number 1..10000, got 0",
    ],
    [{ endpoints: [{ ...endpoint, slots: 1.5 }] }, "must be a whole number 1..10000, got 1.5"],
    [{ endpoints: [{ ...endpoint, slots: "4" }] }, 'must be a whole number 1..10000, got "4"'],
    [
      { endpoints: [endpoint, { ...endpoint, name: "a b" }] },
      'endpoints[1].name of errand.config.ts must be 1..100 of letters, digits and "_ . : -", got "a b"',
    ],
    [
      { endpoints: [endpoint, endpoint] },
      'endpoints[1].name of errand.config.ts is another endpoint\'s too: names are unique, got "gpu0"',
    ],
    [{ endpoints: [{ name: "gpu0" }] }, "endpoints[0].baseUrl of errand.config.ts is missing"],
    [{ endpoints: [{ ...endpoint, baseUrl: "localhost:1" }] }, "must be an http(s) URL"],
    [
      { endpoints: [{ ...endpoint, device: "" }] },
      "endpoints[0].device of errand.config.ts must be 1..100",
    ],
    [
      { endpoints: [{ ...endpoint, deviceSlots: 2 }] },
      "endpoints[0].deviceSlots of errand.config.ts is of use only with device",
    ],
    [
      { endpoints: [{ ...shared, deviceSlots: 20_000 }] },
      "endpoints[0].deviceSlots of errand.config.ts must be a whole number 1..10000, got 20000",
    ],
    [
      { endpoints: [{ ...endpoint, devise: "gpu" }] },
      "endpoints[0].devise of errand.config.ts is not known; there are:",
    ],
    [
      { endpoints: [{ ...endpoint, swapMs: -1 }] },
      "must be a whole number 1..600000, or null, got -1",
    ],
    [
      { endpoints: [{ ...endpoint, resumes: "yes" }] },
      'must be one of "prefill", "continue", null, got "yes"',
    ],
    [
      { queues: { gpu: { slots: "all" } } },
      'queues["gpu"].slots of errand.config.ts must be a whole number 1..10000, got "all"',
    ],
    [{ queues: { gpu: 4 } }, 'queues["gpu"] of errand.config.ts must be an object, got 4'],
    [
      { pendingPerKeyMax: 0 },
      "pendingPerKeyMax of errand.config.ts must be a whole number 1..1000000, got 0",
    ],
    [{ weights: { ann: 0 } }, 'weights["ann"] of errand.config.ts must be 0.01..100, got 0'],
    [
      { endpoints: [endpoint], roles: { chat: { endpoint: "gpu1", model: "m" } } },
      'roles.chat.endpoint of errand.config.ts must be one of default, gpu0, got "gpu1"',
    ],
    [
      { endpoints: [shared], tasks: [train("device:gpu0")] },
      'the queue of task type "train" of errand.config.ts is device:gpu0, which no endpoint and no entry of queues has; there are: model:default, device:gpu',
    ],
    [{ endpoints: [shared], tasks: [train("model:gpu0")] }, "(endpoint gpu0 shares device:gpu)"],
  ];
  // A file of plain JavaScript may hold anything.
  for (const [config, message] of wrong)
    expect(() => checkedConfig(file, config as ErrandConfig)).toThrow(message);
});

test("[HOST11] what may be configured is taken as it is", () => {
  const configs: readonly ErrandConfig[] = [
    {},
    {
      endpoints: [endpoint, { ...shared, name: "b", swapMs: 8_000, resumes: null }],
      weights: { ann: 2 },
    },
    { endpoints: [shared], tasks: [train("device:gpu")], queues: { "device:gpu": { slots: 4 } } },
    { queues: { "device:lone": { slots: 4, slotsPerKey: null } }, tasks: [train("device:lone")] },
    {
      endpoints: [endpoint],
      roles: { chat: { endpoint: "gpu0", model: "m" } },
      tasks: [train("model:gpu0")],
    },
    { tasks: [train("model:default")] },
  ];
  for (const config of configs) expect(checkedConfig(file, config)).toBe(config);
});

test("[HOST11] a task type's queue, slots and caps are looked at when it is defined", () => {
  const define = (options: object) => () => defineTask("train", options, () => null);
  expect(define({ slots: 0 })).toThrow(
    'slots of task type "train" must be a whole number 1..10000, or "all", got 0',
  );
  expect(define({ slots: "most" })).toThrow('or "all", got "most"');
  expect(define({ slots: 1.5 })).toThrow("got 1.5");
  expect(define({ queue: "model gpu0" })).toThrow('queue of task type "train" must be 1..100');
  expect(define({ priority: "high" })).toThrow(
    'must be interactive, background, batch, got "high"',
  );
  expect(define({ concurrency: { perKey: 0.5 } })).toThrow("concurrency.perKey");
});
