import { explainFailure, inOneLine } from "../../client/index.ts";
import type { Failure, TodoChange, TodoDone, TodoEdit } from "../../client/index.ts";
import type { TodoAction, TodoWish } from "../state/reduce-todo.ts";
import { guarded } from "./surroundings.ts";
import type { Surroundings } from "./surroundings.ts";

/** What a person can do with todos. All of it is shown at once, and confirmed or taken back by the log. */
export interface TodoControl {
  readonly load: () => Promise<void>;
  /** The feed told a fact. */
  readonly take: (change: TodoChange) => void;
  readonly add: (text: string, dueDay?: string | null) => Promise<void>;
  readonly change: (todoId: string, edit: TodoEdit) => Promise<void>;
  readonly remove: (todoId: string) => Promise<void>;
  /** Takes back what a task has proposed or made. */
  readonly undo: (operationId: string) => Promise<void>;
}

const words: Record<TodoWish["kind"], string> = {
  add: "add the todo",
  change: "change the todo",
  remove: "delete the todo",
};

/** The list that the page shows: the person's own. */
const ownList = "planner";

/** Builds the todo part of the controls. */
export function createTodoControl(surroundings: Surroundings): TodoControl {
  const { client, store, nowMs } = surroundings;
  const dispatch = (action: TodoAction): void => store.dispatch({ about: "todo", action });

  const load = async (): Promise<void> => {
    dispatch({ type: "todosLoading" });
    const { etag, load: before } = store.get().todos;
    const snapshot = await guarded(
      surroundings,
      () => client.todos.list({ etag: before.is === "ready" ? etag : null }),
      (failure) => dispatch({ type: "todosFailed", failure }),
    );
    if (snapshot !== undefined && snapshot !== null) dispatch({ type: "todosLoaded", snapshot });
  };

  const wish = async (
    wanted: Pick<TodoWish, "kind" | "todoId" | "edit">,
    call: (actionId: string) => Promise<TodoDone>,
  ): Promise<void> => {
    const actionId = client.newId("call");
    dispatch({ type: "todoWished", wish: { ...wanted, actionId, atMs: nowMs() } });
    const done = await guarded(
      surroundings,
      () => call(actionId),
      (failure) => {
        dispatch({ type: "todoTakenBack", actionId });
        say(surroundings, words[wanted.kind], failure);
        // Whether a lost answer was a lost wish only the log knows.
        if (failure.kind !== "refused") void load();
      },
    );
    if (done !== undefined) dispatch({ type: "todoStored", actionId, todos: done.todos });
  };

  return {
    load,
    take(change) {
      if (change.sessionId !== ownList) return;
      dispatch({ type: "todoChanged", change });
      if (change.todoId === null) void load();
    },
    async add(text, dueDay = null) {
      const todoId = client.newId("call");
      await wish({ kind: "add", todoId, edit: { text, dueDay } }, (actionId) =>
        client.todos.add({ text, dueDay }, actionId),
      );
    },
    change: (todoId, edit) =>
      wish({ kind: "change", todoId, edit }, (actionId) =>
        client.todos.change(todoId, edit, actionId),
      ),
    remove: (todoId) =>
      wish({ kind: "remove", todoId, edit: {} }, (actionId) =>
        client.todos.remove(todoId, actionId),
      ),
    async undo(operationId) {
      const done = await guarded(
        surroundings,
        () => client.todos.undo(operationId),
        (failure) => say(surroundings, "take the todos back", failure),
      );
      if (done !== undefined) await load();
    },
  };
}

function say({ store }: Surroundings, what: string, failure: Failure): void {
  const text = `Could not ${what}: it is as it was. ${inOneLine(explainFailure(failure))}`;
  store.dispatch({ about: "shell", action: { type: "noticed", tone: "error", text } });
}
