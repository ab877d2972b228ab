import type {
  ChatMessage,
  Failure,
  LogFact,
  ModelStatus,
  SessionSummary,
  Task,
  TaskView,
  Why,
} from "../../client/index.ts";
import type { StatusClass } from "../../core/task/status.ts";
import { emptyBoard } from "./reduce-board.ts";
import type { BoardState } from "./reduce-board.ts";
import { noTodos } from "./reduce-todo.ts";
import type { TodosState } from "./reduce-todo.ts";
import type { Route } from "./route.ts";

/** How the loading of something went. */
export type Load =
  | { readonly is: "idle" }
  | { readonly is: "loading" }
  | { readonly is: "ready" }
  | { readonly is: "failed"; readonly failure: Failure };

/** The feed of everything: whether it lives, and whether it has been lost for long enough to say so. */
export interface ConnectionState {
  readonly is: "connecting" | "live" | "lost";
  /** True two seconds after the loss: shorter losses are nobody's business. */
  readonly lostForLong: boolean;
  readonly failure: Failure | null;
}

/** A session as far as it is loaded. */
export interface ChatState {
  readonly id: string;
  readonly title: string;
  readonly messages: readonly ChatMessage[];
  readonly load: Load;
  readonly activeTaskId: string | null;
  readonly queuedTaskIds: readonly string[];
  readonly etag: string | null;
  /** Counts what events changed here: a snapshot asked for before the last change is stale. */
  readonly changes: number;
}

/** A message that the server has not confirmed yet. */
export interface Send {
  /** The `client_action_id`: sending again under it sends nothing twice. */
  readonly actionId: string;
  readonly sessionId: string;
  readonly text: string;
  readonly createdAtMs: number;
  /** The last message that the chat had: what this becomes stands behind it. */
  readonly afterId: string | null;
  /** Null while it is on its way. */
  readonly failure: Failure | null;
  /** The stored message this is, once it was seen on another way than the server's answer. */
  readonly matchedId: string | null;
}

/** Which tasks the panel lists. */
export type PanelFilter = "all" | "active" | "failed";

/** How far one filter's list is loaded. */
export interface ListState {
  readonly load: Load;
  readonly nextCursor: string | null;
}

/** What the open task's details show beside the task itself. */
export interface DetailState {
  readonly taskId: string;
  readonly load: Load;
  readonly why: Why | null;
  readonly log: readonly LogFact[];
  /** Number to load further facts after; null when all are there. */
  readonly logNextAfter: number | null;
  /** True if a person opened it here and now: then the focus goes with it. */
  readonly takesFocus: boolean;
}

/** What the person asked for with a task and what has not been confirmed. */
export type TaskWish = "cancel" | "retry" | "rerun" | "release";

/** The result of an own action, worth a line at the bottom of the page. */
export interface Notice {
  readonly id: number;
  readonly tone: "error" | "done";
  readonly text: string;
}

/** Colours of the page; `system` follows the device. */
export type Theme = "light" | "dark" | "system";

/** A side of the frame: the chats, or the background tasks. */
export type Side = "sidebar" | "panel";

/** What the panel shows. */
export type PanelTab = "tasks" | "todos" | "schedules" | "queues";

/** In their order. */
export const panelTabs: readonly PanelTab[] = ["tasks", "todos", "schedules", "queues"];

/** Which parts of the frame are open. */
export interface ShellState {
  readonly theme: Theme;
  /** Sides that stand beside the chat when the window is wide enough. */
  readonly open: Readonly<Record<Side, boolean>>;
  /** Sides for which the window is too narrow: they come as drawers over the chat. */
  readonly narrow: Readonly<Record<Side, boolean>>;
  /** The drawer that is open. */
  readonly drawer: Side | null;
  readonly sheetOpen: boolean;
  readonly filter: PanelFilter;
  readonly tab: PanelTab;
}

/** Whether the server lets this page in. */
export type Access = "open" | "keyNeeded" | "keyRefused";

/** Everything the page shows. Plain data: every view is a function of it. */
export interface PageState {
  readonly route: Route;
  readonly access: Access;
  /** True if this browser keeps an API key. */
  readonly hasKey: boolean;
  readonly connection: ConnectionState;
  readonly model: ModelStatus | null;
  readonly sessions: readonly SessionSummary[];
  readonly sessionsLoad: Load;
  readonly chats: Readonly<Record<string, ChatState>>;
  readonly sends: readonly Send[];
  /** Tasks whose text is followed: few. */
  readonly views: Readonly<Record<string, TaskView>>;
  /** Every task known: at most `knownTasksMax`. */
  readonly tasks: Readonly<Record<string, Task>>;
  readonly lists: Readonly<Record<PanelFilter, ListState>>;
  readonly detail: DetailState | null;
  readonly wishes: Readonly<Record<string, TaskWish>>;
  readonly todos: TodosState;
  readonly board: BoardState;
  readonly notices: readonly Notice[];
  readonly shell: ShellState;
}

/** Most tasks kept in memory: beyond it the oldest ended ones are forgotten, and listed again when asked for. */
export const knownTasksMax: number = 5_000;
/** Most notices shown at once. */
export const noticesMax: number = 3;

/** The state before anything was loaded. */
export function initialState(route: Route, shell: ShellState, hasKey: boolean): PageState {
  const unloaded: ListState = { load: { is: "idle" }, nextCursor: null };
  return {
    route,
    access: "open",
    hasKey,
    connection: { is: "connecting", lostForLong: false, failure: null },
    model: null,
    sessions: [],
    sessionsLoad: { is: "idle" },
    chats: {},
    sends: [],
    views: {},
    tasks: {},
    lists: { all: unloaded, active: unloaded, failed: unloaded },
    detail: null,
    wishes: {},
    todos: noTodos,
    board: emptyBoard,
    notices: [],
    shell,
  };
}

/** The list query of a filter. */
export function statusOf(filter: PanelFilter): { readonly status?: StatusClass } {
  return filter === "all" ? {} : { status: filter };
}

/** Whether a side is shown, and how. */
export function sideShown(shell: ShellState, side: Side): "no" | "beside" | "drawer" {
  if (shell.narrow[side]) return shell.drawer === side ? "drawer" : "no";
  return shell.open[side] ? "beside" : "no";
}
