import { failureCode, failureOf, isTaskEvent, viewOf } from "../../client/index.ts";
import type { FeedItem, TaskEvent } from "../../client/index.ts";
import { isEnd } from "../../core/task/status.ts";
import type { PageState } from "../state/page-state.ts";
import { followedTask, hasEnded, openChat } from "../state/select-chat.ts";
import { createEventBatch } from "./event-batch.ts";
import { askForKey, guarded, keyWatch } from "./surroundings.ts";
import type { Surroundings } from "./surroundings.ts";

/** Follows the tasks whose text is on the screen: the open chat's and the open detail's. */
export interface FollowControl {
  /** The next follow of this task begins at its beginning: it was made a moment ago, there is nothing to catch up. */
  readonly expectNew: (taskId: string) => void;
  readonly stop: () => void;
}

/** Wait before a stream with a gap is read again. */
const gapDelayMs = 1_000;

interface Follower {
  readonly stop: AbortController;
}

/**
 * Keeps one follower for each task that the state says is on the screen, and no other. `onEnd` is told when one came to
 * its end. Begins with a snapshot and its cursor, so that a long answer is not read again from its first token.
 */
export function createFollowControl(
  surroundings: Surroundings,
  onEnd: (taskId: string) => void,
): FollowControl {
  const { store } = surroundings;
  const followers = new Map<string, Follower>();
  const cursors = new Map<string, string | null>();

  const update = (): void => {
    const state = store.get();
    const isOpen = state.access === "open";
    for (const [taskId, follower] of followers) {
      // That a task has ended is no reason to stop: its last words may still be on their way.
      if (isOpen && isShown(state, taskId)) continue;
      followers.delete(taskId);
      follower.stop.abort();
    }
    for (const taskId of isOpen ? wantedTasks(state) : []) {
      if (followers.has(taskId)) continue;
      const follower = { stop: new AbortController() };
      followers.set(taskId, follower);
      void follow(taskId, follower);
    }
  };

  const follow = async (taskId: string, follower: Follower): Promise<void> => {
    const isOver = await followOnce({
      surroundings,
      taskId,
      cursors,
      signal: follower.stop.signal,
    });
    if (followers.get(taskId) !== follower) return;
    // A task that cannot be followed keeps its slot, or it would be tried again and again; one that ended may be retried.
    if (!isOver || hasEnded(store.get(), taskId)) followers.delete(taskId);
    if (isOver) onEnd(taskId);
    update();
  };

  const unsubscribe = store.subscribe(update);
  return {
    expectNew: (taskId) => void cursors.set(taskId, null),
    stop() {
      unsubscribe();
      for (const follower of followers.values()) follower.stop.abort();
      followers.clear();
    },
  };
}

/** True while a task's text has a place on the screen. */
function isShown(state: PageState, taskId: string): boolean {
  const inChat = openChat(state)?.messages.some((message) => message.taskId === taskId);
  return inChat === true || state.detail?.taskId === taskId || followedTask(state) === taskId;
}

/** The tasks to begin to follow. */
function wantedTasks(state: PageState): string[] {
  const detail = state.detail?.taskId ?? null;
  const open = detail !== null && state.detail?.load.is === "ready" && !hasEnded(state, detail);
  const wanted = [followedTask(state), open ? detail : null];
  return [...new Set(wanted.filter((id) => id !== null))];
}

interface Following {
  readonly surroundings: Surroundings;
  readonly taskId: string;
  readonly cursors: Map<string, string | null>;
  readonly signal: AbortSignal;
}

/** Follows to the end of the task (true), or until something else has to happen first (false). */
async function followOnce(following: Following): Promise<boolean> {
  const { surroundings, taskId, cursors, signal } = following;
  const { client, store } = surroundings;
  if (!cursors.has(taskId) && !(await takeSnapshot(following))) return true;
  const isSameKey = keyWatch(surroundings);
  const batch = createEventBatch(surroundings.after, (events: readonly TaskEvent[]) => {
    if (isSameKey())
      store.dispatch({ about: "task", action: { type: "taskEvents", events, followed: true } });
  });
  try {
    const items = client.follow(taskId, { after: cursors.get(taskId) ?? null, signal });
    for await (const item of items) {
      takeItem(item, batch.add, (cursor) => cursors.set(taskId, cursor));
      if (store.get().views[taskId]?.stream.broken === true) {
        // A piece is missing: begin again from a snapshot, but not in a tight loop if the server always misses it.
        cursors.delete(taskId);
        await pause(surroundings, gapDelayMs);
        return false;
      }
    }
  } catch (thrown) {
    if (failureCode(failureOf(thrown)) === "unauthenticated") askForKey(surroundings);
  } finally {
    batch.flush();
  }
  return !signal.aborted;
}

function takeItem(
  item: FeedItem,
  add: (event: TaskEvent) => void,
  moveTo: (cursor: string | null) => void,
): void {
  if (item.kind !== "event") return;
  const { event } = item;
  moveTo(item.cursor);
  if (isTaskEvent(event)) add(event);
}

function pause({ after }: Surroundings, delayMs: number): Promise<void> {
  return new Promise((resolve) => void after(delayMs, resolve));
}

/** False if the task has ended, or is gone: there is nothing to follow. */
async function takeSnapshot({ surroundings, taskId, cursors }: Following): Promise<boolean> {
  const { client, store } = surroundings;
  const task = await guarded(
    surroundings,
    () => client.tasks.get(taskId),
    () => {},
  );
  if (task === undefined) return true;
  store.dispatch({ about: "task", action: { type: "viewLoaded", view: viewOf(task) } });
  cursors.set(taskId, task.cursor);
  return !isEnd(task.status);
}
