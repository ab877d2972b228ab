import { cursorStart } from "../../core/stream/cursor.ts";
import type { FeedEvent } from "../../engine/index.ts";
import type { ServerContext } from "../context.ts";
import { ignore } from "../stream/event-stream.ts";
import type { Visitor } from "../stream/stream-keeper.ts";
import { abandon } from "./submission.ts";

const encoder = new TextEncoder();

/** Makes the text of a stream out of a task's events, from the beginning. */
export interface AnswerWriter {
  /** True when nothing may follow. */
  readonly isOver: boolean;
  take(events: readonly FeedEvent[]): string;
}

/** How a task is streamed below `/v1`. */
export interface AnswerStreamOptions {
  readonly taskId: string;
  readonly writer: AnswerWriter;
  readonly headers: Readonly<Record<string, string>>;
  /** The task is cancelled if the client leaves before the end. */
  readonly cancelsOnLeave: boolean;
}

/**
 * Streams a task's answer: what is stored, then what comes. Headers go out at once, a quiet stream is kept alive by
 * comments, and so is the place in line told, because no other event may be made up here. The end of the writer ends the
 * stream; anything else that ends it looks like a lost network.
 */
export function openAnswerStream(
  server: ServerContext,
  visitor: Visitor,
  { taskId, writer, headers, cancelsOnLeave }: AnswerStreamOptions,
): Response {
  const { engine, streams, positions, log } = server;
  let leave = ignore;
  const { stream, response } = streams.open(visitor, () => leave(), headers);
  const watching = positions.watch(taskId, ({ place }) =>
    stream.write(encoder.encode(`: position ${place.position}\n\n`)),
  );
  let isLive = false;
  let passed: Promise<void> | undefined;
  let isDone = false;
  const finish = (): void => {
    isDone = true;
    void Promise.resolve(passed).then(() => stream.end());
  };
  const push = (events: readonly FeedEvent[]): void | Promise<void> => {
    if (isDone) return;
    const last = events.findLast((event) => event.kind === "state");
    if (last !== undefined) watching.saw(last.task);
    let text: string;
    try {
      text = writer.take(events);
    } catch (error) {
      log.error("an answer could not be shown to the end", error, { task: taskId });
      return stream.break("the answer cannot be shown");
    }
    if (text !== "") {
      const bytes = encoder.encode(text);
      if (isLive) stream.write(bytes);
      else passed = stream.writeStored(bytes);
    }
    if (!writer.isOver) return passed;
    const isUnfinished = events.at(-1)?.kind !== "end";
    finish();
    // The answer ended with an error, but its task goes on: nobody will read what it makes.
    if (isUnfinished && cancelsOnLeave) abandon(server, taskId);
  };
  const stop = engine.feeds.follow(taskId, cursorStart, {
    push,
    upToDate() {
      isLive = true;
    },
    end(reason) {
      if (isDone) return;
      if (reason === "ended") finish();
      else stream.break(`the feed is over: ${reason}`);
    },
  });
  leave = () => {
    stop();
    watching.stop();
    if (!isDone && cancelsOnLeave && !server.isStopping()) abandon(server, taskId);
  };
  return response;
}
