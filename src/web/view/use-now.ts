import { useSyncExternalStore } from "react";

/** One clock for all views that tick alike: a thousand rows are told together, and rendered once. */
interface Clock {
  nowMs: number;
  readonly listeners: Set<() => void>;
  readonly subscribe: (listener: () => void) => () => void;
}

const clocks = new Map<number, Clock>();

/** The time, again every `everyMs`, for countdowns. */
export function useNow(everyMs: number): number {
  const clock = clockOf(everyMs);
  return useSyncExternalStore(clock.subscribe, () => clock.nowMs);
}

function clockOf(everyMs: number): Clock {
  const clock = clocks.get(everyMs) ?? createClock(everyMs);
  clocks.set(everyMs, clock);
  return clock;
}

/** Runs only while somebody looks at it. */
function createClock(everyMs: number): Clock {
  let timer: ReturnType<typeof setInterval> | undefined;
  const listeners = new Set<() => void>();
  const clock: Clock = {
    nowMs: Date.now(),
    listeners,
    subscribe(listener) {
      if (listeners.size === 0) {
        clock.nowMs = Date.now();
        timer = setInterval(() => {
          clock.nowMs = Date.now();
          for (const each of listeners) each();
        }, everyMs);
      }
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) clearInterval(timer);
      };
    },
  };
  return clock;
}
