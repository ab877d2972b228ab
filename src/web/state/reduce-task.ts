import { emptyView, foldTask } from "../../client/index.ts";
import type { Task, TaskEvent, TaskView } from "../../client/index.ts";
import { isEnd } from "../../core/task/status.ts";
import { loading, ready } from "./page-action.ts";
import type { TaskAction } from "./page-action.ts";
import { knownTasksMax } from "./page-state.ts";
import type { DetailState, ListState, PageState, PanelFilter } from "./page-state.ts";

/** What an action about tasks makes of the page. */
export function reduceTask(state: PageState, action: TaskAction): PageState {
  switch (action.type) {
    case "taskEvents":
      return takeEvents(state, action.events, action.followed);
    case "taskLoaded":
      return { ...state, tasks: putTasks(state.tasks, [action.task]) };
    case "viewLoaded":
      return takeView(state, action.view);
    case "listLoading":
      return putList(state, action.filter, { load: loading });
    case "listLoaded":
      return takePage(state, action);
    case "listFailed":
      return putList(state, action.filter, { load: { is: "failed", failure: action.failure } });
    case "detailOpened":
      return { ...state, detail: emptyDetail(action) };
    case "detailClosed":
      return { ...state, detail: null };
    case "detailLoaded":
      return takeDetail(state, action);
    case "detailFailed":
      return ofDetail(state, action.taskId, (detail) => ({
        ...detail,
        load: { is: "failed", failure: action.failure },
      }));
    case "wished":
      return { ...state, wishes: { ...state.wishes, [action.taskId]: action.wish } };
    case "wishSettled": {
      const { [action.taskId]: _settled, ...wishes } = state.wishes;
      return { ...state, wishes };
    }
    default: {
      const never: never = action;
      return never;
    }
  }
}

/**
 * Folds many events at once. Only a followed feed brings text into a view: two feeds of one task are not in step, and
 * their tokens must not be mixed. What both say about the task itself is the same.
 */
function takeEvents(state: PageState, events: readonly TaskEvent[], followed: boolean): PageState {
  const views = followed ? { ...state.views } : state.views;
  const changed = new Map<string, Task>();
  for (const event of events) {
    if (followed) {
      Object.assign(views, {
        [event.taskId]: foldTask(views[event.taskId] ?? emptyView(event.taskId), event),
      });
    }
    const task = changed.get(event.taskId) ?? state.tasks[event.taskId];
    const next = taskAfter(task, event);
    if (next !== undefined && next !== task) changed.set(event.taskId, next);
  }
  const tasks = changed.size === 0 ? state.tasks : putTasks(state.tasks, [...changed.values()]);
  const wishes = withoutEnded(state.wishes, changed);
  return { ...state, views, tasks, wishes };
}

function taskAfter(task: Task | undefined, event: TaskEvent): Task | undefined {
  if (event.type === "state" || event.type === "end") return event.task;
  if (event.type === "progress" && task !== undefined) return { ...task, progress: event.progress };
  return task;
}

/** A wish to stop is fulfilled, or idle, once its task has ended. */
function withoutEnded(
  wishes: PageState["wishes"],
  changed: ReadonlyMap<string, Task>,
): PageState["wishes"] {
  const open = Object.entries(wishes).filter(([taskId, wish]) => {
    const task = changed.get(taskId);
    return !(wish === "cancel" && task !== undefined && isEnd(task.status));
  });
  return open.length === Object.keys(wishes).length ? wishes : Object.fromEntries(open);
}

function takeView(state: PageState, view: TaskView): PageState {
  const views = { ...state.views, [view.taskId]: view };
  const tasks = view.task === null ? state.tasks : putTasks(state.tasks, [view.task]);
  return { ...state, views, tasks };
}

/** Puts tasks in. Forgets the oldest ended ones over the limit. */
function putTasks(
  known: PageState["tasks"],
  added: readonly Task[],
): Readonly<Record<string, Task>> {
  const tasks: Record<string, Task> = { ...known };
  for (const task of added) tasks[task.id] = withKnown(task, tasks[task.id]);
  const ids = Object.keys(tasks);
  if (ids.length <= knownTasksMax) return tasks;
  const ended = Object.values(tasks)
    .filter((task) => isEnd(task.status))
    .toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  for (const task of ended.slice(0, ids.length - knownTasksMax)) delete tasks[task.id];
  return tasks;
}

/** What an event or a list leaves out stays: the input of an active task, the text so far of an attempt. */
function withKnown(task: Task, before: Task | undefined): Task {
  if (before === undefined) return task;
  const input = task.input === undefined ? before.input : task.input;
  const isSameAttempt = task.attempts === before.attempts;
  const partial = task.partial ?? (isSameAttempt ? before.partial : null);
  return { ...task, input, partial };
}

function putList(state: PageState, filter: PanelFilter, list: Partial<ListState>): PageState {
  return { ...state, lists: { ...state.lists, [filter]: { ...state.lists[filter], ...list } } };
}

function takePage(
  state: PageState,
  action: Extract<TaskAction, { type: "listLoaded" }>,
): PageState {
  const { filter, page, refresh } = action;
  const goesFurther = refresh && state.lists[filter].load.is === "ready";
  const nextCursor = goesFurther ? state.lists[filter].nextCursor : page.nextCursor;
  const tasks = putTasks(state.tasks, page.tasks);
  return putList({ ...state, tasks }, filter, { load: ready, nextCursor });
}

function emptyDetail({
  taskId,
  takesFocus,
}: Extract<TaskAction, { type: "detailOpened" }>): DetailState {
  return { taskId, takesFocus, load: loading, why: null, log: [], logNextAfter: null };
}

function takeDetail(
  state: PageState,
  action: Extract<TaskAction, { type: "detailLoaded" }>,
): PageState {
  return ofDetail(state, action.taskId, (detail) => {
    const last = detail.log.at(-1)?.seq ?? 0;
    return {
      ...detail,
      load: ready,
      why: action.why,
      log: [...detail.log, ...action.log.events.filter((fact) => fact.seq > last)],
      logNextAfter: action.log.nextAfter,
    };
  });
}

/** An answer for a task that is no longer open is dropped. */
function ofDetail(
  state: PageState,
  taskId: string,
  change: (detail: DetailState) => DetailState,
): PageState {
  if (state.detail?.taskId !== taskId) return state;
  return { ...state, detail: change(state.detail) };
}
