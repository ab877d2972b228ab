import { explainFailure, inOneLine } from "../../client/index.ts";
import type {
  ApprovalChange,
  Failure,
  ReminderChange,
  TodoChange,
  TodoDone,
  TodoEdit,
} from "../../client/index.ts";
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
  /** The feed told a fact of a reminder; one that has come is shown. */
  readonly takeReminder: (change: ReminderChange) => void;
  /** Lets a reminder come again in ten minutes. */
  readonly snooze: (reminderId: string) => Promise<void>;
  readonly removeReminder: (reminderId: string) => Promise<void>;
  readonly takeApproval: (change: ApprovalChange) => void;
  /** Says yes or no to a question; it is gone from the page at once, and back if that was refused. */
  readonly answer: (approvalId: string, approved: boolean) => Promise<void>;
}

const snoozeMs = 600_000;

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
  const tellZone = zoneTeller(surroundings);

  const load = async (): Promise<void> => {
    dispatch({ type: "todosLoading" });
    const { etag, load: before } = store.get().todos;
    const snapshot = await guarded(
      surroundings,
      () => client.todos.list({ etag: before.is === "ready" ? etag : null }),
      (failure) => dispatch({ type: "todosFailed", failure }),
    );
    if (snapshot !== undefined && snapshot !== null) dispatch({ type: "todosLoaded", snapshot });
    const reminders = await guarded(
      surroundings,
      () => client.planner.reminders(),
      () => {},
    );
    if (reminders !== undefined) dispatch({ type: "remindersLoaded", reminders });
    await loadApprovals(surroundings, dispatch);
    await tellZone();
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
    undo: (operationId) => undo(surroundings, operationId, load),
    ...reminderControl(surroundings, dispatch),
    ...approvalControl(surroundings, dispatch),
  };
}

async function undo(
  surroundings: Surroundings,
  operationId: string,
  load: () => Promise<void>,
): Promise<void> {
  const done = await guarded(
    surroundings,
    () => surroundings.client.todos.undo(operationId),
    (failure) => say(surroundings, "take the todos back", failure),
  );
  if (done !== undefined) await load();
}

type ReminderPart = Pick<TodoControl, "takeReminder" | "snooze" | "removeReminder">;

function reminderControl(
  surroundings: Surroundings,
  dispatch: (action: TodoAction) => void,
): ReminderPart {
  const { client, store, nowMs } = surroundings;
  return {
    takeReminder(change) {
      dispatch({ type: "reminderChanged", change });
      const { fact, reminder } = change;
      if (fact !== "reminder.rang" || reminder === null) return;
      const text = `Reminder: ${reminder.text}`;
      store.dispatch({ about: "shell", action: { type: "noticed", tone: "done", text } });
    },
    async snooze(reminderId) {
      const until = new Date(nowMs() + snoozeMs).toISOString();
      await guarded(
        surroundings,
        () => client.planner.snooze(reminderId, until),
        (failure) => say(surroundings, "put the reminder off", failure),
      );
    },
    async removeReminder(reminderId) {
      await guarded(
        surroundings,
        () => client.planner.removeReminder(reminderId),
        (failure) => say(surroundings, "remove the reminder", failure),
      );
    },
  };
}

function say({ store }: Surroundings, what: string, failure: Failure): void {
  const text = `Could not ${what}: it is as it was. ${inOneLine(explainFailure(failure))}`;
  store.dispatch({ about: "shell", action: { type: "noticed", tone: "error", text } });
}

/** The server reads days and times on the person's own clock, which is this browser's. Once for each key, if it differs. */
function zoneTeller(surroundings: Surroundings): () => Promise<void> {
  const { client, settings } = surroundings;
  let told = "";
  return async () => {
    const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
    const news = `${timeZone} ${settings.key()}`;
    if (told === news) return;
    await guarded(
      surroundings,
      async () => {
        if ((await client.planner.timeZone()) !== timeZone)
          await client.planner.setTimeZone(timeZone);
        told = news;
      },
      () => {},
    );
  };
}

async function loadApprovals(
  surroundings: Surroundings,
  dispatch: (action: TodoAction) => void,
): Promise<void> {
  const approvals = await guarded(
    surroundings,
    () => surroundings.client.approvals.list(),
    () => {},
  );
  if (approvals !== undefined) dispatch({ type: "approvalsLoaded", approvals });
}

function approvalControl(
  surroundings: Surroundings,
  dispatch: (action: TodoAction) => void,
): Pick<TodoControl, "takeApproval" | "answer"> {
  return {
    takeApproval: (change) => dispatch({ type: "approvalChanged", change }),
    async answer(approvalId, approved) {
      dispatch({ type: "approvalChanged", change: { approvalId, approval: null } });
      await guarded(
        surroundings,
        () => surroundings.client.approvals.answer(approvalId, approved),
        (failure) => {
          say(surroundings, approved ? "approve" : "reject", failure);
          void loadApprovals(surroundings, dispatch);
        },
      );
    },
  };
}
