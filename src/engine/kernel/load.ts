import { invariant } from "../../core/invariant.ts";
import type { ReadyRequest } from "../../core/rows.ts";
import { scopeName, type Scope } from "../../core/scope.ts";
import type { Cipher } from "../../ports/cipher.ts";
import type { CachedScope } from "./cache.ts";
import { decodeFrame } from "./frame.ts";
import type { AnyDecider } from "./group.ts";
import * as ask from "./store-op.ts";

/** Pending calls read at once when a queue is loaded. */
const readyPage = 10_000;

/** A decider whose state is partly a cache of ready rows. */
interface RestoresPending {
  restorePending(state: unknown, rows: readonly { call: string; request: ReadyRequest }[]): void;
}

function restoresPending(decider: AnyDecider): decider is AnyDecider & RestoresPending {
  return "restorePending" in decider;
}

/** Folds a scope from its newest snapshot and the log behind it. Numbers without gaps are checked on the way. */
export function* loadScope(scope: Scope, decider: AnyDecider, cipher: Cipher): ask.Dispatch<CachedScope> {
  const { snapshot, rows } = yield* ask.load(scope);
  let state = decider.zero(scope);
  let seq = 0;
  if (snapshot !== null) {
    const saved = JSON.parse(cipher.open(`${scope}@${snapshot.seq}`, snapshot.body)) as { v: number; s: unknown };
    invariant(decider.snapshot !== undefined && saved.v === 1, `scope ${scope} has a snapshot this program cannot read`);
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
  if (restoresPending(decider)) {
    let after = 0;
    for (;;) {
      const page = yield* ask.ready(scopeName(scope), after, readyPage);
      decider.restorePending(state, page);
      const last = page.at(-1);
      if (last === undefined || page.length < readyPage) break;
      after = last.request.seq;
    }
  }
  return { scope, decider, state, seq, snapshotSeq: snapshot?.seq ?? 0, bytes: 0 };
}
