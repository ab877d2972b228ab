import { expect, test } from "vitest";

import { missingPlatformEntries } from "./complete-lock.ts";

test("platform packages that the registry at hand lacks get an entry from their name", () => {
  const parent = {
    version: "1.0.0",
    dev: true,
    license: "MIT",
    optionalDependencies: {
      "@tool/here": "1.0.0",
      "@tool/binding-linux-x64-musl": "1.0.0",
      "@tool/windows-64": "1.0.0",
    },
  };
  const here = { version: "1.0.0" };
  const packages = { "node_modules/tool": parent, "node_modules/@tool/here": here };
  const shared = { version: "1.0.0", dev: true, license: "MIT", optional: true, cpu: ["x64"] };
  expect(missingPlatformEntries(packages)).toEqual({
    "node_modules/@tool/binding-linux-x64-musl": { ...shared, os: ["linux"], libc: ["musl"] },
    "node_modules/@tool/windows-64": { ...shared, os: ["win32"] },
  });
});

test("a name that tells no platform is refused, not guessed", () => {
  const parent = { version: "1.0.0", optionalDependencies: { "@tool/wasm": "1.0.0" } };
  expect(() => missingPlatformEntries({ "node_modules/tool": parent })).toThrow("@tool/wasm");
});
