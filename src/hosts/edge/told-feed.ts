import type { Cursor } from "../../core/stream/cursor.ts";
import type { Engine, FeedEvent } from "../../engine/index.ts";

/** A feed that has said nothing for so long is let go: an open call would keep both objects awake. */
export const feedQuietMs = 10_000;

/** Bytes of live events that may wait for the other object before it is told to come back. */
const waitingBytesMax = 4_000_000;

/** One line of a feed on its way to another object. */
export type FeedLine =
  | { readonly is: "events"; readonly events: readonly FeedEvent[] }
  | { readonly is: "upToDate" }
  /** Nothing happens: it is followed again when something does. */
  | { readonly is: "quiet" }
  | { readonly is: "end"; readonly reason: "ended" | "slow" | "failed" };

const encoder = new TextEncoder();

/**
 * A task's feed from behind `after`, as lines of JSON for another object. What an object writes into this stream leaves it
 * only when it is durable. The reader cancels it to stop; the task is never touched.
 */
export function toldFeed(
  { feeds }: Engine,
  taskId: string,
  after: Cursor,
  quietMs: number,
): ReadableStream {
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  let waitingBytes = 0;
  let isOver = false;
  let isLive = false;
  let saidAtMs = Date.now();
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    stop();
  };
  const write = async (line: FeedLine): Promise<void> => {
    if (isOver) return;
    saidAtMs = Date.now();
    const bytes = encoder.encode(`${JSON.stringify(line)}\n`);
    waitingBytes += bytes.byteLength;
    try {
      await writer.write(bytes);
      waitingBytes -= bytes.byteLength;
    } catch {
      // The reader has gone, with its object or without.
      over();
    }
  };
  const finish = (line: FeedLine): void => {
    void write(line);
    over();
    writer.close().catch(() => undefined);
  };
  const look = (): void => {
    const leftMs = saidAtMs + quietMs - Date.now();
    if (leftMs > 0 || !isLive) timer = setTimeout(look, leftMs > 0 ? leftMs : quietMs);
    else finish({ is: "quiet" });
  };
  let timer = setTimeout(look, quietMs);
  writer.closed.then(over, over);
  const stop = feeds.follow(taskId, after, {
    push(events) {
      const written = write({ is: "events", events });
      if (!isLive) return written;
      if (waitingBytes > waitingBytesMax) finish({ is: "end", reason: "slow" });
    },
    upToDate() {
      isLive = true;
      void write({ is: "upToDate" });
    },
    end: (reason) => finish({ is: "end", reason }),
  });
  return readable;
}
