import type { Cursor } from "../../core/stream/cursor.ts";
import type { FeedEvent } from "../../engine/index.ts";
import type { ServerContext } from "../context.ts";
import { ignore } from "./event-stream.ts";
import { eventStreamSink, type FeedSink } from "./feed-sink.ts";
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
  let leave = ignore;
  const { stream, response } = server.streams.open(visitor, () => leave());
  leave = followTask(server, taskId, after, eventStreamSink(stream, server.encoder));
  return response;
}

/**
 * Tells a task's feed from behind `after` to a sink, to its end. The task must be the reader's to read. Answers how to
 * stop; the task is never touched.
 */
export function followTask(
  { engine, positions }: ServerContext,
  taskId: string,
  after: Cursor,
  sink: FeedSink,
): () => void {
  const watching = positions.watch(taskId, (placed) => sink.placed(placed));
  let isLive = false;
  let passed: Promise<void> | undefined;
  const stop = engine.feeds.follow(taskId, after, {
    push(events) {
      const last = events.findLast((event) => event.kind === "state");
      if (last !== undefined) watching.saw(last.task);
      if (isLive) return sink.live(events);
      passed = passStored(sink, events);
      return passed;
    },
    upToDate() {
      isLive = true;
      sink.upToDate();
    },
    end(reason) {
      // The last stored events may still be waiting for room.
      if (reason === "ended") void Promise.resolve(passed).then(() => sink.end());
      else sink.break(`the feed is over: ${reason}`);
    },
  });
  return () => {
    stop();
    watching.stop();
  };
}

/** Writes stored events as fast as the reader takes them. Never rejects. */
async function passStored(sink: FeedSink, events: readonly FeedEvent[]): Promise<void> {
  for (let at = 0; at < events.length && sink.isOpen; at += sliceEvents)
    // In order, and no faster than they leave.
    // oxlint-disable-next-line no-await-in-loop
    await sink.stored(events.slice(at, at + sliceEvents));
}
