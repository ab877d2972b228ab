import type { Turn } from "../../ports/host.ts";

/** At least so long between two commits that only store entries of streams: each row costs money at the edge. */
const entriesEveryMs = 15;

/**
 * Turns of an object's event loop. Entries of streams wait until what was stored before is durable: where that takes
 * long, more of them share a commit, and no commits line up behind each other (SPEC HOME6).
 */
export function edgeTurn(storage: Pick<DurableObjectStorage, "sync">): Turn {
  let lastMs = 0;
  return {
    later: (task) => void setTimeout(task, 0),
    entries(task) {
      const wait = (): void => {
        const waitMs = Math.max(0, lastMs + entriesEveryMs - Date.now());
        setTimeout(() => {
          lastMs = Date.now();
          task();
        }, waitMs);
      };
      // What could not be stored ends the object, and is told by whoever stores it.
      storage.sync().then(wait, wait);
    },
  };
}
