import type { ChatMessage, SentMessage, SessionSnapshot } from "../../client/index.ts";
import { loading, ready } from "./page-action.ts";
import type { ChatAction } from "./page-action.ts";
import type { ChatState, PageState, Send } from "./page-state.ts";

/** What an action about sessions and messages makes of the page. */
export function reduceChat(state: PageState, action: ChatAction): PageState {
  switch (action.type) {
    case "sessionsLoading":
      return { ...state, sessionsLoad: loading };
    case "sessionsLoaded":
      return { ...state, sessions: action.sessions, sessionsLoad: ready };
    case "sessionsFailed":
      return { ...state, sessionsLoad: { is: "failed", failure: action.failure } };
    case "chatLoading":
      return putChat(state, { ...chatOf(state, action.sessionId), load: loading });
    case "chatLoaded":
      return takeSnapshot(state, action.snapshot);
    case "chatUnchanged":
      return putChat(state, { ...chatOf(state, action.sessionId), load: ready });
    case "chatFailed":
      return putChat(state, {
        ...chatOf(state, action.sessionId),
        load: { is: "failed", failure: action.failure },
      });
    case "chatRemoved":
      return removeChat(state, action.sessionId);
    case "sessionChanged":
      return changeSession(state, action);
    case "sendStarted":
      return startSend(state, action.send);
    case "sendFailed":
      return failSend(state, action);
    case "sendDiscarded":
      return { ...state, sends: state.sends.filter((send) => send.actionId !== action.actionId) };
    case "sendConfirmed":
      return confirmSend(state, action);
    default: {
      const never: never = action;
      return never;
    }
  }
}

/** A chat nobody has loaded yet. */
export function emptyChat(id: string): ChatState {
  return {
    id,
    title: "",
    messages: [],
    load: { is: "idle" },
    activeTaskId: null,
    queuedTaskIds: [],
    etag: null,
    changes: 0,
  };
}

/** True if a session event speaks of a message or an answer that a loaded chat does not have yet. */
export function isBehind(
  chat: ChatState | undefined,
  event: { readonly message: ChatMessage | null; readonly activeTaskId: string | null },
): boolean {
  if (chat === undefined) return false;
  const { message, activeTaskId } = event;
  const misses = (find: (known: ChatMessage) => boolean): boolean => !chat.messages.some(find);
  return (
    (message !== null && misses((known) => known.id === message.id)) ||
    (activeTaskId !== null && misses((known) => known.taskId === activeTaskId))
  );
}

function chatOf(state: PageState, id: string): ChatState {
  return state.chats[id] ?? emptyChat(id);
}

function putChat(state: PageState, chat: ChatState): PageState {
  return { ...state, chats: { ...state.chats, [chat.id]: chat } };
}

function takeSnapshot(state: PageState, snapshot: SessionSnapshot): PageState {
  const { id, title, messages, activeTaskId, queuedTaskIds, etag } = snapshot;
  const chat = { ...chatOf(state, id), title, messages, activeTaskId, queuedTaskIds, etag };
  const sends = matchSends(state.sends, id, messages);
  return putChat({ ...state, sends }, { ...chat, load: ready });
}

function removeChat(state: PageState, id: string): PageState {
  const { [id]: _removed, ...chats } = state.chats;
  return {
    ...state,
    chats,
    sessions: state.sessions.filter((session) => session.id !== id),
    sends: state.sends.filter((send) => send.sessionId !== id),
  };
}

/**
 * Takes what a session event says about messages that are here. A message that is not is left to the snapshot, which
 * alone knows its place; {@link isBehind} says that one is needed.
 */
function changeSession(
  state: PageState,
  action: Extract<ChatAction, { type: "sessionChanged" }>,
): PageState {
  const { sessionId, message, activeTaskId } = action;
  const listed = state.sessions.find((session) => session.id === sessionId);
  const updatedAt = new Date(action.atMs).toISOString();
  // A session that is not listed is loaded with the list; only its title is missing here.
  const sessions =
    listed === undefined
      ? state.sessions
      : [
          { ...listed, activeTaskId, updatedAt },
          ...state.sessions.filter((session) => session !== listed),
        ];
  const chat = state.chats[sessionId];
  if (chat === undefined) return { ...state, sessions };
  return putChat(
    { ...state, sessions },
    {
      ...chat,
      activeTaskId,
      queuedTaskIds: chat.queuedTaskIds.filter((id) => id !== activeTaskId),
      messages: chat.messages.map((known) => (known.id === message?.id ? message : known)),
      changes: chat.changes + 1,
    },
  );
}

/**
 * Finds the sends that a snapshot's user messages are, when their own answers are late or were lost: else they would be
 * shown twice. By place and text, not by time: clocks differ, and people say the same thing twice.
 */
function matchSends(
  sends: readonly Send[],
  sessionId: string,
  messages: readonly ChatMessage[],
): readonly Send[] {
  const matched = new Set(sends.map((send) => send.matchedId));
  return sends.flatMap((send) => {
    if (send.sessionId !== sessionId || send.matchedId !== null || !mayHaveArrived(send)) {
      return [send];
    }
    const from = messages.findIndex((message) => message.id === send.afterId) + 1;
    if (from === 0 && send.afterId !== null) return [send];
    const found = messages
      .slice(from)
      .find(
        ({ id, role, parts }) => role === "user" && !matched.has(id) && said(parts) === send.text,
      );
    if (found === undefined) return [send];
    matched.add(found.id);
    return send.failure === null ? [{ ...send, matchedId: found.id }] : [];
  });
}

/** A 4xx is a no. After anything else the message may be stored although its answer is missing. */
function mayHaveArrived({ failure }: Send): boolean {
  return failure === null || failure.kind !== "refused";
}

function startSend(state: PageState, send: Send): PageState {
  const others = state.sends.filter((other) => other.actionId !== send.actionId);
  const chat = state.chats[send.sessionId];
  const next = { ...state, sends: [...others, send] };
  // The first message makes the session: there is nothing to load.
  return chat === undefined ? putChat(next, { ...emptyChat(send.sessionId), load: ready }) : next;
}

/** A send whose message was seen in the log has arrived, whatever became of its answer. */
function failSend(
  state: PageState,
  action: Extract<ChatAction, { type: "sendFailed" }>,
): PageState {
  const sends = state.sends.flatMap((send) => {
    if (send.actionId !== action.actionId) return [send];
    return send.matchedId === null ? [{ ...send, failure: action.failure }] : [];
  });
  return { ...state, sends };
}

function confirmSend(
  state: PageState,
  action: Extract<ChatAction, { type: "sendConfirmed" }>,
): PageState {
  const { sent, actionId, atMs } = action;
  const send = state.sends.find((known) => known.actionId === actionId);
  const chat = chatOf(state, sent.sessionId);
  // A snapshot may have been faster than this answer; it has both messages or none.
  const isStored = chat.messages.some((message) => message.taskId === sent.taskId);
  const added = send === undefined || isStored ? [] : messagesOf(send, sent, atMs);
  const isListed = chat.activeTaskId === sent.taskId || chat.queuedTaskIds.includes(sent.taskId);
  // What was sent later in this chat stands behind this message.
  const others = state.sends.flatMap((other) => {
    if (other === send) return [];
    const isLater =
      other.sessionId === sent.sessionId && other.createdAtMs >= (send?.createdAtMs ?? 0);
    return isLater ? [{ ...other, afterId: sent.userMessageId ?? other.afterId }] : [other];
  });
  return putChat(
    { ...state, sends: others },
    {
      ...chat,
      load: ready,
      messages: [...chat.messages, ...added],
      queuedTaskIds: isListed ? chat.queuedTaskIds : [...chat.queuedTaskIds, sent.taskId],
    },
  );
}

/** The two messages that the server has made of a send, until it tells them itself. */
function messagesOf(send: Send, sent: SentMessage, atMs: number): ChatMessage[] {
  const createdAt = new Date(atMs).toISOString();
  const base = { error: null, createdAt };
  return [
    {
      ...base,
      id: sent.userMessageId ?? send.matchedId ?? send.actionId,
      role: "user",
      parts: [{ type: "text", text: send.text }],
      taskId: null,
      status: "completed",
    },
    {
      ...base,
      id: sent.messageId ?? `answer-${sent.taskId}`,
      role: "assistant",
      parts: [],
      taskId: sent.taskId,
      status: "pending",
    },
  ];
}

/** Text of a stored message's parts. */
export function said(parts: ChatMessage["parts"]): string {
  return parts.map((part) => (part.type === "text" ? part.text : "")).join("");
}
