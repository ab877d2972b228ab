import { isoTime } from "../../core/task/view.ts";
import type {
  ChatMessage,
  MessagePart,
  MessageStatus,
  SessionState,
} from "../../core/session/state.ts";
import { errorJson, type WireError } from "./task.ts";
import { todoJson, type WireTodo } from "./todo.ts";

/** A chat message as the own API shows it. */
export interface WireMessage {
  readonly id: string;
  readonly role: "user" | "assistant";
  readonly parts: readonly MessagePart[];
  readonly taskId: string | null;
  readonly status: MessageStatus;
  readonly error: WireError | null;
  readonly createdAt: string;
}

/** A session whole. */
export interface WireSession {
  readonly id: string;
  readonly title: string;
  readonly messages: readonly WireMessage[];
  readonly todos: readonly WireTodo[];
  readonly activeTaskId: string | null;
  readonly queuedTaskIds: readonly string[];
}

/** A chat message. `isStreaming`: its task has begun to answer. */
export function messageJson(message: ChatMessage, isStreaming = false): WireMessage {
  return {
    id: message.id,
    role: message.role,
    parts: message.parts,
    taskId: message.taskId,
    status: isStreaming && message.status === "pending" ? "streaming" : message.status,
    error: errorJson(message.error),
    createdAt: isoTime(message.createdAtMs),
  };
}

/** A session with all its messages, in order. `isAnswering`: the active turn's task has begun. */
export function sessionJson(state: SessionState, isAnswering: boolean): WireSession {
  const [active, ...queued] = state.turns;
  return {
    id: state.chatId,
    title: state.title,
    messages: Array.from(state.messages.values(), (message) =>
      messageJson(message, isAnswering && message.id === active?.messageId),
    ),
    todos: Array.from(state.todos.values(), todoJson),
    activeTaskId: active?.taskId ?? null,
    queuedTaskIds: queued.map((turn) => turn.taskId),
  };
}
