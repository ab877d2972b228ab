import type { Log, Waker } from "../../ports/host.ts";

/** An object with work in hand is called again this often, so that the platform does not take it for idle. */
const heartbeatMs = 30_000;

/** How soon messages that are under way are looked at again, if the object dies before they arrive. */
const underwayMs = 5_000;

/** The one alarm that the platform keeps for an object, with what it stores. */
export interface AlarmStorage {
  setAlarm(atMs: number): Promise<void>;
  deleteAlarm(): Promise<void>;
}

/** What an alarm looks at to know when to ring next. */
export interface AlarmReasons {
  /** A handler works. */
  isWorking(): boolean;
  /** Messages are under way, or wait to be sent again. */
  isSending(): boolean;
  /** When ended tasks are old enough to go; `null`: there are none. */
  purgeAtMs(): number | null;
}

/**
 * The one timer of an object. It is set in the same turn as the commit that makes it needed, so that both are stored or
 * neither: whatever is stored here goes on, also if the object dies in the next instant (SPEC HOME5).
 */
export class Alarm implements Waker {
  readonly #storage: AlarmStorage;
  readonly #reasons: AlarmReasons;
  readonly #log: Log;
  /** When the kernel wants to be woken. */
  #wantedMs: number | null = null;
  /** When the platform will call; `null`: never, or it is not known. */
  #setMs: number | null = null;
  #isRinging = false;

  constructor(storage: AlarmStorage, reasons: AlarmReasons, log: Log) {
    this.#storage = storage;
    this.#reasons = reasons;
    this.#log = log;
  }

  arm(atMs: number | null): void {
    this.#wantedMs = atMs;
    this.look();
  }

  /** Something may have changed: the alarm is set if it is needed sooner than it is set. Later is left as it is. */
  look(): void {
    // A ring that is broken off comes again by itself.
    if (this.#isRinging) return;
    const atMs = this.#neededMs(Date.now());
    if (atMs !== null && (this.#setMs === null || atMs < this.#setMs)) this.#set(atMs);
  }

  /** Work is about to begin that a crash must not end. */
  expectWork(): void {
    const atMs = Date.now() + heartbeatMs;
    if (!this.#isRinging && (this.#setMs === null || atMs < this.#setMs)) this.#set(atMs);
  }

  /** Called when the platform has called; `work` is done in between. Armed again whatever comes of it. */
  async ring(work: () => Promise<void>): Promise<void> {
    this.#isRinging = true;
    try {
      await work();
    } catch (error) {
      // A platform that sees an alarm fail again and again gives up on it, and with it on all that is stored here.
      this.#log.error("an alarm could not be handled; it rings again", error);
      this.#wantedMs ??= Date.now() + underwayMs;
    } finally {
      this.#isRinging = false;
      this.#setMs = null;
      const atMs = this.#neededMs(Date.now());
      if (atMs !== null) this.#set(atMs);
      // One that was set before this ring may still be there.
      else void this.#storage.deleteAlarm();
    }
  }

  #neededMs(nowMs: number): number | null {
    const reasons = this.#reasons;
    const times = [
      this.#wantedMs,
      reasons.isWorking() ? nowMs + heartbeatMs : null,
      reasons.isSending() ? nowMs + underwayMs : null,
      reasons.purgeAtMs(),
    ].filter((atMs) => atMs !== null);
    return times.length === 0 ? null : Math.max(nowMs, Math.min(...times));
  }

  #set(atMs: number): void {
    this.#setMs = atMs;
    this.#storage.setAlarm(atMs).catch((error: unknown) => this.#failed(error));
  }

  #failed(error: unknown): void {
    this.#setMs = null;
    this.#log.error("the alarm could not be set", error);
  }
}
