import { failureOf, mayPass, RequestFailed } from "./failure.ts";
import type { Failure } from "./failure.ts";
import { parseFeedEvent } from "./feed-event.ts";
import type { FeedEvent } from "./feed-event.ts";
import type { FeedEnvironment } from "./feed-environment.ts";
import { readFeed, type ReaderItem } from "./feed-reader.ts";

/** Where the connection of a feed stands. `retrying` says why, and when the next try is due. */
export type FeedConnection =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  | { readonly state: "retrying"; readonly failure: Failure; readonly delayMs: number };

/** What a feed yields: events, and changes of its connection between them. */
export type FeedItem =
  | {
      readonly kind: "event";
      readonly event: FeedEvent;
      /** Continue behind this event by passing it as `after`; null on feeds without cursors. */
      readonly cursor: string | null;
    }
  | { readonly kind: "connection"; readonly connection: FeedConnection };

/** One resumable feed of the server. */
export type FeedSource = FeedPlace & (EventStreamSource | SocketSource);

/** A feed that is read as an event stream. */
export interface EventStreamSource {
  /** Opens it behind `cursor`. Must reject with `RequestFailed`, or with the signal's reason. */
  open(cursor: string | null, signal: AbortSignal): Promise<Response>;
}

/** A feed that is read in another way. */
export interface SocketSource {
  /** Reads one connection from behind `cursor` to its end. Throws `RequestFailed`; leaves when `connection` is aborted. */
  read(
    cursor: string | null,
    connection: AbortController,
  ): AsyncGenerator<ReaderItem, void, undefined>;
}

/** Where a feed begins and ends. */
export interface FeedPlace {
  /** Where to begin; null is the beginning. */
  readonly after: string | null;
  /** Names the task if the feed serves only one, and ends with it. */
  readonly taskId?: string;
  /** Stops the feed: the generator then ends without an error. */
  readonly signal: AbortSignal;
}

/** First delay after a lost connection; it doubles with each further loss. */
export const retryDelayMsMin = 250;
/** Longest delay between two tries. */
export const retryDelayMsMax = 10_000;
/** A connection that lived so long was a good one: the next loss starts again from the first delay. */
const goodConnectionMs = 5_000;

/**
 * Follows a feed for as long as it takes: reconnects by itself with growing, jittered delays and continues behind the
 * last cursor seen, so that every event arrives at least once and in order. Returns after the `end` event of its task,
 * when the server says that nothing is left (204), or when the signal is aborted. Throws `RequestFailed` only for a refusal that
 * a repeat cannot change (a 4xx).
 */
export async function* followFeed(
  source: FeedSource,
  environment: FeedEnvironment,
): AsyncGenerator<FeedItem, void, undefined> {
  const position: Position = { cursor: source.after };
  let losses = 0;
  while (!source.signal.aborted) {
    yield { kind: "connection", connection: { state: "connecting" } };
    const openedAtMs = environment.nowMs();
    let failure: Failure;
    try {
      for await (const item of connectOnce(source, position, environment)) {
        yield item;
        // The feed of a task ends with it; the feed of a user goes on behind each end.
        if (endsWith(item, source.taskId)) return;
      }
      if (source.signal.aborted) return;
      failure = { kind: "network", detail: "the server closed the stream" };
    } catch (thrown) {
      if (source.signal.aborted || thrown instanceof FeedEnded) return;
      failure = failureOf(thrown);
      if (!mayPass(failure)) throw thrown;
    }
    losses = environment.nowMs() - openedAtMs >= goodConnectionMs ? 1 : losses + 1;
    const delayMs = retryDelayMs(losses, failure, environment.random());
    yield { kind: "connection", connection: { state: "retrying", failure, delayMs } };
    // Each try depends on the one before it.
    // oxlint-disable-next-line no-await-in-loop
    await pause(delayMs, source.signal, environment);
  }
}

function endsWith(item: FeedItem, taskId: string | undefined): boolean {
  return taskId !== undefined && item.kind === "event" && item.event.type === "end";
}

/** Delay before the next try: doubles from 250 ms to 10 s, less up to half by chance, but not before the server asks. */
export function retryDelayMs(losses: number, failure: Failure, random: number): number {
  const fullMs = Math.min(retryDelayMsMax, retryDelayMsMin * 2 ** Math.min(losses - 1, 30));
  const delayMs = fullMs * (1 - random / 2);
  const asked = failure.kind === "refused" || failure.kind === "server" ? failure.retryAfterMs : 0;
  return Math.max(delayMs, Math.min(asked ?? 0, 60_000));
}

/** The server said that nothing is left to follow. */
class FeedEnded extends Error {
  override readonly name = "FeedEnded";
}

/** The last cursor seen. It moves with unknown events too: a newer server's facts are not asked for again. */
interface Position {
  cursor: string | null;
}

async function* connectOnce(
  source: FeedSource,
  position: Position,
  environment: FeedEnvironment,
): AsyncGenerator<FeedItem, void, undefined> {
  const connection = new AbortController();
  const stop = (): void => connection.abort(source.signal.reason);
  source.signal.addEventListener("abort", stop, { once: true });
  try {
    const items =
      "read" in source
        ? source.read(position.cursor, connection)
        : readFeed({
            open: () => source.open(position.cursor, connection.signal),
            connection,
            environment,
          });
    for await (const item of items) {
      if (item.kind === "ended") throw new FeedEnded();
      if (item.kind === "open") {
        yield { kind: "connection", connection: { state: "live" } };
        continue;
      }
      const event = readEvent(item.name, item.data, source.taskId);
      if (item.id !== null) position.cursor = item.id;
      if (event !== null) yield { kind: "event", event, cursor: position.cursor };
    }
  } finally {
    source.signal.removeEventListener("abort", stop);
    connection.abort();
  }
}

function readEvent(name: string, data: string, taskId: string | undefined): FeedEvent | null {
  try {
    return parseFeedEvent(name, data, taskId);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : "unreadable event";
    throw new RequestFailed({ kind: "confusing", detail }, { cause });
  }
}

/** Waits, but not longer than until the next wake: coming back to the page must not cost ten seconds. */
function pause(delayMs: number, signal: AbortSignal, environment: FeedEnvironment): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      unsubscribe();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = environment.after(delayMs, done);
    const unsubscribe = environment.onWake(done);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
