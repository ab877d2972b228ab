import { describe } from "vitest";

import type { WithStore } from "./store-groups.ts";
import { storeListContract } from "./store-lists.contract.ts";
import { storeLogContract } from "./store-log.contract.ts";
import { storePurgeContract } from "./store-purge.contract.ts";
import { storeRandomContract } from "./store-random.contract.ts";
import { storeRowContract } from "./store-rows.contract.ts";
import { storeStreamContract } from "./store-streams.contract.ts";

/**
 * Registers every guarantee of the `Store` port as tests against the storage that `withStore` gives. An adapter is
 * right when all of them pass; that it outlives its process and survives a full disk is tested beside the adapter.
 */
export function storeContract(name: string, withStore: WithStore): void {
  describe(`store: ${name}`, () => {
    storeLogContract(withStore);
    storeRowContract(withStore);
    storeListContract(withStore);
    storeStreamContract(withStore);
    storePurgeContract(withStore);
    storeRandomContract(withStore);
  });
}
