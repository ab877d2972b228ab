import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { edgeTurn } from "./turn.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("[HOME6] entries wait 15 ms from the last, and until what was stored before is durable", async () => {
  const syncs: PromiseWithResolvers<void>[] = [];
  const turn = edgeTurn({
    sync() {
      const one = Promise.withResolvers<void>();
      syncs.push(one);
      return one.promise;
    },
  });
  let stored = 0;
  const ask = (): void => turn.entries?.(() => void (stored += 1));
  ask();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(stored).toBe(0);
  syncs[0]?.resolve();
  await vi.advanceTimersByTimeAsync(1);
  expect(stored).toBe(1);
  ask();
  syncs[1]?.resolve();
  await vi.advanceTimersByTimeAsync(10);
  expect(stored).toBe(1);
  await vi.advanceTimersByTimeAsync(6);
  expect(stored).toBe(2);
  // What cannot be stored is told elsewhere: nothing waits for ever here.
  ask();
  syncs[2]?.reject(new Error("no room"));
  await vi.advanceTimersByTimeAsync(20);
  expect(stored).toBe(3);
});
