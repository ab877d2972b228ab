import { expect, test } from "vitest";

import { createClient } from "./client.ts";

test.each([
  ["http://errand:8787", "ws://errand:8787/ws/tasks?taskId=task_1"],
  ["https://host/errand", "wss://host/errand/ws/tasks?taskId=task_1"],
  ["https://host/errand/", "wss://host/errand/ws/tasks?taskId=task_1"],
])("[CLIENT7] a server at %s is followed at %s", async (baseUrl, address) => {
  const asked = Promise.withResolvers<string>();
  const stop = new AbortController();
  class Noted extends EventTarget {
    constructor(url: string) {
      super();
      asked.resolve(url);
    }
    send(): void {}
    close(): void {}
  }
  const client = createClient({ baseUrl, WebSocket: Noted as unknown as typeof WebSocket });
  const feed = client.follow("task_1", { transport: "websocket", signal: stop.signal });
  expect((await feed.next()).value).toMatchObject({ kind: "connection" });
  const next = feed.next();
  expect(await asked.promise).toBe(address);
  stop.abort();
  expect((await next).done).toBe(true);
});
