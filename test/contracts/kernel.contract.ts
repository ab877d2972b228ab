import { describe } from "vitest";

import type { AnyStore, WithStore } from "./store-groups.ts";
import { kernelCostContract } from "./kernel-cost.contract.ts";
import { kernelFaultContract } from "./kernel-faults.contract.ts";
import { kernelRecoveryContract, kernelSealContract } from "./kernel-life.contract.ts";
import { benches, kernelGroupContract } from "./kernel-groups.contract.ts";
import { kernelOutboxContract } from "./kernel-outbox.contract.ts";
import { kernelStreamContract } from "./kernel-streams.contract.ts";
import {
  kernelKeyContract,
  kernelMemoryContract,
  kernelTimerContract,
} from "./kernel-world.contract.ts";

/**
 * Registers every promise of the kernel as tests on the storage that `withStore` gives. It says nothing of what
 * scopes mean: a decider that notes texts stands for all of them, except where the cost of a real task is counted.
 */
export function kernelContract(
  name: string,
  withStore: WithStore,
  wrap?: (store: AnyStore) => AnyStore,
): void {
  describe(`kernel: ${name}`, () => {
    const withBench = benches(withStore, wrap);
    kernelGroupContract(withBench);
    kernelFaultContract(withBench);
    kernelKeyContract(withBench);
    kernelTimerContract(withBench);
    kernelOutboxContract(withBench);
    kernelMemoryContract(withBench);
    kernelStreamContract(withBench);
    kernelCostContract(withBench);
    kernelRecoveryContract(withBench);
    if (wrap === undefined) kernelSealContract(withStore);
  });
}
