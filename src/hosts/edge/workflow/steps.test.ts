import { expect, test } from "vitest";

import { cloudflareSteps, guardedSteps, stepBytesMax, checkBytes, type Steps } from "./steps.ts";

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
