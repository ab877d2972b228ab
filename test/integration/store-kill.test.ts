import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

import { afterEach, beforeEach, expect, test } from "vitest";

import { openNodeStore } from "../../src/adapters/node-sqlite/node-store.ts";
import { accepted, append, entries, put } from "../contracts/store-groups.ts";

let dataDir: string;
let writer: ChildProcess & { readonly stdout: Readable };

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "errand-kill-"));
  writer = spawn(process.execPath, [join(import.meta.dirname, "store-writer.ts"), dataDir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
});

afterEach(() => {
  writer.kill("SIGKILL");
  rmSync(dataDir, { recursive: true });
});

/** Reads the writer's lines, calls `at` when so many have come, and answers the last number it printed. */
async function lastPrinted(lines: number, at: () => void): Promise<number> {
  let seen = 0;
  let last = 0;
  for await (const line of createInterface({ input: writer.stdout })) {
    last = Number(line);
    seen += 1;
    if (seen === lines) at();
  }
  return last;
}

test("[STORE14, STORE20] kill -9 in the middle of commits loses none that answered, and leaves no lock behind", async () => {
  const exited = once(writer, "exit");
  const printed = await lastPrinted(50, () => {
    expect(() => openNodeStore(dataDir)).toThrow("another Errand has");
    writer.kill("SIGKILL");
  });
  expect(await exited).toEqual([null, "SIGKILL"]);
  expect(printed).toBeGreaterThanOrEqual(50);

  const store = openNodeStore(dataDir);
  const [loaded] = store.load(["task/a"]);
  const stored = loaded?.rows.length ?? 0;
  expect([printed, printed + 1]).toContain(stored);
  expect(loaded?.rows.map((row) => row.seq)).toEqual(
    Array.from({ length: stored }, (_, n) => n + 1),
  );
  expect(store.streamHead("task_a/1")).toEqual({ epoch: 1, tail: stored, closed: false });
  expect(store.streamRead("task_a/1", stored - 1, 9)).toEqual([entries(stored - 1, 1)]);
  expect(await put(store, { appends: [append("task/a", stored + 1)] })).toEqual(accepted);
  store.close();
});
