import { describe, expect, test } from "vitest";
import { decodeMessage, decodeTask } from "../../client/decode.ts";
import type { ErrandClient, FeedEvent, FeedItem, FollowOptions, Task } from "../../client/index.ts";
import { RequestFailed } from "../../client/index.ts";
import { initialState } from "../state/page-state.ts";
import { reducePage } from "../state/reduce.ts";
import { createStore } from "../state/store.ts";
import { createFollowControl } from "./follow-control.ts";
import type { FollowControl } from "./follow-control.ts";
import { openSettings } from "./settings.ts";
import type { Surroundings } from "./surroundings.ts";
import { pageShell } from "../../../test/page-shell.ts";

const sessionId = "chat_1";
const createdAt = "2026-01-01T00:00:00Z";

function task(id: string, fields: Partial<Task> = {}): Task {
  return {
    ...decodeTask({ id, type: "chat", status: "running", createdAt }),
    chatId: sessionId,
    attempts: 1,
    ...fields,
  };
}

/** One feed that the test pushes into. */
interface HandFeed {
  readonly taskId: string;
  readonly after: string | null;
  readonly signal: AbortSignal;
  push(event: FeedEvent, cursor: string): void;
  end(thrown?: Error): void;
}

/** A page with an open chat, whose tasks are served by hand. */
function stage(tasks: readonly Task[]): {
  surroundings: Surroundings;
  feeds: HandFeed[];
  control: FollowControl;
  ended: string[];
  timers: (() => void)[];
} {
  const feeds: HandFeed[] = [];
  const timers: (() => void)[] = [];
  const ended: string[] = [];
  const store = createStore(
    initialState({ sessionId, taskId: null }, pageShell, false),
    reducePage,
  );
  const client = {
    tasks: {
      async get(taskId: string): Promise<Task> {
        const found = tasks.find(({ id }) => id === taskId);
        if (found === undefined) throw new RequestFailed({ kind: "network", detail: "" });
        return found;
      },
    },
    follow: (taskId: string, options: FollowOptions) => handFeed(taskId, options, feeds),
  };
  const surroundings = {
    client: client as unknown as ErrandClient,
    store,
    settings: openSettings(() => ({
      getItem: () => null,
      setItem: () => {},
      removeItem: () => {},
    })),
    nowMs: () => 0,
    after(_delayMs: number, callback: () => void) {
      timers.push(callback);
      return () => {};
    },
    onVisible: () => () => {},
    writeRoute: () => {},
  };
  const control = createFollowControl(surroundings, (taskId) => ended.push(taskId));
  return { surroundings, feeds, control, ended, timers };
}

async function* handFeed(
  taskId: string,
  { after = null, signal = new AbortController().signal }: FollowOptions,
  feeds: HandFeed[],
): AsyncGenerator<FeedItem, void, undefined> {
  const items: FeedItem[] = [];
  let closing: { thrown: Error | undefined } | null = null;
  let wake = (): void => {};
  const stop = (thrown?: Error): void => {
    closing = { thrown };
    wake();
  };
  signal.addEventListener("abort", () => stop());
  feeds.push({
    taskId,
    after,
    signal,
    push(event, cursor) {
      items.push({ kind: "event", event, cursor });
      wake();
    },
    end: stop,
  });
  for (;;) {
    for (const item of items.splice(0)) yield item;
    if (closing !== null) break;
    await new Promise<void>((resolve) => (wake = resolve));
  }
  const { thrown } = closing as { thrown: Error | undefined };
  if (thrown !== undefined) throw thrown;
}

/** Lets everything that waits for a settled promise run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

function openWith({ surroundings }: { surroundings: Surroundings }, activeTaskId: string): void {
  const answer = decodeMessage({ id: "a1", role: "assistant", status: "pending" });
  const snapshot = {
    id: sessionId,
    title: "",
    messages: [{ ...answer, taskId: activeTaskId }],
    activeTaskId,
    queuedTaskIds: [],
    seq: 1,
    etag: null,
  };
  surroundings.store.dispatch({ about: "chat", action: { type: "chatLoaded", snapshot } });
}

describe("following what is on the screen", () => {
  test("[WEB5] begins with a snapshot and goes on behind its cursor", async () => {
    const played = stage([task("t1", { partial: "Hel", cursor: "7" })]);
    openWith(played, "t1");
    await settle();
    expect(played.feeds.map(({ after }) => after)).toEqual(["7"]);
    played.feeds[0]?.push({ type: "token", taskId: "t1", text: "lo", offset: 3 }, "8");
    await settle();
    expect(played.surroundings.store.get().views["t1"]?.stream.text).toBe("Hello");
  });

  test("[WEB5] a task made a moment ago is followed from its beginning, without a snapshot", async () => {
    const played = stage([]);
    played.control.expectNew("t1");
    openWith(played, "t1");
    await settle();
    expect(played.feeds.map(({ after }) => after)).toEqual([null]);
  });

  test("[WEB5] leaving the chat stops the feed, coming back goes on behind the last cursor", async () => {
    const played = stage([task("t1", { partial: "", cursor: "1" })]);
    openWith(played, "t1");
    await settle();
    played.feeds[0]?.push({ type: "token", taskId: "t1", text: "Hello", offset: 0 }, "2");
    await settle();
    const { store } = played.surroundings;
    const routed = (id: string | null): void =>
      store.dispatch({
        about: "shell",
        action: { type: "routed", route: { sessionId: id, taskId: null } },
      });
    routed(null);
    expect(played.feeds[0]?.signal.aborted).toBe(true);
    await settle();
    routed(sessionId);
    await settle();
    expect(played.feeds.map(({ after }) => after)).toEqual(["1", "2"]);
  });

  test("[WEB5] another feed that knows of the end first does not cut the last words off", async () => {
    const played = stage([task("t1", { partial: "", cursor: "1" })]);
    openWith(played, "t1");
    await settle();
    const done = task("t1", { status: "completed" });
    const end = { type: "end", taskId: "t1", task: done } as const;
    const action = { type: "taskEvents", events: [end], followed: false } as const;
    played.surroundings.store.dispatch({ about: "task", action });
    played.feeds[0]?.push({ type: "token", taskId: "t1", text: "the last words", offset: 0 }, "2");
    played.feeds[0]?.push(end, "3");
    played.feeds[0]?.end();
    await settle();
    expect(played.surroundings.store.get().views["t1"]?.stream.text).toBe("the last words");
    expect(played.ended).toEqual(["t1"]);
    expect(played.feeds).toHaveLength(1);
  });

  test("[WEB6] a missing piece is healed by a new snapshot, after a moment", async () => {
    const played = stage([task("t1", { partial: "Hello you", cursor: "9" })]);
    played.control.expectNew("t1");
    openWith(played, "t1");
    await settle();
    played.feeds[0]?.push({ type: "token", taskId: "t1", text: "you", offset: 6 }, "5");
    played.feeds[0]?.push({ type: "up-to-date" }, "5");
    await settle();
    expect(played.feeds).toHaveLength(1);
    for (const timer of played.timers.splice(0)) timer();
    await settle();
    expect(played.feeds.map(({ after }) => after)).toEqual([null, "9"]);
    expect(played.surroundings.store.get().views["t1"]?.stream).toEqual({
      attempt: 1,
      text: "Hello you",
      broken: false,
    });
  });

  test("[WEB5] a task that may not be followed is not asked for again and again", async () => {
    const played = stage([task("t1", { cursor: "1" })]);
    openWith(played, "t1");
    await settle();
    const gone = {
      kind: "refused",
      code: "not_found",
      status: 404,
      detail: "",
      fields: [],
      retryAfterMs: null,
      requestId: null,
    } as const;
    played.feeds[0]?.end(new RequestFailed(gone));
    await settle();
    expect(played.ended).toEqual(["t1"]);
    expect(played.feeds).toHaveLength(1);
  });
});
