import { expect, test, vi } from "vitest";

import { IdleWatch } from "./idle-watch.ts";

test("[CALL4] a limit beyond what a platform timer takes is looked at again then, not at once", () => {
  const set = vi.spyOn(globalThis, "setTimeout");
  try {
    const watch = new IdleWatch(2 ** 40, new AbortController().signal);
    watch.stop();
    expect(set.mock.calls.map(([, ms]) => ms)).toEqual([2 ** 31 - 1]);
  } finally {
    set.mockRestore();
  }
});
