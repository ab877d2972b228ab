import { expect, test } from "vitest";

import { given, START_MS } from "../../../test/given.ts";
import { actedMax, todosMax } from "../limits.ts";
import { sessionScope } from "../scope.ts";
import { sessionDecider, type SessionCommand } from "./decider.ts";
import type { SessionEvent, SessionState } from "./state.ts";
import type { NewTodo, TodoAct } from "./todos.ts";

const PLANNER = sessionScope("ann", "planner");

type Given = ReturnType<typeof given<SessionState, SessionCommand, SessionEvent>>;

function planner(...facts: readonly SessionEvent[]): Given {
  return given(sessionDecider, PLANNER, facts);
}

const todo = (n: number, changes: Partial<NewTodo> = {}): NewTodo => ({
  id: `todo_${n}`,
  text: `thing ${n}`,
  dueDay: null,
  source: null,
  operationId: null,
  ...changes,
});
const wish = (act: TodoAct, eventId = "e", actionId?: string): SessionCommand => ({
  type: "todo",
  eventId,
  ...(actionId === undefined ? {} : { actionId }),
  act,
});
const add = (n: number, eventId = `add ${n}`, actionId?: string): SessionCommand =>
  wish({ do: "add", todos: [todo(n)] }, eventId, actionId);
const added = (n: number, changes: Partial<NewTodo> = {}): SessionEvent => ({
  type: "todo.added",
  todo: todo(n, changes),
  eventId: `add ${n}`,
});
const listed = ({ state }: { readonly state: SessionState }): string[] =>
  [...state.todos.values()].map(({ id, status }) => `${id} ${status}`);

test("[TODO1] a todo is added, changed, completed, opened again and removed, each by a fact", () => {
  const one = planner().when(add(1));
  one
    .then(added(1))
    .answers({ todoIds: ["todo_1"] })
    .rows();
  expect(one.state.todos.get("todo_1")).toEqual({
    ...todo(1),
    status: "open",
    createdAtMs: START_MS,
    doneAtMs: null,
  });
  const changed = one.when(
    wish({ do: "change", todoId: "todo_1", text: "new", dueDay: "2026-12-01" }, "c"),
  );
  changed.then({
    type: "todo.changed",
    todoId: "todo_1",
    text: "new",
    dueDay: "2026-12-01",
    eventId: "c",
  });
  const done = changed.when(wish({ do: "change", todoId: "todo_1", done: true }, "d"));
  done.then({ type: "todo.completed", todoId: "todo_1", eventId: "d" });
  expect(done.state.todos.get("todo_1")).toMatchObject({ status: "done", doneAtMs: START_MS });
  const open = done.when(wish({ do: "change", todoId: "todo_1", done: false }, "o"));
  open.then({ type: "todo.reopened", todoId: "todo_1", eventId: "o" });
  expect(open.state.todos.get("todo_1")).toMatchObject({
    status: "open",
    doneAtMs: null,
    text: "new",
  });
  const gone = open.when(wish({ do: "remove", todoId: "todo_1" }, "r"));
  gone.then({ type: "todo.removed", todoId: "todo_1", eventId: "r" });
  expect(gone.state.todos.size).toBe(0);
});

test("[TODO1] what is so already is no fact, and what is not there is refused", () => {
  const one = planner(added(1));
  one
    .when(wish({ do: "change", todoId: "todo_1", text: "thing 1", done: false }))
    .nothing()
    .answers({ todoIds: ["todo_1"] });
  one.when(wish({ do: "change", todoId: "todo_9", done: true })).refused("not_found");
  one.when(wish({ do: "remove", todoId: "todo_9" })).refused("not_found");
});

test("[TODO1] one wish may change and complete: its facts share its id, and are numbered", () => {
  planner(added(1))
    .when(wish({ do: "change", todoId: "todo_1", text: "new", done: true }, "both"))
    .then(
      { type: "todo.changed", todoId: "todo_1", text: "new", eventId: "both" },
      { type: "todo.completed", todoId: "todo_1", eventId: "both", part: 1 },
    );
});

test("[TODO2] the same event id, or the same action id, changes nothing the second time", () => {
  const one = planner().when(add(1, "e1", "click"));
  one
    .again()
    .nothing()
    .answers({ todoIds: ["todo_1"], repeated: true });
  one
    .when(add(2, "e1"))
    .nothing()
    .answers({ todoIds: ["todo_1"], repeated: true });
  one
    .when(add(2, "e2", "click"))
    .nothing()
    .answers({ todoIds: ["todo_1"], repeated: true });
  const gone = one.when(wish({ do: "remove", todoId: "todo_1" }, "r"));
  gone
    .again()
    .nothing()
    .answers({ todoIds: ["todo_1"], repeated: true });
  gone.when(add(1, "e1")).nothing();
});

test("[TODO2] the last wishes are known, older ones are forgotten", () => {
  const facts = Array.from({ length: actedMax }, (_, n): SessionEvent => ({
    type: "todo.changed",
    todoId: "todo_1",
    text: `${n}`,
    eventId: `e${n}`,
  }));
  const { acted } = planner(added(1), ...facts).state();
  expect(acted.size).toBe(actedMax);
  expect([acted.has("add 1"), acted.has("e0")]).toEqual([false, true]);
});

test("[TODO3] a proposed todo is one's own after a yes; an operation is taken back but for what is done", () => {
  const operationId = "task_1";
  const todos = [todo(1, { operationId }), todo(2, { operationId }), todo(3, { operationId })];
  const proposed = planner(added(9)).when(wish({ do: "add", todos, proposed: true }, "p"));
  expect(listed(proposed)).toEqual([
    "todo_9 open",
    "todo_1 proposed",
    "todo_2 proposed",
    "todo_3 proposed",
  ]);
  const accepted = proposed.when(wish({ do: "change", todoId: "todo_2", accepted: true }, "a"));
  accepted.then({ type: "todo.accepted", todoId: "todo_2", eventId: "a" });
  const done = accepted.when(
    wish({ do: "change", todoId: "todo_1", accepted: true, done: true }, "d"),
  );
  const undone = done.when(wish({ do: "undo", operationId }, "u"));
  expect(listed(undone)).toEqual(["todo_9 open", "todo_1 done"]);
});

test("[TODO1] an order puts the named ones first and dates some; what is gone is passed over", () => {
  const three = planner(added(1), added(2), added(3));
  const act: TodoAct = {
    do: "arrange",
    order: ["todo_3", "todo_9", "todo_1"],
    dueDays: { todo_3: "2026-12-01", todo_9: "2026-12-02" },
  };
  const arranged = three.when(wish(act, "plan"));
  arranged.then(
    { type: "todo.changed", todoId: "todo_3", dueDay: "2026-12-01", eventId: "plan" },
    { type: "todos.arranged", order: ["todo_3", "todo_1"], eventId: "plan", part: 1 },
  );
  expect([...arranged.state.todos.keys()]).toEqual(["todo_3", "todo_1", "todo_2"]);
  arranged.when(wish(act, "plan again")).nothing();
});

test("[LIMIT1] a session holds a limited number of todos", () => {
  const facts = Array.from({ length: todosMax }, (_, n) => added(n));
  planner(...facts)
    .when(add(99_999))
    .refused("limit_exceeded");
});

test("[SESSION10] todos come back from a snapshot, in their order, and so does what was wished", () => {
  const { state } = planner(added(2), added(1)).when(
    wish({ do: "change", todoId: "todo_1", done: true }, "d", "click"),
  );
  const saved = JSON.parse(JSON.stringify(sessionDecider.snapshot?.save(state))) as unknown;
  expect(sessionDecider.snapshot?.load(PLANNER, saved)).toEqual(state);
});

test("[SESSION8] a deleted session has no todos; one that is added begins it anew", () => {
  const deleted = planner(added(1)).when({ type: "delete" });
  expect(deleted.state.todos.size).toBe(0);
  expect(deleted.when(add(2)).state).toMatchObject({ deleted: false });
});
