/** One good request for every operation, and what any answer of an operation must be. */
import { expect } from "vitest";

import { z } from "zod";

import { isRecord } from "../../../src/core/json.ts";
import type { Operation } from "../../../src/server/index.ts";
import { isOpenaiPath } from "../../../src/server/openai/routes.ts";
import { openaiErrorShape } from "../../../src/server/openai/shapes.ts";
import { codesOf, statusAt } from "../../../src/server/openapi.ts";
import { problemShape } from "../../../src/server/wire/schemas.ts";
import { until, type Ask, type Door } from "./door.ts";

/** Things that the requests of a tour are about. They belong to whoever has `key`. */
export interface Sights {
  readonly taskId: string;
  readonly sessionId: string;
  readonly userId: string;
  readonly todoId: string;
  readonly reminderId: string;
  readonly approvalId: string;
  /** Name of a schedule. */
  readonly schedule: string;
  /** A model's id; one that every door of the tests has, if absent. */
  readonly model?: string;
  /** A response's id; that of one that is not there, if absent. */
  readonly responseId?: string;
  /** A queue to change; `steered` if absent. */
  readonly queue?: string;
}

/** Makes a waiting task and a session with an answered message. */
export async function makeSights(door: Door, userId: string, key?: string): Promise<Sights> {
  const ask = key === undefined ? {} : { key };
  const task = await door.json("POST", "/api/tasks", {
    ...ask,
    body: { type: "script", input: { acts: [{ say: "said " }, { approve: "Go on?" }] } },
  });
  const taskId = String(task.body["id"]);
  const { reason } = await until(door, taskId, ({ status }) => status === "waiting");
  const approvalId = isRecord(reason) ? String(reason["approvalId"]) : "";
  const sessionId = `session-of-${userId}`;
  const said = await door.json("POST", "/api/chat/stream", {
    ...ask,
    body: { message: "help", sessionId },
  });
  await door.engine.ended(String(said.body["taskId"]));
  const schedule = `schedule-of-${userId}`;
  const body = { ...bodies["setSchedule"], name: schedule };
  const made = await door.send("POST", "/api/schedules", { ...ask, body });
  expect(made.status).toBe(201);
  const todo = await door.json("POST", "/api/todos", { ...ask, body: bodies["addTodo"] ?? {} });
  const [todoId = ""] = todo.body["todoIds"] as string[];
  const reminder = await door.json("POST", "/api/reminders", {
    ...ask,
    body: bodies["setReminder"] ?? {},
  });
  const reminderId = String(reminder.body["id"]);
  return { taskId, sessionId, userId, schedule, todoId, reminderId, approvalId };
}

const bodies: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  submitTask: {
    type: "echo",
    input: { a: 1 },
    priority: "background",
    delayMs: 0,
    retry: { attemptsMax: 2 },
    title: "t",
  },
  sendTaskEvent: { name: "other", payload: { x: 1 } },
  cancelTask: { reason: "not needed" },
  chat: { message: "help" },
  sendMessage: { message: "help" },
  prioritizeTask: { priority: "batch" },
  changeQueue: { requestsPerMinute: null },
  makeKey: { user: "u9" },
  orchestrate: { prompt: "plan it" },
  stopChat: { activeStreamId: "task_x" },
  setReminder: { text: "call Ann", at: "2030-01-01T09:00:00Z", timeZone: "UTC" },
  snoozeReminder: { until: "2030-01-02T09:00:00Z" },
  setProfile: { timeZone: "Europe/Berlin" },
  makePlan: { timeZone: "UTC", tell: false },
  makeSummary: { sessionId: "nowhere" },
  extractTodos: { sessionId: "nowhere" },
  importSession: {
    format: "errand-session-1",
    sessionId: "imported",
    seq: 1,
    stateHash: "0".repeat(64),
    part: 0,
    parts: 1,
    head: { title: "t", createdAtMs: 1, updatedAtMs: 1, turns: [], summary: null, plan: null },
    items: [],
  },
  addTodo: { text: "water the plants", dueDay: "2026-12-01" },
  changeTodo: { done: true },
  undoTodos: { operationId: "task_01k7x5q2m0f3v8k2n6r4t9w1ya" },
  setSchedule: {
    name: "yearly",
    cron: "0 0 1 1 *",
    timeZone: "UTC",
    type: "echo",
    input: 1,
    priority: "batch",
    title: "t",
    missed: "skip",
  },
  createChatCompletion: {
    model: "fake-large",
    messages: [
      { role: "system", content: "s" },
      { role: "user", content: [{ type: "text", text: "hello" }] },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "c", content: "1" },
    ],
    stream: false,
    stream_options: { include_usage: true },
    n: 1,
    max_tokens: 5,
    max_completion_tokens: 5,
    tools: [{ type: "function", function: { name: "f" } }],
    tool_choice: "auto",
    response_format: { type: "text" },
    temperature: 1,
    service_tier: "flex",
    user: "u",
    stop: "x",
    logit_bias: { "1": 1 },
  },
  createEmbeddings: {
    model: "fake-large",
    input: ["one", "two"],
    encoding_format: "float",
    user: "u",
  },
  createResponse: {
    model: "fake-large",
    input: [
      { role: "user", content: "hello" },
      { type: "function_call", call_id: "c", name: "f", arguments: "{}" },
      { type: "function_call_output", call_id: "c", output: "1" },
    ],
    instructions: "i",
    stream: false,
    background: true,
    store: true,
    previous_response_id: null,
    metadata: { a: "b" },
    max_output_tokens: 16,
    tools: [{ type: "function", name: "f", parameters: {} }],
    tool_choice: "auto",
    text: { format: { type: "text" } },
    reasoning: { effort: "low" },
    background_options: { completion_window: "2h" },
    temperature: 1,
    truncation: "auto",
    user: "u",
  },
};

/** A good body of an operation; undefined if it takes none. */
export function bodyOf({ id, body }: Operation): unknown {
  return bodies[id] ?? (body === undefined ? undefined : {});
}

/** The path of an operation, with its parameters filled in. */
export function pathOf({ path }: Operation, sights: Sights): string {
  return path
    .replace("{taskId}", sights.taskId)
    .replace("{sessionId}", sights.sessionId)
    .replace("{chatId}", sights.sessionId)
    .replace("{userId}", sights.userId)
    .replace("{todoId}", sights.todoId)
    .replace("{approvalId}", sights.approvalId)
    .replace("{reminderId}", sights.reminderId)
    .replace("{schedule}", sights.schedule)
    .replace("{model}", sights.model ?? "fake-large")
    .replace("{responseId}", sights.responseId ?? "resp_01k7x5q2m0f3v8k2n6r4t9w1ya")
    .replace("{queue}", sights.queue ?? "steered");
}

/** Sends the good request of an operation. */
export async function visit(
  door: Door,
  operation: Operation,
  sights: Sights,
  ask: Ask = {},
): Promise<Response> {
  const body = bodyOf(operation);
  return await door.send(operation.method.toUpperCase(), pathOf(operation, sights), {
    ...(body === undefined ? {} : { body }),
    ...ask,
  });
}

/** Words that only the inside of a server knows. */
const internals =
  /node_modules|\.ts:\d|\.js:\d|\bat [\w.<>]+ \(|ENOENT|SQLITE|stack|TypeError|RangeError|ZodError|\/work\//;

/** Checks an answer against what the document says of it; answers its text, "" for a stream, which is let go. */
export async function checkAnswer(operation: Operation, response: Response): Promise<string> {
  const { status } = response;
  const documented = [
    ...Object.keys(operation.answers).map(Number),
    ...codesOf(operation).map((code) => statusAt(operation.path, code)),
  ];
  expect({
    operation: operation.id,
    status,
    isDocumented: documented.includes(status),
  }).toMatchObject({ isDocumented: true });
  expect(response.headers.get("x-request-id")).toBeTruthy();
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith("text/event-stream")) {
    await response.body?.cancel();
    return "";
  }
  const text = await response.text();
  if (status >= 400) {
    const isOpenai = isOpenaiPath(operation.path);
    expect(type).toBe(isOpenai ? "application/json" : "application/problem+json");
    (isOpenai ? openaiErrorShape : problemShape).parse(JSON.parse(text));
    expect(text).not.toMatch(internals);
  } else if (text !== "" && type === "application/json") {
    const shape = operation.answers[status]?.schema ?? z.unknown();
    const result = shape.safeParse(JSON.parse(text));
    expect({ operation: operation.id, issues: result.error?.issues ?? [] }).toMatchObject({
      issues: [],
    });
  }
  return text;
}
