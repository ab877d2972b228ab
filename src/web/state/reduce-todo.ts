import type {
  Approval,
  ApprovalChange,
  Failure,
  Reminder,
  ReminderChange,
  Todo,
  TodoChange,
  TodoEdit,
  TodoSnapshot,
} from "../../client/index.ts";
import type { Load, PageState } from "./page-state.ts";

/** What a person wants of the todos and the log has not confirmed yet: shown as if it were so. */
export interface TodoWish {
  /** The `client_action_id`: the log's fact of it carries the same. */
  readonly actionId: string;
  readonly todoId: string;
  readonly kind: "add" | "change" | "remove";
  readonly edit: TodoEdit;
  readonly atMs: number;
}

/** The todos as the log has them, and what is wished on top. */
export interface TodosState {
  readonly load: Load;
  readonly todos: readonly Todo[];
  /** Number of the last fact that `todos` holds. */
  readonly seq: number;
  readonly etag: string | null;
  readonly wishes: readonly TodoWish[];
  readonly reminders: readonly Reminder[];
  /** What tasks ask, the oldest first. */
  readonly approvals: readonly Approval[];
}

/** What happened to todos. */
export type TodoAction =
  | { readonly type: "todosLoading" }
  | { readonly type: "todosLoaded"; readonly snapshot: TodoSnapshot }
  | { readonly type: "todosFailed"; readonly failure: Failure }
  | { readonly type: "todoWished"; readonly wish: TodoWish }
  /** The server has stored the wish; these todos are as they are now. */
  | { readonly type: "todoStored"; readonly actionId: string; readonly todos: readonly Todo[] }
  /** It was refused, or is lost: what was shown is taken back. */
  | { readonly type: "todoTakenBack"; readonly actionId: string }
  | { readonly type: "todoChanged"; readonly change: TodoChange }
  | { readonly type: "remindersLoaded"; readonly reminders: readonly Reminder[] }
  | { readonly type: "reminderChanged"; readonly change: ReminderChange }
  | { readonly type: "approvalsLoaded"; readonly approvals: readonly Approval[] }
  | { readonly type: "approvalChanged"; readonly change: ApprovalChange };

/** No todos yet. */
export const noTodos: TodosState = {
  load: { is: "idle" },
  todos: [],
  seq: 0,
  etag: null,
  wishes: [],
  reminders: [],
  approvals: [],
};

/** What an action about todos makes of the page. */
export function reduceTodo(state: PageState, action: TodoAction): PageState {
  return { ...state, todos: next(state.todos, action) };
}

function next(state: TodosState, action: TodoAction): TodosState {
  switch (action.type) {
    case "todosLoading":
      return state.load.is === "ready" ? state : { ...state, load: { is: "loading" } };
    case "todosLoaded": {
      const { todos, seq, etag } = action.snapshot;
      // A fact of the feed was faster than this answer.
      if (seq < state.seq) return { ...state, load: { is: "ready" } };
      return { ...state, load: { is: "ready" }, todos, seq, etag };
    }
    case "todosFailed":
      return { ...state, load: { is: "failed", failure: action.failure } };
    case "todoWished":
      return { ...state, wishes: [...state.wishes, action.wish] };
    case "todoStored": {
      const wish = state.wishes.find(({ actionId }) => actionId === action.actionId);
      if (wish === undefined) return state;
      const rest = without(state, action.actionId);
      if (wish.kind === "remove") return { ...rest, todos: removed(rest.todos, wish.todoId) };
      return action.todos.reduce(
        (after, todo) => ({ ...after, todos: put(after.todos, todo) }),
        rest,
      );
    }
    case "todoTakenBack":
      return without(state, action.actionId);
    case "todoChanged":
      return changed(state, action.change);
    case "approvalsLoaded":
      return { ...state, approvals: action.approvals };
    case "approvalChanged": {
      const { approval, approvalId } = action.change;
      const others = state.approvals.filter(({ id }) => id !== approvalId);
      return { ...state, approvals: approval === null ? others : [...others, approval] };
    }
    case "remindersLoaded":
      return { ...state, reminders: inOrder(action.reminders) };
    case "reminderChanged": {
      const { reminder, reminderId } = action.change;
      const others = state.reminders.filter(({ id }) => id !== reminderId);
      return { ...state, reminders: inOrder(reminder === null ? others : [...others, reminder]) };
    }
    default: {
      const never: never = action;
      return never;
    }
  }
}

function changed(state: TodosState, { actionId, seq, todoId, todo }: TodoChange): TodosState {
  const rest = actionId === null ? state : without(state, actionId);
  if (seq <= state.seq || todoId === null) return rest;
  const todos = todo === null ? removed(rest.todos, todoId) : put(rest.todos, todo);
  return { ...rest, todos, seq };
}

/** What has come first, because it waits for an answer; then by time. */
function inOrder(reminders: readonly Reminder[]): readonly Reminder[] {
  return reminders.toSorted((a, b) => ((a.nextAt ?? "") < (b.nextAt ?? "") ? -1 : 1));
}

function without(state: TodosState, actionId: string): TodosState {
  return { ...state, wishes: state.wishes.filter((wish) => wish.actionId !== actionId) };
}

function put(todos: readonly Todo[], todo: Todo): readonly Todo[] {
  const known = todos.some(({ id }) => id === todo.id);
  return known ? todos.map((other) => (other.id === todo.id ? todo : other)) : [...todos, todo];
}

function removed(todos: readonly Todo[], todoId: string): readonly Todo[] {
  return todos.filter(({ id }) => id !== todoId);
}

/** A todo as the page shows it. `isPending`: the log has not confirmed what is shown of it. */
export interface ShownTodo extends Todo {
  readonly isPending: boolean;
}

/** The todos with every wish on top, in order. */
export function shownTodos({ todos, wishes }: TodosState): readonly ShownTodo[] {
  let shown: readonly ShownTodo[] = todos.map((todo) => ({ ...todo, isPending: false }));
  for (const wish of wishes) shown = wished(shown, wish);
  return shown;
}

function wished(shown: readonly ShownTodo[], wish: TodoWish): readonly ShownTodo[] {
  const { todoId, kind, edit, atMs } = wish;
  if (kind === "remove") return shown.filter(({ id }) => id !== todoId);
  if (kind === "add") return [...shown, { ...drafted(wish), isPending: true }];
  return shown.map((todo) => {
    if (todo.id !== todoId) return todo;
    const { text = todo.text, dueDay = todo.dueDay } = edit;
    const status = statusAfter(todo, edit);
    const doneAt = status === "done" ? (todo.doneAt ?? new Date(atMs).toISOString()) : null;
    return { ...todo, text, dueDay, status, doneAt, isPending: true };
  });
}

function drafted({ todoId, edit, atMs }: TodoWish): Todo {
  return {
    id: todoId,
    text: edit.text ?? "",
    status: "open",
    dueDay: edit.dueDay ?? null,
    source: null,
    operationId: null,
    createdAt: new Date(atMs).toISOString(),
    doneAt: null,
  };
}

function statusAfter({ status }: Todo, { done, accepted }: TodoEdit): Todo["status"] {
  if (done === true) return "done";
  if (done === false && status === "done") return "open";
  return accepted === true && status === "proposed" ? "open" : status;
}

/** How many todos are open or wait for a yes. */
export function openTodos(state: TodosState): number {
  return shownTodos(state).filter(({ status }) => status !== "done").length;
}
