import { cursorStart } from "../../core/stream/cursor.ts";
import type { FeedEvent } from "../../engine/index.ts";
import type { ServerContext } from "../context.ts";
import { ignore } from "../stream/event-stream.ts";
import type { Visitor } from "../stream/stream-keeper.ts";
import { UiAnswer } from "./ui-answer.ts";
import type { UiChunk } from "./ui-chunk.ts";

const encoder = new TextEncoder();
const done = "data: [DONE]\n\n";

/** By this header AI SDK knows its protocol. */
const uiHeaders: Readonly<Record<string, string>> = { "x-vercel-ai-ui-message-stream": "v1" };

/**
 * The answer of a turn as AI SDK's UI message stream, from its start, whenever it is opened: a page that comes back
 * sees the same message again and goes on with it. Ends with `[DONE]`; anything else that ends it looks like a lost
 * network, so that the page resumes.
 */
export function openUiStream(
  server: ServerContext,
  visitor: Visitor,
  turn: { readonly taskId: string; readonly messageId: string },
): Response {
  const { engine, streams, positions, log } = server;
  let leave = ignore;
  const { stream, response } = streams.open(visitor, () => leave(), uiHeaders);
  const answer = new UiAnswer(turn.taskId, turn.messageId);
  stream.write(encoder.encode(chunksText(answer.begin())));

  const watching = positions.watch(turn.taskId, ({ view, place }) => {
    stream.write(encoder.encode(chunksText(answer.placed(view, place.position))));
  });
  let isLive = false;
  let passed: Promise<void> | undefined;
  const push = (events: readonly FeedEvent[]): void | Promise<void> => {
    let text = "";
    try {
      for (const event of events) {
        text += chunksText(answer.take(event));
        if (event.kind === "state") watching.saw(event.task);
      }
    } catch (error) {
      log.error("an answer could not be shown to the end", error, { task: turn.taskId });
      return stream.break("the answer changed behind its reader");
    }
    if (text === "") return;
    const bytes = encoder.encode(text);
    if (isLive) return stream.write(bytes);
    passed = stream.writeStored(bytes);
    return passed;
  };
  const finish = (): void => {
    stream.write(encoder.encode(done));
    stream.end();
  };
  const stop = engine.feeds.follow(turn.taskId, cursorStart, {
    push,
    upToDate: () => void (isLive = true),
    end(reason) {
      if (reason === "ended") void Promise.resolve(passed).then(finish);
      else stream.break(`the feed is over: ${reason}`);
    },
  });
  leave = () => {
    stop();
    watching.stop();
  };
  return response;
}

function chunksText(chunks: readonly UiChunk[]): string {
  let text = "";
  for (const chunk of chunks) text += `data: ${JSON.stringify(chunk)}\n\n`;
  return text;
}
