import { decodeLogPage, decodeTask, decodeTaskPage, decodeWhy } from "./decode.ts";
import { readJson } from "./http.ts";
import type { Http } from "./http.ts";
import type { LogPage, Priority, Task, TaskPage, Why } from "./wire.ts";
import type { StatusClass } from "../core/task/status.ts";

/** A task to submit. Times are in milliseconds; the server says which values it takes. */
export interface NewTask {
  readonly type: string;
  readonly input: unknown;
  readonly priority?: Priority;
  readonly sessionId?: string;
  readonly delayMs?: number;
  readonly ttlMs?: number;
  readonly timeoutMs?: number;
  readonly deadlineMs?: number;
  readonly idleTimeoutMs?: number;
  readonly retry?: {
    readonly attemptsMax?: number;
    readonly minDelayMs?: number;
    readonly maxDelayMs?: number;
    readonly factor?: number;
    readonly jitter?: boolean | number;
  };
  readonly weight?: number;
  readonly fairnessKey?: string;
  readonly title?: string;
  readonly client_action_id?: string;
}

/** Which tasks to list, newest first. `from` and `to` are ISO 8601. */
export interface TaskFilter {
  readonly status?: StatusClass;
  readonly type?: string;
  readonly session?: string;
  readonly from?: string;
  readonly to?: string;
  readonly cursor?: string;
  readonly limit?: number;
}

/** What can be done with tasks. Every call throws `RequestFailed`. */
export interface TaskApi {
  /**
   * Submits a task; durable when it answers. With an `idempotencyKey` it is safe to repeat: the repeat answers with
   * the same task and `replayed`; another body under the key is refused with `idempotency_mismatch`.
   */
  submit(
    task: NewTask,
    options?: { readonly idempotencyKey?: string; readonly signal?: AbortSignal },
  ): Promise<{ readonly task: Task; readonly replayed: boolean }>;
  list(filter?: TaskFilter, signal?: AbortSignal): Promise<TaskPage>;
  get(taskId: string, signal?: AbortSignal): Promise<Task>;
  /** Asks for the end; may be repeated. `conflict` if the task ended otherwise. */
  cancel(taskId: string): Promise<Task>;
  /** Next attempt of the same task. `conflict` unless it failed, was cancelled or expired. */
  retry(taskId: string): Promise<Task>;
  /** A new task with the same input. */
  rerun(taskId: string): Promise<Task>;
  /** Moves a task to another priority class, with what it has waiting. */
  prioritize(taskId: string, priority: Priority): Promise<Task>;
  /** Lets a held task go. */
  release(taskId: string): Promise<Task>;
  /** Gives a waiting task the event it waits for. */
  sendEvent(taskId: string, name: string, payload: unknown): Promise<Task>;
  why(taskId: string, signal?: AbortSignal): Promise<Why>;
  /** Facts after number `after` (default 0), at most `limit`. */
  log(
    taskId: string,
    page?: { readonly after?: number; readonly limit?: number },
    signal?: AbortSignal,
  ): Promise<LogPage>;
}

/** Builds the task calls on a caller. */
export function createTaskApi(http: Http): TaskApi {
  const act = (taskId: string, verb: string, body?: unknown): Promise<Task> =>
    http.json(pathOf(taskId, `/${verb}`), (value) => decodeTask(value), { method: "POST", body });
  return {
    async submit(task, options = {}) {
      const { idempotencyKey, signal } = options;
      const headers = idempotencyKey === undefined ? {} : { "Idempotency-Key": idempotencyKey };
      const response = await http.send("/api/tasks", {
        method: "POST",
        body: task,
        headers,
        signal,
      });
      const replayed = response.headers.get("Idempotency-Replayed") === "true";
      return { task: await readJson(response, (value) => decodeTask(value)), replayed };
    },
    list: (filter = {}, signal) =>
      http.json("/api/tasks", decodeTaskPage, { query: { ...filter }, signal }),
    get: (taskId, signal) => http.json(pathOf(taskId), (value) => decodeTask(value), { signal }),
    cancel: (taskId) => act(taskId, "cancel"),
    retry: (taskId) => act(taskId, "retry"),
    rerun: (taskId) => act(taskId, "rerun"),
    prioritize: (taskId, priority) => act(taskId, "priority", { priority }),
    release: (taskId) => act(taskId, "release"),
    sendEvent: (taskId, name, payload) => act(taskId, "event", { name, payload }),
    why: (taskId, signal) => http.json(pathOf(taskId, "/why"), decodeWhy, { signal }),
    log: (taskId, page = {}, signal) =>
      http.json(pathOf(taskId, "/log"), decodeLogPage, { query: { ...page }, signal }),
  };
}

function pathOf(taskId: string, rest = ""): string {
  return `/api/tasks/${encodeURIComponent(taskId)}${rest}`;
}
