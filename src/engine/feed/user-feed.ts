import {
  asSession,
  asSessionEvents,
  asTask,
  asTaskEvents,
  asUser,
  asUserEvents,
} from "../erased-types.ts";
import type { SessionState } from "../../core/session/state.ts";
import { isTodoEvent, todoOf, type TodoEvent } from "../../core/session/todos.ts";
import { offsetAfter } from "../../core/stream/entry.ts";
import type { TaskEvent } from "../../core/task/events.ts";
import type { TaskState } from "../../core/task/state.ts";
import { isEnd } from "../../core/task/status.ts";
import { isApprovalEvent, type ApprovalEvent } from "../../core/user/approvals.ts";
import type { UserState } from "../../core/user/decider.ts";
import { isReminderEvent } from "../../core/user/reminders.ts";
import { taskView } from "../../core/task/view.ts";
import type { Committed } from "../kernel/group.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { StoredEntries } from "../kernel/open-stream.ts";
import { tellAll } from "./tell-all.ts";
import type { ApprovalChange, FeedEvent, TodoChange, UserFeedEvent } from "./feed-event.ts";

type Give = (events: readonly UserFeedEvent[]) => void;

/**
 * Everything that happens to a user's tasks and sessions from now on. It has no history: a page that reconnects
 * starts with the present states and follows single tasks by their cursors.
 */
export class UserFeeds {
  readonly #readers = new Map<string, Set<Give>>();

  constructor(kernel: Kernel) {
    kernel.listen({
      committed: (commit) => this.#committed(commit),
      entries: (stored) => this.#entries(stored),
    });
  }

  /** Adds a reader of a user's feed; answers how to stop. */
  follow(userId: string, give: Give): () => void {
    const readers = this.#readers.get(userId) ?? new Set();
    this.#readers.set(userId, readers);
    readers.add(give);
    return () => {
      readers.delete(give);
      if (readers.size === 0) this.#readers.delete(userId);
    };
  }

  /** True if somebody follows this user's feed here. */
  has(userId: string): boolean {
    return this.#readers.has(userId);
  }

  /** Gives readers what happened in another home of the user. */
  tell(userId: string, events: readonly UserFeedEvent[]): void {
    this.#give(userId, events);
  }

  #give(userId: string, events: readonly UserFeedEvent[]): void {
    if (events.length === 0) return;
    tellAll(this.#readers.get(userId) ?? [], events);
  }

  #committed(commit: Committed): void {
    if (this.#readers.size === 0) return;
    if (commit.scope.startsWith("task/")) this.#task(commit);
    else if (commit.scope.startsWith("session/")) this.#session(commit);
    else if (commit.scope.startsWith("user/")) this.#user(commit);
  }

  #task(commit: Committed): void {
    const state = asTask(commit.state);
    const userId = state.spec?.userId;
    if (userId === undefined || !this.#readers.has(userId)) return;
    const cursor = { seq: commit.seq + commit.events.length - 1, attempt: state.attempt, entry: 0 };
    const at = { taskId: state.id, cursor };
    const events = asTaskEvents(commit.events).flatMap((event): FeedEvent | [] => {
      const told = ofFact(state, event);
      return told === null ? [] : { ...at, ...told };
    });
    const task = taskView(state);
    events.push(
      isEnd(state.status) ? { ...at, kind: "end", task } : { ...at, kind: "state", task },
    );
    this.#give(userId, events);
  }

  #session(commit: Committed): void {
    const state = asSession(commit.state);
    if (!this.#readers.has(state.userId)) return;
    const ids = new Set<string>();
    const told: UserFeedEvent[] = [];
    const facts = asSessionEvents(commit.events);
    for (const [index, event] of facts.entries()) {
      if (isTodoEvent(event)) told.push(todoChange(state, commit.seq + index, event));
      else if (event.type === "message.added") ids.add(event.message.id);
      else if (event.type === "turn.ended" || event.type === "message.kept")
        ids.add(event.messageId);
      else if (event.type === "turn.reopened") ids.add(event.turn.messageId);
    }
    if (told.length < facts.length) {
      told.push({
        kind: "session",
        sessionId: state.chatId,
        title: state.title,
        messages: [...ids].flatMap((id) => state.messages.get(id) ?? []),
        activeTaskId: state.turns[0]?.taskId ?? null,
        deleted: state.deleted,
      });
    }
    this.#give(state.userId, told);
  }

  #user(commit: Committed): void {
    const state = asUser(commit.state);
    if (!this.#readers.has(state.userId)) return;
    const told = asUserEvents(commit.events).flatMap((event, index): UserFeedEvent | [] => {
      if (isApprovalEvent(event)) return approvalChange(state, commit.seq + index, event);
      if (!isReminderEvent(event)) return [];
      const reminderId = event.type === "reminder.set" ? event.reminder.id : event.id;
      const reminder = state.reminders.get(reminderId);
      return {
        kind: "reminder",
        seq: commit.seq + index,
        fact: event.type,
        reminderId,
        reminder: reminder === undefined ? null : { ...reminder },
      };
    });
    this.#give(state.userId, told);
  }

  #entries(stored: StoredEntries): void {
    if (!this.#readers.has(stored.user)) return;
    const slash = stored.stream.lastIndexOf("/");
    const taskId = stored.stream.slice(0, slash);
    const attempt = Number(stored.stream.slice(slash + 1));
    const events: FeedEvent[] = [];
    let { offset } = stored;
    for (const [index, entry] of stored.entries.entries()) {
      const cursor = { seq: 0, attempt, entry: stored.n + index + 1 };
      if (entry.t === "text")
        events.push({ taskId, cursor, kind: "token", text: entry.d, offset, attempt });
      else if (entry.t === "reset")
        events.push({
          taskId,
          cursor,
          kind: "reset",
          attempt,
          offset: entry.o,
          reason: entry.reason,
        });
      offset = offsetAfter(offset, entry);
    }
    this.#give(stored.user, events);
  }
}

function approvalChange(state: UserState, seq: number, event: ApprovalEvent): ApprovalChange {
  const approvalId = event.type === "approval.asked" ? event.approval.id : event.id;
  const approval = state.approvals.get(approvalId);
  return {
    kind: "approval",
    seq,
    fact: event.type,
    approvalId,
    approval: approval === undefined ? null : { ...approval },
  };
}

function todoChange(state: SessionState, seq: number, event: TodoEvent): TodoChange {
  const todoId = todoOf(event);
  return {
    kind: "todo",
    sessionId: state.chatId,
    seq,
    eventId: event.eventId,
    actionId: event.actionId ?? null,
    fact: event.type,
    todoId,
    todo: todoId === null ? null : (state.todos.get(todoId) ?? null),
  };
}

/** What a feed event says, without where. */
type Told = FeedEvent extends infer E
  ? E extends FeedEvent
    ? Omit<E, "taskId" | "cursor">
    : never
  : never;

/** What a fact is told as besides the task's new state. */
function ofFact(state: TaskState, event: TaskEvent): Told | null {
  switch (event.type) {
    case "task.progressed":
      return { kind: "progress", progress: event.progress };
    case "step.completed":
      return { kind: "step", name: event.op.slice("step:".length) };
    case "tool.intended":
      return { kind: "tool", id: event.id, name: event.name, state: "intended" };
    case "tool.settled": {
      const tool = state.operations.get(event.op);
      return {
        kind: "tool",
        id: event.id,
        name: tool?.kind === "tool" ? tool.name : event.op,
        state: event.state,
      };
    }
    case "task.started":
      // What an earlier attempt said is void; a feed without history does not know whether it said anything.
      return event.attempt === 1
        ? null
        : { kind: "reset", attempt: event.attempt, offset: 0, reason: "a new attempt begins" };
    default:
      return null;
  }
}
