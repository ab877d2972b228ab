import type { Signal } from "../../core/decider.ts";
import type { Scope } from "../../core/scope.ts";
import type { Cipher } from "../../ports/cipher.ts";
import type { Clock, Courier, Log, Random, Turn, Waker } from "../../ports/host.ts";
import type { AsyncStore, SyncStore } from "../../ports/store.ts";
import type { Meta } from "./frame.ts";
import type { CommandKey, Committed, Outcome } from "./group.ts";
import type { StoredEntries } from "./open-stream.ts";

/** What a command may carry besides itself. */
export interface DispatchOptions {
  readonly meta?: Meta;
  readonly key?: CommandKey;
  /** The scope's name was made by this kernel for this command: nothing of it is stored, so nothing is read. */
  readonly isNew?: true;
}

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
  /** True if the scope lives here. `body` is the message or command on its way there, which may tell where that is. */
  isLocal?(scope: Scope, body?: unknown): boolean;
  /** Gives a command to a scope that is not local. Absent: nobody gives one from here. */
  dispatchAway?(scope: Scope, command: unknown, options: DispatchOptions): Promise<Outcome>;
  /** The user scope with whom rows of lists stand, where that is another home; they are written here as well. */
  listsAt?(userId: string): Scope | null;
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
