import type { Turn } from "../../ports/host.ts";

/** At least so long between two commits that only store entries of streams: each row costs money at the edge. */
const entriesEveryMs = 15;

/** Turns of an object's event loop. */
export function edgeTurn(): Turn {
  let lastMs = 0;
  return {
    later: (task) => void setTimeout(task, 0),
    entries(task) {
      const waitMs = Math.max(0, lastMs + entriesEveryMs - Date.now());
      setTimeout(() => {
        lastMs = Date.now();
        task();
      }, waitMs);
    },
  };
}
