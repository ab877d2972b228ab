import type { Log } from "../../ports/host.ts";
import type { Place, TaskView } from "../../engine/index.ts";

/** A waiting task's place in line. The same object for every reader. */
export interface Placed {
  readonly view: TaskView;
  readonly place: Place;
}

/** True for a task that waits for a slot of a queue. */
export function waitsInLine(view: TaskView): boolean {
  return view.reason?.code === "slot" || view.reason?.code === "call";
}

/** A reader's side of the watch. */
export interface Watching {
  /** The task's newest state, as its feed told it. */
  saw(view: TaskView): void;
  stop(): void;
}

interface Watched {
  readonly readers: Set<(placed: Placed) => void>;
  view: TaskView;
  isWaiting: boolean;
  dueAtMs: number;
  /** The place that readers were told, if they know it. */
  placed: Placed | null;
}

/** Most tasks start before this: their place is never looked up. */
const firstLookMs = 250;
/** A task's place is looked up this often at most. */
const lookEveryMs = 2_000;
/** Looking up may cost this much of each round; the rest waits for the next. */
const roundMsMax = 5;

/**
 * Tells readers of waiting tasks their place in line, when it changes. A place is looked up once for all readers of a
 * task, rarely, and never for more than a small part of the time: deep lines make it late, not expensive.
 */
export class PositionWatch {
  readonly #find: (taskId: string) => Promise<Place | null>;
  readonly #log: Log;
  readonly #watched = new Map<string, Watched>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isLooking = false;

  constructor(find: (taskId: string) => Promise<Place | null>, log: Log) {
    this.#find = find;
    this.#log = log;
  }

  /** Adds a reader of a task. It is told from the first {@link Watching.saw} of a waiting state on. */
  watch(taskId: string, tell: (placed: Placed) => void): Watching {
    return {
      saw: (view) => this.#saw(taskId, tell, view),
      stop: () => {
        const watched = this.#watched.get(taskId);
        watched?.readers.delete(tell);
        if (watched?.readers.size === 0) this.#watched.delete(taskId);
      },
    };
  }

  /** Stops looking. */
  close(): void {
    this.#watched.clear();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #saw(taskId: string, tell: (placed: Placed) => void, view: TaskView): void {
    const isWaiting = waitsInLine(view);
    const known = this.#watched.get(taskId);
    if (known === undefined && !isWaiting) return;
    const watched: Watched = known ?? {
      readers: new Set(),
      view,
      isWaiting: false,
      dueAtMs: 0,
      placed: null,
    };
    if (known === undefined) this.#watched.set(taskId, watched);
    if (isWaiting && !watched.isWaiting) watched.dueAtMs = performance.now() + firstLookMs;
    // A new state says nothing of the place: readers have to be told again, also if it is the same.
    if (watched.view !== view) watched.placed = null;
    watched.view = view;
    watched.isWaiting = isWaiting;
    if (!watched.readers.has(tell)) {
      watched.readers.add(tell);
      if (watched.placed !== null) tell(watched.placed);
    }
    this.#arm(firstLookMs);
  }

  #arm(delayMs: number): void {
    if (this.#timer !== null || this.#isLooking || this.#watched.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#round();
    }, delayMs);
  }

  async #round(): Promise<void> {
    this.#isLooking = true;
    const startedMs = performance.now();
    try {
      for (const [taskId, watched] of this.#watched) {
        if (!watched.isWaiting || watched.dueAtMs > startedMs) continue;
        if (performance.now() - startedMs > roundMsMax) break;
        watched.dueAtMs = startedMs + lookEveryMs;
        // One after the other, so that the time spent is known.
        // oxlint-disable-next-line no-await-in-loop
        await this.#look(taskId, watched);
      }
    } catch (error) {
      this.#log.error("a place in line could not be looked up", error);
    }
    this.#isLooking = false;
    const spentMs = performance.now() - startedMs;
    if ([...this.#watched.values()].some((watched) => watched.isWaiting))
      this.#arm(Math.max(firstLookMs, spentMs * 20));
  }

  async #look(taskId: string, watched: Watched): Promise<void> {
    const { view } = watched;
    const place = await this.#find(taskId);
    if (place === null || watched.view !== view) return;
    if (watched.placed !== null && isAlike(place, watched.placed.place)) return;
    const placed: Placed = { view, place };
    watched.placed = placed;
    for (const tell of watched.readers) tell(placed);
  }
}

/** An estimate that has moved by less than this share, beyond the time that has passed, is not told again. */
const tellShare = 0.2;

/** True if a reader who knows one place need not be told of the other. */
function isAlike(place: Place, before: Place): boolean {
  if (place.position !== before.position) return false;
  if (place.cause.code !== before.cause.code || place.cause.untilAt !== before.cause.untilAt)
    return false;
  const [now, then] = [place.estimate, before.estimate];
  if (now === null || then === null) return now === then;
  const moved = Math.abs(now.start.p90Ms - then.start.p90Ms);
  return now.late === then.late && moved <= tellShare * then.start.p90Ms;
}
