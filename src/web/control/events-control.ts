import { failureCode, failureOf } from "../../client/index.ts";
import type {
  ApprovalChange,
  FeedConnection,
  FeedEvent,
  ReminderChange,
  TaskEvent,
  TodoChange,
} from "../../client/index.ts";
import { isEnd } from "../../core/task/status.ts";
import type { ConnectionState } from "../state/page-state.ts";
import { isBehind } from "../state/reduce-chat.ts";
import { createEventBatch } from "./event-batch.ts";
import { askForKey, keyWatch } from "./surroundings.ts";
import type { Surroundings } from "./surroundings.ts";

/** What the owner of the feed is told. */
export interface EventsListener {
  /** The past is over: the page and the server agree again, but for what ended meanwhile. */
  readonly caughtUp: (endedUnseen: readonly string[]) => void;
  /** A task that the page knows from its events only. */
  readonly namelessSeen: (taskId: string) => void;
  /** A fact of todos. */
  readonly todoSeen: (change: TodoChange) => void;
  /** A fact of a reminder. */
  readonly reminderSeen: (change: ReminderChange) => void;
  /** A task asks, or needs no answer any more. */
  readonly approvalSeen: (change: ApprovalChange) => void;
  /** A session changed: its line in the list, and if `isBehind` also messages that the page does not have. */
  readonly sessionSeen: (sessionId: string, isBehind: boolean) => void;
}

/** A loss shorter than this is not shown. */
const lossShownAfterMs = 2_000;
/** Wait before the feed is tried again after a refusal that its own retries cannot mend. */
const refusedDelayMs = 15_000;

/** Reads the feed of everything until `signal` is aborted; its connection is the page's connection. */
export async function runEvents(
  surroundings: Surroundings,
  listener: EventsListener,
  signal: AbortSignal,
): Promise<void> {
  const connection = trackConnection(surroundings);
  while (!signal.aborted) {
    try {
      // One feed after the other.
      // oxlint-disable-next-line no-await-in-loop
      await readEvents({ surroundings, listener, connection, signal });
    } catch (thrown) {
      const failure = failureOf(thrown);
      connection.take({ state: "retrying", failure, delayMs: refusedDelayMs });
      if (failureCode(failure) === "unauthenticated") {
        askForKey(surroundings);
        break;
      }
    }
    // oxlint-disable-next-line no-await-in-loop
    await pause(surroundings, signal);
  }
  connection.stop();
}

interface EventsRun {
  readonly surroundings: Surroundings;
  readonly listener: EventsListener;
  readonly connection: ConnectionTrack;
  readonly signal: AbortSignal;
}

async function readEvents({
  surroundings,
  listener,
  connection,
  signal,
}: EventsRun): Promise<void> {
  const { client, store } = surroundings;
  const isSameKey = keyWatch(surroundings);
  const batch = createEventBatch(surroundings.after, (events: readonly TaskEvent[]) => {
    if (isSameKey())
      store.dispatch({ about: "task", action: { type: "taskEvents", events, followed: false } });
  });
  let seen: Set<string> | null = null;
  for await (const item of client.events({ signal })) {
    if (item.kind === "connection") {
      connection.take(item.connection);
      if (item.connection.state === "live") seen = new Set();
      continue;
    }
    const { event } = item;
    if (event.type === "up-to-date") {
      batch.flush();
      listener.caughtUp(seen === null ? [] : endedUnseen(surroundings, seen));
      seen = null;
    } else if (event.type === "todo") listener.todoSeen(event.change);
    else if (event.type === "reminder") listener.reminderSeen(event.change);
    else if (event.type === "approval") listener.approvalSeen(event.change);
    else if (event.type === "session") takeSession(surroundings, listener, event);
    // Text comes with the feed of the task that is on the screen; here it would only cost renders.
    else if (event.type !== "token" && event.type !== "reset") {
      seen?.add(event.taskId);
      if (isNameless(surroundings, event)) listener.namelessSeen(event.taskId);
      batch.add(event);
    }
  }
}

/** State events of an active task leave its input out, and the input is what names it in the list. */
function isNameless({ store }: Surroundings, event: TaskEvent): boolean {
  return (
    event.type === "state" &&
    event.task.type !== "chat" &&
    event.task.input === undefined &&
    store.get().tasks[event.taskId]?.input === undefined
  );
}

/** Tasks that were active when the connection was lost and are not among the active ones now. */
function endedUnseen({ store }: Surroundings, active: ReadonlySet<string>): string[] {
  return Object.values(store.get().tasks)
    .filter((task) => !isEnd(task.status) && !active.has(task.id))
    .map((task) => task.id);
}

function takeSession(
  { store, nowMs }: Surroundings,
  listener: EventsListener,
  event: Extract<FeedEvent, { type: "session" }>,
): void {
  const { sessionId, message, activeTaskId } = event;
  if (event.deleted) {
    store.dispatch({ about: "chat", action: { type: "chatRemoved", sessionId } });
    return;
  }
  const behind = isBehind(store.get().chats[sessionId], event);
  store.dispatch({
    about: "chat",
    action: { type: "sessionChanged", sessionId, message, activeTaskId, atMs: nowMs() },
  });
  listener.sessionSeen(sessionId, behind);
}

interface ConnectionTrack {
  readonly take: (connection: FeedConnection) => void;
  readonly stop: () => void;
}

/** Turns the feed's connection into what the page shows: a loss only after two seconds. */
function trackConnection({ store, after }: Surroundings): ConnectionTrack {
  let cancel: (() => void) | null = null;
  const put = (connection: ConnectionState): void =>
    store.dispatch({ about: "shell", action: { type: "connectionChanged", connection } });
  return {
    take(connection) {
      const before = store.get().connection;
      if (connection.state === "live") {
        cancel?.();
        cancel = null;
        put({ is: "live", lostForLong: false, failure: null });
      } else if (connection.state === "retrying") {
        put({ is: "lost", lostForLong: before.lostForLong, failure: connection.failure });
        cancel ??= after(lossShownAfterMs, () =>
          put({ ...store.get().connection, lostForLong: true }),
        );
      }
    },
    stop: () => cancel?.(),
  };
}

function pause({ after }: Surroundings, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = after(refusedDelayMs, resolve);
    signal.addEventListener("abort", () => {
      cancel();
      resolve();
    });
    if (signal.aborted) resolve();
  });
}
