import type { Scope } from "../../core/scope.ts";
import type { Clock, Log, Waker } from "../../ports/host.ts";
import type { AsyncStore, SyncStore, TimerPut } from "../../ports/store.ts";

/** Timers fired in one turn; more are fired in the next, so that a morning of due timers does not block. */
const timersPage = 500;

/** How long to wait before a timer whose group failed is tried again. */
const retryMs = 1_000;

/**
 * The one wake-up of a kernel: armed for the earliest timer row. A fired timer's row is removed by the group that
 * handles it, so a crash in between fires it again.
 */
export class Timers {
  readonly #ports: {
    readonly store: SyncStore | AsyncStore;
    readonly clock: Clock;
    readonly waker: Waker;
    readonly log: Log;
  };
  readonly #fire: (timer: { scope: Scope; name: string }) => void;
  /** Timers whose commands are under way: they fire again only if those fail. */
  readonly #fired = new Set<string>();
  #armedMs: number | null = null;
  /** When another part of the kernel wants the waker too. */
  #alsoMs: number | null = null;
  #stopped = true;

  constructor(
    ports: {
      readonly store: SyncStore | AsyncStore;
      readonly clock: Clock;
      readonly waker: Waker;
      readonly log: Log;
    },
    fire: (timer: { scope: Scope; name: string }) => void,
  ) {
    this.#ports = ports;
    this.#fire = fire;
  }

  async start(): Promise<void> {
    this.#stopped = false;
    this.#arm(await this.#ports.store.timerNext());
  }

  stop(): void {
    this.#stopped = true;
    this.#ports.waker.arm(null);
  }

  /** The waker rings at `atMs` as well, for another part of the kernel. */
  alsoAt(atMs: number): void {
    if (this.#alsoMs !== null && this.#alsoMs <= atMs) return;
    this.#alsoMs = atMs;
    this.#arm(this.#armedMs);
  }

  /** Rows a commit wrote. */
  changed(timers: readonly TimerPut[]): void {
    let earliest = this.#armedMs;
    for (const { scope, name, atMs } of timers) {
      this.#fired.delete(`${scope}|${name}`);
      if (atMs !== null && (earliest === null || atMs < earliest)) earliest = atMs;
    }
    if (earliest !== this.#armedMs) this.#arm(earliest);
  }

  /** The command of a fired timer was not committed. */
  failed(timer: { readonly scope: Scope; readonly name: string }): void {
    this.#fired.delete(`${timer.scope}|${timer.name}`);
  }

  /** The waker rang. Early, late or for nothing: what is due is asked of the store. */
  async wake(): Promise<void> {
    if (this.#stopped) return;
    const nowMs = this.#ports.clock.nowMs();
    this.#armedMs = null;
    if (this.#alsoMs !== null && this.#alsoMs <= nowMs) this.#alsoMs = null;
    // Armed first: if the store cannot answer now, the timers are looked at again.
    this.#arm(nowMs + retryMs);
    const due = await this.#ports.store.timersDue(nowMs, timersPage);
    for (const timer of due) {
      const key = `${timer.scope}|${timer.name}`;
      if (this.#fired.has(key)) continue;
      this.#fired.add(key);
      this.#fire(timer);
    }
    if (due.length === timersPage) return this.#arm(nowMs + 1);
    const next = await this.#ports.store.timerNext();
    // Rows that were just fired are still there until their group has committed.
    this.#arm(next !== null && next <= nowMs ? nowMs + retryMs : next);
  }

  #arm(atMs: number | null): void {
    this.#armedMs = atMs;
    if (this.#stopped) return;
    const also = this.#alsoMs;
    this.#ports.waker.arm(atMs === null || (also !== null && also < atMs) ? also : atMs);
  }
}
