import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { isEnd } from "../../src/core/task/status.ts";
import { serveFile } from "./built-page.ts";
import { ofQueues, ofSchedules } from "./world-board.ts";
import { createWorld, listTasks, snapshotOf, stateOf } from "./stand-in-world.ts";
import type { World, WorldEvent, WorldTask } from "./stand-in-world.ts";

/** An error that the stand-in shall answer with. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
  readonly retryAfterMs?: number;
}

/**
 * A server that speaks the wire protocol and does nothing by itself: a test moves its world. For the states of the
 * page that the real server reaches only by chance.
 */
export interface StandIn {
  readonly url: string;
  readonly world: World;
  /** Paths that were asked for, with their method, in order. */
  readonly requests: readonly string[];
  /** The next request whose "METHOD /path" begins so is refused, `times` times. */
  refuse(request: string, refusal: Refusal, times?: number): void;
  /** Demands this key from now on; null demands none. */
  demandKey(key: string | null): void;
  /** Cuts every open stream without a goodbye. */
  cutStreams(): void;
  /** Stops listening and cuts everything; `up` listens again on the same port. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** What GET /api/overview says of the model. */
  model: { connected: boolean; baseUrl: string | null; models: string[]; note: string };
  close(): Promise<void>;
}

interface Inside {
  readonly world: World;
  readonly streams: Set<ServerResponse>;
  readonly requests: string[];
  readonly refusals: { request: string; refusal: Refusal; times: number }[];
  key: string | null;
  model: StandIn["model"];
}

/** Starts the stand-in on a free port of the loopback. */
export async function startStandIn(): Promise<StandIn> {
  const inside: Inside = {
    world: createWorld(),
    streams: new Set(),
    requests: [],
    refusals: [],
    key: null,
    model: { connected: false, baseUrl: null, models: [], note: "" },
  };
  let server = await listen(inside, 0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    world: inside.world,
    requests: inside.requests,
    refuse: (request, refusal, times = 1) => inside.refusals.push({ request, refusal, times }),
    demandKey: (key) => void (inside.key = key),
    cutStreams: () => cut(inside),
    down: () => shut(server),
    async up() {
      server = await listen(inside, port);
    },
    get model() {
      return inside.model;
    },
    set model(model) {
      inside.model = model;
    },
    close: () => shut(server),
  };
}

async function listen(inside: Inside, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    void answer(inside, request, response);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function shut(server: Server): Promise<void> {
  if (!server.listening) return;
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}

function cut(inside: Inside): void {
  for (const stream of inside.streams) stream.destroy();
  inside.streams.clear();
}

async function answer(
  inside: Inside,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://stand-in");
  const line = `${request.method} ${url.pathname}`;
  if (!url.pathname.startsWith("/api/")) {
    serveFile(url.pathname, response);
    return;
  }
  inside.requests.push(line);
  const body = await readBody(request);
  const refusal = takeRefusal(inside, line);
  if (refusal !== undefined) problem(response, refusal);
  else if (inside.key !== null && request.headers.authorization !== `Bearer ${inside.key}`) {
    problem(response, { status: 401, code: "unauthenticated", detail: "no valid key" });
  } else route({ inside, request, response, url, body });
}

function takeRefusal(inside: Inside, line: string): Refusal | undefined {
  const found = inside.refusals.find((known) => line.startsWith(known.request) && known.times > 0);
  if (found === undefined) return undefined;
  found.times -= 1;
  return found.refusal;
}

interface Call {
  readonly inside: Inside;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly body: Record<string, unknown>;
}

const notFound: Refusal = { status: 404, code: "not_found", detail: "no such thing" };

function route(call: Call): void {
  const { inside, request, response, url } = call;
  const [, , collection = "", id = "", verb = ""] = url.pathname.split("/");
  if (collection === "overview") {
    send(response, 200, { queues: [], active: 0, model: inside.model });
  } else if (collection === "events") streamAll(call);
  else if (collection === "approvals") ofApprovals(call, id);
  else if (collection === "alerts") send(response, 200, { alerts: inside.world.board.alerts });
  else if (collection === "reminders") ofReminders(call, id, verb);
  else if (collection === "profile") {
    const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
    send(response, 200, { userId: "local", timeZone });
  } else if (collection === "todos") ofTodos(call, id);
  else if (collection === "queues" || collection === "schedules") ofBoard(call, id, verb);
  else if (collection === "sessions") sessions(call, id);
  else if (collection === "chat" && request.method === "POST" && id === "stream") chat(call);
  else if (collection === "tasks" && id === "") {
    const { searchParams } = url;
    const limit = Number(searchParams.get("limit") ?? 50);
    const [status, cursor] = [searchParams.get("status"), searchParams.get("cursor")];
    send(response, 200, listTasks(inside.world, { status, cursor, limit }));
  } else if (collection === "tasks") {
    const task = inside.world.tasks.get(id);
    if (task === undefined) problem(response, notFound);
    else ofTask(call, task, verb);
  } else problem(response, notFound);
}

function sessions({ inside, request, response }: Call, id: string): void {
  const { world } = inside;
  if (id === "") {
    const list = [...world.sessions.values()]
      .toReversed()
      .map(({ messages: _messages, ...rest }) => ({
        ...rest,
        activeTaskId: null,
      }));
    send(response, 200, { sessions: list, nextCursor: null });
    return;
  }
  const session = world.sessions.get(id);
  if (session === undefined) problem(response, notFound);
  else if (request.method === "DELETE") {
    world.sessions.delete(id);
    response.writeHead(204).end();
  } else {
    const etag = `"${session.seq}"`;
    if (request.headers["if-none-match"] === etag) response.writeHead(304).end();
    else send(response, 200, snapshotOf(world, session), { ETag: etag });
  }
}

function ofBoard({ inside, request, response, url }: Call, name: string, verb: string): void {
  const { world } = inside;
  const answered = url.pathname.startsWith("/api/queues")
    ? ofQueues(world.board, name, verb)
    : ofSchedules(world.board, { name, verb, method: request.method ?? "GET" });
  if (answered === null) problem(response, notFound);
  else if (verb === "run") send(response, 201, world.addTask({ title: decodeURIComponent(name) }));
  else if (answered.body === null) response.writeHead(answered.status).end();
  else send(response, answered.status, answered.body);
}

function ofApprovals({ inside, response }: Call, id: string): void {
  const { planner } = inside.world;
  if (id === "") send(response, 200, { approvals: [...planner.approvals.values()] });
  else if (!planner.approvals.has(id)) problem(response, notFound);
  else {
    const task = inside.world.tasks.get(planner.ask(id, null).taskId);
    send(response, 200, task ?? {});
  }
}

function ofReminders({ inside, request, response }: Call, id: string, verb: string): void {
  const { planner } = inside.world;
  if (id === "") {
    const state = { reminders: [...planner.reminders.values()] };
    send(response, 200, { state, seq: 1 });
  } else if (!planner.reminders.has(id)) problem(response, notFound);
  else if (request.method === "DELETE") {
    planner.putReminder(id, null);
    response.writeHead(204).end();
  } else if (verb === "snooze") {
    const nextAt = new Date(Date.now() + 600_000).toISOString();
    send(response, 200, planner.putReminder(id, { nextAt }));
  } else problem(response, notFound);
}

function ofTodos({ inside, request, response, url, body }: Call, id: string): void {
  const { planner } = inside.world;
  const actionId = body["client_action_id"] ?? url.searchParams.get("client_action_id");
  if (request.method === "GET") {
    const state = { sessionId: "planner", todos: [...planner.todos.values()] };
    send(response, 200, { state, seq: planner.todoSeq }, { ETag: `"${planner.todoSeq}"` });
    return;
  }
  if (id !== "" && !planner.todos.has(id)) return problem(response, notFound);
  const { text, done, accepted } = body;
  const todo =
    request.method === "DELETE"
      ? planner.removeTodo(id, actionId)
      : planner.putTodo(
          {
            ...(id === "" ? {} : { id }),
            ...(typeof text === "string" ? { text } : {}),
            ...(typeof done === "boolean" ? { status: done ? "done" : "open" } : {}),
            ...(accepted === true ? { status: "open" } : {}),
          },
          actionId,
        );
  const todos = request.method === "DELETE" ? [] : [todo];
  send(response, id === "" ? 201 : 200, { event_id: "evt_1", todoIds: [todo.id], todos });
}

function chat({ inside, response, body }: Call): void {
  const actionId = String(body["client_action_id"]);
  const known = inside.world.actions.get(actionId);
  if (known !== undefined) {
    send(response, 202, known);
    return;
  }
  const sessionId = String(body["sessionId"]);
  const { task, answer: reply, user } = inside.world.accept(sessionId, String(body["message"]));
  const sent = { taskId: task.id, sessionId, messageId: reply.id, userMessageId: user.id };
  inside.world.actions.set(actionId, sent);
  send(response, 202, sent);
}

function ofTask(call: Call, task: WorldTask, verb: string): void {
  const { inside, response } = call;
  const { world } = inside;
  switch (verb) {
    case "":
      return send(response, 200, task);
    case "stream":
      return streamTask(call, task);
    case "why": {
      const message = task.reason?.message ?? `it is ${task.status}`;
      return send(response, 200, {
        status: task.status,
        reason: task.reason,
        queue: null,
        message,
      });
    }
    case "log":
      return send(response, 200, { events: logOf(world, task), nextAfter: null });
    case "cancel":
      if (!isEnd(task.status)) world.end(task.id, "cancelled");
      return send(response, 200, task);
    case "retry":
      Object.assign(task, {
        error: null,
        completedAt: null,
        partial: "",
        retryCount: task.attempts,
      });
      world.change(task.id, { status: "queued" });
      return send(response, 200, task);
    case "release":
      world.change(task.id, { reason: null });
      return send(response, 200, task);
    case "rerun":
      return send(response, 201, world.addTask({ type: task.type, input: task.input }));
    default:
      return problem(response, notFound);
  }
}

function logOf(world: World, task: WorldTask): object[] {
  return (world.events.get(task.id) ?? [])
    .filter((event) => event.name !== "token")
    .map((event, index) => ({
      event_id: `${task.id}#${index + 1}`,
      seq: index + 1,
      type: `task.${event.name}`,
      timestamp: task.createdAt,
      payload: event.name === "state" ? {} : event.data,
    }));
}

function streamTask({ inside, request, response, url }: Call, task: WorldTask): void {
  const after = Number(request.headers["last-event-id"] ?? url.searchParams.get("after") ?? 0);
  const facts = inside.world.events.get(task.id) ?? [];
  if (isEnd(task.status) && after >= facts.length) {
    response.writeHead(204).end();
    return;
  }
  openStream(inside, response, (event) => event.taskId === task.id, true);
  for (const fact of facts.slice(after)) writeEvent(response, fact);
  if (isEnd(task.status)) response.end();
  else writeEvent(response, { taskId: null, name: "up-to-date", data: {}, cursor: null });
}

function streamAll({ inside, response }: Call): void {
  openStream(inside, response, () => true, false);
  for (const task of inside.world.tasks.values()) {
    if (isEnd(task.status)) continue;
    const data = { task: stateOf(task) };
    writeEvent(response, { taskId: task.id, name: "state", data, cursor: null });
  }
  writeEvent(response, { taskId: null, name: "up-to-date", data: {}, cursor: null });
}

function openStream(
  inside: Inside,
  response: ServerResponse,
  wants: (event: WorldEvent) => boolean,
  endsWithTask: boolean,
): void {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  response.write(": hello\n\n");
  inside.streams.add(response);
  const listener = (event: WorldEvent): void => {
    if (!wants(event)) return;
    writeEvent(response, event);
    if (event.name === "end" && endsWithTask) response.end();
  };
  inside.world.listeners.add(listener);
  response.on("close", () => {
    inside.world.listeners.delete(listener);
    inside.streams.delete(response);
  });
}

function writeEvent(response: ServerResponse, { name, data, cursor }: WorldEvent): void {
  const id = cursor === null ? "" : `id: ${cursor}\n`;
  response.write(`${id}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

function send(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

function problem(response: ServerResponse, refusal: Refusal): void {
  const body = { type: "about:blank", title: refusal.code, requestid: "req_stand_in", ...refusal };
  response.writeHead(refusal.status, { "Content-Type": "application/problem+json" });
  response.end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = "";
  for await (const piece of request.setEncoding("utf8")) text += String(piece);
  if (text === "") return {};
  const body: unknown = JSON.parse(text);
  return body as Record<string, unknown>;
}
