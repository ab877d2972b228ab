import { formatId } from "../../src/core/ids.ts";
import type { WorldEvent, WorldTodo } from "./stand-in-world.ts";

/** The stand-in's todos: each change is told to the feed with the client's action. */
export interface WorldTodos {
  readonly todos: Map<string, WorldTodo>;
  readonly todoSeq: number;
  putTodo(fields: Partial<WorldTodo>, actionId?: unknown): WorldTodo;
  removeTodo(id: string, actionId?: unknown): WorldTodo;
}

/** Makes an empty list that tells its changes. */
export function worldTodos(tell: (event: WorldEvent) => void): WorldTodos {
  const todos = new Map<string, WorldTodo>();
  let seq = 0;
  const told = (type: string, todoId: string, actionId: unknown): void => {
    seq += 1;
    const data = {
      type,
      event_id: `evt_${seq}`,
      client_action_id: actionId ?? null,
      sessionId: "planner",
      seq,
      todoId,
      todo: todos.get(todoId) ?? null,
    };
    tell({ taskId: null, name: "todo", data, cursor: null });
  };
  return {
    todos,
    get todoSeq() {
      return seq;
    },
    putTodo(fields, actionId) {
      const id = fields.id ?? formatId("todo", Date.now() + todos.size, new Uint8Array(10));
      const before = todos.get(id);
      const todo: WorldTodo = {
        text: "",
        status: "open",
        dueDay: null,
        source: null,
        operationId: null,
        createdAt: new Date().toISOString(),
        ...before,
        ...fields,
        id,
        doneAt: fields.status === "done" ? new Date().toISOString() : null,
      };
      todos.set(id, todo);
      told(before === undefined ? "todo.added" : "todo.changed", id, actionId);
      return todo;
    },
    removeTodo(id, actionId) {
      const todo = todos.get(id);
      if (todo === undefined) throw new Error(`the stand-in knows no todo ${id}`);
      todos.delete(id);
      told("todo.removed", id, actionId);
      return todo;
    },
  };
}
