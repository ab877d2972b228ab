import { nothing, ok, refuse, type Reply } from "../decider.ts";
import { errorData } from "../errors.ts";
import { actedMax, todosMax } from "../limits.ts";

/** Where a todo came from: the chat message that asks for it. */
export interface TodoSource {
  readonly sessionId: string;
  readonly messageId: string;
}

/** A planner item of a person. `proposed`: somebody else thinks it is one, and the person has not said yes yet. */
export interface Todo {
  readonly id: string;
  readonly text: string;
  readonly status: "proposed" | "open" | "done";
  /** The day it is due, `YYYY-MM-DD` on the person's own calendar. */
  readonly dueDay: string | null;
  readonly source: TodoSource | null;
  /** The task that made it: what one operation made can be undone together. */
  readonly operationId: string | null;
  readonly createdAtMs: number;
  readonly doneAtMs: number | null;
}

/** What is given of a todo when it is made. */
export type NewTodo = Pick<Todo, "id" | "text" | "dueDay" | "source" | "operationId">;

/** What somebody wants of the todos. */
export type TodoAct =
  | { readonly do: "add"; readonly todos: readonly NewTodo[]; readonly proposed?: true }
  | {
      readonly do: "change";
      readonly todoId: string;
      readonly text?: string;
      readonly dueDay?: string | null;
      /** True completes it, false opens it again. */
      readonly done?: boolean;
      /** A proposed one becomes one of the person's own. */
      readonly accepted?: true;
    }
  | { readonly do: "remove"; readonly todoId: string }
  /** Takes back what an operation made, but for what has been done since. */
  | { readonly do: "undo"; readonly operationId: string }
  /** Puts the named ones first, in this order, and dates some. Ids that are not there are passed over. */
  | {
      readonly do: "arrange";
      readonly order: readonly string[];
      readonly dueDays: Readonly<Record<string, string>>;
    };

/** A wish for the todos, in the envelope of seed 001: the same `eventId` or `actionId` again changes nothing. */
export interface TodoCommand {
  readonly type: "todo";
  readonly eventId: string;
  readonly actionId?: string;
  readonly act: TodoAct;
}

/** What names the wish that a fact came from. A wish of several facts numbers them. */
interface Named {
  readonly eventId: string;
  /** Number of the fact among those of its wish; absent: the first. */
  readonly part?: number;
  readonly actionId?: string;
}

/** A fact of todos before it is named. */
type TodoFact =
  | { readonly type: "todo.added"; readonly todo: NewTodo; readonly proposed?: true }
  | {
      readonly type: "todo.changed";
      readonly todoId: string;
      readonly text?: string;
      readonly dueDay?: string | null;
    }
  | {
      readonly type: "todo.accepted" | "todo.completed" | "todo.reopened" | "todo.removed";
      readonly todoId: string;
    }
  | { readonly type: "todos.arranged"; readonly order: readonly string[] };

/** Facts of todos, in the log of their session. */
export type TodoEvent = TodoFact & Named;

/** The todos of a session. */
export interface TodoState {
  /** By id, in the person's order. */
  todos: Map<string, Todo>;
  /** What the last wishes were about, by their `eventId` and `actionId`; the oldest are forgotten. */
  acted: Map<string, readonly string[]>;
}

/** The todo that a fact is about; `null` for the order of all. */
export function todoOf(event: TodoEvent): string | null {
  if (event.type === "todo.added") return event.todo.id;
  return event.type === "todos.arranged" ? null : event.todoId;
}

/** True for a fact of todos. */
export function isTodoEvent(event: { readonly type: string }): event is TodoEvent {
  return event.type.startsWith("todo.") || event.type === "todos.arranged";
}

/** Folds one fact, in place. */
export function evolveTodos(state: TodoState, event: TodoEvent, atMs: number): void {
  const id = todoOf(event);
  remember(state, event.eventId, id);
  if (event.actionId !== undefined) remember(state, event.actionId, id);
  if (event.type === "todo.added") {
    const status = event.proposed === true ? "proposed" : "open";
    state.todos.set(event.todo.id, { ...event.todo, status, createdAtMs: atMs, doneAtMs: null });
    return;
  }
  if (event.type === "todos.arranged") return arrange(state, event.order);
  const todo = state.todos.get(event.todoId);
  if (todo === undefined) return;
  switch (event.type) {
    case "todo.changed": {
      const { text = todo.text, dueDay = todo.dueDay } = event;
      state.todos.set(todo.id, { ...todo, text, dueDay });
      return;
    }
    case "todo.accepted":
    case "todo.reopened":
      state.todos.set(todo.id, { ...todo, status: "open", doneAtMs: null });
      return;
    case "todo.completed":
      state.todos.set(todo.id, { ...todo, status: "done", doneAtMs: atMs });
      return;
    case "todo.removed":
      state.todos.delete(todo.id);
      return;
    default: {
      const never: never = event;
      return never;
    }
  }
}

function remember(state: TodoState, name: string, id: string | null): void {
  const before = state.acted.get(name) ?? [];
  if (id === null || !before.includes(id))
    state.acted.set(name, id === null ? before : [...before, id]);
  for (const oldest of state.acted.keys()) {
    if (state.acted.size <= actedMax) return;
    state.acted.delete(oldest);
  }
}

function arrange(state: TodoState, order: readonly string[]): void {
  const first = order.flatMap((id) => state.todos.get(id) ?? []);
  const inOrder = new Map(first.map((todo) => [todo.id, todo]));
  for (const todo of state.todos.values()) if (!inOrder.has(todo.id)) inOrder.set(todo.id, todo);
  state.todos = inOrder;
}

/**
 * What a wish comes to: facts, and `{todoIds}` as the answer. `{repeated: true}` if its `eventId` or `actionId` is
 * known. Refusals: `not_found`, `limit_exceeded`.
 */
export function decideTodos(
  state: TodoState,
  { eventId, actionId, act }: TodoCommand,
): { readonly events: readonly TodoEvent[]; readonly reply: Reply } {
  const known = state.acted.get(eventId) ?? state.acted.get(actionId ?? "");
  if (known !== undefined) return nothing({ todoIds: known, repeated: true });
  const facts = factsOf(state, act);
  if (typeof facts === "string") return refuse(errorData("not_found", `there is no todo ${facts}`));
  const added = facts.filter(({ type }) => type === "todo.added").length;
  if (added > 0 && state.todos.size + added > todosMax) {
    const message = `a session holds at most ${todosMax} todos; remove some that are done first`;
    return refuse(errorData("limit_exceeded", message));
  }
  const events = facts.map((fact, index): TodoEvent => ({
    ...fact,
    eventId,
    ...(index === 0 ? {} : { part: index }),
    ...(actionId === undefined ? {} : { actionId }),
  }));
  const about = new Set(events.flatMap((event) => todoOf(event) ?? []));
  if (about.size === 0 && "todoId" in act) about.add(act.todoId);
  return { events, reply: ok({ todoIds: [...about] }) };
}

/** The facts of a wish; the id of a todo that is not there. What is so already is no fact. */
function factsOf(state: TodoState, act: TodoAct): TodoFact[] | string {
  switch (act.do) {
    case "add":
      return act.todos
        .filter(({ id }) => !state.todos.has(id))
        .map((todo) => ({
          type: "todo.added",
          todo,
          ...(act.proposed === undefined ? {} : { proposed: act.proposed }),
        }));
    case "change":
      return changed(state, act);
    case "remove":
      return state.todos.has(act.todoId)
        ? [{ type: "todo.removed", todoId: act.todoId }]
        : act.todoId;
    case "undo":
      return [...state.todos.values()]
        .filter(({ operationId, status }) => operationId === act.operationId && status !== "done")
        .map(({ id }) => ({ type: "todo.removed", todoId: id }));
    case "arrange":
      return arranged(state, act);
    default: {
      const never: never = act;
      return never;
    }
  }
}

function changed(
  state: TodoState,
  { todoId, text, dueDay, done, accepted }: Extract<TodoAct, { do: "change" }>,
): TodoFact[] | string {
  const todo = state.todos.get(todoId);
  if (todo === undefined) return todoId;
  const facts: TodoFact[] = [];
  const newText = text !== undefined && text !== todo.text;
  const newDay = dueDay !== undefined && dueDay !== todo.dueDay;
  if (newText || newDay) {
    facts.push({
      type: "todo.changed",
      todoId,
      ...(newText ? { text } : {}),
      ...(newDay ? { dueDay } : {}),
    });
  }
  if (accepted === true && todo.status === "proposed")
    facts.push({ type: "todo.accepted", todoId });
  if (done === true && todo.status !== "done") facts.push({ type: "todo.completed", todoId });
  if (done === false && todo.status === "done") facts.push({ type: "todo.reopened", todoId });
  return facts;
}

function arranged(
  state: TodoState,
  { order, dueDays }: Extract<TodoAct, { do: "arrange" }>,
): TodoFact[] {
  const facts: TodoFact[] = [];
  for (const [todoId, dueDay] of Object.entries(dueDays)) {
    const todo = state.todos.get(todoId);
    if (todo !== undefined && todo.dueDay !== dueDay)
      facts.push({ type: "todo.changed", todoId, dueDay });
  }
  const there = order.filter((id) => state.todos.has(id));
  const now = [...state.todos.keys()].slice(0, there.length);
  if (there.some((id, index) => id !== now[index]))
    facts.push({ type: "todos.arranged", order: there });
  return facts;
}
