import { ErrandError } from "../core/errors.ts";

/** One for all: an error takes a stack trace. */
const makesRoom = new ErrandError("fenced", "the call was cut to make room");

/** A platform timer takes no more; a longer wait is looked at again then. */
const timerMsMax = 2_147_483_647;

/** Aborts a call that is silent for too long, or has to make room. One coarse timer, because a timer per token costs more than the token. */
export class IdleWatch {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #idleTimeoutMs: number;
  /** How long it may be silent: longer before its first token than between two. */
  #limitMs: number;
  readonly #abort = (): void => this.#controller.abort(this.#outer.reason);
  #timer: ReturnType<typeof setTimeout> | null = null;
  #touchedMs = performance.now();
  stalled = false;
  /** It was stopped to make room, and not for silence. */
  wasCut = false;

  /** `firstMs`: how long it may be silent at first. */
  constructor(idleTimeoutMs: number, outer: AbortSignal, firstMs: number = idleTimeoutMs) {
    this.#outer = outer;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#limitMs = firstMs;
    if (outer.aborted) this.#abort();
    outer.addEventListener("abort", this.#abort);
    this.#arm(this.#limitMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  touch(): void {
    this.#touchedMs = performance.now();
    if (this.#limitMs > this.#idleTimeoutMs) this.#tighten();
  }

  /** Stops the call so that another one gets its slot. */
  cut(): void {
    this.wasCut = true;
    this.#controller.abort(makesRoom);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#outer.removeEventListener("abort", this.#abort);
  }

  /** The first token is there: the timer that waits for it would come too late for the next. */
  #tighten(): void {
    this.#limitMs = this.#idleTimeoutMs;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#arm(this.#limitMs);
  }

  #arm(waitMs: number): void {
    this.#timer = setTimeout(
      () => {
        const leftMs = this.#limitMs - (performance.now() - this.#touchedMs);
        if (leftMs > 0) return this.#arm(leftMs);
        this.stalled = true;
        this.#controller.abort(new ErrandError("model_stalled"));
      },
      Math.min(waitMs, timerMsMax),
    );
  }
}
