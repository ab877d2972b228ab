/** Ends of tasks in one minute. */
interface Minute {
  ended: number;
  failed: number;
  dead: number;
}

const minuteMs = 60_000;
/** Minutes that are remembered: dead letters are told for an hour. */
const minutesMax = 61;

/** How tasks ended lately, by the minute, in bounded memory. */
export class EndedTasks {
  readonly #minutes = new Map<number, Minute>();

  /** A task has ended at `atMs`. Ends may come in any order; what is older than an hour is forgotten. */
  add(atMs: number, { failed, dead }: { readonly failed: boolean; readonly dead: boolean }): void {
    const at = Math.floor(atMs / minuteMs);
    const minute = this.#minutes.get(at) ?? { ended: 0, failed: 0, dead: 0 };
    this.#minutes.set(at, minute);
    minute.ended += 1;
    if (failed) minute.failed += 1;
    if (dead) minute.dead += 1;
    if (this.#minutes.size <= minutesMax) return;
    this.#minutes.delete(Math.min(...this.#minutes.keys()));
  }

  /** What ended in the last `windowMs`, to the minute. */
  since(nowMs: number, windowMs: number): Readonly<Minute> {
    const from = Math.floor((nowMs - windowMs) / minuteMs);
    const sum: Minute = { ended: 0, failed: 0, dead: 0 };
    for (const [at, { ended, failed, dead }] of this.#minutes) {
      if (at <= from) continue;
      sum.ended += ended;
      sum.failed += failed;
      sum.dead += dead;
    }
    return sum;
  }
}
