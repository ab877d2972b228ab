import { createMemoryStore } from "../../src/adapters/memory/memory-store.ts";
import type { SyncStore } from "../../src/ports/store.ts";
import { behindConnection } from "./kernel-bench.ts";
import { kernelContract } from "./kernel.contract.ts";
import type { WithStore } from "./store-groups.ts";

const inMemory: WithStore = async (test) => {
  const store = createMemoryStore();
  let newest = store;
  await test({ store, reopen: () => (newest = newest.fork()) });
};

kernelContract("memory", inMemory);

// Every answer comes a turn later, as from a database behind a connection: commands go on arriving meanwhile.
kernelContract("memory, behind a connection", inMemory, (store) =>
  behindConnection(store as SyncStore),
);
