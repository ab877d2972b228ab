import { expect, test } from "vitest";
import { openSettings } from "./settings.ts";
import { guarded } from "./surroundings.ts";
import type { Surroundings } from "./surroundings.ts";

test("[WEB13] what a call comes to after its key was changed is nobody's", async () => {
  const settings = openSettings(() => ({
    getItem: () => null,
    setItem: () => {},
    removeItem: () => {},
  }));
  const surroundings = { settings } as unknown as Surroundings;
  settings.setKey("ann");
  const failures: unknown[] = [];
  const run = (call: Promise<string>) =>
    guarded(
      surroundings,
      () => call,
      (failure) => failures.push(failure),
    );
  expect(await run(Promise.resolve("hers"))).toBe("hers");
  const late = Promise.withResolvers<string>();
  const refused = Promise.withResolvers<string>();
  const both = Promise.all([run(late.promise), run(refused.promise)]);
  settings.setKey("bob");
  late.resolve("hers");
  refused.reject(new Error("no"));
  expect(await both).toEqual([undefined, undefined]);
  expect(failures).toEqual([]);
});
