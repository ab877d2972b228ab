import { createMemoryStore } from "../../src/adapters/memory/memory-store.ts";
import { storeContract } from "./store.contract.ts";

storeContract("memory", async (test) => {
  const store = createMemoryStore();
  let newest = store;
  await test({ store, reopen: () => (newest = newest.fork()) });
});
