import type { Todo } from "../../core/session/todos.ts";
import { isoTime } from "../../core/task/view.ts";
import type { TodoChange } from "../../engine/index.ts";

/** A todo as the own API shows it. */
export interface WireTodo {
  readonly id: string;
  readonly text: string;
  readonly status: Todo["status"];
  readonly dueDay: string | null;
  readonly source: Todo["source"];
  readonly operationId: string | null;
  readonly createdAt: string;
  readonly doneAt: string | null;
}

/** A todo. */
export function todoJson(todo: Todo): WireTodo {
  const { id, text, status, dueDay, source, operationId, createdAtMs, doneAtMs } = todo;
  return {
    id,
    text,
    status,
    dueDay,
    source: source === null ? null : { sessionId: source.sessionId, messageId: source.messageId },
    operationId,
    createdAt: isoTime(createdAtMs),
    doneAt: doneAtMs === null ? null : isoTime(doneAtMs),
  };
}

/** One fact of todos, as a feed tells it: with the ids of its envelope. */
export function todoChangeJson(change: TodoChange): object {
  const { sessionId, seq, eventId, actionId, fact, todoId, todo } = change;
  return {
    type: fact,
    event_id: eventId,
    client_action_id: actionId,
    sessionId,
    seq,
    todoId,
    todo: todo === null ? null : todoJson(todo),
  };
}
