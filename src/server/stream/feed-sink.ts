import type { Cursor } from "../../core/stream/cursor.ts";
import type { FeedEvent, TaskView, UserFeedEvent } from "../../engine/index.ts";
import type { EventStream } from "./event-stream.ts";
import { stateBytes, upToDate, type FeedEncoder } from "./feed-encoder.ts";
import type { Placed } from "./position-watch.ts";

/** Where one reader's feed goes: an event stream, or a channel of a WebSocket. Ignores what comes after its end. */
export interface FeedSink {
  readonly isOpen: boolean;
  /** Events of a task that happen now. A reader for whom too much waits is dropped. */
  live(events: readonly FeedEvent[]): void;
  /** Stored events of a task. Settles when there is room for more, or when the reader has gone; never rejects. */
  stored(events: readonly FeedEvent[]): Promise<void> | undefined;
  /** Events of a user's feed, which has no cursors. */
  user(events: readonly UserFeedEvent[]): void;
  /** The present state of an open task. Settles as `stored` does. */
  state(view: TaskView, cursor: Cursor): Promise<void> | undefined;
  /** A task's new place in line. */
  placed(placed: Placed): void;
  /** Everything before was stored; what follows is live. */
  upToDate(): void;
  /** Nothing is left to say. */
  end(): void;
  /** Broken off: the reader has to come back with its cursor. */
  break(reason: string): void;
}

/** A feed as server-sent events. */
export function eventStreamSink(stream: EventStream, encoder: FeedEncoder): FeedSink {
  const live = (bytes: Uint8Array): void => {
    if (bytes.length > 0) stream.write(bytes);
  };
  return {
    get isOpen() {
      return stream.isOpen;
    },
    live: (events) => live(encoder.task(events)),
    stored(events) {
      const bytes = encoder.task(events);
      return bytes.length === 0 ? undefined : stream.writeStored(bytes);
    },
    user: (events) => live(encoder.user(events)),
    state: (view, cursor) => stream.writeStored(stateBytes(view, cursor)),
    placed: (placed) => live(encoder.placed(placed)),
    upToDate: () => live(upToDate),
    end: () => stream.end(),
    break: (reason) => stream.break(reason),
  };
}
