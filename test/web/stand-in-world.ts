import { formatId } from "../../src/core/ids.ts";
import { isEnd, statusClass } from "../../src/core/task/status.ts";
import type { WorldBoard } from "./world-board.ts";
import { worldTodos } from "./world-todos.ts";
import type { WorldTodos } from "./world-todos.ts";
import type { TaskStatus } from "../../src/core/task/status.ts";

/** A task as the wire carries it; the stand-in changes it in place. */
export interface WorldTask {
  id: string;
  userId: string;
  chatId: string | null;
  type: string;
  status: TaskStatus;
  reason: {
    code: string;
    queue?: string;
    position?: number;
    untilAt?: string;
    message: string;
    cause?: { readonly code: string; readonly untilAt?: string };
    estimate?: object;
    error?: { readonly code: string; readonly message: string };
  } | null;
  input: unknown;
  output: unknown;
  error: { code: string; message: string } | null;
  attempts: number;
  retryCount: number;
  progress: { done?: number; total?: number; message?: string } | null;
  partial: string | null;
  messageId: string | null;
  parentId: string | null;
  rootId: string;
  priority: string;
  queue: string;
  title: string | null;
  cursor: string;
  createdAt: string;
  startedAt: string | null;
  completedAt: string | null;
}

/** A chat message as the wire carries it. */
export interface WorldMessage {
  id: string;
  role: "user" | "assistant";
  parts: { type: "text"; text: string }[];
  taskId: string | null;
  status: "pending" | "streaming" | "completed" | "failed";
  error: { code: string; message: string } | null;
  createdAt: string;
}

/** A session of the stand-in. */
export interface WorldSession {
  id: string;
  title: string;
  messages: WorldMessage[];
  createdAt: string;
  updatedAt: string;
  seq: number;
}

/** A todo as the wire carries it. */
export interface WorldTodo {
  id: string;
  text: string;
  status: "proposed" | "open" | "done";
  dueDay: string | null;
  source: null;
  operationId: string | null;
  createdAt: string;
  doneAt: string | null;
}

/** One event as the feeds carry it; `cursor` is null for events without an id. */
export interface WorldEvent {
  readonly taskId: string | null;
  readonly name: string;
  readonly data: object;
  readonly cursor: number | null;
}

/** What the scripted server knows, and the verbs a test moves it with. Nothing happens by itself. */
export interface World {
  readonly planner: WorldTodos;
  readonly board: WorldBoard;
  readonly tasks: Map<string, WorldTask>;
  readonly sessions: Map<string, WorldSession>;
  /** Facts of a task's feed, in order. */
  readonly events: Map<string, WorldEvent[]>;
  readonly actions: Map<string, object>;
  /** Tells of each event, at once. */
  readonly listeners: Set<(event: WorldEvent) => void>;
  addTask(fields?: Partial<WorldTask>): WorldTask;
  /** Makes a session that has these texts, user and assistant by turns, all completed. */
  addSession(title: string, texts: readonly string[]): WorldSession;
  /** Accepts a message: a user message, a pending answer and its queued task. */
  accept(
    sessionId: string,
    text: string,
  ): { task: WorldTask; answer: WorldMessage; user: WorldMessage };
  /** Changes a task and tells its state. */
  change(taskId: string, fields: Partial<WorldTask>): void;
  begin(taskId: string): void;
  say(taskId: string, text: string): void;
  /** Voids the text from `offset` on; `again` begins the next attempt. */
  reset(taskId: string, offset: number, again: boolean): void;
  progress(taskId: string, progress: WorldTask["progress"]): void;
  step(taskId: string, name: string): void;
  end(taskId: string, status: TaskStatus, error?: WorldTask["error"]): void;
  /** The task of the newest answer. */
  newest(): WorldTask;
}

let clockMs = Date.UTC(2026, 0, 1);

/** Makes an empty world. Its clock is the wall's, so that "now" on the page means now. */
export function createWorld(): World {
  clockMs = Date.now();
  const tasks = new Map<string, WorldTask>();
  const sessions = new Map<string, WorldSession>();
  const events = new Map<string, WorldEvent[]>();
  const listeners = new Set<(event: WorldEvent) => void>();
  const tell = (event: WorldEvent): void => listeners.forEach((listener) => listener(event));
  const parts: Parts = { tasks, sessions, events, tell };
  const ofTask = (taskId: string): WorldTask => {
    const task = tasks.get(taskId);
    if (task === undefined) throw new Error(`the stand-in knows no task ${taskId}`);
    return task;
  };
  const change = (taskId: string, fields: Partial<WorldTask>): void => {
    const task = Object.assign(ofTask(taskId), fields);
    record(parts, task, "state", {});
    tellSession(parts, task);
  };
  return {
    planner: worldTodos(tell),
    board: { queues: [], schedules: [], alerts: [] },
    tasks,
    sessions,
    events,
    listeners,
    actions: new Map(),
    change,
    addTask: (fields = {}) => addTask(parts, fields),
    addSession: (title, texts) => addSession(parts, title, texts),
    accept: (sessionId, text) => accept(parts, sessionId, text),
    begin(taskId) {
      const { attempts } = ofTask(taskId);
      const startedAt = now();
      change(taskId, {
        status: "running",
        reason: null,
        attempts: attempts + 1,
        startedAt,
        partial: "",
      });
    },
    say(taskId, text) {
      const task = ofTask(taskId);
      const offset = task.partial?.length ?? 0;
      task.partial = (task.partial ?? "") + text;
      const token = { type: "llm.token", operation_id: taskId, text, offset };
      record(parts, task, "token", token);
    },
    reset(taskId, offset, again) {
      const task = ofTask(taskId);
      task.attempts += again ? 1 : 0;
      task.partial = (task.partial ?? "").slice(0, offset);
      const reset = { taskId, attempt: task.attempts, offset, reason: "worker lost" };
      record(parts, task, "reset", reset);
    },
    progress(taskId, progress) {
      const task = Object.assign(ofTask(taskId), { progress });
      record(parts, task, "progress", { taskId, progress });
    },
    step: (taskId, name) => record(parts, ofTask(taskId), "step", { taskId, name }),
    end: (taskId, status, error = null) => endTask(parts, ofTask(taskId), status, error),
    newest() {
      const task = [...tasks.values()].findLast((known) => known.type === "chat");
      if (task === undefined) throw new Error("no message was sent yet");
      return task;
    },
  };
}

interface Parts {
  readonly tasks: Map<string, WorldTask>;
  readonly sessions: Map<string, WorldSession>;
  readonly events: Map<string, WorldEvent[]>;
  tell(event: WorldEvent): void;
}

/** A list answer's page, newest first. */
export function listTasks(
  world: World,
  query: { status: string | null; cursor: string | null; limit: number },
): { tasks: WorldTask[]; nextCursor: string | null } {
  const matching = [...world.tasks.values()]
    .toReversed()
    .filter((task) => query.status === null || statusClass(task.status) === query.status);
  const from = Number(query.cursor ?? 0);
  const to = from + query.limit;
  return {
    tasks: matching.slice(from, to),
    nextCursor: to < matching.length ? String(to) : null,
  };
}

/** The session's snapshot as the wire carries it. */
export function snapshotOf(world: World, session: WorldSession): object {
  const open = openTasks(world.tasks, session.id);
  const active = open.find((task) => task.status !== "queued") ?? open[0];
  return {
    state: {
      id: session.id,
      title: session.title,
      messages: session.messages,
      activeTaskId: active?.id ?? null,
      queuedTaskIds: open.filter((task) => task !== active).map((task) => task.id),
    },
    seq: session.seq,
  };
}

function openTasks(tasks: Map<string, WorldTask>, sessionId: string): WorldTask[] {
  return [...tasks.values()].filter(
    (task) => task.type === "chat" && task.chatId === sessionId && !isEnd(task.status),
  );
}

/** A task as `state` events of an active one carry it. */
export function stateOf(task: WorldTask): object {
  if (isEnd(task.status)) return { ...task };
  const { input: _input, output: _output, ...rest } = task;
  return rest;
}

function record(parts: Parts, task: WorldTask, name: string, data: object): void {
  const known = parts.events.get(task.id) ?? [];
  const cursor = known.length + 1;
  task.cursor = String(cursor);
  const whole = name === "state" || name === "end" ? { task: stateOf(task) } : data;
  const event = { taskId: task.id, name, data: { ...whole, taskId: task.id }, cursor };
  parts.events.set(task.id, [...known, event]);
  parts.tell(event);
}

function tellSession(parts: Parts, task: WorldTask): void {
  const session = parts.sessions.get(task.chatId ?? "");
  if (session === undefined || task.type !== "chat") return;
  const answer = session.messages.find((message) => message.id === task.messageId);
  if (answer !== undefined) {
    answer.status = messageStatus(task.status);
    answer.error = task.error;
  }
  session.seq += 1;
  const activeTaskId = openTasks(parts.tasks, session.id)[0]?.id ?? null;
  const data = { sessionId: session.id, message: answer, activeTaskId };
  parts.tell({ taskId: null, name: "session", data, cursor: null });
}

function messageStatus(status: TaskStatus): WorldMessage["status"] {
  if (status === "running") return "streaming";
  if (!isEnd(status)) return "pending";
  return status === "completed" ? "completed" : "failed";
}

function addTask(parts: Parts, fields: Partial<WorldTask>): WorldTask {
  const id = newId("task");
  const task: WorldTask = {
    id,
    userId: "local",
    chatId: null,
    type: "note",
    status: "queued",
    reason: null,
    input: { text: "water the plants" },
    output: null,
    error: null,
    attempts: 0,
    retryCount: 0,
    progress: null,
    partial: null,
    messageId: null,
    parentId: null,
    rootId: id,
    priority: "background",
    queue: "notes",
    title: null,
    cursor: "0",
    createdAt: now(),
    startedAt: null,
    completedAt: null,
    ...fields,
  };
  parts.tasks.set(task.id, task);
  record(parts, task, "state", {});
  return task;
}

function addSession(parts: Parts, title: string, texts: readonly string[]): WorldSession {
  const id = newId("chat");
  const messages = texts.map((text, index): WorldMessage => {
    const role = index % 2 === 0 ? "user" : "assistant";
    return makeMessage(role, text, "completed");
  });
  const session = { id, title, messages, createdAt: now(), updatedAt: now(), seq: 1 };
  parts.sessions.set(id, session);
  return session;
}

function accept(
  parts: Parts,
  sessionId: string,
  text: string,
): { task: WorldTask; answer: WorldMessage; user: WorldMessage } {
  const session = parts.sessions.get(sessionId) ?? {
    id: sessionId,
    title: text.slice(0, 60),
    messages: [],
    createdAt: now(),
    updatedAt: now(),
    seq: 0,
  };
  parts.sessions.delete(sessionId);
  parts.sessions.set(sessionId, session);
  session.updatedAt = now();
  const user = makeMessage("user", text, "completed");
  const answer = makeMessage("assistant", "", "pending");
  session.messages.push(user, answer);
  const task = addTask(parts, {
    type: "chat",
    chatId: sessionId,
    input: { message: text },
    messageId: answer.id,
    priority: "interactive",
    queue: "chat_tasks",
  });
  answer.taskId = task.id;
  tellSession(parts, task);
  return { task, answer, user };
}

function endTask(
  parts: Parts,
  task: WorldTask,
  status: TaskStatus,
  error: WorldTask["error"],
): void {
  const text = task.partial ?? "";
  const answer = parts.sessions
    .get(task.chatId ?? "")
    ?.messages.find((known) => known.id === task.messageId);
  if (answer !== undefined && text !== "") answer.parts = [{ type: "text", text }];
  Object.assign(task, {
    status,
    error: status === "cancelled" ? { code: "cancelled", message: "stopped by the user" } : error,
    output: status === "completed" ? { text } : null,
    partial: null,
    reason: null,
    completedAt: now(),
  });
  record(parts, task, "end", {});
  tellSession(parts, task);
}

function makeMessage(
  role: WorldMessage["role"],
  text: string,
  status: WorldMessage["status"],
): WorldMessage {
  const parts = text === "" ? [] : [{ type: "text" as const, text }];
  return { id: newId("msg"), role, parts, taskId: null, status, error: null, createdAt: now() };
}

/** Each moment is a millisecond later than the last, so that an order by time is total. */
function now(): string {
  clockMs = Math.max(clockMs + 1, Date.now());
  return new Date(clockMs).toISOString();
}

function newId(prefix: "task" | "chat" | "msg"): string {
  clockMs += 1;
  return formatId(prefix, clockMs, crypto.getRandomValues(new Uint8Array(10)));
}
