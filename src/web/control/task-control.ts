import { explainFailure, failureCode, inOneLine } from "../../client/index.ts";
import type { Failure } from "../../client/index.ts";
import { isEnd } from "../../core/task/status.ts";
import type { TaskAction } from "../state/page-action.ts";
import { statusOf } from "../state/page-state.ts";
import type { PanelFilter, TaskWish } from "../state/page-state.ts";
import { guarded } from "./surroundings.ts";
import type { Surroundings } from "./surroundings.ts";

/** What a person can do with tasks. Nothing here rejects: failures become state. */
export interface TaskControl {
  /** Loads the first page of a filter, or asks for it again. */
  readonly loadList: (filter: PanelFilter) => Promise<void>;
  /** Loads the next page of a filter, if there is one. */
  readonly loadMore: (filter: PanelFilter) => Promise<void>;
  /** Fetches one task; used for what ended unseen. */
  readonly refresh: (taskId: string) => Promise<void>;
  /** Loads why and the log of the open task, from the facts that are not there yet. */
  readonly loadDetail: (taskId: string) => Promise<void>;
  /** Asks for something; shown at once. A stop that found no network is asked for again by `repeatStops`. */
  readonly wish: (taskId: string, wish: TaskWish) => Promise<void>;
  readonly repeatStops: () => void;
}

/** Tasks of one page of the panel. */
const pageSize = 100;
/** Facts of one page of the log. */
const logPageSize = 200;

const wishWords: Record<TaskWish, string> = {
  cancel: "stop the task",
  retry: "retry the task",
  rerun: "run the task again",
  release: "let the task go",
};

/** Builds the task part of the controls. */
export function createTaskControl(surroundings: Surroundings): TaskControl {
  const { client, store } = surroundings;
  const dispatch = (action: TaskAction): void => store.dispatch({ about: "task", action });

  const loadPage = async (filter: PanelFilter, cursor: string | null): Promise<void> => {
    const refresh = cursor === null;
    if (store.get().lists[filter].load.is !== "ready") dispatch({ type: "listLoading", filter });
    const query = { ...statusOf(filter), limit: pageSize, ...(refresh ? {} : { cursor }) };
    const page = await guarded(
      surroundings,
      () => client.tasks.list(query),
      (failure) => dispatch({ type: "listFailed", filter, failure }),
    );
    if (page !== undefined) dispatch({ type: "listLoaded", filter, page, refresh });
  };

  const wish = async (taskId: string, wanted: TaskWish): Promise<void> => {
    dispatch({ type: "wished", taskId, wish: wanted });
    const task = await guarded(
      surroundings,
      () => client.tasks[wanted](taskId),
      (failure) => failWish(surroundings, { taskId, wanted, failure, dispatch }),
    );
    if (task === undefined) return;
    dispatch({ type: "taskLoaded", task });
    // A stop is shown as "stopping" until the task has really ended.
    if (wanted !== "cancel" || isEnd(task.status)) dispatch({ type: "wishSettled", taskId });
  };

  return {
    loadList: (filter) => loadPage(filter, null),
    async loadMore(filter) {
      const { nextCursor, load } = store.get().lists[filter];
      if (nextCursor !== null && load.is !== "loading") await loadPage(filter, nextCursor);
    },
    async refresh(taskId) {
      const task = await guarded(surroundings, () => client.tasks.get(taskId), ignore);
      if (task !== undefined) dispatch({ type: "taskLoaded", task });
    },
    loadDetail: (taskId) => loadDetail(surroundings, dispatch, taskId),
    wish,
    repeatStops() {
      for (const [taskId, wanted] of Object.entries(store.get().wishes)) {
        if (wanted === "cancel") void wish(taskId, wanted);
      }
    },
  };
}

/** The task stays as it is known: the next event or list says more. */
function ignore(): void {}

function failWish(
  { store }: Surroundings,
  failed: {
    readonly taskId: string;
    readonly wanted: TaskWish;
    readonly failure: Failure;
    dispatch(action: TaskAction): void;
  },
): void {
  const { taskId, wanted, failure } = failed;
  // Stop pressed without a network stays wished for, and is sent when the connection is back.
  if (wanted === "cancel" && failure.kind === "network") return;
  failed.dispatch({ type: "wishSettled", taskId });
  // It ended by itself before the stop arrived: that is what was wanted.
  if (wanted === "cancel" && failureCode(failure) === "conflict") return;
  const text = `Could not ${wishWords[wanted]}. ${inOneLine(explainFailure(failure))}`;
  store.dispatch({ about: "shell", action: { type: "noticed", tone: "error", text } });
}

async function loadDetail(
  surroundings: Surroundings,
  dispatch: (action: TaskAction) => void,
  taskId: string,
): Promise<void> {
  const { client, store } = surroundings;
  const before = store.get().detail;
  const after = before?.taskId === taskId ? (before.log.at(-1)?.seq ?? 0) : 0;
  const loaded = await guarded(
    surroundings,
    async () => {
      const task = await client.tasks.get(taskId);
      const [why, log] = await Promise.all([
        isEnd(task.status) ? null : client.tasks.why(taskId),
        client.tasks.log(taskId, { after, limit: logPageSize }),
      ]);
      return { task, why, log };
    },
    (failure) => dispatch({ type: "detailFailed", taskId, failure }),
  );
  if (loaded === undefined) return;
  dispatch({ type: "taskLoaded", task: loaded.task });
  dispatch({ type: "detailLoaded", taskId, why: loaded.why, log: loaded.log });
}
