import type { Scope } from "../../core/scope.ts";
import type { Clock, Log, Waker } from "../../ports/host.ts";
import type { AsyncStore, SyncStore, TimerPut } from "../../ports/store.ts";

/** Timers fired in one turn; more are fired in the next, so that a morning of due timers does not block. */
const timersPage = 500;

/** How long to wait before a timer whose group failed is tried again. */
const retryMs = 1_000;

/** Longest wait before a timer whose scope cannot be read or handled is tried again: each try doubles it. */
const brokenRetryMsMax = 3_600_000;

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
  /** Timers that failed for no fault of the disk: how often, and from when on they are tried again. */
  readonly #broken = new Map<string, { readonly tries: number; readonly atMs: number }>();
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
      const key = `${scope}|${name}`;
      this.#fired.delete(key);
      this.#broken.delete(key);
      if (atMs !== null && (earliest === null || atMs < earliest)) earliest = atMs;
    }
    if (earliest !== this.#armedMs) this.#arm(earliest);
  }

  /** The command of a fired timer was not committed; `heals`: because the disk refused it for now. */
  failed(timer: { readonly scope: Scope; readonly name: string }, heals: boolean): void {
    const key = `${timer.scope}|${timer.name}`;
    this.#fired.delete(key);
    if (heals) return;
    const tries = (this.#broken.get(key)?.tries ?? 0) + 1;
    const waitMs = Math.min(brokenRetryMsMax, retryMs * 2 ** (tries - 1));
    this.#broken.set(key, { tries, atMs: this.#ports.clock.nowMs() + waitMs });
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
      if (this.#fired.has(key) || (this.#broken.get(key)?.atMs ?? 0) > nowMs) continue;
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
