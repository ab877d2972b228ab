import { cutText } from "../cut-text.ts";
import type { ErrorData } from "../errors.ts";
import { evolvePlanner, isPlannerEvent, type PlannerEvent, type PlannerState } from "./planner.ts";
import { evolveImport, type ImportEvent, type ImportState } from "./portable.ts";
import { messageBytes } from "./message-bytes.ts";
import { evolveTodos, isTodoEvent, type TodoEvent, type TodoState } from "./todos.ts";

/** One part of a chat message. */
export type MessagePart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "data"; readonly name: string; readonly data: unknown };

/** Seed 002's states of a message: its task is queued, is answering, has answered, has failed. */
export type MessageStatus = "pending" | "streaming" | "completed" | "failed";

/** A chat message of a session. */
export interface ChatMessage {
  readonly id: string;
  readonly role: "user" | "assistant";
  readonly parts: readonly MessagePart[];
  readonly taskId: string | null;
  readonly status: MessageStatus;
  readonly error: ErrorData | null;
  readonly createdAtMs: number;
  /** Which end of its task the answer is from, from 1. */
  readonly ending?: number;
  /** Client's id of the action that made it, so that an optimistic page finds its own message again. */
  readonly actionId?: string;
}

/** A turn that has not ended: a user message that waits for, or is getting, its answer. */
export interface Turn {
  readonly taskId: string;
  readonly messageId: string;
}

/** Facts of a session. */
export type SessionEvent =
  | TodoEvent
  | PlannerEvent
  | ImportEvent
  | { readonly type: "message.added"; readonly message: ChatMessage }
  | { readonly type: "turn.added"; readonly turn: Turn }
  | {
      readonly type: "turn.ended";
      readonly taskId: string;
      readonly messageId: string;
      readonly parts: readonly MessagePart[];
      readonly status: "completed" | "failed";
      readonly error: ErrorData | null;
      readonly ending?: number;
    }
  | { readonly type: "turn.reopened"; readonly turn: Turn }
  /** What a turn had said before it was stopped or failed. */
  | {
      readonly type: "message.kept";
      readonly messageId: string;
      readonly parts: readonly MessagePart[];
    }
  | { readonly type: "session.renamed"; readonly title: string }
  | { readonly type: "session.deleted" };

/** State of a session. `turns[0]` is active, the others wait behind it. */
export interface SessionState extends TodoState, PlannerState {
  /** Where it came from, if it was imported. */
  imported: ImportState | null;
  readonly userId: string;
  readonly chatId: string;
  title: string;
  messages: Map<string, ChatMessage>;
  turns: Turn[];
  createdAtMs: number;
  updatedAtMs: number;
  deleted: boolean;
  /** Rough bytes of the messages. */
  bytes: number;
}

/** Longest title taken from a first message, in UTF-16 units. */
const titleCharsMax = 80;

/** The session before its first message. */
export function zeroSession(userId: string, chatId: string): SessionState {
  return {
    userId,
    chatId,
    title: "",
    messages: new Map(),
    todos: new Map(),
    acted: new Map(),
    summary: null,
    plan: null,
    imported: null,
    turns: [],
    createdAtMs: 0,
    updatedAtMs: 0,
    deleted: false,
    bytes: 0,
  };
}

/** Text of a message's text parts. */
export function messageText(message: Pick<ChatMessage, "parts">): string {
  return message.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
}

/** Folds one fact into a session's state, in place. */
export function evolveSession(
  state: SessionState,
  event: SessionEvent,
  atMs: number,
): SessionState {
  if (state.createdAtMs === 0) state.createdAtMs = atMs;
  state.updatedAtMs = atMs;
  if (isTodoEvent(event)) {
    state.deleted = false;
    evolveTodos(state, event, atMs);
    return state;
  }
  if (event.type === "session.imported") return takePart(state, event);
  if (isPlannerEvent(event)) {
    state.deleted = false;
    evolvePlanner(state, event, atMs);
    return state;
  }
  switch (event.type) {
    case "message.added":
      state.deleted = false;
      put(state, event.message);
      if (state.title === "" && event.message.role === "user") {
        const [line = ""] = messageText(event.message).trim().split("\n", 1);
        state.title = cutText(line, titleCharsMax);
      }
      return state;
    case "turn.added":
      state.turns.push(event.turn);
      return state;
    case "turn.ended": {
      state.turns = state.turns.filter((turn) => turn.taskId !== event.taskId);
      const message = state.messages.get(event.messageId);
      if (message !== undefined) {
        const { parts, status, error, ending } = event;
        put(state, {
          ...message,
          parts,
          status,
          error,
          ...(ending === undefined ? {} : { ending }),
        });
      }
      return state;
    }
    case "turn.reopened": {
      state.turns.push(event.turn);
      const message = state.messages.get(event.turn.messageId);
      if (message !== undefined)
        put(state, { ...message, parts: [], status: "pending", error: null });
      return state;
    }
    case "message.kept": {
      const message = state.messages.get(event.messageId);
      if (message !== undefined) put(state, { ...message, parts: event.parts });
      return state;
    }
    case "session.renamed":
      state.title = event.title;
      return state;
    case "session.deleted":
      return empty(state);
    default: {
      const never: never = event;
      return never;
    }
  }
}

/** What is left of a session that its owner has deleted. */
function empty(state: SessionState): SessionState {
  state.deleted = true;
  state.messages = new Map();
  state.todos = new Map();
  state.acted = new Map();
  state.summary = null;
  state.plan = null;
  state.imported = null;
  state.turns = [];
  state.title = "";
  state.bytes = 0;
  return state;
}

function takePart(state: SessionState, event: ImportEvent): SessionState {
  for (const message of evolveImport(state, event)) put(state, message);
  return state;
}

function put(state: SessionState, message: ChatMessage): void {
  const before = state.messages.get(message.id);
  if (before !== undefined) state.bytes -= messageBytes(before);
  state.messages.set(message.id, message);
  state.bytes += messageBytes(message);
}
