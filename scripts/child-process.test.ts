import { expect, test } from "vitest";

import { run, runTool } from "./child-process.ts";

test("a command's exit code is handed on", async () => {
  await expect(run(process.execPath, ["-e", "process.exit(3)"])).resolves.toBe(3);
});

test("a command that a signal ends has failed", async () => {
  await expect(run(process.execPath, ["-e", "process.kill(process.pid)"])).resolves.toBe(1);
});

test("a tool is found by the name of its command", async () => {
  await expect(runTool("tsc", ["--version"])).resolves.toBe(0);
  expect(() => runTool("nothing", [])).toThrow("nothing");
});
