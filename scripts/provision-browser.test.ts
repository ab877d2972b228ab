import { afterEach, expect, test, vi } from "vitest";

import { provisionBrowser } from "./provision-browser.ts";

afterEach(() => vi.unstubAllEnvs());

test("CHROME_PATH wins", async () => {
  vi.stubEnv("CHROME_PATH", process.execPath);
  await expect(provisionBrowser()).resolves.toEqual({ path: process.execPath });
});

test("a CHROME_PATH that does not run is said, not passed over", async () => {
  vi.stubEnv("CHROME_PATH", "nowhere/chromium");
  await expect(provisionBrowser()).resolves.toEqual({
    missing: "CHROME_PATH=nowhere/chromium does not run",
  });
});
