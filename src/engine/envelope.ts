import { isoTime } from "../core/task/view.ts";
import { asKnownToCaller } from "./erased-types.ts";
import type { Meta } from "./kernel/frame.ts";
import type { OpenedRow } from "./kernel/load.ts";

/** One numbered fact of a log, in the envelope of seed 001. */
export interface Envelope {
  readonly event_id: string;
  readonly seq: number;
  readonly type: string;
  readonly timestamp: string;
  readonly payload: unknown;
  readonly request_id: string | null;
  /** The task; `null` where none made it. */
  readonly operation_id: string | null;
  readonly client_action_id: string | null;
  readonly causation_id: string | null;
  readonly user_id: string;
  readonly session_id: string | null;
}

/** Whose log it is that facts are read from. */
export interface LogPlace {
  readonly id: string;
  readonly operationId: string | null;
  readonly userId: string;
  readonly chatId: string | null;
}

/** Facts of a log with numbers above `after`, at most `limit`, and the number to go on behind. */
export function pageOf(
  rows: readonly OpenedRow[],
  after: number,
  limit: number,
  place: LogPlace,
): { events: readonly Envelope[]; next: number | null } {
  const events: Envelope[] = [];
  for (const row of rows) {
    for (const [index, event] of row.events.entries()) {
      const seq = row.seq + index;
      if (seq <= after) continue;
      if (events.length === limit) return { events, next: seq - 1 };
      events.push(envelope(place, seq, row.atMs, event, row.metas[index] ?? {}));
    }
  }
  return { events, next: null };
}

/** A fact that came in an envelope of its own keeps that one's id; the others are named by their place. */
function envelope(
  place: LogPlace,
  seq: number,
  atMs: number,
  event: unknown,
  meta: Meta,
): Envelope {
  const { type, eventId, part, ...payload } = asKnownToCaller<{
    type: string;
    eventId?: string;
    part?: number;
    taskId?: string;
  }>(event);
  const own = eventId === undefined ? null : part === undefined ? eventId : `${eventId}:${part}`;
  return {
    event_id: own ?? `${place.id}:${seq}`,
    seq,
    type,
    timestamp: isoTime(atMs),
    payload,
    request_id: meta.requestId ?? null,
    operation_id: place.operationId ?? payload.taskId ?? null,
    client_action_id: meta.actionId ?? null,
    causation_id: meta.causationId ?? null,
    user_id: place.userId,
    session_id: place.chatId,
  };
}
