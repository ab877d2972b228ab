import { expect, test } from "vitest";
import { followFeed } from "./feed.ts";
import type { FeedItem } from "./feed.ts";
import { readSocket } from "./socket-reader.ts";

const channel = "task/task_1";
const task = { id: "task_1", type: "chat", createdAt: "2026-01-01T00:00:00Z", status: "completed" };

/** A socket whose server says what a test wrote down, and then hangs. */
function scripted(scripts: string[][]): typeof WebSocket {
  class Scripted extends EventTarget {
    readonly OPEN = 1;
    readonly readyState = 1;
    constructor() {
      super();
      const frames = scripts.shift() ?? [];
      queueMicrotask(() => {
        this.dispatchEvent(new Event("open"));
        for (const data of frames) this.dispatchEvent(new MessageEvent("message", { data }));
      });
    }
    send(): void {}
    close(): void {}
  }
  return Scripted as unknown as typeof WebSocket;
}

const frame = (t: string, more: object = {}): string => JSON.stringify({ t, channel, ...more });
const state = (seq: string): string =>
  frame("ev", { seq, event: { type: "state", data: { task } } });

test("[CLIENT6] a channel that the server gives up is asked for again behind its cursor", async () => {
  const gap = frame("gap", { message: "the feed is over: slow: ask for it again" });
  const WebSocket = scripted([
    [state("5-1-0"), gap],
    [frame("ev", { seq: "6-1-0", event: { type: "end", data: { task } } })],
  ]);
  const cursors: (string | null)[] = [];
  const environment = {
    nowMs: () => 0,
    random: () => 0,
    after(delayMs: number, callback: () => void) {
      if (delayMs < 20_000) queueMicrotask(callback);
      return () => {};
    },
    onWake: () => () => {},
  };
  const feed = followFeed(
    {
      after: null,
      taskId: "task_1",
      signal: AbortSignal.timeout(5_000),
      read(cursor, connection) {
        cursors.push(cursor);
        const url = "ws://errand";
        const ask = () => Promise.resolve(null);
        return readSocket({ url, channel, apiKey: null, connection, environment, WebSocket, ask });
      },
    },
    environment,
  );
  const items: FeedItem[] = [];
  for await (const item of feed) items.push(item);
  expect(cursors).toEqual([null, "5-1-0"]);
  expect(items.at(-1)).toMatchObject({ kind: "event", event: { type: "end" } });
});
