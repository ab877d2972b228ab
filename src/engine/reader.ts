import { asKnownToCaller, asQueue, asSession, asTask } from "./erased-types.ts";
import { ErrandError } from "../core/errors.ts";
import { why } from "../core/queue/views.ts";
import type { QueueSettings } from "../core/queue/protocol.ts";
import { queueScope, sessionScope, taskScope } from "../core/scope.ts";
import { streamId, textOf } from "../core/stream/entry.ts";
import type { Cursor } from "../core/stream/cursor.ts";
import type { CallResult } from "../core/task/events.ts";
import type { TaskState } from "../core/task/state.ts";
import { isEnd } from "../core/task/status.ts";
import { isoTime, taskView, type TaskView } from "../core/task/view.ts";
import type { Clock } from "../ports/host.ts";
import type { Cipher } from "../ports/cipher.ts";
import type { SyncStore, TaskQuery } from "../ports/store.ts";
import { endpointQueue } from "./endpoints.ts";
import type { Meta } from "./kernel/frame.ts";
import { titlePlace } from "./kernel/group.ts";
import type { OpenedRow } from "./kernel/load.ts";
import type { Kernel } from "./kernel/kernel.ts";
import {
  placeView,
  queueView,
  whyMessage,
  whyQueue,
  type Place,
  type QueueView,
  type WhyView,
} from "./queue-views.ts";
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

/** Rows of one class that a filtered list looks at in one go: about a millisecond of the event loop. */
export const tasksLookedAt = 5_000;

/** One numbered fact of a log, in the envelope of seed 001. */
export interface Envelope {
  readonly event_id: string;
  readonly seq: number;
  readonly type: string;
  readonly timestamp: string;
  readonly payload: unknown;
  readonly request_id: string | null;
  /** The task; `null` where none made it. */
  readonly operation_id: string | null;
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

  /**
   * One page of tasks, newest first, and the id to go on behind. A list that is filtered by what no index knows looks
   * at no more than {@link tasksLookedAt} tasks of a class: its page may be short, even empty, and yet go on.
   */
  async tasks(query: TaskQuery): Promise<{ tasks: readonly TaskView[]; next: string | null }> {
    const { userId, types, sessionId, rootsOnly } = query;
    const isSparse = types !== undefined || sessionId !== undefined || rootsOnly === true;
    const reach =
      userId === null || !isSparse
        ? null
        : this.#store.taskReach({ ...query, userId }, tasksLookedAt);
    const rows = this.#store.tasks({ ...query, ...(reach === null ? {} : { downTo: reach }) });
    const tasks: TaskView[] = [];
    // Who goes on to the next stretch lets other work have its turn: a store that answers at once never yields.
    if (reach !== null && rows.length < query.limit)
      await new Promise<void>((go) => void setTimeout(go, 0));
    for (const row of rows) {
      const view = await this.#kernel.read(taskScope(row.id), (state) =>
        asTask(state).spec === null ? null : taskView(asTask(state)),
      );
      if (view !== null) tasks.push(view);
    }
    return { tasks, next: rows.length === query.limit ? (rows.at(-1)?.id ?? null) : reach };
  }

  /** The newest tasks of a filtered list, as many as there are up to `limit`, however far down they lie. */
  async tasksAll(query: TaskQuery): Promise<readonly TaskView[]> {
    const found: TaskView[] = [];
    let { before } = query;
    for (;;) {
      const from = before === undefined ? {} : { before };
      // Stretch after stretch: the next begins behind the last.
      // oxlint-disable-next-line no-await-in-loop
      const page = await this.tasks({ ...query, ...from, limit: query.limit - found.length });
      found.push(...page.tasks);
      if (page.next === null || found.length >= query.limit) return found;
      before = page.next;
    }
  }

  /** Facts of a task with numbers above `after`. */
  async log(
    taskId: string,
    userId: string | null,
    after: number,
    limit: number,
  ): Promise<{ events: readonly Envelope[]; next: number | null }> {
    const { id, chatId, userId: owner } = await this.view(taskId, userId);
    const place = { id, operationId: id, userId: owner, chatId };
    return pageOf(await this.#kernel.readLog(taskScope(taskId)), after, limit, place);
  }

  /**
   * Facts of a session with numbers above `after`, as far as no snapshot has replaced them; `null` if there is no such
   * session.
   */
  async sessionLog(
    userId: string,
    chatId: string,
    after: number,
    limit: number,
  ): Promise<{ events: readonly Envelope[]; next: number | null } | null> {
    const scope = sessionScope(userId, chatId);
    const isThere = await this.#kernel.read(
      scope,
      (state, seq) => seq > 0 && !asSession(state).deleted,
    );
    if (!isThere) return null;
    return pageOf(await this.#kernel.readLog(scope), after, limit, {
      id: `${userId}/${chatId}`,
      operationId: null,
      userId,
      chatId,
    });
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
    for (const name of [...this.#store.queues()].sort()) views.push(await this.queue(name));
    return views;
  }

  /** Results of a task's finished model calls, by the name of each. */
  async callResults(taskId: string): Promise<ReadonlyMap<string, CallResult>> {
    return await this.#kernel.read(taskScope(taskId), (state) => {
      const results = new Map<string, CallResult>();
      for (const [op, operation] of asTask(state).operations)
        if (operation.kind === "call" && operation.result !== null)
          results.set(op, operation.result);
      return results;
    });
  }

  /** One queue with its numbers. */
  async queue(name: string): Promise<QueueView> {
    return await this.#kernel.read(queueScope(name), (state) =>
      queueView(asQueue(state), this.#clock.nowMs()),
    );
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
      return found === null ? null : placeView(found);
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

/** Whose log it is that facts are read from. */
interface LogPlace {
  readonly id: string;
  readonly operationId: string | null;
  readonly userId: string;
  readonly chatId: string | null;
}

function pageOf(
  rows: readonly OpenedRow[],
  after: number,
  limit: number,
  place: LogPlace,
): { events: readonly Envelope[]; next: number | null } {
  const events: Envelope[] = [];
  for (const row of rows) {
    for (const [index, event] of row.events.entries()) {
      const seq = row.seq + index;
      if (seq <= after) continue;
      if (events.length === limit) return { events, next: seq - 1 };
      events.push(envelope(place, seq, row.atMs, event, row.metas[index] ?? {}));
    }
  }
  return { events, next: null };
}

/** A fact that came in an envelope of its own keeps that one's id; the others are named by their place. */
function envelope(
  place: LogPlace,
  seq: number,
  atMs: number,
  event: unknown,
  meta: Meta,
): Envelope {
  const { type, eventId, part, ...payload } = asKnownToCaller<{
    type: string;
    eventId?: string;
    part?: number;
    taskId?: string;
  }>(event);
  const own = eventId === undefined ? null : part === undefined ? eventId : `${eventId}:${part}`;
  return {
    event_id: own ?? `${place.id}:${seq}`,
    seq,
    type,
    timestamp: isoTime(atMs),
    payload,
    request_id: meta.requestId ?? null,
    operation_id: place.operationId ?? payload.taskId ?? null,
    client_action_id: meta.actionId ?? null,
    causation_id: meta.causationId ?? null,
    user_id: place.userId,
    session_id: place.chatId,
  };
}
