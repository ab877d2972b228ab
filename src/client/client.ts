import { formatId } from "../core/ids.ts";
import { createChatApi } from "./chat-api.ts";
import type { ChatApi } from "./chat-api.ts";
import { decodeOverview } from "./decode.ts";
import { followFeed } from "./feed.ts";
import type { FeedItem, FeedSource } from "./feed.ts";
import { platformEnvironment } from "./feed-environment.ts";
import type { FeedEnvironment } from "./feed-environment.ts";
import { createHttp } from "./http.ts";
import type { Http } from "./http.ts";
import { createScheduleApi } from "./schedule-api.ts";
import type { ScheduleApi } from "./schedule-api.ts";
import { createQueueApi } from "./queue-api.ts";
import type { QueueApi } from "./queue-api.ts";
import { createPlannerApi } from "./planner-api.ts";
import type { PlannerApi } from "./planner-api.ts";
import { createApprovalApi } from "./approval-api.ts";
import type { ApprovalApi } from "./approval-api.ts";
import { createPortableApi } from "./portable-api.ts";
import type { PortableApi } from "./portable-api.ts";
import { createTodoApi } from "./todo-api.ts";
import type { TodoApi } from "./todo-api.ts";
import { readSocket } from "./socket-reader.ts";
import { createTaskApi } from "./task-api.ts";
import type { TaskApi } from "./task-api.ts";
import type { Overview } from "./wire.ts";

/** How to reach a server. */
export interface ClientOptions {
  /** For example `http://127.0.0.1:8787`; default "" is the page's own origin (browsers only). */
  readonly baseUrl?: string;
  /** The key, or where to look it up at each request; null sends none. */
  readonly apiKey?: string | null | (() => string | null);
  /** Default: the platform's. */
  readonly fetch?: typeof fetch;
  /** Default: the platform's. Needed only where feeds are followed over WebSockets. */
  readonly WebSocket?: typeof WebSocket;
  /** Default: the platform's clock, chance and wakes. */
  readonly environment?: FeedEnvironment;
}

/** How to follow a feed. */
export interface FollowOptions {
  /** Cursor to continue behind; default is the beginning. */
  readonly after?: string | null;
  /** Ends the iteration without an error. */
  readonly signal?: AbortSignal;
  /** Event streams go through more proxies; a WebSocket is no request that a browser counts. Default `sse`. */
  readonly transport?: "sse" | "websocket";
}

/** Errand from the outside, for browsers and Node. Every call throws `RequestFailed` when it has no good answer. */
export interface ErrandClient {
  readonly tasks: TaskApi;
  readonly chat: ChatApi;
  readonly schedules: ScheduleApi;
  readonly queues: QueueApi;
  readonly todos: TodoApi;
  readonly planner: PlannerApi;
  readonly portable: PortableApi;
  readonly approvals: ApprovalApi;
  /** Load of the queues and whether a model is connected. */
  overview(signal?: AbortSignal): Promise<Overview>;
  /**
   * A task's feed to its end, over lost connections and restarted servers. Every event at least once and in order;
   * fold them with `foldTask`, which drops what came twice.
   */
  follow(taskId: string, options?: FollowOptions): AsyncGenerator<FeedItem, void, undefined>;
  /**
   * Everything of this user, without end. Each connection begins with one `state` for each active task and
   * `up-to-date`; what ended while the connection was lost has to be asked for.
   */
  events(options?: Omit<FollowOptions, "after">): AsyncGenerator<FeedItem, void, undefined>;
  /** A new id that may name a chat or a client action. */
  newId(prefix: "chat" | "call" | "req"): string;
}

/** Makes a client. Opens no connection before the first call. */
export function createClient(options: ClientOptions = {}): ErrandClient {
  const { apiKey = null } = options;
  const http = createHttp({
    baseUrl: options.baseUrl ?? "",
    apiKey: typeof apiKey === "function" ? apiKey : () => apiKey,
    fetch: options.fetch ?? platformFetch,
    requestId: () => newId("req"),
  });
  const environment = options.environment ?? platformEnvironment();
  const sockets: SocketOpening = {
    baseUrl: options.baseUrl ?? "",
    apiKey: typeof apiKey === "function" ? apiKey : () => apiKey,
    WebSocket: options.WebSocket ?? globalThis.WebSocket,
  };
  return {
    tasks: createTaskApi(http),
    chat: createChatApi(http),
    schedules: createScheduleApi(http),
    queues: createQueueApi(http),
    todos: createTodoApi(http),
    planner: createPlannerApi(http),
    portable: createPortableApi(http),
    approvals: createApprovalApi(http),
    overview: (signal) => http.json("/api/overview", decodeOverview, { signal }),
    follow: (taskId, follow = {}) => followTask({ http, environment, sockets, taskId, ...follow }),
    events: (follow = {}) => followEvents({ http, environment, sockets, ...follow }),
    newId,
  };
}

interface SocketOpening {
  readonly baseUrl: string;
  readonly apiKey: () => string | null;
  readonly WebSocket: typeof WebSocket;
}

interface Following extends FollowOptions {
  readonly http: Http;
  readonly environment: FeedEnvironment;
  readonly sockets: SocketOpening;
}

function followTask(
  following: Following & { readonly taskId: string },
): AsyncGenerator<FeedItem, void, undefined> {
  const { http, environment, taskId, after = null } = following;
  if (following.transport === "websocket")
    return followFeed(socketSource(following, taskId), environment);
  const path = `/api/tasks/${encodeURIComponent(taskId)}/stream`;
  return followFeed(
    {
      after,
      taskId,
      signal: following.signal ?? new AbortController().signal,
      open: (cursor, signal) =>
        http.send(path, {
          signal,
          headers: {
            Accept: "text/event-stream",
            ...(cursor === null ? {} : { "Last-Event-ID": cursor }),
          },
        }),
    },
    environment,
  );
}

function followEvents(following: Following): AsyncGenerator<FeedItem, void, undefined> {
  if (following.transport === "websocket")
    return followFeed(socketSource(following, null), following.environment);
  const headers = { Accept: "text/event-stream" };
  return followFeed(
    {
      after: null,
      signal: following.signal ?? new AbortController().signal,
      open: (_cursor, signal) => following.http.send("/api/events", { signal, headers }),
    },
    following.environment,
  );
}

/** A task's channel, or that of everything, over a WebSocket of its own. */
function socketSource(
  { http, environment, sockets, after = null, signal }: Following,
  taskId: string | null,
): FeedSource {
  const channel = taskId === null ? "tasks" : `task/${taskId}`;
  const asked = taskId === null ? "/api/overview" : `/api/tasks/${encodeURIComponent(taskId)}`;
  return {
    after,
    signal: signal ?? new AbortController().signal,
    ...(taskId === null ? {} : { taskId }),
    read: (cursor, connection) =>
      readSocket({
        url: socketAddress(sockets.baseUrl, taskId, cursor),
        channel,
        apiKey: sockets.apiKey(),
        connection,
        environment,
        WebSocket: sockets.WebSocket,
        ask: () => http.send(asked, { signal: connection.signal }),
      }),
  };
}

function socketAddress(baseUrl: string, taskId: string | null, cursor: string | null): string {
  const path = `${baseUrl.replace(/\/$/, "")}/ws/tasks`;
  const url = new URL(path, /^https?:/i.test(baseUrl) ? undefined : globalThis.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  if (taskId !== null) url.searchParams.set("taskId", taskId);
  if (taskId !== null && cursor !== null) url.searchParams.set("after", cursor);
  return url.href;
}

/** Called without a receiver: a browser's fetch refuses to be the method of another object. */
const platformFetch: typeof fetch = (input, init) => globalThis.fetch(input, init);

/** `crypto.randomUUID` exists only on secure origins; a page may be served over plain HTTP in a home network. */
function newId(prefix: "chat" | "call" | "req"): string {
  return formatId(prefix, Date.now(), crypto.getRandomValues(new Uint8Array(10)));
}
