import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openNodeStore } from "../../src/adapters/node-sqlite/node-store.ts";
import type { SyncStore } from "../../src/ports/store.ts";
import { kernelContract } from "./kernel.contract.ts";

kernelContract("node:sqlite", async (test) => {
  const dataDir = mkdtempSync(join(tmpdir(), "errand-kernel-"));
  let store = openNodeStore(dataDir);
  const reopen = (): SyncStore => {
    store.close();
    return (store = openNodeStore(dataDir));
  };
  try {
    await test({ store, reopen });
  } finally {
    store.close();
    rmSync(dataDir, { recursive: true });
  }
});
