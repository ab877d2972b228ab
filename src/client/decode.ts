import type { TaskStatus } from "../core/task/status.ts";
import type { Json } from "../core/json.ts";
import { fieldsOf, isObject, textAt } from "./shape.ts";
import type { Fields } from "./shape.ts";
import type {
  Alert,
  Cause,
  ChatMessage,
  Estimate,
  LogFact,
  LogPage,
  MessagePart,
  Overview,
  Problem,
  Progress,
  ModelSpeed,
  QueueStatus,
  Reason,
  SentMessage,
  SessionPage,
  SessionSnapshot,
  SessionSummary,
  Task,
  TaskPage,
  Why,
  WireError,
} from "./wire.ts";

const taskStatuses: readonly TaskStatus[] = [
  "delayed",
  "queued",
  "running",
  "waiting",
  "completed",
  "failed",
  "cancelled",
  "expired",
];

/** Reads a task. Throws `ShapeError` when `id`, `type`, `status` or `createdAt` is not what it must be. */
export function decodeTask(value: unknown, at = "task"): Task {
  const f = fieldsOf(value, at);
  return {
    id: f.text("id"),
    userId: f.textOrNull("userId") ?? "",
    chatId: f.textOrNull("chatId"),
    type: f.text("type"),
    status: f.oneOf("status", taskStatuses),
    reason: orNull(f.objectOrNull("reason"), decodeReason),
    input: f.has("input") ? f.json("input") : undefined,
    output: f.json("output"),
    error: orNull(f.objectOrNull("error"), decodeError),
    attempts: f.numberOrNull("attempts") ?? 0,
    retryCount: f.numberOrNull("retryCount") ?? 0,
    progress: decodeProgressField(f),
    partial: f.textOrNull("partial"),
    messageId: f.textOrNull("messageId"),
    parentId: f.textOrNull("parentId"),
    rootId: f.textOrNull("rootId"),
    priority: f.textOrNull("priority") ?? "background",
    queue: f.textOrNull("queue"),
    title: f.textOrNull("title"),
    cursor: f.textOrNull("cursor"),
    createdAt: f.text("createdAt"),
    startedAt: f.textOrNull("startedAt"),
    completedAt: f.textOrNull("completedAt"),
  };
}

/** Reads one page of tasks. */
export function decodeTaskPage(value: unknown): TaskPage {
  const f = fieldsOf(value, "page");
  return { tasks: f.list("tasks", decodeTask), nextCursor: f.textOrNull("nextCursor") };
}

/** Reads the answer to "why". */
export function decodeWhy(value: unknown): Why {
  const f = fieldsOf(value, "why");
  return {
    status: f.text("status"),
    reason: orNull(f.objectOrNull("reason"), decodeReason),
    queue: orNull(f.objectOrNull("queue"), (q) => ({
      position: q.numberOrNull("position"),
      pending: q.numberOrNull("pending"),
      running: q.numberOrNull("running"),
      slots: q.numberOrNull("slots"),
    })),
    message: f.textOrNull("message") ?? "",
  };
}

/** Reads one page of a task's log. */
export function decodeLogPage(value: unknown): LogPage {
  const f = fieldsOf(value, "log");
  return { events: f.list("events", decodeFact), nextAfter: f.numberOrNull("nextAfter") };
}

/** Reads one page of sessions. */
export function decodeSessionPage(value: unknown): SessionPage {
  const f = fieldsOf(value, "page");
  return { sessions: f.list("sessions", decodeSession), nextCursor: f.textOrNull("nextCursor") };
}

/** Reads a whole session. */
export function decodeSnapshot(value: unknown, etag: string | null): SessionSnapshot {
  const f = fieldsOf(value, "session");
  const state = f.object("state");
  return {
    id: state.text("id"),
    title: state.textOrNull("title") ?? "",
    messages: state.list("messages", decodeMessage),
    activeTaskId: state.textOrNull("activeTaskId"),
    queuedTaskIds: state.list("queuedTaskIds", textAt),
    seq: f.numberOrNull("seq") ?? 0,
    etag,
  };
}

/** Reads one chat message. */
export function decodeMessage(value: unknown, at = "message"): ChatMessage {
  const f = fieldsOf(value, at);
  return {
    id: f.text("id"),
    role: f.oneOf("role", ["user", "assistant"]),
    parts: f.list("parts", decodePart),
    taskId: f.textOrNull("taskId"),
    status: f.oneOf("status", ["pending", "streaming", "completed", "failed"]),
    error: orNull(f.objectOrNull("error"), decodeError),
    createdAt: f.textOrNull("createdAt"),
  };
}

/** Reads the overview. */
export function decodeOverview(value: unknown): Overview {
  const f = fieldsOf(value, "overview");
  return {
    queues: f.list("queues", decodeQueue),
    active: f.numberOrNull("active") ?? 0,
    model: orNull(f.objectOrNull("model"), (m) => ({
      connected: m.flag("connected"),
      baseUrl: m.textOrNull("baseUrl"),
      models: m.list("models", textAt),
      note: m.textOrNull("note") ?? "",
    })),
  };
}

/** Reads alerts. */
export function decodeAlerts(value: unknown): readonly Alert[] {
  return fieldsOf(value, "alerts").list("alerts", (one, at) => {
    const f = fieldsOf(one, at);
    return {
      rule: f.text("rule"),
      subject: f.textOrNull("subject") ?? "",
      message: f.text("message"),
      firedAt: f.text("firedAt"),
      clearedAt: f.textOrNull("clearedAt"),
    };
  });
}

/** Reads the answer to an accepted chat message. */
export function decodeSent(value: unknown): SentMessage {
  const f = fieldsOf(value, "sent");
  return {
    taskId: f.text("taskId"),
    sessionId: f.text("sessionId"),
    messageId: f.textOrNull("messageId"),
    userMessageId: f.textOrNull("userMessageId"),
  };
}

/** Reads progress; a value of another shape is null, since progress is decoration. */
export function decodeProgress(value: unknown): Progress | null {
  if (!isObject(value)) return null;
  const f = fieldsOf(value, "progress");
  return {
    done: f.numberOrNull("done"),
    total: f.numberOrNull("total"),
    message: f.textOrNull("message"),
    data: f.json("data"),
  };
}

/** Reads problem+json, or makes the best of another error body. Never throws. */
export function decodeProblem(value: unknown, status: number): Problem {
  const unknown = {
    code: status >= 500 ? "internal" : "invalid_request",
    detail: "",
    retryAfterMs: null,
    fields: [],
    requestId: null,
  };
  if (!isObject(value)) return unknown;
  const detail = [value["detail"], value["title"], value["message"]].find(isText) ?? "";
  return {
    code: isText(value["code"]) ? value["code"] : unknown.code,
    detail,
    retryAfterMs: typeof value["retryAfterMs"] === "number" ? value["retryAfterMs"] : null,
    fields: decodeFieldErrors(value["errors"]),
    requestId: isText(value["requestid"]) ? value["requestid"] : null,
  };
}

function decodeFieldErrors(value: Json | undefined): Problem["fields"] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown) =>
    isObject(item) && isText(item["field"]) && isText(item["message"])
      ? [{ field: item["field"], message: item["message"] }]
      : [],
  );
}

function decodeEstimate(f: Fields): Estimate {
  const range = (of: Fields): Estimate["start"] => ({
    p50Ms: of.numberOrNull("p50Ms") ?? 0,
    p90Ms: of.numberOrNull("p90Ms") ?? 0,
  });
  return { start: range(f.object("start")), end: range(f.object("end")), late: f.flag("late") };
}

function decodeReason(f: Fields): Reason {
  return {
    code: f.text("code"),
    untilAt: f.textOrNull("untilAt"),
    queue: f.textOrNull("queue"),
    position: f.numberOrNull("position"),
    estimate: orNull(f.objectOrNull("estimate"), decodeEstimate),
    cause: orNull(f.objectOrNull("cause"), (cause) => ({
      code: cause.text("code"),
      untilAt: cause.textOrNull("untilAt"),
      error: cause.textOrNull("error"),
    })),
    error: orNull(f.objectOrNull("error"), decodeError),
    message: f.textOrNull("message") ?? "",
  };
}

function decodeError(f: Fields): WireError {
  return { code: f.text("code"), message: f.textOrNull("message") ?? "" };
}

function decodeProgressField(f: Fields): Progress | null {
  return decodeProgress(f.json("progress"));
}

function decodePart(value: unknown, at: string): MessagePart {
  const f = fieldsOf(value, at);
  if (f.text("type") === "text") return { type: "text", text: f.textOrNull("text") ?? "" };
  return { type: "data", data: isObject(value) ? value : {} };
}

function decodeSession(value: unknown, at: string): SessionSummary {
  const f = fieldsOf(value, at);
  return {
    id: f.text("id"),
    title: f.textOrNull("title") ?? "",
    createdAt: f.textOrNull("createdAt"),
    updatedAt: f.textOrNull("updatedAt"),
    activeTaskId: f.textOrNull("activeTaskId"),
  };
}

function decodeFact(value: unknown, at: string): LogFact {
  const f = fieldsOf(value, at);
  return {
    seq: f.number("seq"),
    type: f.text("type"),
    timestamp: f.text("timestamp"),
    payload: f.json("payload"),
  };
}

function decodeSpeed(value: unknown, at: string): ModelSpeed {
  const f = fieldsOf(value, at);
  return {
    model: f.text("model"),
    promptTokensPerSecond: f.numberOrNull("promptTokensPerSecond"),
    decodeTokensPerSecond: f.numberOrNull("decodeTokensPerSecond"),
  };
}

/** Reads all queues. */
export function decodeQueues(value: unknown): readonly QueueStatus[] {
  return fieldsOf(value, "queues").list("queues", decodeQueue);
}

/** Reads one queue. */
export function decodeQueue(value: unknown, at = "queue"): QueueStatus {
  const f = fieldsOf(value, at);
  return {
    name: f.text("name"),
    slots: f.numberOrNull("slots") ?? 0,
    running: f.numberOrNull("running") ?? 0,
    pending: f.numberOrNull("pending") ?? 0,
    paused: f.flag("paused"),
    slotsPerKey: f.numberOrNull("slotsPerKey"),
    requestsPerMinute: f.numberOrNull("requestsPerMinute"),
    tokensPerMinute: f.numberOrNull("tokensPerMinute"),
    swapMs: f.numberOrNull("swapMs"),
    taken: f.numberOrNull("taken") ?? f.numberOrNull("running") ?? 0,
    loaded: f.textOrNull("loaded"),
    cuts: orNull(f.objectOrNull("cuts"), (c) => ({
      count: c.numberOrNull("count") ?? 0,
      tokens: c.numberOrNull("tokens") ?? 0,
    })) ?? { count: 0, tokens: 0 },
    closed: orNull(f.objectOrNull("closed"), decodeClosed),
    lines: f.list("lines", (one, place) => {
      const line = fieldsOf(one, place);
      return { line: line.text("line"), ...decodeClosed(line) };
    }),
    perBand: f.list("perBand", Number),
    models: f.list("models", decodeSpeed),
  };
}

function decodeClosed(f: Fields): Cause & { readonly untilAt: string } {
  return { code: f.text("code"), untilAt: f.text("untilAt"), error: f.textOrNull("error") };
}

function orNull<T>(fields: Fields | null, read: (fields: Fields) => T): T | null {
  return fields === null ? null : read(fields);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
