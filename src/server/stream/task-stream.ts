import type { Cursor } from "../../core/stream/cursor.ts";
import type { FeedEvent } from "../../engine/index.ts";
import type { ServerContext } from "../context.ts";
import { ignore, type EventStream } from "./event-stream.ts";
import { upToDate, type FeedEncoder } from "./feed-encoder.ts";
import type { Visitor } from "./stream-keeper.ts";

/** Stored events written at once: bounds what is encoded for a reader that may be slow. */
const sliceEvents = 512;

/**
 * A task's feed as server-sent events, from behind `after`: what is stored, `up-to-date`, and what happens from then on,
 * to the `end`. The task must be the visitor's to read.
 */
export function openTaskStream(
  server: ServerContext,
  visitor: Visitor,
  taskId: string,
  after: Cursor,
): Response {
  const { engine, streams, positions, encoder } = server;
  let leave = ignore;
  const { stream, response } = streams.open(visitor, () => leave());
  const watching = positions.watch(taskId, (placed) => stream.write(encoder.placed(placed)));
  let isLive = false;
  let passed: Promise<void> | undefined;
  const stop = engine.feeds.follow(taskId, after, {
    push(events) {
      const last = events.findLast((event) => event.kind === "state");
      if (last !== undefined) watching.saw(last.task);
      if (isLive) {
        const bytes = encoder.task(events);
        return bytes.length === 0 ? undefined : stream.write(bytes);
      }
      passed = passStored(stream, encoder, events);
      return passed;
    },
    upToDate() {
      isLive = true;
      stream.write(upToDate);
    },
    end(reason) {
      // The last stored events may still be waiting for room.
      if (reason === "ended") void Promise.resolve(passed).then(() => stream.end());
      else stream.break(`the feed is over: ${reason}`);
    },
  });
  leave = () => {
    stop();
    watching.stop();
  };
  return response;
}

/** Writes stored events as fast as the reader takes them. Never rejects. */
async function passStored(
  stream: EventStream,
  encoder: FeedEncoder,
  events: readonly FeedEvent[],
): Promise<void> {
  for (let at = 0; at < events.length && stream.isOpen; at += sliceEvents) {
    const bytes = encoder.task(events.slice(at, at + sliceEvents));
    // In order, and no faster than they leave.
    // oxlint-disable-next-line no-await-in-loop
    if (bytes.length > 0) await stream.writeStored(bytes);
  }
}
