import type { TaskEvent } from "../../client/index.ts";

/** Collects events and hands them on together: fifty tokens a second cost at most thirty renders. */
export interface EventBatch {
  readonly add: (event: TaskEvent) => void;
  /** Hands on what is collected, now. */
  readonly flush: () => void;
}

/** Two frames at 60 Hz. A timer and not `requestAnimationFrame`, which stands still while the page is hidden. */
const batchDelayMs = 32;

/** Makes a batch. The first event after a quiet time is handed on at once, so that an idle page shows it without delay. */
export function createEventBatch(
  after: (delayMs: number, callback: () => void) => () => void,
  handOn: (events: readonly TaskEvent[]) => void,
): EventBatch {
  let events: TaskEvent[] = [];
  let isWaiting = false;
  const flush = (): void => {
    if (events.length === 0) return;
    const taken = events;
    events = [];
    handOn(taken);
  };
  const rest = (): void => {
    isWaiting = events.length > 0;
    if (isWaiting) after(batchDelayMs, rest);
    flush();
  };
  return {
    add(event) {
      events.push(event);
      if (isWaiting) return;
      isWaiting = true;
      flush();
      after(batchDelayMs, rest);
    },
    flush,
  };
}
