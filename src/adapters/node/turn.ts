import type { Turn } from "../../ports/host.ts";

/** Most rounds that a turn waits. A round in which little happens takes some 30 us. */
const roundsMax = 16;

/**
 * Makes turns that run after the sockets have been read, in the order asked: what they brought shares the next commit.
 *
 * libuv accepts one connection in each round of the event loop. A commit makes a round long, so that readers who come
 * at once would be let in one by each commit: of 500 in a second the last waited ten times as long. A turn therefore
 * lets the loop go round once more for each millisecond that the turn before kept it busy. At rest that is never.
 */
export function createNextTurn(): Turn {
  const tasks: (() => void)[] = [];
  let busyMs = 0;
  let rounds = 0;
  const round = (): void => {
    if (rounds > 0) {
      rounds -= 1;
      setImmediate(round);
      return;
    }
    const startMs = performance.now();
    // Comes when what the tasks woke has run as well.
    setImmediate(() => (busyMs = performance.now() - startMs));
    for (const task of tasks.splice(0)) task();
  };
  return {
    later(task) {
      tasks.push(task);
      if (tasks.length > 1) return;
      rounds = Math.min(roundsMax, Math.floor(busyMs));
      setImmediate(round);
    },
  };
}

/** The turns of this process. */
export const nextTurn: Turn = createNextTurn();
