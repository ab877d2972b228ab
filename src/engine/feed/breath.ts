import type { Clock, Turn } from "../../ports/host.ts";

/** What reading back may take of one turn of the event loop, in ms, before all else that waits has its turn. */
const turnMs = 10;

/**
 * Lets other work go between the backlogs of many readers who come at once: after a restart all of them are back within a
 * second, and each wants its past.
 */
export class Breath {
  readonly #clock: Clock;
  readonly #turn: Turn;
  /** When this turn's first reading began; null before it. */
  #startMs: number | null = null;
  readonly #waiting: (() => void)[] = [];

  constructor(clock: Clock, turn: Turn) {
    this.#clock = clock;
    this.#turn = turn;
  }

  /** Resolves when there is time to read a page: now, or in a turn of its own, in the order it was asked. */
  async take(): Promise<void> {
    if (this.#waiting.length === 0 && !this.#isOver()) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #isOver(): boolean {
    const nowMs = this.#clock.nowMs();
    if (this.#startMs !== null) return nowMs - this.#startMs >= turnMs;
    this.#begin(nowMs);
    return false;
  }

  #begin(nowMs: number): void {
    this.#startMs = nowMs;
    this.#turn.later(() => this.#next());
  }

  /** One at a time: how long it takes is not known before it has read. */
  #next(): void {
    this.#startMs = null;
    const go = this.#waiting.shift();
    if (go === undefined) return;
    this.#begin(this.#clock.nowMs());
    go();
  }
}
