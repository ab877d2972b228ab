import type {
  ChatMessage,
  Failure,
  LogPage,
  ModelStatus,
  SentMessage,
  SessionSnapshot,
  SessionSummary,
  Task,
  TaskEvent,
  TaskPage,
  TaskView,
  Why,
} from "../../client/index.ts";
import type {
  Access,
  ConnectionState,
  Load,
  PanelFilter,
  Send,
  ShellState,
  TaskWish,
} from "./page-state.ts";
import type { BoardAction } from "./reduce-board.ts";
import type { TodoAction } from "./reduce-todo.ts";
import type { Route } from "./route.ts";

/** What happened to sessions and messages. */
export type ChatAction =
  | { readonly type: "sessionsLoading" }
  | { readonly type: "sessionsLoaded"; readonly sessions: readonly SessionSummary[] }
  | { readonly type: "sessionsFailed"; readonly failure: Failure }
  | { readonly type: "chatLoading"; readonly sessionId: string }
  | { readonly type: "chatLoaded"; readonly snapshot: SessionSnapshot }
  | { readonly type: "chatUnchanged"; readonly sessionId: string }
  | { readonly type: "chatFailed"; readonly sessionId: string; readonly failure: Failure }
  | { readonly type: "chatRemoved"; readonly sessionId: string }
  | {
      readonly type: "sessionChanged";
      readonly sessionId: string;
      readonly message: ChatMessage | null;
      readonly activeTaskId: string | null;
      readonly atMs: number;
    }
  | { readonly type: "sendStarted"; readonly send: Send }
  | { readonly type: "sendFailed"; readonly actionId: string; readonly failure: Failure }
  | { readonly type: "sendDiscarded"; readonly actionId: string }
  | {
      readonly type: "sendConfirmed";
      readonly actionId: string;
      readonly sent: SentMessage;
      readonly atMs: number;
    };

/** What happened to tasks. */
export type TaskAction =
  /** Events of one feed, in order: many at once, so that a fast stream costs one render a frame. */
  | {
      readonly type: "taskEvents";
      readonly events: readonly TaskEvent[];
      readonly followed: boolean;
    }
  | { readonly type: "taskLoaded"; readonly task: Task }
  | { readonly type: "viewLoaded"; readonly view: TaskView }
  | { readonly type: "listLoading"; readonly filter: PanelFilter }
  | {
      readonly type: "listLoaded";
      readonly filter: PanelFilter;
      readonly page: TaskPage;
      /** True for a first page that was asked for again: how far the list goes stays as it is. */
      readonly refresh: boolean;
    }
  | { readonly type: "listFailed"; readonly filter: PanelFilter; readonly failure: Failure }
  | { readonly type: "detailOpened"; readonly taskId: string; readonly takesFocus: boolean }
  | { readonly type: "detailClosed" }
  | {
      readonly type: "detailLoaded";
      readonly taskId: string;
      readonly why: Why | null;
      readonly log: LogPage;
    }
  | { readonly type: "detailFailed"; readonly taskId: string; readonly failure: Failure }
  | { readonly type: "wished"; readonly taskId: string; readonly wish: TaskWish }
  | { readonly type: "wishSettled"; readonly taskId: string };

/** What happened to the frame around both. */
export type ShellAction =
  | { readonly type: "routed"; readonly route: Route }
  | { readonly type: "accessChanged"; readonly access: Access }
  | { readonly type: "keyChanged"; readonly hasKey: boolean }
  | { readonly type: "connectionChanged"; readonly connection: ConnectionState }
  | { readonly type: "modelLoaded"; readonly model: ModelStatus | null }
  | { readonly type: "shellChanged"; readonly shell: Partial<ShellState> }
  | {
      readonly type: "noticed";
      readonly tone: "error" | "done";
      readonly text: string;
    }
  | { readonly type: "noticeDismissed"; readonly id: number };

/** Everything that can change the page. */
export type PageAction =
  | { readonly about: "todo"; readonly action: TodoAction }
  | { readonly about: "board"; readonly action: BoardAction }
  | { readonly about: "chat"; readonly action: ChatAction }
  | { readonly about: "task"; readonly action: TaskAction }
  | { readonly about: "shell"; readonly action: ShellAction };

/** Load states without a payload. */
export const loading: Load = { is: "loading" };
/** Loaded. */
export const ready: Load = { is: "ready" };
