import type { ErrorData } from "../core/errors.ts";
import type { DayPlan, Summary } from "../core/session/planner.ts";
import type { ChatMessage } from "../core/session/state.ts";
import type { Todo, TodoAct, TodoSource } from "../core/session/todos.ts";
import type { Reminder } from "../core/user/reminders.ts";
import type { TaskView } from "../core/task/view.ts";
import type { LaneAdded, LaneStart, ReminderWish, TodoDraft, WhyView } from "../engine/index.ts";

/** A user's line of notes: what runs, what waits in which order, and whether it runs by itself. */
export interface NoteLine {
  readonly current: string | null;
  readonly waiting: readonly string[];
  readonly auto: boolean;
}

/** A note on its way into its user's line. */
export interface NewNote {
  readonly userId: string;
  readonly sessionId: string | null;
  readonly text: string;
  /** The same key again is the same note. */
  readonly key: string;
}

/** Who does something to todos: the task, and the key of its step. */
export interface TodoBy {
  readonly key: string;
  readonly operationId: string;
  readonly proposed?: true;
}

/** What is remembered of a session. */
export interface SessionMemory {
  readonly messages: readonly ChatMessage[];
  readonly summary: Summary | null;
}

/** A plan on its way into the planner. */
export interface NewPlan {
  readonly plan: Omit<DayPlan, "atMs">;
  readonly dueDays: Readonly<Record<string, string>>;
  /** Texts of todos to propose. */
  readonly proposals: readonly string[];
  /** Says it in the planner's session. */
  readonly tell: boolean;
}

/** The model that chats are answered with. */
export interface ChatModel {
  readonly model: string;
  /** Where it is served; null if that is not told. */
  readonly baseUrl: string | null;
  /** Why it does not answer just now; null if nothing is known against it. */
  readonly trouble: string | null;
}

/**
 * What the built-in tasks may know and do about the tasks and sessions of the user they work for. Every method takes
 * the user, and another user's things are as if they were not there. Whoever calls one that changes something from
 * inside a task wraps it in `ctx.step`; those methods may be repeated with the same arguments.
 */
export interface Desk {
  nowMs(): number;
  /** The user's line of notes. */
  notes(userId: string): Promise<NoteLine>;
  /** Adds a note to the end of the line. Errors: `too_large`, `queue_full`. */
  addNote(note: NewNote): Promise<LaneAdded>;
  /** Starts this note if no other one runs. */
  startNote(userId: string, taskId: string): Promise<LaneStart>;
  /** Lets the line run by itself, or no longer. Answers the note that began by it, if one did. */
  setAuto(userId: string, auto: boolean): Promise<string | null>;
  /** A task of the user; `null` if there is none of that id. */
  task(userId: string, taskId: string): Promise<TaskView | null>;
  /**
   * The user's jobs: tasks that are neither chat turns nor subtasks. Newest first by the time they were made, at
   * most `limit` (1..100).
   */
  jobs(userId: string, which: "active" | "ended", limit: number): Promise<readonly TaskView[]>;
  /** Why a task of the user is where it is; `null` if there is none of that id. */
  why(userId: string, taskId: string): Promise<WhyView | null>;
  /** Cancels a task of the user. Answers the reason if that cannot be. */
  cancel(userId: string, taskId: string): Promise<ErrorData | null>;
  /** Messages of a session in order; none if there is no such session. */
  messages(userId: string, sessionId: string): Promise<readonly ChatMessage[]>;
  /** The day it is, in the host's time zone or the one that is named: `YYYY-MM-DD`. */
  today(timeZone?: string): string;
  /** The user's message that a turn's task answers; `null` if that task answers none. */
  messageOf(userId: string, sessionId: string, taskId: string): Promise<TodoSource | null>;
  /** The user's todos in their order. */
  todos(userId: string): Promise<readonly Todo[]>;
  /** Adds todos. The same `key` again adds none. Errors: `limit_exceeded`. */
  addTodos(userId: string, drafts: readonly TodoDraft[], by: TodoBy): Promise<readonly Todo[]>;
  /** Does something to the todos; ids that are gone are passed over. The same `key` again changes nothing. */
  changeTodos(
    userId: string,
    act: Exclude<TodoAct, { do: "add" }>,
    by: TodoBy,
  ): Promise<readonly Todo[]>;
  /** The zone of the user's own clock, else the host's. */
  zoneOf(userId: string): Promise<string>;
  /** The user's reminders, those that come next first. */
  reminders(userId: string): Promise<readonly Reminder[]>;
  /** Sets a reminder; the same `actionId` again is the same one. Errors: `invalid_request`, `limit_exceeded`. */
  addReminder(
    userId: string,
    wish: ReminderWish & { readonly actionId: string },
  ): Promise<Reminder>;
  /** Puts a reminder off; false if it is gone. */
  snoozeReminder(userId: string, id: string, untilMs: number): Promise<boolean>;
  /** Removes a reminder; false if it is gone. */
  removeReminder(userId: string, id: string): Promise<boolean>;
  /** A session's messages and its summary. */
  memory(userId: string, sessionId: string): Promise<SessionMemory>;
  /** Stores a summary with its session, once for its task. */
  summarize(userId: string, sessionId: string, summary: Omit<Summary, "atMs">): Promise<void>;
  /** Stores a plan with the order, days and proposals it makes, in one commit, once for its task. */
  plan(userId: string, made: NewPlan): Promise<void>;
  /** Lets a session be summed up in the background, once for the same `key`. */
  summarizeSoon(userId: string, sessionId: string, key: string): Promise<void>;
  /** The model that serves the role `chat`; `null` if none is connected. */
  chatModel(): ChatModel | null;
  /** Names of roles that this server's owner has added to Errand's own: specialised workers. */
  workerRoles(): readonly string[];
}
