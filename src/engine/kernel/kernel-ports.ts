import type { Signal } from "../../core/decider.ts";
import type { Scope } from "../../core/scope.ts";
import type { Cipher } from "../../ports/cipher.ts";
import type { Clock, Courier, Log, Random, Turn, Waker } from "../../ports/host.ts";
import type { AsyncStore, SyncStore } from "../../ports/store.ts";
import type { Committed } from "./group.ts";
import type { StoredEntries } from "./open-stream.ts";

/** What the kernel needs of its host. */
export interface KernelPorts {
  readonly store: SyncStore | AsyncStore;
  readonly cipher: Cipher;
  readonly clock: Clock;
  readonly random: Random;
  readonly turn: Turn;
  readonly waker: Waker;
  readonly log: Log;
  /** Carries messages to scopes of other homes. Absent: every scope is local. */
  readonly courier?: Courier;
  isLocal?(scope: Scope): boolean;
  /** Told when storage has failed in a way that must end the process. */
  fatal(error: unknown): void;
}

/**
 * Who is told of committed facts, in commit order: first the entries of a commit, then its events, then its
 * signals. What a listener throws is logged and keeps nothing from anybody else.
 */
export interface KernelListener {
  entries?(stored: StoredEntries): void;
  committed?(commit: Committed): void;
  signal?(signal: Signal): void;
}
