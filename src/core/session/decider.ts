/* oxlint-disable typescript/no-unsafe-type-assertion -- A snapshot is this module's own JSON, sealed and versioned by the kernel. */
import {
  nothing,
  ok,
  refuse,
  type Batch,
  type DecideContext,
  type Decider,
  type Message,
} from "../decider.ts";
import { cutText } from "../cut-text.ts";
import { errorData } from "../errors.ts";
import { messageCharsMax, sessionBytesMax, sessionTurnsMax } from "../limits.ts";
import type { SessionRow } from "../rows.ts";
import { scopeName, sessionScope, taskScope } from "../scope.ts";
import type { TaskCommand } from "../task/commands.ts";
import type { ChildEnd } from "../task/events.ts";
import type { TaskSpec } from "../task/spec.ts";
import {
  evolveSession,
  messageText,
  zeroSession,
  type ChatMessage,
  type MessagePart,
  type SessionEvent,
  type SessionState,
  type Turn,
} from "./state.ts";
import { messageBytes } from "./message-bytes.ts";
import { decidePlanner, type DayPlan, type PlannerCommand, type Summary } from "./planner.ts";
import { decideImport, type ImportCommand, type ImportState } from "./portable.ts";
import { decideTodos, type Todo, type TodoCommand } from "./todos.ts";

/** What a session does with a message that comes while a turn is active. */
export type OnBusy = "queue" | "interrupt" | "reject";

/** Commands of a session scope. */
export type SessionCommand =
  | {
      readonly type: "say";
      readonly userMessageId: string;
      readonly messageId: string;
      readonly taskId: string;
      readonly parts: readonly MessagePart[];
      readonly onBusy: OnBusy;
      readonly actionId?: string;
      /** The turn's task. The session adds `heldBy` when a turn is active. */
      readonly spec: TaskSpec;
    }
  /** From the turn's task, at least once. `ending` counts the task's ends: a copy of an older one is ignored, and so is an unknown turn. */
  | {
      readonly type: "turnEnded";
      readonly taskId: string;
      readonly messageId: string;
      readonly ending?: number;
      readonly end: ChildEnd;
    }
  /** The owner wants another try of a failed turn. */
  | { readonly type: "retryTurn"; readonly taskId: string }
  | TodoCommand
  | PlannerCommand
  | ImportCommand
  /** Cancels one turn, or the active one. */
  | { readonly type: "stop"; readonly taskId?: string }
  /**
   * What a turn that ended without an answer had shown: people have read it, so it stays. Comes at least once;
   * ignored unless the message has failed and says nothing.
   */
  | { readonly type: "keep"; readonly messageId: string; readonly text: string }
  | { readonly type: "rename"; readonly title: string }
  | { readonly type: "delete" };

type SessionBatch = Batch<SessionEvent>;

/** Rough bytes in memory of a todo. */
const todoBytes = 600;

/** The session scope: one turn at a time, in the order the messages came (SPEC SESSION1). */
export const sessionDecider: Decider<SessionState, SessionCommand, SessionEvent> = {
  zero(scope) {
    const name = scopeName(scope);
    const slash = name.indexOf("/");
    return zeroSession(name.slice(0, slash), name.slice(slash + 1));
  },
  evolve: evolveSession,
  decide,
  owner: (state) => state.userId,
  weigh: (state) => 500 + state.bytes + state.todos.size * todoBytes + state.acted.size * 150,
  settled: () => false,
  snapshot: {
    save: (state) => ({
      ...state,
      messages: [...state.messages.values()],
      todos: [...state.todos.values()],
      acted: [...state.acted],
    }),
    load: loadSession,
  },
};

function loadSession(scope: string, saved: unknown): SessionState {
  // A snapshot is our own sealed JSON: its shape is this module's, checked by the version in the kernel's frame. The
  // first ones had no todos.
  const {
    messages,
    todos = [],
    acted = [],
    summary = null,
    plan = null,
    imported = null,
    ...rest
  } = saved as Omit<
    SessionState,
    "messages" | "todos" | "acted" | "summary" | "plan" | "imported"
  > & {
    messages: ChatMessage[];
    todos?: Todo[];
    acted?: [string, string[]][];
    summary?: Summary | null;
    plan?: DayPlan | null;
    imported?: ImportState | null;
  };
  void scope;
  return {
    ...rest,
    // Earlier programs counted a message again each time it changed.
    bytes: messages.reduce((sum, message) => sum + messageBytes(message), 0),
    messages: new Map(messages.map((message) => [message.id, message])),
    todos: new Map(todos.map((todo) => [todo.id, todo])),
    acted: new Map(acted),
    summary,
    plan,
    imported,
  };
}

function decide(state: SessionState, command: SessionCommand, ctx: DecideContext): SessionBatch {
  switch (command.type) {
    case "say":
      return say(state, command, ctx);
    case "turnEnded":
      return turnEnded(state, command, ctx);
    case "retryTurn":
      return retryTurn(state, command.taskId, ctx);
    case "stop":
      return stop(state, command.taskId);
    case "keep": {
      const message = state.messages.get(command.messageId);
      if (message?.status !== "failed" || message.parts.length > 0 || command.text === "")
        return nothing();
      const parts: MessagePart[] = [{ type: "text", text: cutText(command.text, messageCharsMax) }];
      const kept: SessionEvent = { type: "message.kept", messageId: message.id, parts };
      return commit(state, [kept], [], ctx, null);
    }
    case "todo":
      return decideTodos(state, command);
    case "import": {
      const { events, messages, reply } = decideImport(state, command);
      if (events.length === 0) return { events, reply };
      return commit(state, events, messages, ctx, reply.ok ? reply.value : null);
    }
    case "tell":
    case "summarize":
    case "plan": {
      const { events, reply } = decidePlanner(state, command, ctx.nowMs);
      if (events.length === 0) return { events, reply };
      const value = reply.ok ? reply.value : null;
      return commit(state, events, [], ctx, value);
    }
    case "rename":
      return commit(state, [{ type: "session.renamed", title: command.title }], [], ctx, null);
    case "delete":
      if (state.createdAtMs === 0 || state.deleted) return nothing();
      return commit(state, [{ type: "session.deleted" }], state.turns.map(cancelTurn), ctx, null);
    default: {
      const never: never = command;
      return never;
    }
  }
}

function say(
  state: SessionState,
  command: Extract<SessionCommand, { type: "say" }>,
  ctx: DecideContext,
): SessionBatch {
  const before = state.messages.get(command.userMessageId) ?? saidUnder(state, command.actionId);
  if (before !== undefined) return saidBefore(state, command, before);
  const busy = state.turns.length > 0;
  if (busy && command.onBusy === "reject") {
    return refuse(
      errorData("session_busy", `session ${state.chatId} is answering another message`, 1_000),
    );
  }
  if (state.turns.length >= sessionTurnsMax) {
    return refuse(
      errorData(
        "queue_full",
        `session ${state.chatId} has ${sessionTurnsMax} turns waiting, the most it takes`,
        5_000,
      ),
    );
  }
  if (state.bytes + messageBytes(command) > sessionBytesMax) {
    const message = `session ${state.chatId} holds about ${sessionBytesMax} bytes of messages, the most it takes; begin another one`;
    return refuse(errorData("limit_exceeded", message));
  }
  const { taskId, messageId, userMessageId } = command;
  const asked: ChatMessage = {
    id: userMessageId,
    role: "user",
    parts: command.parts,
    taskId,
    status: "completed",
    error: null,
    createdAtMs: ctx.nowMs,
    ...(command.actionId === undefined ? {} : { actionId: command.actionId }),
  };
  const answer: ChatMessage = {
    id: messageId,
    role: "assistant",
    parts: [],
    taskId,
    status: "pending",
    error: null,
    createdAtMs: ctx.nowMs,
  };
  const turn: Turn = { taskId, messageId };
  const events: SessionEvent[] = [
    { type: "message.added", message: asked },
    { type: "message.added", message: answer },
    { type: "turn.added", turn },
  ];
  const submit: TaskCommand = {
    type: "submit",
    spec: busy ? { ...command.spec, heldBy: "session" } : command.spec,
  };
  const messages: Message[] = [{ to: taskScope(taskId), body: submit }];
  if (command.onBusy === "interrupt") messages.push(...state.turns.map(cancelTurn));
  return commit(state, events, messages, ctx, { taskId, messageId, userMessageId });
}

/**
 * The message is known, by its own id or by the client's: what a host forgets with its keys, or never knew because the
 * session came from another one, its messages know.
 */
function saidBefore(
  state: SessionState,
  command: Extract<SessionCommand, { type: "say" }>,
  before: ChatMessage,
): SessionBatch {
  if (before.id !== command.userMessageId && !isSame(before, command)) {
    const message = `client action "${before.actionId}" was used with another message; use a new one`;
    return refuse(errorData("idempotency_mismatch", message));
  }
  const answer = [...state.messages.values()].find(
    (m) => m.role === "assistant" && m.taskId === before.taskId,
  );
  return nothing({
    taskId: before.taskId,
    messageId: answer?.id ?? null,
    userMessageId: before.id,
    repeated: true,
  });
}

function saidUnder(state: SessionState, actionId: string | undefined): ChatMessage | undefined {
  if (actionId === undefined) return undefined;
  return [...state.messages.values()].find(
    (message) => message.role === "user" && message.actionId === actionId,
  );
}

function isSame(
  before: ChatMessage,
  { parts }: { readonly parts: readonly MessagePart[] },
): boolean {
  return messageText(before) === messageText({ parts });
}

function cancelTurn(turn: Turn): Message {
  const body: TaskCommand = { type: "cancel", by: "session" };
  return { to: taskScope(turn.taskId), body };
}

function turnEnded(
  state: SessionState,
  command: Extract<SessionCommand, { type: "turnEnded" }>,
  ctx: DecideContext,
): SessionBatch {
  const index = state.turns.findIndex((turn) => turn.taskId === command.taskId);
  if (index < 0) return nothing();
  const { end, ending, taskId, messageId } = command;
  const seen = state.messages.get(messageId)?.ending;
  if (ending !== undefined && seen !== undefined && ending <= seen) return nothing();
  const events: SessionEvent[] = [
    {
      type: "turn.ended",
      taskId,
      messageId,
      parts: answerParts(end),
      status: end.status === "completed" ? "completed" : "failed",
      error: end.error ?? null,
      ...(ending === undefined ? {} : { ending }),
    },
  ];
  const messages: Message[] = [];
  const next = state.turns[1];
  if (index === 0 && next !== undefined) {
    const body: TaskCommand = { type: "release" };
    messages.push({ to: taskScope(next.taskId), body });
  }
  return commit(state, events, messages, ctx, null);
}

/** A turn's output is `{text}`; anything else is shown as JSON text rather than lost. */
function answerParts(end: ChildEnd): readonly MessagePart[] {
  const output = end.output;
  if (
    typeof output === "object" &&
    output !== null &&
    "text" in output &&
    typeof output.text === "string"
  ) {
    return [{ type: "text", text: cutText(output.text, messageCharsMax) }];
  }
  if (output === undefined || output === null) return [];
  const text = typeof output === "string" ? output : JSON.stringify(output);
  return [{ type: "text", text: cutText(text, messageCharsMax) }];
}

function retryTurn(state: SessionState, taskId: string, ctx: DecideContext): SessionBatch {
  if (state.turns.some((turn) => turn.taskId === taskId)) return nothing();
  const answer = [...state.messages.values()].find(
    (m) => m.role === "assistant" && m.taskId === taskId,
  );
  if (answer === undefined)
    return refuse(errorData("not_found", `session ${state.chatId} has no turn of task ${taskId}`));
  if (answer.status !== "failed") {
    return refuse(
      errorData(
        "conflict",
        `the turn of task ${taskId} is ${answer.status}; only a failed one can be tried again`,
      ),
    );
  }
  const busy = state.turns.length > 0;
  const turn = { session: sessionScope(state.userId, state.chatId), messageId: answer.id };
  const body: TaskCommand = { type: "retry", turn, ...(busy ? { held: "session" } : {}) };
  const events: SessionEvent[] = [
    { type: "turn.reopened", turn: { taskId, messageId: answer.id } },
  ];
  return commit(state, events, [{ to: taskScope(taskId), body }], ctx, { taskId });
}

function stop(state: SessionState, taskId: string | undefined): SessionBatch {
  const turn =
    taskId === undefined ? state.turns[0] : state.turns.find((item) => item.taskId === taskId);
  if (turn === undefined) return nothing({ stopped: null });
  return { events: [], messages: [cancelTurn(turn)], reply: ok({ stopped: turn.taskId }) };
}

/** The batch with its list row: the row is what the state will be after `events`. */
function commit(
  state: SessionState,
  events: readonly SessionEvent[],
  messages: readonly Message[],
  ctx: DecideContext,
  value: unknown,
): SessionBatch {
  let after = state;
  for (const event of events) after = evolveSession(after, event, ctx.nowMs);
  const row: SessionRow = {
    table: "session",
    userId: after.userId,
    chatId: after.chatId,
    title: after.title,
    createdAtMs: after.createdAtMs,
    updatedAtMs: after.updatedAtMs,
    activeTaskId: after.turns[0]?.taskId ?? null,
    deleted: after.deleted,
  };
  // What has no messages is no chat to list: a planner with todos only.
  const rows = after.messages.size === 0 && !after.deleted ? [] : [row];
  return { events, messages, rows, reply: ok(value), folded: true };
}
