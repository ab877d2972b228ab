import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openNodeDriver } from "../../src/adapters/node-sqlite/node-driver.ts";
import { openNodeStore } from "../../src/adapters/node-sqlite/node-store.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/sqlite-store.ts";
import type { SyncStore } from "../../src/ports/store.ts";
import { storeContract } from "./store.contract.ts";

storeContract("node:sqlite, in a file", async (test) => {
  const dataDir = mkdtempSync(join(tmpdir(), "errand-store-"));
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

// No process can open the file twice, but one database can have two handles, as tests of a Durable Object do.
storeContract("node:sqlite, two handles in turn", async (test) => {
  const driver = openNodeDriver(":memory:");
  try {
    const store = inTurn(openSqliteStore(driver), openSqliteStore(driver));
    await test({ store, reopen: () => openSqliteStore(driver) });
  } finally {
    driver.close();
  }
});

/** A store of which every other call goes to the other handle. */
function inTurn(first: SyncStore, second: SyncStore): SyncStore {
  let [now, next] = [first, second];
  const turn = (): SyncStore => {
    [now, next] = [next, now];
    return next;
  };
  return new Proxy(first, { get: (_, method) => Reflect.get(turn(), method) });
}
