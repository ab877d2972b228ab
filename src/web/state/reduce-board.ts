import type { Alert, Failure, QueueStatus, Schedule } from "../../client/index.ts";
import type { Load, PageState } from "./page-state.ts";

/** Queues, schedules and alerts as they were when they were asked for last. */
export interface BoardState {
  readonly queuesLoad: Load;
  readonly queues: readonly QueueStatus[];
  readonly schedulesLoad: Load;
  readonly schedules: readonly Schedule[];
  /** Those that last, then those that have cleared; empty for who may not see them. */
  readonly alerts: readonly Alert[];
  /** What is being changed: `queue <name>`, `schedule <name>`. */
  readonly busy: readonly string[];
}

/** What happened to queues and schedules. */
export type BoardAction =
  | { readonly type: "queuesLoaded"; readonly queues: readonly QueueStatus[] }
  | { readonly type: "queuesFailed"; readonly failure: Failure }
  | { readonly type: "queueChanged"; readonly queue: QueueStatus }
  | { readonly type: "alertsLoaded"; readonly alerts: readonly Alert[] }
  | { readonly type: "schedulesLoaded"; readonly schedules: readonly Schedule[] }
  | { readonly type: "schedulesFailed"; readonly failure: Failure }
  | { readonly type: "scheduleChanged"; readonly schedule: Schedule }
  | { readonly type: "scheduleRemoved"; readonly name: string }
  | { readonly type: "boardBusy"; readonly thing: string; readonly busy: boolean };

/** Nothing was asked for yet. */
export const emptyBoard: BoardState = {
  queuesLoad: { is: "idle" },
  queues: [],
  schedulesLoad: { is: "idle" },
  schedules: [],
  alerts: [],
  busy: [],
};

/** What an action about queues and schedules makes of the page. */
export function reduceBoard(state: PageState, action: BoardAction): PageState {
  return { ...state, board: next(state.board, action) };
}

function next(state: BoardState, action: BoardAction): BoardState {
  switch (action.type) {
    case "queuesLoaded":
      return { ...state, queuesLoad: { is: "ready" }, queues: inOrder(action.queues) };
    case "queuesFailed":
      return { ...state, queuesLoad: { is: "failed", failure: action.failure } };
    case "queueChanged":
      return { ...state, queues: put(state.queues, action.queue) };
    case "alertsLoaded":
      return { ...state, alerts: action.alerts };
    case "schedulesLoaded":
      return { ...state, schedulesLoad: { is: "ready" }, schedules: action.schedules };
    case "schedulesFailed":
      return { ...state, schedulesLoad: { is: "failed", failure: action.failure } };
    case "scheduleChanged":
      return { ...state, schedules: put(state.schedules, action.schedule) };
    case "scheduleRemoved":
      return {
        ...state,
        schedules: state.schedules.filter(({ name }) => name !== action.name),
      };
    case "boardBusy": {
      const others = state.busy.filter((thing) => thing !== action.thing);
      return { ...state, busy: action.busy ? [...others, action.thing] : others };
    }
    default: {
      const never: never = action;
      return never;
    }
  }
}

/** Models first, because everything else waits for them; then by name, so that nothing jumps while one looks. */
function inOrder(queues: readonly QueueStatus[]): readonly QueueStatus[] {
  const isModel = ({ name }: QueueStatus): boolean => name.startsWith("model:");
  return queues.toSorted((a, b) =>
    isModel(a) === isModel(b) ? (a.name < b.name ? -1 : 1) : isModel(a) ? -1 : 1,
  );
}

function put<T extends { readonly name: string }>(items: readonly T[], changed: T): readonly T[] {
  return items.map((item) => (item.name === changed.name ? changed : item));
}

/** Alerts that last now. */
export function firingAlerts({ alerts }: BoardState): readonly Alert[] {
  return alerts.filter(({ clearedAt }) => clearedAt === null);
}
