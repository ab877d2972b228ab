import type { Fault } from "./faults.ts";

/** Prompts whose faults are counted; beyond it the oldest counts are forgotten. */
const promptsMax = 10_000;

/** Decides which fault, if any, a request meets. */
export class FaultQueue {
  #queued: { readonly fault: Fault; left: number }[] = [];
  /** How often the fault of a prompt was played, by the prompt's hash. */
  readonly #played = new Map<number, number>();

  /** Queues faults for the next requests. */
  add(faults: readonly Fault[]): void {
    this.#queued.push(...faults.map((fault) => ({ fault, left: fault.times })));
  }

  /** Forgets all queued faults and all counts. */
  clear(): void {
    this.#queued = [];
    this.#played.clear();
  }

  /** The fault of the next request: a queued one, or else the prompt's own if it has hits left. */
  take(promptHash: number, own: Fault | undefined): Fault | undefined {
    this.#queued = this.#queued.filter(({ left }) => left > 0);
    const next = this.#queued[0];
    if (next !== undefined) {
      next.left--;
      return next.fault;
    }
    if (own === undefined) return undefined;
    const played = this.#played.get(promptHash) ?? 0;
    if (played >= own.times) return undefined;
    this.#played.set(promptHash, played + 1);
    const [oldest] = this.#played.keys();
    if (this.#played.size > promptsMax && oldest !== undefined) this.#played.delete(oldest);
    return own;
  }
}
