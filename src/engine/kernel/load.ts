/* oxlint-disable typescript/no-unsafe-type-assertion -- A snapshot is our own sealed JSON; its version is checked before it is used. */
import { ErrandError } from "../../core/errors.ts";
import { invariant } from "../../core/invariant.ts";
import type { ReadyRequest } from "../../core/rows.ts";
import { scopeName, type Scope } from "../../core/scope.ts";
import type { Cipher } from "../../ports/cipher.ts";
import type { LoadedScope } from "../../ports/store.ts";
import type { CachedScope } from "./cache.ts";
import { decodeFrame, type Meta } from "./frame.ts";
import type { AnyDecider } from "./group.ts";
import * as ask from "./store-op.ts";

/** Pending calls read at once when a queue is loaded: few, so that a page is gone before it would be moved to the old heap. */
const readyPage = 1_000;

/** A decider whose state is partly a cache of ready rows. */
interface RestoresPending {
  restorePending(state: unknown, rows: readonly { call: string; request: ReadyRequest }[]): void;
}

function restoresPending(decider: AnyDecider): decider is AnyDecider & RestoresPending {
  return "restorePending" in decider;
}

/**
 * What is stored of a scope cannot be read back: a gap in its numbers, a newer version, a changed byte, a lost key.
 * Commands to it are answered `internal`; other scopes go on.
 */
export class UnreadableScope extends ErrandError {
  constructor(scope: Scope, cause: unknown) {
    super(
      "internal",
      `the log of ${scope} cannot be read: ${cause instanceof Error ? cause.message : "unknown cause"}`,
      { cause },
    );
  }
}

/** Loads one scope as it is stored. */
export function* loadStored(scope: Scope): ask.Dispatch<LoadedScope> {
  const [loaded] = yield* ask.load([scope]);
  invariant(loaded !== undefined, `the store has answered nothing about ${scope}`);
  return loaded;
}

/**
 * Folds a scope from its newest snapshot and the log behind it, which are read unless they are given. Numbers without
 * gaps are checked on the way. Throws {@link UnreadableScope}, or what the storage throws.
 */
export function* loadScope(
  scope: Scope,
  decider: AnyDecider,
  cipher: Cipher,
  stored?: LoadedScope,
): ask.Dispatch<CachedScope> {
  const loaded = stored ?? (yield* loadStored(scope));
  const entry = readable(scope, () => fold(scope, decider, cipher, loaded));
  if (restoresPending(decider)) {
    let after = 0;
    for (;;) {
      const page = yield* ask.ready(scopeName(scope), after, readyPage);
      readable(scope, () => decider.restorePending(entry.state, page));
      const last = page.at(-1);
      if (last === undefined || page.length < readyPage) break;
      after = last.request.seq;
    }
  }
  return entry;
}

function readable<T>(scope: Scope, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new UnreadableScope(scope, cause);
  }
}

function fold(
  scope: Scope,
  decider: AnyDecider,
  cipher: Cipher,
  { snapshot, rows }: LoadedScope,
): CachedScope {
  let state = decider.zero(scope);
  let seq = 0;
  if (snapshot !== null) {
    const saved = JSON.parse(cipher.open(`${scope}@${snapshot.seq}`, snapshot.body)) as {
      v: number;
      s: unknown;
    };
    invariant(
      decider.snapshot !== undefined && saved.v === 1,
      `scope ${scope} has a snapshot this program cannot read`,
    );
    state = decider.snapshot.load(scope, saved.s);
    seq = snapshot.seq;
  }
  for (const row of rows) {
    invariant(row.seq === seq + 1, `log of ${scope} has a gap: ${row.seq} follows ${seq}`);
    for (const { event } of decodeFrame(cipher.open(`${scope}#${row.seq}`, row.body), row)) {
      state = decider.evolve(state, event, row.atMs);
      seq += 1;
    }
  }
  return { scope, decider, state, seq, snapshotSeq: snapshot?.seq ?? 0, bytes: 0 };
}

/** One row of a scope's log, opened. */
export interface OpenedRow {
  readonly seq: number;
  readonly atMs: number;
  readonly events: readonly unknown[];
  /** Meta of each event. */
  readonly metas: readonly Meta[];
  readonly streamTail: number | null;
}

/** Opens the log rows of a scope that are not in a snapshot, in order. */
export function* readLog(scope: Scope, cipher: Cipher): ask.Dispatch<OpenedRow[]> {
  const { rows } = yield* loadStored(scope);
  return rows.map((row) => {
    const stored = decodeFrame(cipher.open(`${scope}#${row.seq}`, row.body), row);
    return {
      seq: row.seq,
      atMs: row.atMs,
      events: stored.map(({ event }) => event),
      metas: stored.map(({ meta }) => meta),
      streamTail: stored[0]?.streamTail ?? null,
    };
  });
}
