import type { ErrorCode, ErrorData } from "../../core/errors.ts";
import { formatCursor, type Cursor } from "../../core/stream/cursor.ts";
import { isEnd } from "../../core/task/status.ts";
import type { EstimateView, Place, Progress, TaskView } from "../../engine/index.ts";

/** An error as clients see it. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
}

/** A task as every answer and every `state` event of the own API carries it. */
export interface WireTask {
  readonly id: string;
  readonly userId: string;
  readonly chatId: string | null;
  readonly type: string;
  readonly status: TaskView["status"];
  readonly reason:
    | (NonNullable<TaskView["reason"]> & {
        readonly position?: number;
        readonly estimate?: EstimateView;
        readonly cause?: Place["cause"];
      })
    | null;
  /** Absent in `state` events of an active task. */
  readonly input?: unknown;
  readonly output?: unknown;
  readonly error: WireError | null;
  readonly attempts: number;
  readonly retryCount: number;
  readonly progress: Progress | null;
  readonly partial: string | null;
  readonly messageId: string | null;
  readonly parentId: string | null;
  readonly rootId: string;
  readonly priority: TaskView["priority"];
  readonly queue: string;
  readonly title: string | null;
  /** Follow from here: exactly behind `partial`. Null where no place is known. */
  readonly cursor: string | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
}

/** What surrounds a task's view where it is shown. */
export interface TaskPlace {
  readonly cursor: Cursor | null;
  /** Place in line, if it is known. */
  readonly position?: number | null;
  /** When it may start and end, if it waits in line. */
  readonly estimate?: EstimateView | null;
  /** What holds the line up. */
  readonly cause?: Place["cause"];
}

/** A task whole. Fields are listed one by one: what is not listed is never sent (SPEC SEC4). */
export function taskJson(view: TaskView, place: TaskPlace): WireTask {
  return { ...stateJson(view, place), input: view.input ?? null, output: view.output ?? null };
}

/** A task as a `state` event shows it: without input and output while it is active, whole after its end. */
export function eventTaskJson(view: TaskView, place: TaskPlace): WireTask {
  return isEnd(view.status) ? taskJson(view, place) : stateJson(view, place);
}

function stateJson(view: TaskView, place: TaskPlace): WireTask {
  return {
    id: view.id,
    userId: view.userId,
    chatId: view.chatId,
    type: view.type,
    status: view.status,
    reason: reasonJson(view, place),
    error: errorJson(view.error),
    attempts: view.attempts,
    retryCount: view.retryCount,
    progress: view.progress,
    partial: view.partial,
    messageId: view.messageId,
    parentId: view.parentId,
    rootId: view.rootId,
    priority: view.priority,
    queue: view.queue,
    title: view.title,
    cursor: place.cursor === null ? null : formatCursor(place.cursor),
    createdAt: view.createdAt,
    startedAt: view.startedAt,
    completedAt: view.completedAt,
  };
}

function reasonJson({ reason }: TaskView, place: TaskPlace): WireTask["reason"] {
  const { position = null, estimate = null, cause } = place;
  if (reason === null || position === null) return reason;
  return {
    ...reason,
    position,
    ...(estimate === null ? null : { estimate }),
    ...(cause === undefined ? null : { cause }),
  };
}

/** An error with its code and message only. */
export function errorJson(error: ErrorData | null): WireError | null {
  return error === null ? null : { code: error.code, message: error.message };
}
