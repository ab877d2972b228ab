import { z } from "@hono/zod-openapi";

import { ErrandError } from "../core/errors.ts";
import type { Engine } from "../engine/index.ts";
import type { ServerContext } from "./context.ts";
import { json } from "./answer.ts";
import { LazyRoutes, type Part } from "./lazy-routes.ts";
import { asyncapiDocument } from "./asyncapi.ts";
import { docsPage } from "./docs-page.ts";
import { createIdentifier, type Identifier } from "./guard/identify.ts";
import { refuseForeign } from "./guard/same-origin.ts";
import { StreamGate } from "./guard/stream-gate.ts";
import { TokenBuckets } from "./guard/token-bucket.ts";
import { Metrics } from "./metrics/metrics.ts";
import { MethodRefused, TooFast, type Gatekeepers, type Router } from "./mount.ts";
import { Catalogue } from "./openai/catalogue.ts";
import { openaiErrorResponse } from "./openai/errors.ts";
import { isOpenaiPath, openaiRoutes } from "./openai/routes.ts";
import { openapiDocument } from "./openapi.ts";
import { operation, type Connection, type Operation } from "./operation.ts";
import { problemResponse } from "./problem.ts";
import { requestIdOf } from "./request-id.ts";
import { protect } from "./response-headers.ts";
import { chatRoutes } from "./routes/chat-routes.ts";
import { adminRoutes } from "./routes/admin-routes.ts";
import { operationsRoutes } from "./routes/operations-routes.ts";
import { orchestratorRoutes } from "./routes/orchestrator-routes.ts";
import { pageFile, pageRoute } from "./routes/page-routes.ts";
import { queueRoutes } from "./routes/queue-routes.ts";
import { scheduleRoutes } from "./routes/schedule-routes.ts";
import { socketRoutes } from "./routes/socket-routes.ts";
import { sessionRoutes } from "./routes/session-routes.ts";
import { taskActions } from "./routes/task-actions.ts";
import { taskRoutes } from "./routes/task-routes.ts";
import { approvalRoutes } from "./routes/approval-routes.ts";
import { portableRoutes } from "./routes/portable-routes.ts";
import { plannerRoutes } from "./routes/planner-routes.ts";
import { reminderRoutes } from "./routes/reminder-routes.ts";
import { todoRoutes } from "./routes/todo-routes.ts";
import { limitsDefault, type ServerSettings } from "./settings.ts";
import type { SocketEvents, SocketPort, SocketState } from "./socket/port.ts";
import { SocketKeeper } from "./socket/socket-keeper.ts";
import { TaskSocket } from "./socket/task-socket.ts";
import { FeedEncoder } from "./stream/feed-encoder.ts";
import { PositionWatch } from "./stream/position-watch.ts";
import { StreamKeeper } from "./stream/stream-keeper.ts";

/** All doors of one engine. */
export interface ErrandServer {
  /** Answers a request. Never rejects: every error is an answer. The same on Node and workerd. */
  fetch(request: Request, connection?: Connection): Promise<Response>;
  /** The answer to what a host could not read as a request: a broken name or path. */
  refuse(reason: string): Response;
  /** What is mounted, for documents and tests. */
  readonly operations: readonly Operation[];
  /**
   * Goes on with a socket that its host kept while it forgot all else (a hibernated one). Its task channels go on behind
   * their cursors; its user channel tells what happens from now on.
   */
  resumeSocket(port: SocketPort, state: SocketState): SocketEvents;
  /** From now on not ready: who asks `/readyz` sends work elsewhere. What is open goes on. */
  drain(): void;
  /** Breaks open event streams off and closes sockets, so that their readers come back, to the next server. */
  close(): void;
}

/** Builds the doors of `engine`. Opens nothing by itself: a host mounts `fetch`. */
export function createServer(engine: Engine, settings: ServerSettings): ErrandServer {
  const identifier = settings.identifier ?? createIdentifier(settings.auth, settings.clock);
  let isStopping = false;
  const server = contextOf(engine, settings, identifier, () => isStopping);
  const { submitsPerSecond, submitsBurst } = server.limits;
  const submits = new TokenBuckets(submitsPerSecond, submitsBurst, settings.clock);
  const gates = { identifier, submits };
  return {
    get operations() {
      return routes.operations;
    },
    fetch: (request, connection = {}) => answer(request, connection, { gates, server, settings }),
    refuse(reason) {
      const requestId = engine.kernel.id("req");
      const error = new ErrandError("invalid_request", reason.slice(0, 200));
      return protect(problemResponse(error, requestId), requestId, false);
    },
    resumeSocket: (port, state) => new TaskSocket(server, port, state.who, state),
    drain() {
      isStopping = true;
    },
    close() {
      isStopping = true;
      server.streams.close();
      server.sockets.close();
      server.positions.close();
    },
  };
}

/** Everything that is mounted, in order. */
const parts: readonly Part[] = [
  taskRoutes,
  taskActions,
  queueRoutes,
  portableRoutes,
  sessionRoutes,
  chatRoutes,
  // Before the todos, one of which could be called so.
  plannerRoutes,
  todoRoutes,
  reminderRoutes,
  approvalRoutes,
  scheduleRoutes,
  operationsRoutes,
  adminRoutes,
  orchestratorRoutes,
  socketRoutes,
  openaiRoutes,
  () => [pageRoute(), documentRoute(), asyncapiRoute(), docsRoute()],
];

/** The doors of all servers of this process. */
const routes: LazyRoutes = new LazyRoutes(parts, finish);

/** What no operation answers is a file of the page, or not there; errors are thrown to where all are written. */
function finish(router: Router): void {
  router.notFound(async ({ req, env }) => {
    const file =
      req.method === "GET" || req.method === "HEAD"
        ? await pageFile(env.server, env.url.pathname)
        : null;
    if (file !== null) return file;
    throw new ErrandError("not_found", `there is nothing at ${req.path.slice(0, 200)}`);
  });
  router.onError((error) => {
    throw error;
  });
}

function contextOf(
  engine: Engine,
  settings: ServerSettings,
  identifier: Identifier,
  isStopping: () => boolean,
): ServerContext {
  const limits = { ...limitsDefault, ...settings.limits };
  const { auth, clock, log, page, version } = settings;
  const noModel = {
    connected: false,
    baseUrl: null,
    models: [],
    note: "This host does not say which model it uses.",
  };
  return {
    engine,
    auth,
    limits,
    clock,
    log,
    page,
    version,
    catalogue: new Catalogue(engine.roles, clock),
    madeAtMs: clock.nowMs(),
    process: settings.process ?? (() => ({})),
    streams: new StreamKeeper(
      new StreamGate(limits.streamsPerUser, limits.streamsTotal),
      identifier,
      limits,
    ),
    sockets: new SocketKeeper(identifier, limits, clock),
    positions: new PositionWatch((taskId) => engine.reader.place(taskId), log),
    encoder: new FeedEncoder(),
    metrics: new Metrics(engine),
    model: settings.model ?? (() => noModel),
    alerts: settings.alerts ?? (() => []),
    isStopping,
  };
}

/** A document by the version it is of, made when it is first asked for: it costs more than the rest of the start. */
function documents(make: (version: string) => object): (version: string) => object {
  const made = new Map<string, object>();
  return (version) => {
    const document = made.get(version) ?? make(version);
    made.set(version, document);
    return document;
  };
}

function documentRoute(): Operation {
  const document = documents((version) => openapiDocument(routes.operations, version));
  return operation({
    method: "get",
    path: "/openapi.json",
    policy: "public",
    id: "openapi",
    tag: "operations",
    summary: "This document",
    answers: { 200: { description: "OpenAPI 3.1" } },
    handle: (_call, { version }) => json(document(version), 200, { "cache-control": "no-cache" }),
  });
}

function docsRoute(): Operation {
  return operation({
    method: "get",
    path: "/docs",
    policy: "public",
    id: "docs",
    tag: "operations",
    summary: "The API on one page, for people",
    answers: { 200: { description: "HTML", schema: z.string(), mediaType: "text/html" } },
    handle: (_call, { version }) => docsPage(routes.operations, version),
  });
}

function asyncapiRoute(): Operation {
  const document = documents(asyncapiDocument);
  return operation({
    method: "get",
    path: "/asyncapi.json",
    policy: "public",
    id: "asyncapi",
    tag: "operations",
    summary: "What is pushed, over WebSockets and event streams",
    answers: { 200: { description: "AsyncAPI 3.0" } },
    handle: (_call, { version }) => json(document(version), 200, { "cache-control": "no-cache" }),
  });
}

interface Doors {
  readonly gates: Gatekeepers;
  readonly server: ServerContext;
  readonly settings: ServerSettings;
}

async function answer(
  request: Request,
  connection: Connection,
  { gates, server, settings }: Doors,
): Promise<Response> {
  const requestId = requestIdOf(request.headers, () => server.engine.kernel.id("req"));
  let url: URL | null = null;
  let response: Response;
  try {
    url = new URL(request.url);
    refuseForeign(request, url, { hosts: settings.hosts, origins: settings.origins ?? [] });
    const passed = { requestId, url, connection, server, gates };
    response = await routes.router(url.pathname).fetch(request, passed);
  } catch (error) {
    response = refusal(error, { path: url?.pathname ?? "", requestId, server });
  }
  if (request.method === "HEAD" && response.body !== null) response = bodiless(response);
  return protect(response, requestId, url?.protocol === "https:");
}

function bodiless({ status, headers, body }: Response): Response {
  void body?.cancel();
  return new Response(null, { status, headers });
}

function refusal(
  error: unknown,
  { path, requestId, server }: { path: string; requestId: string; server: ServerContext },
): Response {
  const known =
    error instanceof ErrandError
      ? error
      : new ErrandError("internal", "Errand has a bug here", { cause: error });
  if (known.code === "internal")
    server.log.error("a request failed", known.cause ?? known, { requestId, path });
  const response = isOpenaiPath(path)
    ? openaiErrorResponse(known)
    : problemResponse(known, requestId);
  if (known instanceof MethodRefused) response.headers.set("allow", known.allow);
  if (known instanceof TooFast) known.tell(response.headers, path);
  server.metrics.answered("refused", response.status);
  return response;
}
