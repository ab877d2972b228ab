import { formatId, type IdPrefix } from "../../core/ids.ts";
import type { Random } from "../../ports/host.ts";

/** Bytes of an id's random part. */
const tailBytes = 10;
/** How many of them, the lowest, are random in the step to the next id of the same millisecond. */
const stepBytes = 5;

/**
 * Makes ids that sort in the order they were made. The first of a millisecond has 79 random bits; each further one
 * is a random step of 40 bits above it, so that a burst of tasks keeps its order in lists. A clock that is set
 * back stands still until it has caught up.
 */
export class IdSequence {
  readonly #random: Random;
  readonly #tail = new Uint8Array(tailBytes);
  readonly #step = new Uint8Array(stepBytes);
  #lastMs = -1;

  constructor(random: Random) {
    this.#random = random;
  }

  next(prefix: IdPrefix, nowMs: number): string {
    if (nowMs > this.#lastMs) {
      this.#lastMs = nowMs;
      this.#random.bytes(this.#tail);
      // Half of the space is left for the steps: no burst of one millisecond reaches its end.
      this.#tail[0] = (this.#tail[0] ?? 0) & 0x7f;
    } else {
      this.#advance();
    }
    return formatId(prefix, this.#lastMs, this.#tail);
  }

  /** Adds 1 and a random number of 40 bits to the tail, as one big number. */
  #advance(): void {
    this.#random.bytes(this.#step);
    let carry = 1;
    for (let index = tailBytes - 1; index >= 0; index -= 1) {
      const step = this.#step[index - (tailBytes - stepBytes)] ?? 0;
      const sum = (this.#tail[index] ?? 0) + step + carry;
      this.#tail[index] = sum & 0xff;
      carry = sum >> 8;
    }
  }
}
