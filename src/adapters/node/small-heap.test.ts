import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { isHeapWorthShrinking } from "./small-heap.ts";

const mega = 1_024 * 1_024;
const idle = {
  cpuMs: 10,
  tookMs: 1_000,
  heapBytes: 60 * mega,
  smallestBytes: 20 * mega,
  hasWorked: false,
};

test("[HOST6] memory is given back by a process that has grown and done nothing for a second, and by no other", () => {
  expect(isHeapWorthShrinking(idle)).toBe(true);
  expect(isHeapWorthShrinking({ ...idle, cpuMs: 200 })).toBe(false);
  expect(isHeapWorthShrinking({ ...idle, smallestBytes: 50 * mega })).toBe(false);
  // A stream of a token each 100 ms is next to no work, but its reader would see the collection.
  expect(isHeapWorthShrinking({ ...idle, hasWorked: true })).toBe(false);
});

test("[HOST6] a heap that has grown is smaller once the process is idle", () => {
  const module = fileURLToPath(new URL("./small-heap.ts", import.meta.url));
  const program = `
    import { shrinkHeapWhenIdle } from ${JSON.stringify(module)};
    let kept = Array.from({ length: 600_000 }, (_, at) => ({ at }));
    const grown = process.memoryUsage().heapTotal;
    kept = [];
    shrinkHeapWhenIdle(() => 0);
    const timer = setInterval(() => {
      if (process.memoryUsage().heapTotal > grown / 2) return;
      clearInterval(timer);
      process.stdout.write("smaller");
    }, 100);
  `;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", program],
    { encoding: "utf8", timeout: 60_000 },
  );
  expect(stderr).toBe("");
  expect(stdout).toBe("smaller");
}, 70_000);
