import type { Scope } from "../core/scope.ts";

/** The time, in epoch milliseconds. Only hosts read a real clock. */
export interface Clock {
  nowMs(): number;
}

/** Randomness. */
export interface Random {
  /** Fills `bytes` with unpredictable bytes and returns it. */
  bytes(bytes: Uint8Array): Uint8Array;
  /** A double in [0, 1). */
  unit(): number;
}

/** Calls `wake` at or after `atMs`, at least once; a later call replaces an earlier one. `null` disarms. */
export interface Waker {
  arm(atMs: number | null): void;
}

/** Carries a message to a scope of another home, at least once. Resolves when the receiver has committed it. */
export interface Courier {
  deliver(message: {
    readonly id: string;
    readonly to: Scope;
    readonly body: unknown;
  }): Promise<void>;
}

/** Runs `task` in a later turn of the event loop. Commands that arrive before it share a commit. */
export interface Turn {
  later(task: () => void): void;
  /**
   * Runs `task` when entries of streams may be stored again, where a host lets some time pass between two such commits
   * because rows cost money. Absent: in the next turn. What has commands in it never waits.
   */
  entries?(task: () => void): void;
}

/** Structured log of what operators need. Never a payload, never a secret. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, string | number | boolean>>): void;
  error(
    message: string,
    cause: unknown,
    fields?: Readonly<Record<string, string | number | boolean>>,
  ): void;
}
