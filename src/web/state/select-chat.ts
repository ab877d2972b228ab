import type {
  ChatMessage,
  Failure,
  Reason,
  Task,
  TaskView,
  WireError,
} from "../../client/index.ts";
import { isEnd } from "../../core/task/status.ts";
import { said } from "./reduce-chat.ts";
import type { ChatState, PageState, Send } from "./page-state.ts";

/** Where a message stands, in the words the page has a picture and a sentence for. */
export type MessageState =
  | { readonly is: "sending" }
  | { readonly is: "unsent"; readonly failure: Failure }
  | { readonly is: "sent" }
  /** Accepted; nothing is known yet but that it will be answered. */
  | { readonly is: "pending" }
  | { readonly is: "queued"; readonly reason: Reason | null }
  | { readonly is: "waiting"; readonly reason: Reason | null }
  | { readonly is: "streaming" }
  | { readonly is: "done" }
  | { readonly is: "failed"; readonly error: WireError }
  | { readonly is: "stopped" };

/** One line of the conversation. */
export interface MessageItem {
  readonly id: string;
  readonly role: "user" | "assistant";
  readonly text: string;
  readonly state: MessageState;
  readonly taskId: string | null;
  readonly createdAtMs: number | null;
}

/** The open chat, if it is loaded or has begun. */
export function openChat(state: PageState): ChatState | null {
  const id = state.route.sessionId;
  return id === null ? null : (state.chats[id] ?? null);
}

/** Messages on their way in a chat: those that the log has already are left out. */
export function openSends(state: PageState): readonly Send[] {
  return state.sends.filter(
    (send) => send.sessionId === state.route.sessionId && send.matchedId === null,
  );
}

/**
 * The task whose text the open chat shows live: the one that answers, else the first that waits to answer. Null when
 * nothing is to come.
 */
export function followedTask(state: PageState): string | null {
  const chat = openChat(state);
  if (chat === null) return null;
  const ids = [chat.activeTaskId, ...chat.queuedTaskIds];
  return ids.find((id) => id !== null && !hasEnded(state, id)) ?? null;
}

/** True if a task is known to have ended. */
export function hasEnded(state: PageState, taskId: string): boolean {
  const task = state.tasks[taskId] ?? state.views[taskId]?.task ?? undefined;
  return task !== undefined && isEnd(task.status);
}

/** A stored message as a line. The task's own feed is fresher than the message until that is final. */
export function messageItem(
  message: ChatMessage,
  task: Task | null,
  view: TaskView | null,
): MessageItem {
  const stored = said(message.parts);
  const live = view?.stream.text || (task?.partial ?? "");
  const state: MessageState =
    message.role === "user" ? { is: "sent" } : answerState(message, { task, view, live });
  // What was seen is a prefix of what is kept, so the stored text wins as soon as it is final.
  const isFinal = state.is === "done" || state.is === "failed" || state.is === "stopped";
  return {
    id: message.id,
    role: message.role,
    // A user's message names its turn's task too, but that task's text is the answer's.
    text: message.role === "user" || (isFinal && stored !== "") ? stored : live || stored,
    state,
    taskId: message.taskId,
    createdAtMs: message.createdAt === null ? null : Date.parse(message.createdAt),
  };
}

/** A send as a line. */
export function sendItem(send: Send): MessageItem {
  return {
    id: send.actionId,
    role: "user",
    text: send.text,
    state: send.failure === null ? { is: "sending" } : { is: "unsent", failure: send.failure },
    taskId: null,
    createdAtMs: send.createdAtMs,
  };
}

interface Known {
  readonly task: Task | null;
  readonly view: TaskView | null;
  readonly live: string;
}

function answerState(message: ChatMessage, { task: listed, view, live }: Known): MessageState {
  if (message.status === "completed") return { is: "done" };
  if (message.status === "failed") {
    const isRetried = listed !== null && !isEnd(listed.status);
    return isRetried ? activeState(listed, live) : endedState(message.error, listed);
  }
  // The followed feed is in step with the text; another feed may know of the end before the last words are here.
  const isFollowed = view !== null && view.task !== null && !isEnd(view.task.status);
  const task = isFollowed ? view.task : listed;
  if (task !== null && !isEnd(task.status)) return activeState(task, live);
  if (task === null)
    return message.status === "streaming" ? { is: "streaming" } : { is: "pending" };
  return task.status === "completed" ? { is: "done" } : endedState(task.error, task);
}

function activeState(task: Task, live: string): MessageState {
  switch (task.status) {
    case "queued":
    case "delayed":
      return { is: "queued", reason: task.reason };
    case "waiting":
      return { is: "waiting", reason: task.reason };
    case "running":
      return live === "" ? { is: "pending" } : { is: "streaming" };
    default:
      return { is: "pending" };
  }
}

function endedState(error: WireError | null, task: Task | null): MessageState {
  if (task?.status === "cancelled" || error?.code === "cancelled") return { is: "stopped" };
  if (task?.status === "expired") return { is: "failed", error: { code: "expired", message: "" } };
  return { is: "failed", error: error ?? task?.error ?? { code: "internal", message: "" } };
}
