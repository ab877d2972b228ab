import { ErrandError } from "../../core/errors.ts";

/** Wait told to a client that has too many streams open. */
const retryAfterMs = 5_000;

/** Counts open event streams or sockets, of each user and of all, and refuses more than there may be. */
export class StreamGate {
  readonly #perUser: number;
  readonly #total: number;
  readonly #things: string;
  readonly #open = new Map<string, number>();
  #count = 0;

  /** `things` is what is counted, for messages. */
  constructor(perUser: number, total: number, things = "event streams") {
    this.#perUser = perUser;
    this.#total = total;
    this.#things = things;
  }

  /** Streams open now. */
  get size(): number {
    return this.#count;
  }

  /** Throws `rate_limited` if no more may come in of `user`. */
  check(user: string): void {
    const own = this.#open.get(user) ?? 0;
    if (own >= this.#perUser) {
      throw new ErrandError(
        "rate_limited",
        `${own} ${this.#things} of yours are open, the most is ${this.#perUser}: close one first`,
        { retryAfterMs },
      );
    }
    if (this.#count >= this.#total) {
      throw new ErrandError(
        "rate_limited",
        `${this.#count} ${this.#things} are open, the most is ${this.#total}`,
        { retryAfterMs },
      );
    }
  }

  /** Lets one more of `user` in and answers how it leaves, which it does once. Throws `rate_limited`. */
  enter(user: string): () => void {
    this.check(user);
    this.#open.set(user, (this.#open.get(user) ?? 0) + 1);
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
