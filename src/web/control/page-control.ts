import type { ShellAction } from "../state/page-action.ts";
import type { PageState, PanelFilter, TaskWish } from "../state/page-state.ts";
import { followedTask } from "../state/select-chat.ts";
import type { Route } from "../state/route.ts";
import { createBoardControl } from "./board-control.ts";
import type { BoardControl } from "./board-control.ts";
import { createChatControl } from "./chat-control.ts";
import type { ChatControl } from "./chat-control.ts";
import { runEvents } from "./events-control.ts";
import { createFollowControl } from "./follow-control.ts";
import { parkHidden } from "./park-hidden.ts";
import { guarded } from "./surroundings.ts";
import { createShellControl } from "./shell-control.ts";
import type { ShellControl } from "./shell-control.ts";
import type { Surroundings } from "./surroundings.ts";
import { createTaskControl } from "./task-control.ts";
import type { TaskControl } from "./task-control.ts";
import { createTodoControl } from "./todo-control.ts";
import type { TodoControl } from "./todo-control.ts";

/** Everything a person can do on the page. Views call it and nothing else. */
export interface PageControl extends ShellControl {
  readonly chat: ChatControl;
  readonly tasks: TaskControl;
  readonly todos: TodoControl;
  readonly board: BoardControl;
  /** Loads what the address names and follows the server until `stop`. */
  readonly start: () => void;
  readonly stop: () => void;
  /** Shows what the address names; called when it changes. */
  readonly route: (route: Route) => void;
  readonly openChat: (sessionId: string | null) => void;
  readonly openTask: (taskId: string | null) => void;
  readonly setFilter: (filter: PanelFilter) => void;
  /** Stops the answer on the screen. True if there was one. */
  readonly stopAnswer: () => boolean;
  readonly wish: (taskId: string, wish: TaskWish) => void;
  /** Takes a key and begins anew with it; null forgets it, and all that was seen with it. */
  readonly setKey: (key: string | null) => void;
}

/** Most tasks asked for one by one; the lists tell the rest when they are looked at. */
const refreshMax = 20;
/** Events in this time are answered together. */
const collectDelayMs = 300;

/** Builds the controls on their surroundings. Nothing happens before `start`. */
export function createPageControl(surroundings: Surroundings): PageControl {
  const { store, settings } = surroundings;
  const shell = (action: ShellAction): void => store.dispatch({ about: "shell", action });
  const goTo = (route: Route, replace = false): void => {
    surroundings.writeRoute(route, replace);
    shell({ type: "routed", route });
  };
  const live = createLive(surroundings);
  const { chat, tasks, todos } = live;
  let stopParking: (() => void) | null = null;

  return {
    chat,
    tasks,
    todos,
    board: createBoardControl(surroundings),
    start() {
      live.start();
      chat.restoreOutbox();
      stopParking = parkHidden(surroundings, {
        park: live.stop,
        resume() {
          if (store.get().access === "open") live.start();
        },
      });
    },
    stop() {
      stopParking?.();
      live.stop();
    },
    route(route) {
      shell({ type: "routed", route });
      live.load(route, false);
    },
    openChat(sessionId) {
      goTo({ ...store.get().route, sessionId });
      live.load(store.get().route, true);
    },
    openTask(taskId) {
      goTo({ ...store.get().route, taskId }, true);
      live.load(store.get().route, true);
    },
    setFilter(filter) {
      shell({ type: "shellChanged", shell: { filter } });
      void tasks.loadList(filter);
    },
    stopAnswer() {
      const taskId = followedTask(store.get());
      if (taskId === null || store.get().wishes[taskId] !== undefined) return false;
      void tasks.wish(taskId, "cancel");
      return true;
    },
    wish: (taskId, wish) => void live.wish(taskId, wish),
    setKey(key) {
      live.stop();
      settings.setKey(key);
      shell({ type: "keyChanged", hasKey: key !== null });
      surroundings.writeRoute(store.get().route, true);
      if (key !== null) live.start();
    },
    ...createShellControl(surroundings),
  };
}

/** What talks with the server: loads, the feed of everything and the followed tasks. */
interface Live {
  readonly chat: ChatControl;
  readonly tasks: TaskControl;
  readonly todos: TodoControl;
  readonly start: () => void;
  readonly stop: () => void;
  /** Loads what a route names. */
  readonly load: (route: Route, byPerson: boolean) => void;
  readonly wish: (taskId: string, wish: TaskWish) => Promise<void>;
}

function createLive(surroundings: Surroundings): Live {
  const { store } = surroundings;
  let running: Running | null = null;
  const chat = createChatControl(surroundings, {
    opened(sessionId) {
      const route = { ...store.get().route, sessionId };
      if (store.get().route.sessionId === sessionId) return;
      surroundings.writeRoute(route, false);
      store.dispatch({ about: "shell", action: { type: "routed", route } });
    },
    accepted: (taskId) => running?.expectNew(taskId),
    textMissing(taskId) {
      const { tasks: known, views } = store.get();
      const text = views[taskId]?.stream.text || known[taskId]?.partial;
      if (text === undefined || text === null || text === "") void tasks.refresh(taskId);
    },
  });
  const tasks = createTaskControl(surroundings);
  const todos = createTodoControl(surroundings);
  const load = (route: Route, byPerson: boolean): void => {
    if (route.sessionId !== null && hasMessages(store.get(), route.sessionId)) {
      void chat.loadChat(route.sessionId);
    }
    openDetail({ surroundings, tasks, taskId: route.taskId, takesFocus: byPerson });
  };
  const reloadOpenChat = (): void => {
    const { sessionId } = store.get().route;
    if (sessionId !== null && hasMessages(store.get(), sessionId)) void chat.loadChat(sessionId);
  };
  return {
    chat,
    tasks,
    todos,
    load,
    start() {
      running?.stop();
      void chat.loadSessions();
      void tasks.loadList(store.get().shell.filter);
      void todos.load();
      void loadModel(surroundings);
      load(store.get().route, false);
      running = runLive({ surroundings, chat, tasks, todos, reloadOpenChat });
    },
    stop() {
      running?.stop();
      running = null;
    },
    async wish(taskId, wish) {
      await tasks.wish(taskId, wish);
      // A retried answer belongs to its session again.
      if (wish === "retry") reloadOpenChat();
      if (store.get().detail?.taskId === taskId) await tasks.loadDetail(taskId);
    },
  };
}

/** A chat that has only an unsent message does not exist on the server yet. */
function hasMessages(state: PageState, sessionId: string): boolean {
  const chat = state.chats[sessionId];
  const isNew = chat !== undefined && chat.load.is === "ready" && chat.messages.length === 0;
  return !isNew;
}

function openDetail(opening: {
  readonly surroundings: Surroundings;
  readonly tasks: TaskControl;
  readonly taskId: string | null;
  readonly takesFocus: boolean;
}): void {
  const { tasks, taskId, takesFocus } = opening;
  const { store } = opening.surroundings;
  if ((store.get().detail?.taskId ?? null) === taskId) return;
  if (taskId === null) store.dispatch({ about: "task", action: { type: "detailClosed" } });
  else {
    store.dispatch({ about: "task", action: { type: "detailOpened", taskId, takesFocus } });
    void tasks.loadDetail(taskId);
  }
}

/** The server watches its model; the page asks now and then, and sooner while there is none. */
const modelDelayMs = { connected: 20_000, missing: 5_000 };

function watchModel(surroundings: Surroundings, signal: AbortSignal): void {
  const { connected = false } = surroundings.store.get().model ?? {};
  surroundings.after(connected ? modelDelayMs.connected : modelDelayMs.missing, () => {
    if (signal.aborted) return;
    void loadModel(surroundings);
    watchModel(surroundings, signal);
  });
}

async function loadModel(surroundings: Surroundings): Promise<void> {
  const { client, store } = surroundings;
  const overview = await guarded(
    surroundings,
    () => client.overview(),
    () => {},
  );
  if (overview === undefined) return;
  store.dispatch({ about: "shell", action: { type: "modelLoaded", model: overview.model } });
}

interface Running {
  readonly stop: () => void;
  readonly expectNew: (taskId: string) => void;
}

function runLive(live: {
  readonly surroundings: Surroundings;
  readonly chat: ChatControl;
  readonly tasks: TaskControl;
  readonly todos: TodoControl;
  readonly reloadOpenChat: () => void;
}): Running {
  const { surroundings, chat, tasks, todos, reloadOpenChat } = live;
  const { store } = surroundings;
  const stop = new AbortController();
  const follows = createFollowControl(surroundings, (taskId) => {
    reloadOpenChat();
    void tasks.refresh(taskId);
    if (store.get().detail?.taskId === taskId) void tasks.loadDetail(taskId);
  });
  watchModel(surroundings, stop.signal);
  const sessionsSoon = collected(surroundings, () => {
    if (!stop.signal.aborted) void chat.loadSessions();
  });
  const namesSoon = collected(surroundings, (taskIds) => {
    if (stop.signal.aborted) return;
    // A burst of new tasks is one page of the list, not a request for each.
    if (taskIds.length > refreshMax) void tasks.loadList(store.get().shell.filter);
    else for (const taskId of taskIds) void tasks.refresh(taskId);
  });
  void runEvents(
    surroundings,
    {
      caughtUp(endedUnseen) {
        reloadOpenChat();
        void loadModel(surroundings);
        void todos.load();
        void tasks.loadList(store.get().shell.filter);
        for (const taskId of endedUnseen.slice(0, refreshMax)) void tasks.refresh(taskId);
        tasks.repeatStops();
      },
      todoSeen: (change) => todos.take(change),
      reminderSeen: (change) => todos.takeReminder(change),
      approvalSeen: (change) => todos.takeApproval(change),
      namelessSeen: namesSoon,
      sessionSeen(sessionId, isBehind) {
        sessionsSoon(sessionId);
        if (isBehind) void chat.loadChat(sessionId);
      },
    },
    stop.signal,
  );
  return {
    expectNew: follows.expectNew,
    stop() {
      stop.abort();
      follows.stop();
    },
  };
}

/** Collects ids for a moment and hands them on together, each once. */
function collected(
  { after }: Surroundings,
  handOn: (ids: readonly string[]) => void,
): (id: string) => void {
  const ids = new Set<string>();
  return (id) => {
    if (ids.size === 0) {
      after(collectDelayMs, () => {
        const taken = [...ids];
        ids.clear();
        handOn(taken);
      });
    }
    ids.add(id);
  };
}
