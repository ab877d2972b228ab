import { Chat } from "@ai-sdk/react";
import { DefaultChatTransport, type UIMessage } from "ai";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { Delta } from "../../../src/ports/models.ts";
import { openDoor, origin, type Door } from "./door.ts";
import { readEvents } from "./event-reader.ts";
import { pacedModels, type PacedModels } from "./paced-models.ts";

let door: Door;
let models: PacedModels;
beforeEach(async () => {
  models = pacedModels();
  door = await openDoor({ models });
});
afterEach(async () => {
  models.finishAll();
  await door.close();
});

/** A page with AI SDK's own chat, over this door. `reload` is a new page with the same address. */
function page(
  id: string,
  messages: UIMessage[] = [],
): { chat: Chat<UIMessage>; data: unknown[]; errors: string[] } {
  const data: unknown[] = [];
  const errors: string[] = [];
  const transport = new DefaultChatTransport<UIMessage>({
    api: `${origin}/api/chat`,
    fetch: (input, init) => door.server.fetch(new Request(input, init)),
  });
  const chat = new Chat<UIMessage>({
    id,
    messages,
    transport,
    onData: (part) => void data.push(part),
    onError: (error) => void errors.push(error.message),
  });
  return { chat, data, errors };
}

const textOf = (message: UIMessage | undefined): string =>
  (message?.parts ?? []).map((part) => (part.type === "text" ? part.text : "")).join("");

/** Resolves when the chat's last message has this text. */
async function shows(chat: Chat<UIMessage>, text: string): Promise<void> {
  const found = Promise.withResolvers<void>();
  const look = (): void => {
    if (textOf(chat.messages.at(-1)) === text) found.resolve();
  };
  const stop = chat["~registerMessagesCallback"](look);
  look();
  await found.promise;
  stop();
}

async function session(
  id: string,
): Promise<{ messages: Record<string, unknown>[]; activeTaskId: string | null }> {
  const { body } = await door.json("GET", `/api/sessions/${id}`);
  return body["state"] as { messages: Record<string, unknown>[]; activeTaskId: string | null };
}

test("[CHATDOOR1] AI SDK's chat shows the answer as it streams, and the session keeps the same text and ids", async () => {
  const { chat, errors } = page("chat-1");
  const sending = chat.sendMessage({ text: "What is it?" });
  await models.say({ type: "reasoning", text: "Hm." }, "It is ", "42");
  await shows(chat, "It is 42");
  expect((await session("chat-1")).messages.at(-1)).toMatchObject({ status: "streaming" });
  await models.finish();
  await sending;
  expect(chat.status).toBe("ready");
  expect(errors).toEqual([]);
  const { messages } = await session("chat-1");
  expect(messages).toMatchObject([
    {
      id: chat.messages[0]?.id,
      role: "user",
      parts: [{ type: "text", text: "What is it?" }],
      status: "completed",
    },
    {
      id: chat.messages[1]?.id,
      role: "assistant",
      parts: [{ type: "text", text: "It is 42" }],
      status: "completed",
    },
  ]);
  expect(chat.messages[1]?.parts.map(({ type }) => type)).toEqual([
    "step-start",
    "reasoning",
    "text",
  ]);
  expect(chat.messages[1]?.metadata).toEqual({ taskId: messages[1]?.["taskId"] });
});

test("[CHATDOOR2] a page that was closed in mid-answer resumes it from its start, under the same id", async () => {
  const first = page("chat-1");
  void first.chat.sendMessage({ text: "Go on" });
  await models.say("one ", "two ");
  await shows(first.chat, "one two ");
  await first.chat.stop();
  await models.say("three ");

  const second = page("chat-1", first.chat.messages.slice(0, 1));
  const resuming = second.chat.resumeStream();
  await shows(second.chat, "one two three ");
  await models.say("four");
  await models.finish();
  await resuming;
  expect(textOf(second.chat.messages.at(-1))).toBe("one two three four");
  expect(second.chat.messages.at(-1)?.id).toBe(first.chat.messages.at(-1)?.id);
  expect(second.chat.messages).toHaveLength(2);
  expect([first.errors, second.errors]).toEqual([[], []]);
});

test("[CHATDOOR2] resuming the same page replaces its half message instead of adding to it", async () => {
  const { chat, errors } = page("chat-1");
  void chat.sendMessage({ text: "Go on" });
  await models.say("one ");
  await shows(chat, "one ");
  await chat.stop();
  const resuming = chat.resumeStream();
  await models.say("two");
  await models.finish();
  await resuming;
  expect(chat.messages.map(textOf)).toEqual(["Go on", "one two"]);
  expect(errors).toEqual([]);
});

test("[CHATDOOR3] when nothing is being answered a resume is 204, for chats that never were too", async () => {
  for (const id of ["chat-1", "never-was"]) {
    const response = await door.send("GET", `/api/chat/${id}/stream`);
    expect([response.status, await response.text()]).toEqual([204, ""]);
  }
  const { chat, errors } = page("chat-1");
  await chat.resumeStream();
  expect([chat.messages, errors]).toEqual([[], []]);
});

test("[CHATDOOR4] stop ends the answer and keeps what was said; an older answer's stop does nothing", async () => {
  const { chat } = page("chat-1");
  const sending = chat.sendMessage({ text: "Go on" });
  await models.say("so far");
  await shows(chat, "so far");
  const { activeTaskId } = await session("chat-1");
  expect(
    (await door.json("POST", "/api/chat/chat-1/stop", { body: { activeStreamId: "task_older" } }))
      .body,
  ).toEqual({ stopped: null });
  expect((await door.json("POST", "/api/chat/chat-1/stop")).body).toEqual({
    stopped: activeTaskId,
  });
  await sending;
  expect(textOf(chat.messages.at(-1))).toBe("so far");
  expect(models.aborted).toBe(1);
  expect((await door.send("GET", "/api/chat/chat-1/stream")).status).toBe(204);
  expect((await door.json("POST", "/api/chat/chat-1/stop")).body).toEqual({ stopped: null });
  expect((await door.json("GET", `/api/tasks/${activeTaskId}`)).body).toMatchObject({
    status: "cancelled",
    partial: "so far",
  });
});

test("[CHATDOOR10] a failure reaches the page in words, and regenerating tries the same turn again", async () => {
  const { chat, errors } = page("chat-1");
  models.failNext(1, "rejected", "the model does not like this");
  await chat.sendMessage({ text: "Hello" });
  expect(errors).toEqual([expect.stringContaining("the model does not like this")]);
  const before = await session("chat-1");
  expect(before.messages.at(-1)).toMatchObject({
    status: "failed",
    error: { message: expect.stringContaining("does not like") },
  });

  const again = chat.regenerate();
  await models.say("Better");
  await models.finish();
  await again;
  const after = await session("chat-1");
  expect(after.messages).toHaveLength(2);
  expect(after.messages.at(-1)).toMatchObject({
    id: before.messages.at(-1)?.["id"],
    status: "completed",
    parts: [{ type: "text", text: "Better" }],
  });
  expect(textOf(chat.messages.at(-1))).toBe("Better");
});

test("[CHATDOOR8] regenerating a finished answer asks once more, and the session keeps both", async () => {
  const { chat } = page("chat-1");
  const sending = chat.sendMessage({ text: "Roll" });
  await models.say("three");
  await models.finish();
  await sending;
  const again = chat.regenerate();
  await models.say("five");
  await models.finish();
  await again;
  expect(chat.messages.map(textOf)).toEqual(["Roll", "five"]);
  const { messages } = await session("chat-1");
  expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"]);
});

test("[CHATDOOR7] the same message sent again is the same turn, and its answer is shown again", async () => {
  const body = {
    id: "chat-1",
    trigger: "submit-message",
    messages: [{ id: "m-1", role: "user", parts: [{ type: "text", text: "Hi" }] }],
  };
  const first = readEvents(await door.send("POST", "/api/chat", { body }));
  await models.say("Hello");
  await models.finish();
  const shown = await first.rest();
  const second = await readEvents(await door.send("POST", "/api/chat", { body })).rest();
  const told = (events: readonly { data: unknown }[]): unknown[] =>
    events.map(({ data }) => data).filter((data) => !JSON.stringify(data).includes("data-queue"));
  expect(told(second)).toEqual(told(shown));
  expect((await session("chat-1")).messages).toHaveLength(2);
  expect(models.calls).toBe(1);
});

test("[CHATDOOR7] a message whose answer's task is gone is told so instead of waiting for ever", async () => {
  const body = {
    id: "chat-1",
    messages: [{ id: "m-1", role: "user", parts: [{ type: "text", text: "help" }] }],
  };
  await readEvents(await door.send("POST", "/api/chat", { body })).rest();
  door.store.purge(Number.MAX_SAFE_INTEGER, 0, 100);
  const { status, body: problem } = await door.json("POST", "/api/chat", { body });
  expect([status, problem["code"]]).toEqual([410, "gone"]);
});

test("[CHATDOOR9] a message behind another waits, and the page is told so", async () => {
  const first = page("chat-1");
  void first.chat.sendMessage({ text: "one" });
  await models.say("first");
  const second = page("chat-1");
  const sending = second.chat.sendMessage({ text: "two" });
  await shows(first.chat, "first");
  await models.finish();
  await models.say("second");
  await models.finish();
  await sending;
  expect(textOf(second.chat.messages.at(-1))).toBe("second");
  expect(second.data).toContainEqual(
    expect.objectContaining({
      type: "data-queue",
      data: expect.objectContaining({ code: "held", message: "is held until it is released" }),
    }),
  );
  expect(JSON.stringify(second.chat.messages)).not.toContain("data-queue");
});

test("[CHATDOOR5] a plain message is answered as JSON, in a session of its own or the named one", async () => {
  const asking = door.json("POST", "/api/chat", {
    body: { message: "Hi" },
    headers: { accept: "application/json" },
  });
  await models.say("Hello");
  await models.finish();
  const first = await asking;
  expect(first).toMatchObject({
    status: 200,
    body: {
      reply: "Hello",
      taskId: expect.stringMatching(/^task_/),
      sessionId: expect.stringMatching(/^chat_/),
    },
  });
  const sessionId = String(first.body["sessionId"]);
  const more = door.json("POST", "/api/chat", { body: { message: "And?", sessionId } });
  await models.say("And bye");
  await models.finish();
  expect((await more).body).toMatchObject({ reply: "And bye", sessionId });
  expect((await session(sessionId)).messages).toHaveLength(4);
});

test("[CHATDOOR5] a plain message is streamed to who accepts a stream", async () => {
  const response = await door.send("POST", "/api/chat", {
    body: { message: "Hi" },
    headers: { accept: "text/event-stream" },
  });
  expect(response.headers.get("x-vercel-ai-ui-message-stream")).toBe("v1");
  const reader = readEvents(response);
  await models.say("Hello");
  await models.finish();
  expect((await reader.rest()).at(-1)?.data).toEqual({ done: true });
});

test("[CHATDOOR5] an answer that takes too long is 202 with where to follow it, and one that fails is a problem that names its task", async () => {
  const impatient = await openDoor({ models, settings: { limits: { replyWaitMs: 1 } } });
  const late = await impatient.json("POST", "/api/chat", { body: { message: "Hi" } });
  expect(late).toMatchObject({
    status: 202,
    body: { taskId: expect.any(String), sessionId: expect.any(String) },
  });
  expect(late.headers.get("location")).toBe(`/api/tasks/${String(late.body["taskId"])}`);
  await impatient.json("POST", `/api/tasks/${String(late.body["taskId"])}/cancel`);
  await impatient.close();

  models.failNext(1, "rejected", "no");
  const failed = await door.json("POST", "/api/chat", { body: { message: "Hi" } });
  expect(failed).toMatchObject({
    status: 502,
    body: { code: "model_rejected", taskId: expect.stringMatching(/^task_/) },
  });
});

test("[CHATDOOR7] POST /api/chat/stream answers at once; sent again under its id it is the same turn in the same new session", async () => {
  const body = { message: "Hi", client_action_id: "act-1" };
  const first = await door.json("POST", "/api/chat/stream", { body });
  const again = await door.json("POST", "/api/chat/stream", { body });
  expect(first).toMatchObject({
    status: 202,
    body: {
      taskId: expect.any(String),
      messageId: expect.any(String),
      userMessageId: expect.any(String),
    },
  });
  expect(again.body).toEqual(first.body);
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  const other = await door.json("POST", "/api/chat/stream", { body: { ...body, message: "Ho" } });
  expect([other.status, other.body["code"]]).toEqual([422, "idempotency_mismatch"]);
  const busy = await door.json("POST", "/api/chat/stream", {
    body: { message: "Now", sessionId: first.body["sessionId"], onBusy: "reject" },
  });
  expect([busy.status, busy.body["code"], busy.headers.get("retry-after")]).toEqual([
    409,
    "session_busy",
    "1",
  ]);
  await models.say("Hello");
  await models.finish();
  await door.engine.ended(String(first.body["taskId"]));
});

test("[CHATDOOR1] tools of the server are shown as tools, and the page is not asked to run them", async () => {
  const { chat, errors } = page("chat-1");
  const sending = chat.sendMessage({ text: "what do I have?" });
  const call: Delta = { type: "toolCall", call: { id: "call-1", name: "list", input: {} } };
  await models.say("Looking. ", call);
  await models.finish("toolCalls");
  await models.say("Nothing.");
  await models.finish();
  await sending;
  const parts = chat.messages.at(-1)?.parts ?? [];
  expect(errors).toEqual([]);
  expect(parts.map(({ type }) => type)).toEqual([
    "step-start",
    "text",
    "dynamic-tool",
    "step-start",
    "text",
  ]);
  expect(parts[2]).toMatchObject({ toolName: "list", state: expect.stringMatching(/^output-/) });
});

test.each([
  [{ id: "c", messages: [] }, "messages"],
  [{ id: "c", messages: [{ id: "m", role: "assistant", parts: [] }] }, "messages"],
  [
    {
      id: "c",
      messages: [
        { id: "m", role: "user", parts: [{ type: "file", mediaType: "a/b", url: "data:," }] },
      ],
    },
    "messages.parts",
  ],
  [{ id: "c", messages: [{ id: "m m", role: "user", parts: [] }] }, "messages.0.id"],
  [
    { id: "stream", messages: [{ id: "m", role: "user", parts: [{ type: "text", text: "x" }] }] },
    "id",
  ],
  [
    { id: "../x", messages: [{ id: "m", role: "user", parts: [{ type: "text", text: "x" }] }] },
    "id",
  ],
  [
    { id: "c", messages: [{ id: "m", role: "user", parts: [{ type: "text", text: " " }] }] },
    "message",
  ],
  [{ message: "x", sessionId: "a b" }, "sessionId"],
  [{ message: "x", userId: "u2" }, "userId"],
  [{ message: 1 }, "message"],
])("[HTTP4] the chat refuses %j and says which field", async (body, field) => {
  const { status, body: problem } = await door.json("POST", "/api/chat", { body });
  expect([status, problem["code"]]).toEqual([400, "invalid_request"]);
  expect(problem["errors"]).toContainEqual(expect.objectContaining({ field }));
});
