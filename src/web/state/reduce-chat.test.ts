import { describe, expect, test } from "vitest";
import type { ChatMessage, SessionSnapshot } from "../../client/index.ts";
import type { ChatAction } from "./page-action.ts";
import { initialState } from "./page-state.ts";
import type { PageState, Send } from "./page-state.ts";
import { isBehind, reduceChat } from "./reduce-chat.ts";
import { pageShell } from "../../../test/page-shell.ts";

const sessionId = "chat_1";
const network = { kind: "network", detail: "" } as const;
const start = initialState({ sessionId, taskId: null }, pageShell, false);

function message(id: string, text: string, role: ChatMessage["role"] = "user"): ChatMessage {
  return {
    id,
    role,
    parts: [{ type: "text", text }],
    taskId: role === "user" ? null : `task_${id}`,
    status: "completed",
    error: null,
    createdAt: null,
  };
}

function snapshot(messages: readonly ChatMessage[]): ChatAction {
  const session: SessionSnapshot = {
    id: sessionId,
    title: "",
    messages,
    activeTaskId: null,
    queuedTaskIds: [],
    seq: 1,
    etag: null,
  };
  return { type: "chatLoaded", snapshot: session };
}

function send(actionId: string, text: string, afterId: string | null = null): Send {
  return {
    actionId,
    sessionId,
    text,
    createdAtMs: 0,
    afterId,
    failure: null,
    matchedId: null,
  };
}

function confirmed(actionId: string, n: number): ChatAction {
  const sent = { taskId: `task_${n}`, sessionId, messageId: `a${n}`, userMessageId: `u${n}` };
  return { type: "sendConfirmed", actionId, sent, atMs: 0 };
}

function after(...actions: readonly ChatAction[]): PageState {
  return actions.reduce(reduceChat, start);
}

function ids(state: PageState): string[] {
  return (state.chats[sessionId]?.messages ?? []).map(({ id }) => id);
}

describe("messages on their way", () => {
  test("[WEB10] a confirmed message becomes itself and its pending answer, once", () => {
    const state = after({ type: "sendStarted", send: send("x", "hi") }, confirmed("x", 1));
    expect(ids(state)).toEqual(["u1", "a1"]);
    expect(state.sends).toEqual([]);
    expect(state.chats[sessionId]?.queuedTaskIds).toEqual(["task_1"]);
    expect(ids(reduceChat(state, confirmed("x", 1)))).toEqual(["u1", "a1"]);
  });

  test("[WEB10] a snapshot that is faster than the answer hides the message that is on its way", () => {
    const state = after(
      { type: "sendStarted", send: send("x", "hi") },
      snapshot([message("u1", "hi"), message("1", "", "assistant")]),
    );
    expect(state.sends[0]?.matchedId).toBe("u1");
    const next = reduceChat(state, confirmed("x", 1));
    expect(next.sends).toEqual([]);
    expect(ids(next)).toEqual(["u1", "1"]);
  });

  test("[WEB10] a message whose answer was lost, but which is stored, has arrived", () => {
    const stored = snapshot([message("u1", "hi")]);
    const failed: ChatAction = { type: "sendFailed", actionId: "x", failure: network };
    const begun: ChatAction = { type: "sendStarted", send: send("x", "hi") };
    expect(after(begun, failed, stored).sends).toEqual([]);
    expect(after(begun, stored, failed).sends).toEqual([]);
  });

  test("[WEB10] saying the same again is another message: an older one is not taken for it", () => {
    const older = snapshot([message("u1", "yes")]);
    const state = after(
      older,
      { type: "sendStarted", send: send("x", "yes", "u1") },
      { type: "sendFailed", actionId: "x", failure: network },
      older,
    );
    expect(state.sends).toHaveLength(1);
  });

  test("[WEB10] of two equal messages in a row the first, once confirmed, is not taken for the second", () => {
    const state = after(
      { type: "sendStarted", send: send("x", "yes") },
      { type: "sendStarted", send: send("y", "yes") },
      confirmed("x", 1),
      { type: "sendFailed", actionId: "y", failure: network },
      snapshot([message("u1", "yes"), message("1", "", "assistant")]),
    );
    expect(state.sends.map(({ actionId }) => actionId)).toEqual(["y"]);
  });

  test("[WEB10] one stored message is one of two equal ones on their way, not both", () => {
    const state = after(
      { type: "sendStarted", send: send("x", "yes") },
      { type: "sendStarted", send: send("y", "yes") },
      snapshot([message("u1", "yes")]),
    );
    expect(state.sends.map(({ matchedId }) => matchedId)).toEqual(["u1", null]);
  });

  test("[WEB10] behind a message that the log does not have, nothing can be found", () => {
    const state = after(
      { type: "sendStarted", send: send("x", "yes", "gone") },
      snapshot([message("u1", "yes")]),
    );
    expect(state.sends[0]?.matchedId).toBe(null);
  });

  test("[WEB10] a refused message has not arrived, whatever stands in the log", () => {
    const failure = {
      kind: "refused",
      code: "rate_limited",
      status: 429,
      detail: "",
      fields: [],
      retryAfterMs: null,
      requestId: null,
    } as const;
    const state = after(
      { type: "sendStarted", send: send("x", "hi") },
      { type: "sendFailed", actionId: "x", failure },
      snapshot([message("u1", "hi")]),
    );
    expect(state.sends).toHaveLength(1);
  });
});

describe("session events", () => {
  const answer = message("1", "done", "assistant");

  test("[WEB8] a message that is here is replaced; one that is not waits for the snapshot, which knows its place", () => {
    const state = after(snapshot([message("u1", "hi"), { ...answer, status: "pending" }]));
    const event = { sessionId, message: answer, activeTaskId: null };
    expect(isBehind(state.chats[sessionId], event)).toBe(false);
    const next = reduceChat(state, { type: "sessionChanged", ...event, atMs: 0 });
    expect(next.chats[sessionId]?.messages[1]).toEqual(answer);

    const news = { sessionId, message: message("u2", "again"), activeTaskId: null };
    expect(isBehind(next.chats[sessionId], news)).toBe(true);
    expect(ids(reduceChat(next, { type: "sessionChanged", ...news, atMs: 0 }))).toEqual([
      "u1",
      "1",
    ]);
  });

  test("[WEB8] an answer that began without a message here means that the page is behind", () => {
    const state = after(snapshot([message("u1", "hi")]));
    const event = { message: null, activeTaskId: "task_9" };
    expect(isBehind(state.chats[sessionId], event)).toBe(true);
    expect(isBehind(undefined, event)).toBe(false);
  });
});
