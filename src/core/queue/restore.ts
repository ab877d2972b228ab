import { invariant } from "../invariant.ts";
import type { ReadyRequest } from "../rows.ts";
import { addWaiting } from "../schedule/lanes.ts";
import { accountOf } from "../schedule/ledger.ts";
import type { QueueState } from "./state.ts";

/** A ready row as the store gives it back. */
export interface ReadyCall {
  readonly call: string;
  readonly request: ReadyRequest;
}

/**
 * Brings waiting calls back from the ready rows, after the snapshot and the whole log are folded and before the
 * first decision. Called once for each page of rows; a row that is there already changes nothing. The rows must be
 * those of the same commit as the log's end: each was counted by a `call.requested`, and `decide` checks the sum.
 */
export function restorePending(state: QueueState, rows: readonly ReadyCall[]): void {
  const { schedule, name } = state;
  for (const { call, request } of rows) {
    if (schedule.pool.find(call) !== undefined) continue;
    invariant(
      request.seq < schedule.nextSeq && !schedule.leases.has(call),
      `queue ${name} has a ready row for call ${call} that its log does not know as waiting`,
    );
    const account = accountOf(schedule, request.band, request.key);
    addWaiting(schedule, account, call, request);
  }
}
