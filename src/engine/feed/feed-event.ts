import type { ErrorData } from "../../core/errors.ts";
import type { ChatMessage } from "../../core/session/state.ts";
import type { Todo, TodoEvent } from "../../core/session/todos.ts";
import type { Cursor } from "../../core/stream/cursor.ts";
import type { Progress, ToolState } from "../../core/task/events.ts";
import type { TaskView } from "../../core/task/view.ts";

import type { Approval, ApprovalEvent } from "../../core/user/approvals.ts";
import type { Reminder, ReminderEvent } from "../../core/user/reminders.ts";

/**
 * One thing a reader of a task's feed is told. Events of one task are totally ordered by `cursor`; a reader that
 * resumes behind a cursor gets every later event once, in order (SPEC STREAM5). The objects are shared between
 * readers and never changed.
 */
export type FeedEvent = { readonly taskId: string; readonly cursor: Cursor } & (
  | { readonly kind: "state"; readonly task: TaskView }
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "step"; readonly name: string }
  | {
      readonly kind: "tool";
      readonly id: string;
      readonly name: string;
      readonly state: ToolState;
      readonly input?: unknown;
      readonly output?: unknown;
    }
  /** `offset`: UTF-16 offset of the text's first unit in this attempt's text. */
  | {
      readonly kind: "token";
      readonly text: string;
      readonly offset: number;
      readonly attempt: number;
    }
  | { readonly kind: "reasoning"; readonly text: string; readonly attempt: number }
  | {
      readonly kind: "call";
      readonly op: string;
      readonly state: "started" | "ended";
      readonly finish: string | null;
    }
  /** Text from `offset` on is void. `attempt` is the one that goes on. */
  | {
      readonly kind: "reset";
      readonly attempt: number;
      readonly offset: number;
      readonly reason: string;
    }
  | { readonly kind: "end"; readonly task: TaskView }
);

/** A change of a session, for its owner's pages. */
export interface SessionChange {
  readonly kind: "session";
  readonly sessionId: string;
  readonly title: string;
  readonly messages: readonly ChatMessage[];
  readonly activeTaskId: string | null;
  readonly deleted: boolean;
}

/** One fact of a session's todos, for its owner's pages: what they show before it is stored is confirmed by it. */
export interface TodoChange {
  readonly kind: "todo";
  readonly sessionId: string;
  /** Number of the fact in the session's log. */
  readonly seq: number;
  readonly eventId: string;
  readonly actionId: string | null;
  readonly fact: TodoEvent["type"];
  /** `null`: the order of all has changed. */
  readonly todoId: string | null;
  /** The todo as it is now; `null` if it is gone. */
  readonly todo: Todo | null;
}

/** One fact of a reminder, for its owner's pages. */
export interface ReminderChange {
  readonly kind: "reminder";
  /** Number of the fact in the user's log. */
  readonly seq: number;
  readonly fact: ReminderEvent["type"];
  readonly reminderId: string;
  /** The reminder as it is now; `null` if it is gone. */
  readonly reminder: Reminder | null;
}

/** A question of a task has come or needs no answer any more, for its owner's pages. */
export interface ApprovalChange {
  readonly kind: "approval";
  readonly seq: number;
  readonly fact: ApprovalEvent["type"];
  readonly approvalId: string;
  /** The question while it waits. */
  readonly approval: Approval | null;
}

/** What the feed of a user carries: everything of all tasks and sessions, from now on. */
export type UserFeedEvent =
  | FeedEvent
  | SessionChange
  | TodoChange
  | ReminderChange
  | ApprovalChange;

/** True if `a` is behind `b` in a task's total order: facts by number, entries within the attempt. */
export function isAfter(a: Cursor, b: Cursor): boolean {
  if (a.seq !== b.seq) return a.seq > b.seq;
  if (a.attempt !== b.attempt) return a.attempt > b.attempt;
  return a.entry > b.entry;
}

/** An error as feeds show it. */
export type FeedError = ErrorData;
