/* oxlint-disable typescript/no-unsafe-type-assertion -- A frame is our own sealed JSON; its two fields are checked before it is used. */
import { ErrandError } from "../../core/errors.ts";
import { eventCharsMax } from "../../core/limits.ts";

/** Version of the frame and of every event in it. A log with a newer one is refused, an older one is upcast here. */
export const frameVersion = 1;

/** Where a command came from: the correlation ids of seed 001's envelope. */
export interface Meta {
  readonly requestId?: string;
  readonly actionId?: string;
  /** Id of the message that caused it. */
  readonly causationId?: string;
  readonly traceparent?: string;
}

/** What one log row holds. Short keys, because it is written for every command. */
interface Frame {
  readonly v: number;
  /** Events. */
  readonly e: readonly unknown[];
  /** Metas: each holds from the event with its index on. */
  readonly m?: readonly (readonly [number, Meta])[];
  /** Entries the task's open stream had when the row was committed (SPEC STREAM4). */
  readonly n?: number;
}

/** One event as it is read back. */
export interface StoredEvent {
  readonly seq: number;
  readonly atMs: number;
  readonly event: unknown;
  readonly meta: Meta;
  readonly streamTail: number | null;
}

/** Events of one scope that one group makes, before they are framed. */
export interface Pending {
  readonly events: unknown[];
  readonly metas: [number, Meta][];
}

/** Text of one log row, and how many events it holds. */
export interface EncodedFrame {
  readonly text: string;
  readonly count: number;
}

/** Text of the rows that hold `pending`, each with its number of events: one row unless it would pass the limit. */
export function encodeFrames(pending: Pending, streamTail: number | null): EncodedFrame[] {
  const tail = streamTail === null ? {} : { n: streamTail };
  const metas = pending.metas.length === 0 ? {} : { m: pending.metas };
  const whole: Frame = { v: frameVersion, e: pending.events, ...metas, ...tail };
  const text = JSON.stringify(whole);
  if (text.length <= eventCharsMax || pending.events.length === 1)
    return [{ text, count: pending.events.length }];
  const half = pending.events.length >> 1;
  const before = pending.metas.filter(([index]) => index < half);
  const after = pending.metas
    .filter(([index]) => index >= half)
    .map(([index, meta]): [number, Meta] => [index - half, meta]);
  const last = before.at(-1);
  if (last !== undefined && after[0]?.[0] !== 0) after.unshift([0, last[1]]);
  return [
    ...encodeFrames({ events: pending.events.slice(0, half), metas: before }, streamTail),
    ...encodeFrames({ events: pending.events.slice(half), metas: after }, streamTail),
  ];
}

/** Place of the first event that cannot be written as JSON; -1 if all can. */
export function firstUnwritable(events: readonly unknown[]): number {
  return events.findIndex((event) => {
    try {
      return JSON.stringify(event) === undefined;
    } catch {
      return true;
    }
  });
}

const noMeta: Meta = {};

/** Events of one row. Throws `internal` for a frame this version cannot read: newer, or not ours. */
export function decodeFrame(
  text: string,
  row: { readonly seq: number; readonly atMs: number },
): StoredEvent[] {
  const frame = JSON.parse(text) as Partial<Frame>;
  if (typeof frame.v !== "number" || !Array.isArray(frame.e))
    throw new ErrandError("internal", "a log row is not a frame");
  if (frame.v > frameVersion) {
    throw new ErrandError(
      "internal",
      `a log row has version ${frame.v}, this program reads up to ${frameVersion}: use the newer program`,
    );
  }
  const events: StoredEvent[] = [];
  let meta = noMeta;
  let next = 0;
  for (const [index, event] of frame.e.entries()) {
    if (frame.m?.[next]?.[0] === index) {
      meta = frame.m[next]?.[1] ?? noMeta;
      next += 1;
    }
    events.push({ seq: row.seq + index, atMs: row.atMs, event, meta, streamTail: frame.n ?? null });
  }
  return events;
}

/** True if there is anything in the meta of a command. */
export function hasMeta(meta: Meta): boolean {
  return (
    meta.requestId !== undefined ||
    meta.actionId !== undefined ||
    meta.causationId !== undefined ||
    meta.traceparent !== undefined
  );
}
