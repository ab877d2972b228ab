/** A right to run, given back by `release`; a second call does nothing. */
export interface Slot {
  release(): void;
}

interface Waiting {
  readonly start: (slot: Slot) => void;
  gone: boolean;
}

/** At most `size` holders at a time; the others wait in their order, as in front of LM Studio. */
export class Slots {
  readonly #queue: Waiting[] = [];
  #size: number;
  #running = 0;
  #runningMax = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** Most holders there were at once. */
  get runningMax(): number {
    return this.#runningMax;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#queue.filter((waiting) => !waiting.gone).length;
  }

  /** Changes the number of slots; running holders keep theirs. */
  resize(size: number): void {
    this.#size = size;
    this.#next();
  }

  /** Forgets the highest number seen. */
  resetMax(): void {
    this.#runningMax = this.#running;
  }

  /** Calls `start` once a slot is free, now or later; the answer takes the waiter out of the line. */
  acquire(start: (slot: Slot) => void): () => void {
    const waiting: Waiting = { start, gone: false };
    this.#queue.push(waiting);
    this.#next();
    return () => {
      waiting.gone = true;
    };
  }

  #next(): void {
    while (this.#running < this.#size) {
      const waiting = this.#queue.shift();
      if (waiting === undefined) return;
      if (!waiting.gone) this.#grant(waiting);
    }
  }

  #grant(waiting: Waiting): void {
    this.#running++;
    this.#runningMax = Math.max(this.#runningMax, this.#running);
    let isHeld = true;
    waiting.start({
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#running--;
        this.#next();
      },
    });
  }
}
