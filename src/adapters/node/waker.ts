import type { Clock, Waker } from "../../ports/host.ts";

/**
 * Longest sleep in one go. `setTimeout` counts the time the computer is awake, and fires at once beyond 2^31 - 1 ms:
 * looking at the clock once a minute serves both a reminder for next year and a laptop that slept through the night.
 */
const sleepMsMax = 60_000;

/** Calls `wake` when the armed time has come by `clock`: never early, once per `arm`. One timeout at a time. */
export function createTimeoutWaker(clock: Clock, wake: () => void): Waker {
  let timeout: NodeJS.Timeout | undefined;
  let armedAtMs: number | null = null;

  function sleep(): void {
    if (armedAtMs === null) return;
    const leftMs = Math.ceil(armedAtMs - clock.nowMs());
    timeout = setTimeout(look, Math.min(Math.max(leftMs, 0), sleepMsMax));
  }

  function look(): void {
    timeout = undefined;
    if (armedAtMs !== null && clock.nowMs() >= armedAtMs) {
      armedAtMs = null;
      wake();
    } else {
      sleep();
    }
  }

  return {
    arm(atMs) {
      if (atMs === armedAtMs) return;
      clearTimeout(timeout);
      timeout = undefined;
      armedAtMs = atMs;
      sleep();
    },
  };
}
