import { afterEach, expect, test, vi } from "vitest";

import { IdleWatch } from "./idle-watch.ts";

afterEach(() => vi.useRealTimers());

test("[CALL4] a limit beyond what a platform timer takes is kept, without a timer after the other", () => {
  vi.useFakeTimers();
  const limitMs = 2 ** 31 + 10_000;
  const watch = new IdleWatch(limitMs, new AbortController().signal);
  const set = vi.spyOn(globalThis, "setTimeout");
  vi.advanceTimersByTime(limitMs - 1);
  expect([watch.stalled, set.mock.calls.length]).toEqual([false, 1]);
  vi.advanceTimersByTime(1);
  expect([watch.stalled, watch.signal.aborted]).toEqual([true, true]);
  watch.stop();
  set.mockRestore();
});
