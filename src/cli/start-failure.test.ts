import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

import { explainStart } from "./start-failure.ts";

function thrownBy(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

test("[HOST1] a data folder that cannot be made is said with its setting", () => {
  const folder = mkdtempSync(join(tmpdir(), "errand-start-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "file");
  writeFileSync(file, "");
  const words = explainStart(thrownBy(() => mkdirSync(file, { recursive: true })));
  expect(words).toContain(file);
  expect(words).toContain("choose another one with ERRAND_DATA_DIR");
});

test("[HOST1] a port that is taken is said as one, and a right that is missing never as a port", async () => {
  const first = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void first.close());
  await once(first, "listening");
  const address = first.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const second = createServer().listen(port, "127.0.0.1");
  const [error] = (await once(second, "error").catch((thrown: unknown) => [thrown])) as [unknown];
  expect(explainStart(error)).toMatch(/EADDRINUSE.*another program has the port/);
  const denied = (syscall: string): Error =>
    Object.assign(new Error(`EACCES: ${syscall}`), { code: "EACCES", syscall });
  expect(explainStart(denied("listen"))).toContain("choose one above 1023");
  expect(explainStart(denied("open"))).toContain("ERRAND_DATA_DIR");
  expect(explainStart(thrownBy(() => readFileSync("/nowhere/at/all")))).toContain(
    "/nowhere/at/all",
  );
  expect(explainStart("odd")).toBe("odd");
});
