import { serialize } from "node:v8";

import { expect, test } from "vitest";

import {
  checkBytes,
  checkKept,
  cloudflareSteps,
  guardedSteps,
  keptBytes,
  keptBytesMax,
  stepBytesMax,
  type Steps,
} from "./steps.ts";

/** Steps that remember results by name and tell nobody of a timeout. */
function journal(): Steps & { readonly kept: Map<string, unknown> } {
  const kept = new Map<string, unknown>();
  return {
    kept,
    async do<T>(name: string, _options: unknown, run: Parameters<Steps["do"]>[2]) {
      if (!kept.has(name))
        kept.set(name, await run({ attempt: 1, signal: new AbortController().signal }));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- What the same step has put there.
      return kept.get(name) as T;
    },
    sleep: () => Promise.resolve(),
  };
}

const once = { retries: 0, timeoutMs: 60_000 };

test("[FLOW4] a step's name counts once, for sleeps as well", async () => {
  const steps = guardedSteps(journal());
  await steps.do("a", once, () => Promise.resolve(1));
  await steps.sleep("b", 1);
  for (const again of [
    steps.do("a", once, () => Promise.resolve(2)),
    steps.do("b", once, () => Promise.resolve(2)),
    steps.sleep("a", 1),
  ])
    // oxlint-disable-next-line no-await-in-loop -- Few.
    await expect(again).rejects.toMatchObject({ code: "duplicate_step" });
  await expect(steps.sleep("x".repeat(257), 1)).rejects.toMatchObject({ code: "fatal" });
});

test("[FLOW4] a step whose time is over is told so", async () => {
  const steps = guardedSteps(journal());
  const reason = await steps.do("slow", { retries: 0, timeoutMs: 1 }, ({ signal }) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    signal.addEventListener("abort", () => resolve(String(signal.reason)));
    return promise;
  });
  expect(reason).toContain("TimeoutError");
});

test("[FLOW4] 1 MiB of JSON is counted in bytes", () => {
  expect(() => checkBytes("x".repeat(stepBytesMax - 2), "it")).not.toThrow();
  expect(() => checkBytes("x".repeat(stepBytesMax - 1), "it")).toThrow("1048577 bytes");
  expect(() => checkBytes("ü".repeat(600_000), "it")).toThrow("1200002 bytes");
});

/** Less than 1 MiB of JSON, and more than a row as it is kept. */
const fractions = Array.from({ length: 230_000 }, () => 0.1);
const wide = `${"x".repeat(1_048_000)}\u0142`;

test("[FLOW4] what is kept as a value fits in a row of the platform, or is refused", () => {
  expect(() => checkBytes(fractions, "it")).not.toThrow();
  expect(() => checkKept(fractions, "it")).toThrow("takes up to 2070011 bytes of a row");
  expect(() => checkKept({ text: wide }, "it")).toThrow(`which on Workflows has ${keptBytesMax}`);
  expect(() => checkKept("x".repeat(stepBytesMax - 1), "it")).toThrow("1048577 bytes of JSON");
  expect(() => checkKept({ text: "\u00fc".repeat(500_000) }, "it")).not.toThrow();
});

test("[FLOW4] the platform never keeps more than is counted", () => {
  const values = [
    null,
    true,
    -1,
    1.5,
    2 ** 40,
    "",
    "x\u00fc",
    "\u0142\u{1f600}",
    [],
    {},
    { a: [1, 2.5, null, { "\u0142": "x" }], b: { c: [] }, text: wide },
    fractions,
  ];
  for (const value of values)
    expect(keptBytes(value)).toBeGreaterThanOrEqual(serialize(value).length - 2);
});

test("[FLOW4] the result of a step always fits in a row, however wide its characters", async () => {
  const kept: string[] = [];
  const steps = cloudflareSteps({
    async do(_name, _config, callback) {
      const text = await callback({ attempt: 1 });
      kept.push(text);
      return text;
    },
    sleep: () => Promise.resolve(),
  });
  // The worst is one wide character in six bytes; beyond that all of them may as well be wide.
  const worst = "xxxx\u0142".repeat(174_000);
  const results = [wide, "\u0142".repeat(524_000), worst, "\u{1f600}\u2028\ud800".repeat(80_000)];
  for (const result of results) {
    checkBytes(result, "it");
    // oxlint-disable-next-line no-await-in-loop -- Few.
    expect(await steps.do("x", once, () => Promise.resolve(result))).toBe(result);
  }
  for (const text of kept) expect(serialize(text).length).toBeLessThan(keptBytesMax);
});

test("[FLOW2] results come back from the platform as what was put in", async () => {
  const configs: unknown[] = [];
  const steps = cloudflareSteps({
    do: (_name, config, callback) => {
      configs.push(config);
      return callback({ attempt: 3 });
    },
    sleep: () => Promise.resolve(),
  });
  const options = { retries: 10, timeoutMs: 1_000 };
  const seen = await steps.do("x", options, ({ attempt }) =>
    Promise.resolve({ attempt, none: null, list: [1, "ü"] }),
  );
  expect(seen).toEqual({ attempt: 3, none: null, list: [1, "ü"] });
  expect(configs).toEqual([
    { retries: { limit: 10, delay: 1_000, backoff: "exponential" }, timeout: 6_000 },
  ]);
});
