import { expect, test } from "vitest";

import type { Todo, TodoChange } from "../../client/index.ts";
import { initialState } from "./page-state.ts";
import type { PageState } from "./page-state.ts";
import { reduceTodo, shownTodos } from "./reduce-todo.ts";
import type { TodoAction, TodoWish } from "./reduce-todo.ts";
import { pageShell } from "../../../test/page-shell.ts";

const blank = initialState(
  { sessionId: null, taskId: null },
  { ...pageShell, tab: "todos" },
  false,
);
const todo = (n: number, changes: Partial<Todo> = {}): Todo => ({
  id: `todo_${n}`,
  text: `thing ${n}`,
  status: "open",
  dueDay: null,
  source: null,
  operationId: null,
  createdAt: "2026-01-01T00:00:00.000Z",
  doneAt: null,
  ...changes,
});
const wish = (changes: Partial<TodoWish>): TodoAction => ({
  type: "todoWished",
  wish: { actionId: "tap", todoId: "todo_1", kind: "change", edit: {}, atMs: 0, ...changes },
});
const change = (seq: number, changes: Partial<TodoChange> = {}): TodoAction => ({
  type: "todoChanged",
  change: {
    fact: "todo.changed",
    eventId: `e${seq}`,
    actionId: null,
    sessionId: "planner",
    seq,
    todoId: "todo_1",
    todo: todo(1),
    ...changes,
  },
});
const loaded: TodoAction = {
  type: "todosLoaded",
  snapshot: { sessionId: "planner", todos: [todo(1), todo(2)], seq: 2, etag: null },
};
const run = (...actions: readonly TodoAction[]): PageState => actions.reduce(reduceTodo, blank);
const shown = (state: PageState): string[] =>
  shownTodos(state.todos).map(
    ({ id, status, isPending }) => `${id} ${status}${isPending ? " ?" : ""}`,
  );

test("[WEB61] a wish is shown at once, and is the log's when the log tells it", () => {
  const wished = [loaded, wish({ edit: { done: true } })];
  expect(shown(run(...wished))).toEqual(["todo_1 done ?", "todo_2 open"]);
  const told = change(3, { actionId: "tap", todo: todo(1, { status: "done" }) });
  expect(shown(run(...wished, told))).toEqual(["todo_1 done", "todo_2 open"]);
});

test("[WEB61] answer and feed may come in either order, and a todo that is added is there once", () => {
  const adding = wish({ kind: "add", todoId: "call_1", edit: { text: "new" } });
  const stored: TodoAction = { type: "todoStored", actionId: "tap", todos: [todo(3)] };
  const told = change(3, { actionId: "tap", todoId: "todo_3", todo: todo(3) });
  const expected = ["todo_1 open", "todo_2 open", "todo_3 open"];
  expect(shown(run(loaded, adding))).toEqual(["todo_1 open", "todo_2 open", "call_1 open ?"]);
  expect(shown(run(loaded, adding, stored, told))).toEqual(expected);
  expect(shown(run(loaded, adding, told, stored))).toEqual(expected);
});

test("[WEB62] what is taken back is as it was", () => {
  const taken: TodoAction = { type: "todoTakenBack", actionId: "tap" };
  for (const wanted of [
    wish({ edit: { done: true } }),
    wish({ kind: "remove" }),
    wish({ kind: "add" }),
  ])
    expect(shown(run(loaded, wanted, taken))).toEqual(["todo_1 open", "todo_2 open"]);
});

test("[WEB61] an older fact and an older snapshot change nothing", () => {
  const newer = change(5, { todo: null });
  expect(shown(run(loaded, newer, change(4)))).toEqual(["todo_2 open"]);
  expect(shown(run(loaded, newer, loaded))).toEqual(["todo_2 open"]);
});
