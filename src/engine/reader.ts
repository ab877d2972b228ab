import { asKnownToCaller, asQueue, asTask } from "./erased-types.ts";
import { ErrandError } from "../core/errors.ts";
import { depth, why } from "../core/queue/views.ts";
import type { QueueSettings, QueueWhy } from "../core/queue/protocol.ts";
import type { QueueState } from "../core/queue/state.ts";
import type { Estimate } from "../core/schedule/estimate.ts";
import { closedBy } from "../core/schedule/opening.ts";
import { queueScope, taskScope } from "../core/scope.ts";
import { streamId, textOf } from "../core/stream/entry.ts";
import type { Cursor } from "../core/stream/cursor.ts";
import type { TaskState } from "../core/task/state.ts";
import { isEnd } from "../core/task/status.ts";
import { isoTime, taskView, type TaskView } from "../core/task/view.ts";
import type { Clock } from "../ports/host.ts";
import type { Cipher } from "../ports/cipher.ts";
import type { SyncStore, TaskQuery } from "../ports/store.ts";
import { endpointQueue } from "./endpoints.ts";
import { titlePlace } from "./kernel/group.ts";
import type { Kernel } from "./kernel/kernel.ts";
import type { TaskTypes } from "./submit.ts";

/** A task with where to follow it from. */
export interface TaskRead {
  readonly view: TaskView;
  readonly cursor: Cursor;
}

/** A session as lists show it. Times are ISO 8601. */
export interface SessionSummary {
  readonly id: string;
  readonly title: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly activeTaskId: string | null;
}

/** Sessions of one user that may have changed in the same millisecond. */
const tiesMax = 1_000;

/** Why a task is where it is, from the log's facts. */
export interface WhyView {
  readonly taskId: string;
  readonly status: TaskView["status"];
  readonly reason: TaskView["reason"];
  readonly queue:
    | (Omit<QueueWhy, "untilMs" | "estimate"> & {
        readonly estimate: EstimateView | null;
        readonly name: string;
        readonly untilAt?: string;
      })
    | null;
  readonly message: string;
}

/** When a waiting task may start and end, in milliseconds from now. */
export interface EstimateView {
  readonly start: { readonly p50Ms: number; readonly p90Ms: number };
  readonly end: { readonly p50Ms: number; readonly p90Ms: number };
  /** It takes longer than was promised when it came. */
  readonly late: boolean;
}

/** Where a waiting task stands. */
export interface Place {
  readonly position: number;
  readonly estimate: EstimateView | null;
}

/** A queue as people see it. */
export interface QueueView {
  readonly name: string;
  readonly slots: number;
  readonly running: number;
  readonly pending: number;
  readonly perBand: readonly [number, number, number];
  readonly paused: boolean;
  readonly slotsPerKey: number | null;
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  /** Why it grants nothing although it has slots, and until when (ISO 8601); null: nothing holds it back. */
  readonly closed: { readonly code: string; readonly untilAt: string } | null;
}

/** One numbered fact of a task's log, in the envelope of seed 001. */
export interface Envelope {
  readonly event_id: string;
  readonly seq: number;
  readonly type: string;
  readonly timestamp: string;
  readonly payload: unknown;
  readonly request_id: string | null;
  readonly operation_id: string;
  readonly client_action_id: string | null;
  readonly causation_id: string | null;
  readonly user_id: string;
  readonly session_id: string | null;
}

/** Reads for doors. Owners are checked here: a task of another user is `not_found`, like one that never was. */
export class Reader {
  readonly #kernel: Kernel;
  readonly #store: SyncStore;
  readonly #cipher: Cipher;
  readonly #types: TaskTypes;
  readonly #clock: Clock;

  constructor(kernel: Kernel, store: SyncStore, cipher: Cipher, types: TaskTypes, clock: Clock) {
    this.#clock = clock;
    this.#kernel = kernel;
    this.#store = store;
    this.#cipher = cipher;
    this.#types = types;
  }

  /** A task with its partial text. `userId` null reads any user's. */
  async task(taskId: string, userId: string | null): Promise<TaskRead> {
    const read = await this.#kernel.read(taskScope(taskId), (state, seq) => {
      const task = asTask(state);
      if (task.spec === null || (userId !== null && task.spec.userId !== userId)) return null;
      return { view: taskView(task), seq, attempt: task.attempt, ended: isEnd(task.status) };
    });
    if (read === null) throw new ErrandError("not_found", `there is no task ${taskId}`);
    const { view, seq, attempt } = read;
    if (attempt === 0 || (read.ended && view.status === "completed"))
      return { view, cursor: { seq, attempt, entry: 0 } };
    const entries = await this.#kernel.readStream(streamId(taskId, attempt), 0, 100_000);
    return {
      view: { ...view, partial: textOf(entries) },
      cursor: { seq, attempt, entry: entries.length },
    };
  }

  /** A task without its text: cheaper than {@link task}. `userId` null reads any user's. */
  async view(taskId: string, userId: string | null): Promise<TaskView> {
    const view = await this.#kernel.read(taskScope(taskId), (state) => {
      const task = asTask(state);
      return task.spec === null || (userId !== null && task.spec.userId !== userId)
        ? null
        : taskView(task);
    });
    if (view === null) throw new ErrandError("not_found", `there is no task ${taskId}`);
    return view;
  }

  /** True once an attempt of the task has begun. */
  async hasBegun(taskId: string): Promise<boolean> {
    return await this.#kernel.read(taskScope(taskId), (state) => asTask(state).attempt > 0);
  }

  /** One page of a user's sessions, the last changed first, and the time to go on before; ties are kept together. */
  async sessions(
    userId: string,
    before: number | null,
    limit: number,
  ): Promise<{ sessions: readonly SessionSummary[]; next: number | null }> {
    const rows = [...this.#store.sessions(userId, before, limit)];
    const last = rows.at(-1);
    const full = last !== undefined && rows.length === limit;
    if (full) {
      const known = new Set(rows.map((row) => row.chatId));
      const ties = this.#store.sessions(userId, last.updatedAtMs + 1, tiesMax);
      rows.push(
        ...ties.filter((row) => row.updatedAtMs === last.updatedAtMs && !known.has(row.chatId)),
      );
    }
    await this.#cipher.prepare([userId]);
    const sessions = rows.map(({ chatId, title, createdAtMs, updatedAtMs, activeTaskId }) => ({
      id: chatId,
      title: this.#cipher.open(titlePlace(userId, chatId), title),
      createdAt: isoTime(createdAtMs),
      updatedAt: isoTime(updatedAtMs),
      activeTaskId,
    }));
    return { sessions, next: full ? last.updatedAtMs : null };
  }

  /** How many open tasks a user has, counted up to `most`. */
  active(userId: string, most: number): number {
    return this.#store.tasks({ userId, statusClass: "active", limit: most }).length;
  }

  /** One page of tasks, newest first, and the id to go on behind. */
  async tasks(query: TaskQuery): Promise<{ tasks: readonly TaskView[]; next: string | null }> {
    const rows = this.#store.tasks(query);
    const tasks: TaskView[] = [];
    for (const row of rows) {
      const view = await this.#kernel.read(taskScope(row.id), (state) =>
        asTask(state).spec === null ? null : taskView(asTask(state)),
      );
      if (view !== null) tasks.push(view);
    }
    return { tasks, next: rows.length === query.limit ? (rows.at(-1)?.id ?? null) : null };
  }

  /** Facts of a task with numbers above `after`. */
  async log(
    taskId: string,
    userId: string | null,
    after: number,
    limit: number,
  ): Promise<{ events: readonly Envelope[]; next: number | null }> {
    const view = await this.view(taskId, userId);
    const events: Envelope[] = [];
    for (const row of await this.#kernel.readLog(taskScope(taskId))) {
      for (const [index, event] of row.events.entries()) {
        const seq = row.seq + index;
        if (seq <= after) continue;
        if (events.length === limit) return { events, next: seq - 1 };
        events.push(envelope(view, seq, row.atMs, event, row.metas[index] ?? {}));
      }
    }
    return { events, next: null };
  }

  /** Why a task waits, exactly. */
  async why(taskId: string, userId: string | null): Promise<WhyView> {
    const view = await this.view(taskId, userId);
    const asked = await this.#kernel.read(taskScope(taskId), (state) => waitingCall(asTask(state)));
    const queue =
      asked === null
        ? null
        : await this.#kernel.read(queueScope(asked.queue), (state) =>
            why(asQueue(state), asked.call, this.#clock.nowMs()),
          );
    return {
      taskId,
      status: view.status,
      reason: view.reason,
      queue: asked === null || queue === null ? null : whyQueue(asked.queue, queue),
      message: whyMessage(view, asked?.queue ?? null, queue),
    };
  }

  /** All queues with their numbers. */
  async queues(): Promise<readonly QueueView[]> {
    const views: QueueView[] = [];
    for (const name of [...this.#store.queues()].sort()) {
      views.push(
        await this.#kernel.read(queueScope(name), (state) =>
          queueView(asQueue(state), this.#clock.nowMs()),
        ),
      );
    }
    return views;
  }

  /** Settings of a queue as they count now. Throws `not_found` for one that never was. */
  async queueSettings(name: string): Promise<QueueSettings> {
    if (!this.#store.queues().includes(name))
      throw new ErrandError("not_found", `there is no queue "${name.slice(0, 100)}"`);
    return await this.#kernel.read(queueScope(name), (state) => asQueue(state).schedule.settings);
  }

  /** Place in line of a task that waits for a slot; null if it does not. */
  async place(taskId: string): Promise<Place | null> {
    const asked = await this.#kernel.read(taskScope(taskId), (state) => waitingCall(asTask(state)));
    if (asked === null) return null;
    return await this.#kernel.read(queueScope(asked.queue), (state) => {
      const found = why(asQueue(state), asked.call, this.#clock.nowMs());
      return found === null
        ? null
        : { position: found.position, estimate: estimateView(found.estimate) };
    });
  }

  /** Names of the task types of this process. */
  get typeNames(): readonly string[] {
    return this.#types.names;
  }

  /** Queue of a model endpoint. */
  endpointQueue(name: string): string {
    return endpointQueue(name);
  }
}

function queueView(state: QueueState, nowMs: number): QueueView {
  const { settings, opening } = state.schedule;
  const { slotsPerKey, requestsPerMinute = null, tokensPerMinute = null } = settings;
  const closed = closedBy(opening, nowMs);
  return {
    name: state.name,
    ...depth(state),
    slotsPerKey,
    requestsPerMinute,
    tokensPerMinute,
    closed: closed === null ? null : { code: closed.code, untilAt: isoTime(closed.untilMs) },
  };
}

function waitingCall(task: TaskState): { queue: string; call: string } | null {
  if (task.spec === null) return null;
  if (task.phase === "queued" && task.lease !== null)
    return { queue: task.spec.queue, call: task.lease };
  for (const operation of task.operations.values()) {
    if (operation.kind === "call" && operation.state === "pending")
      return { queue: operation.queue, call: operation.call };
  }
  return null;
}

/** An estimate in whole tenths of a second: more would say more than is known. */
function estimateView(estimate: Estimate | null): EstimateView | null {
  if (estimate === null) return null;
  const tidy = (seconds: number): number => Math.round(seconds * 10) * 100;
  const range = ({ p50, p90 }: Estimate["start"]) => ({ p50Ms: tidy(p50), p90Ms: tidy(p90) });
  return { start: range(estimate.start), end: range(estimate.end), late: estimate.late };
}

function whyQueue(name: string, { untilMs, estimate, ...queue }: QueueWhy): WhyView["queue"] {
  return {
    name,
    ...queue,
    estimate: estimateView(estimate),
    ...(untilMs === undefined ? null : { untilAt: isoTime(untilMs) }),
  };
}

/** What holds a queue back, in words that go on after its name. */
const closedWords: Readonly<Record<string, string>> = {
  rate_window: "has used up its rate",
  endpoint_asked: "was asked by its endpoint to wait",
  endpoint_down: "has an endpoint that does not answer",
};

/** What may be expected, as a sentence. */
function expected(estimate: Estimate | null): string {
  if (estimate === null) return "";
  const { p50, p90 } = estimate.start;
  const late = estimate.late ? " That is later than promised." : "";
  return ` It should start in ${roughly(p50)} to ${roughly(p90)}.${late}`;
}

function roughly(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

function whyMessage(view: TaskView, queueName: string | null, queue: QueueWhy | null): string {
  if (queue !== null) {
    const place = queue.position === 1 ? "next in line" : `number ${queue.position} in line`;
    if (queue.code === "queue_paused")
      return `The task is ${place}, but queue "${queueName}" is paused.`;
    const closed = closedWords[queue.code];
    if (closed !== undefined)
      return `The task is ${place}, but queue "${queueName}" ${closed}: it goes on at ${isoTime(queue.untilMs ?? 0)}.`;
    return `The task is ${place} for queue "${queueName}": ${queue.running} of ${queue.slots} slots are taken and ${queue.pending} calls wait.${expected(queue.estimate)}`;
  }
  if (view.reason !== null) {
    const until = view.reason.untilAt === undefined ? "" : ` until ${view.reason.untilAt}`;
    return `The task ${view.reason.message}${until}.`;
  }
  if (view.status === "running") return "The task is running.";
  const error = view.error === null ? "" : `: ${view.error.message}`;
  return `The task is ${view.status}${error}.`;
}

function envelope(
  view: TaskView,
  seq: number,
  atMs: number,
  event: unknown,
  meta: { readonly requestId?: string; readonly actionId?: string; readonly causationId?: string },
): Envelope {
  const { type, ...payload } = asKnownToCaller<{ type: string }>(event);
  return {
    event_id: `${view.id}:${seq}`,
    seq,
    type,
    timestamp: isoTime(atMs),
    payload,
    request_id: meta.requestId ?? null,
    operation_id: view.id,
    client_action_id: meta.actionId ?? null,
    causation_id: meta.causationId ?? null,
    user_id: view.userId,
    session_id: view.chatId,
  };
}
