import { readJson, type Http } from "./http.ts";
import { fieldsOf, textAt, type Fields } from "./shape.ts";

/** A planner item of a person. `proposed`: it waits for a yes. Times are ISO 8601, days `YYYY-MM-DD`. */
export interface Todo {
  readonly id: string;
  readonly text: string;
  readonly status: "proposed" | "open" | "done";
  readonly dueDay: string | null;
  /** The chat message it was found in. */
  readonly source: { readonly sessionId: string; readonly messageId: string } | null;
  readonly operationId: string | null;
  readonly createdAt: string;
  readonly doneAt: string | null;
}

/** One fact of todos from the feed. `todo` is the todo as it is now, null if it is gone or the order of all changed. */
export interface TodoChange {
  readonly fact: string;
  readonly eventId: string;
  readonly actionId: string | null;
  readonly sessionId: string;
  readonly seq: number;
  readonly todoId: string | null;
  readonly todo: Todo | null;
}

/** All todos of a list. `seq` is the number of the last fact in it; `etag` names this state. */
export interface TodoSnapshot {
  readonly sessionId: string;
  readonly todos: readonly Todo[];
  readonly seq: number;
  readonly etag: string | null;
}

/** What a wish came to: the todos it was about, as they are now. */
export interface TodoDone {
  readonly eventId: string;
  readonly todoIds: readonly string[];
  readonly todos: readonly Todo[];
}

/** What may be changed of a todo. */
export interface TodoEdit {
  readonly text?: string;
  readonly dueDay?: string | null;
  readonly done?: boolean;
  readonly accepted?: true;
}

/** What can be done with todos. Under an `actionId` a wish may be sent again. Every call throws `RequestFailed`. */
export interface TodoApi {
  /** Null if the list still has the `etag`. */
  list(options?: {
    readonly sessionId?: string;
    readonly etag?: string | null;
    readonly signal?: AbortSignal;
  }): Promise<TodoSnapshot | null>;
  add(
    todo: { readonly text: string; readonly dueDay?: string | null },
    actionId?: string,
  ): Promise<TodoDone>;
  change(todoId: string, edit: TodoEdit, actionId?: string): Promise<TodoDone>;
  remove(todoId: string, actionId?: string): Promise<TodoDone>;
  /** Takes back what a task has made or proposed. */
  undo(operationId: string, actionId?: string): Promise<TodoDone>;
}

/** Builds the todo calls on a caller. */
export function createTodoApi(http: Http): TodoApi {
  const post = (path: string, body: object, actionId: string | undefined): Promise<TodoDone> =>
    http.json(path, decodeDone, {
      method: "POST",
      body: actionId === undefined ? body : { ...body, client_action_id: actionId },
    });
  return {
    async list({ sessionId, etag = null, signal } = {}) {
      const response = await http.send("/api/todos", {
        query: { sessionId },
        signal,
        headers: etag === null ? {} : { "If-None-Match": etag },
      });
      if (response.status === 304) return null;
      return await readSnapshot(response);
    },
    add: (todo, actionId) => post("/api/todos", todo, actionId),
    change: (todoId, edit, actionId) => post(pathOf(todoId), edit, actionId),
    remove: (todoId, actionId) =>
      http.json(pathOf(todoId), decodeDone, {
        method: "DELETE",
        query: { client_action_id: actionId },
      }),
    undo: (operationId, actionId) => post("/api/todos/undo", { operationId }, actionId),
  };
}

async function readSnapshot(response: Response): Promise<TodoSnapshot> {
  const etag = response.headers.get("ETag");
  return await readJson(response, (value) => {
    const f = fieldsOf(value, "todos");
    const state = f.object("state");
    return {
      sessionId: state.text("sessionId"),
      todos: state.list("todos", decodeTodo),
      seq: f.number("seq"),
      etag,
    };
  });
}

function pathOf(todoId: string): string {
  return `/api/todos/${encodeURIComponent(todoId)}`;
}

function decodeDone(value: unknown): TodoDone {
  const f = fieldsOf(value, "answer");
  return {
    eventId: f.text("event_id"),
    todoIds: f.list("todoIds", textAt),
    todos: f.list("todos", decodeTodo),
  };
}

/** Reads a todo. */
export function decodeTodo(value: unknown, at = "todo"): Todo {
  const f = fieldsOf(value, at);
  const source = f.objectOrNull("source");
  return {
    id: f.text("id"),
    text: f.text("text"),
    status: f.oneOf("status", ["proposed", "open", "done"]),
    dueDay: f.textOrNull("dueDay"),
    source:
      source === null
        ? null
        : { sessionId: source.text("sessionId"), messageId: source.text("messageId") },
    operationId: f.textOrNull("operationId"),
    createdAt: f.text("createdAt"),
    doneAt: f.textOrNull("doneAt"),
  };
}

/** Reads one fact of todos from a feed. */
export function decodeTodoChange(f: Fields): TodoChange {
  const todo = f.json("todo");
  return {
    fact: f.text("type"),
    eventId: f.text("event_id"),
    actionId: f.textOrNull("client_action_id"),
    sessionId: f.text("sessionId"),
    seq: f.number("seq"),
    todoId: f.textOrNull("todoId"),
    todo: todo === null ? null : decodeTodo(todo, "todo.todo"),
  };
}
