import { asQueue, asSession, asTask, asUser } from "./erased-types.ts";
import { ErrandError } from "../core/errors.ts";
import { why } from "../core/queue/views.ts";
import type { Priority, QueueSettings, QueueWhy } from "../core/queue/protocol.ts";
import { queueScope, sessionScope, taskScope, userScope, type Scope } from "../core/scope.ts";
import type { Todo } from "../core/session/todos.ts";
import { streamId, textOf } from "../core/stream/entry.ts";
import type { Cursor } from "../core/stream/cursor.ts";
import type { CallResult } from "../core/task/events.ts";
import type { TaskState } from "../core/task/state.ts";
import { isEnd } from "../core/task/status.ts";
import { isoTime, taskView, type TaskView } from "../core/task/view.ts";
import type { Clock } from "../ports/host.ts";
import type { Cipher } from "../ports/cipher.ts";
import type { SyncStore, TaskQuery } from "../ports/store.ts";
import { startOfNew } from "./admission.ts";
import { pageOf, type Envelope } from "./envelope.ts";
import type { Homes, Readings } from "./homes.ts";
import { titlePlace } from "./kernel/group.ts";
import type { Kernel } from "./kernel/kernel.ts";
import { personView, sessionMemory, type PersonView, type SessionMemory } from "./person-view.ts";
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

/** A lane: the task that runs, those that wait in order, and whether it runs by itself. */
export interface LaneView {
  readonly current: string | null;
  readonly waiting: readonly string[];
  readonly auto: boolean;
}

/** What a reader needs besides its kernel. */
export interface ReaderPorts {
  readonly store: SyncStore;
  readonly cipher: Cipher;
  readonly types: TaskTypes;
  readonly clock: Clock;
  readonly homes?: Homes | undefined;
}

/** Sessions of one user that may have changed in the same millisecond. */
const tiesMax = 1_000;

/** Rows of one class that a filtered list looks at in one go: about a millisecond of the event loop. */
export const tasksLookedAt = 5_000;

/** Reads for doors. Owners are checked here: a task of another user is `not_found`, like one that never was. */
export class Reader {
  readonly #kernel: Kernel;
  readonly #store: SyncStore;
  readonly #cipher: Cipher;
  readonly #types: TaskTypes;
  readonly #clock: Clock;
  readonly #homes: Homes | undefined;

  constructor(kernel: Kernel, ports: ReaderPorts) {
    this.#kernel = kernel;
    this.#clock = ports.clock;
    this.#store = ports.store;
    this.#cipher = ports.cipher;
    this.#types = ports.types;
    this.#homes = ports.homes;
  }

  /** The reader of the home that a scope lives in; `null`: it lives here. */
  #away(scope: Scope): Readings | null {
    const homes = this.#homes;
    return homes === undefined || homes.isLocal(scope) ? null : homes.reader(scope);
  }

  async #awayTask(taskId: string): Promise<Readings | null> {
    await this.#homes?.find(taskId);
    return this.#away(taskScope(taskId));
  }

  /** A task with its partial text. `userId` null reads any user's. */
  async task(taskId: string, userId: string | null): Promise<TaskRead> {
    const away = await this.#awayTask(taskId);
    if (away !== null) return await away.task(taskId, userId);
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
    const away = await this.#awayTask(taskId);
    if (away !== null) return await away.view(taskId, userId);
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
    const away = this.#away(userScope(userId));
    if (away !== null) return await away.sessions(userId, before, limit);
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
    const { userId, types, sessionId, rootsOnly, parentId } = query;
    // Children live with their parent; a user's lists stand with the user.
    const away = userId === null || parentId !== undefined ? null : this.#away(userScope(userId));
    if (away !== null) return await away.tasks(query);
    const isSparse = types !== undefined || sessionId !== undefined || rootsOnly === true;
    const reach =
      userId === null || !isSparse
        ? null
        : this.#store.taskReach({ ...query, userId }, tasksLookedAt);
    const rows = this.#store.tasks({ ...query, ...(reach === null ? {} : { downTo: reach }) });
    // Who goes on to the next stretch lets other work have its turn: a store that answers at once never yields.
    if (reach !== null && rows.length < query.limit)
      await new Promise<void>((go) => void setTimeout(go, 0));
    const views = await Promise.all(rows.map(({ id }) => this.#viewOrNull(id)));
    const tasks = views.filter((view) => view !== null);
    return { tasks, next: rows.length === query.limit ? (rows.at(-1)?.id ?? null) : reach };
  }

  /** A row may be there before its task's home has it, or after. */
  async #viewOrNull(taskId: string): Promise<TaskView | null> {
    try {
      return await this.view(taskId, null);
    } catch (error) {
      if (error instanceof ErrandError && error.code === "not_found") return null;
      throw error;
    }
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
    const away = await this.#awayTask(taskId);
    if (away !== null) return await away.log(taskId, userId, after, limit);
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
    const away = await this.#awayTask(taskId);
    if (away !== null) return await away.why(taskId, userId);
    const view = await this.view(taskId, userId);
    const asked = await this.#kernel.read(taskScope(taskId), (state) => waitingCall(asTask(state)));
    const queue = asked === null ? null : await this.waits(asked.queue, asked.call);
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
    return await Promise.all(this.#queueNames().map((name) => this.queue(name)));
  }

  #queueNames(): string[] {
    return [...(this.#homes?.queues ?? this.#store.queues())].sort();
  }

  /** Why a call waits in a queue; `null` if it does not. */
  async waits(queue: string, call: string): Promise<QueueWhy | null> {
    const away = this.#away(queueScope(queue));
    if (away !== null) return await away.waits(queue, call);
    return await this.#kernel.read(queueScope(queue), (state) =>
      why(asQueue(state), call, this.#clock.nowMs()),
    );
  }

  /** A user's reminders, questions and clock. */
  async person(userId: string): Promise<PersonView> {
    const away = this.#away(userScope(userId));
    return away === null ? await personView(this.#kernel, userId) : await away.person(userId);
  }

  /** A session's messages, summary and plan; `null` if there is none, or it was deleted. */
  async memory(userId: string, chatId: string): Promise<SessionMemory | null> {
    const away = this.#away(sessionScope(userId, chatId));
    if (away !== null) return await away.memory(userId, chatId);
    return await sessionMemory(this.#kernel, userId, chatId);
  }

  /** All todos of a session in their order, and the number of the session's last fact. */
  async todos(
    userId: string,
    sessionId: string,
  ): Promise<{ readonly todos: readonly Todo[]; readonly seq: number }> {
    const scope = sessionScope(userId, sessionId);
    const away = this.#away(scope);
    if (away !== null) return await away.todos(userId, sessionId);
    return await this.#kernel.read(scope, (state, seq) => ({
      todos: [...asSession(state).todos.values()],
      seq,
    }));
  }

  /** A lane of a user as it stands. */
  async lane(userId: string, lane: string): Promise<LaneView> {
    const away = this.#away(userScope(userId));
    if (away !== null) return await away.lane(userId, lane);
    return await this.#kernel.read(userScope(userId), (state) => {
      const { current = null, waiting = [], auto = false } = asUser(state).lanes.get(lane) ?? {};
      return { current, waiting: [...waiting], auto };
    });
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
    const away = this.#away(queueScope(name));
    if (away !== null) return await away.queue(name);
    return await this.#kernel.read(queueScope(name), (state) =>
      queueView(asQueue(state), this.#clock.nowMs()),
    );
  }

  /** When a call that is asked for now would start, half of the cases, in seconds from now; `null`: nobody can say. */
  async startOfNew(
    name: string,
    asked: { readonly priority: Priority; readonly key: string; readonly type: string },
  ): Promise<number | null> {
    const away = this.#away(queueScope(name));
    if (away !== null) return await away.startOfNew(name, asked);
    return await this.#kernel.read(queueScope(name), (state) =>
      startOfNew(asQueue(state).schedule, asked, this.#clock.nowMs()),
    );
  }

  /** Settings of a queue as they count now. Throws `not_found` for one that never was. */
  async queueSettings(name: string): Promise<QueueSettings> {
    if (!this.#queueNames().includes(name))
      throw new ErrandError("not_found", `there is no queue "${name.slice(0, 100)}"`);
    const away = this.#away(queueScope(name));
    if (away !== null) return await away.queueSettings(name);
    return await this.#kernel.read(queueScope(name), (state) => asQueue(state).schedule.settings);
  }

  /** Place in line of a task that waits for a slot; null if it does not. */
  async place(taskId: string): Promise<Place | null> {
    const away = await this.#awayTask(taskId);
    if (away !== null) return await away.place(taskId);
    const asked = await this.#kernel.read(taskScope(taskId), (state) => waitingCall(asTask(state)));
    const found = asked === null ? null : await this.waits(asked.queue, asked.call);
    return found === null ? null : placeView(found);
  }

  /** Names of the task types of this process. */
  get typeNames(): readonly string[] {
    return this.#types.names;
  }
}

/** The call that keeps a task in a line; `null` if it runs, or waits to be tried again. */
function waitingCall(task: TaskState): { queue: string; call: string } | null {
  if (task.spec === null || task.status === "running" || task.reason?.code === "backoff")
    return null;
  if (task.phase === "queued" && task.lease !== null)
    return { queue: task.spec.queue, call: task.lease };
  for (const operation of task.operations.values()) {
    if (operation.kind === "call" && operation.state === "pending")
      return { queue: operation.queue, call: operation.call };
  }
  return null;
}
