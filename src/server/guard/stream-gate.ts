import { ErrandError } from "../../core/errors.ts";

/** Wait told to a client that has too many streams open. */
const retryAfterMs = 5_000;

/** Counts open event streams, of each user and of all, and refuses more than there may be. */
export class StreamGate {
  readonly #perUser: number;
  readonly #total: number;
  readonly #open = new Map<string, number>();
  #count = 0;

  constructor(perUser: number, total: number) {
    this.#perUser = perUser;
    this.#total = total;
  }

  /** Streams open now. */
  get size(): number {
    return this.#count;
  }

  /** Lets one more stream of `user` in and answers how it leaves, which it does once. Throws `rate_limited`. */
  enter(user: string): () => void {
    const own = this.#open.get(user) ?? 0;
    if (own >= this.#perUser) {
      throw new ErrandError(
        "rate_limited",
        `${own} event streams of yours are open, the most is ${this.#perUser}: close one first`,
        { retryAfterMs },
      );
    }
    if (this.#count >= this.#total) {
      throw new ErrandError(
        "rate_limited",
        `${this.#count} event streams are open, the most is ${this.#total}`,
        { retryAfterMs },
      );
    }
    this.#open.set(user, own + 1);
    this.#count += 1;
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      this.#count -= 1;
      const left = (this.#open.get(user) ?? 1) - 1;
      if (left === 0) this.#open.delete(user);
      else this.#open.set(user, left);
    };
  }
}
