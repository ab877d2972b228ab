import { explainFailure, inOneLine } from "../../client/index.ts";
import type { Failure, SessionSnapshot } from "../../client/index.ts";
import type { ChatAction } from "../state/page-action.ts";
import type { Send } from "../state/page-state.ts";
import { said } from "../state/reduce-chat.ts";
import { guarded } from "./surroundings.ts";
import type { Surroundings } from "./surroundings.ts";

/** What a person can do with sessions and messages. Nothing here rejects: failures become state. */
export interface ChatControl {
  readonly loadSessions: () => Promise<void>;
  /** Loads a session, or only asks whether it changed. */
  readonly loadChat: (sessionId: string) => Promise<void>;
  /** Sends a text in the open chat, or begins a chat with it. Shown at once, confirmed by the server's answer. */
  readonly send: (text: string) => Promise<void>;
  /** Sends a failed message again, under its old id. */
  readonly resend: (actionId: string) => Promise<void>;
  readonly discard: (actionId: string) => void;
  readonly remove: (sessionId: string) => Promise<void>;
  /** Takes up the messages that an earlier visit left unconfirmed. */
  readonly restoreOutbox: () => void;
}

/** An unconfirmed message older than this is not sent again by itself: its moment may have passed. */
const resendAgeMsMax = 600_000;

/** Newest messages whose missing texts are looked for. */
const textlessMax = 20;

/** What the owner of the chat part is told. */
export interface ChatListener {
  /** A message was sent in this session, which may be new: show it. */
  readonly opened: (sessionId: string) => void;
  /** The server made this task of a message, just now. */
  readonly accepted: (taskId: string) => void;
  /** An answer that did not come to its end has its text in this task only. */
  readonly textMissing: (taskId: string) => void;
}

/** Builds the chat part of the controls. */
export function createChatControl(surroundings: Surroundings, listener: ChatListener): ChatControl {
  const { client, store, settings } = surroundings;
  const dispatch = (action: ChatAction): void => store.dispatch({ about: "chat", action });
  const deliver = (send: Send): Promise<void> =>
    deliverSend({ surroundings, dispatch, listener }, send);

  let saved: readonly Send[] = store.get().sends;
  store.subscribe(() => {
    const { sends } = store.get();
    if (sends !== saved) settings.setOutbox(sends);
    saved = sends;
  });

  return {
    loadSessions: () => loadSessions(surroundings, dispatch),
    loadChat: (sessionId) => loadChat({ surroundings, dispatch, listener }, sessionId),
    async send(text) {
      const sessionId = store.get().route.sessionId ?? client.newId("chat");
      const send: Send = {
        actionId: client.newId("call"),
        sessionId,
        text,
        createdAtMs: surroundings.nowMs(),
        afterId: store.get().chats[sessionId]?.messages.at(-1)?.id ?? null,
        failure: null,
        matchedId: null,
      };
      dispatch({ type: "sendStarted", send });
      listener.opened(sessionId);
      await deliver(send);
    },
    async resend(actionId) {
      const send = store.get().sends.find((known) => known.actionId === actionId);
      if (send !== undefined) await deliver({ ...send, failure: null });
    },
    discard: (actionId) => dispatch({ type: "sendDiscarded", actionId }),
    remove: (sessionId) => removeChat(surroundings, dispatch, sessionId),
    restoreOutbox() {
      for (const send of settings.outbox()) {
        const isFresh = surroundings.nowMs() - send.createdAtMs < resendAgeMsMax;
        if (send.failure === null && isFresh) void deliver(send);
        else {
          const failure = send.failure ?? { kind: "network", detail: "" };
          dispatch({ type: "sendStarted", send: { ...send, failure } });
        }
      }
    },
  };
}

interface Delivery {
  readonly surroundings: Surroundings;
  readonly listener: ChatListener;
  readonly dispatch: (action: ChatAction) => void;
}

async function deliverSend(delivery: Delivery, send: Send): Promise<void> {
  const { surroundings, listener, dispatch } = delivery;
  const { client } = surroundings;
  const { actionId, sessionId, text: message } = send;
  dispatch({ type: "sendStarted", send });
  const sent = await guarded(
    surroundings,
    () => client.chat.send({ message, sessionId, onBusy: "queue", client_action_id: actionId }),
    (failure) => dispatch({ type: "sendFailed", actionId, failure }),
  );
  if (sent !== undefined) {
    listener.accepted(sent.taskId);
    dispatch({ type: "sendConfirmed", actionId, sent, atMs: surroundings.nowMs() });
    await loadSessions(surroundings, dispatch);
  }
}

async function loadSessions(
  surroundings: Surroundings,
  dispatch: (action: ChatAction) => void,
): Promise<void> {
  if (surroundings.store.get().sessionsLoad.is === "idle") dispatch({ type: "sessionsLoading" });
  const page = await guarded(
    surroundings,
    () => surroundings.client.chat.sessions(),
    (failure) => dispatch({ type: "sessionsFailed", failure }),
  );
  if (page !== undefined) dispatch({ type: "sessionsLoaded", sessions: page.sessions });
}

async function loadChat(delivery: Delivery, sessionId: string): Promise<void> {
  const { surroundings, dispatch, listener } = delivery;
  const { client, store } = surroundings;
  const before = store.get().chats[sessionId];
  const isFirst = before === undefined || before.load.is === "idle" || before.load.is === "failed";
  if (isFirst) dispatch({ type: "chatLoading", sessionId });
  const changes = store.get().chats[sessionId]?.changes;
  const snapshot = await guarded(
    surroundings,
    () => client.chat.session(sessionId, { etag: before?.etag ?? null }),
    (failure) => {
      // What is on the screen stays: a failed refresh says nothing new.
      if (isFirst) dispatch({ type: "chatFailed", sessionId, failure });
    },
  );
  if (snapshot === undefined) return;
  // An event overtook the snapshot, which may be older: ask again.
  if (store.get().chats[sessionId]?.changes !== changes) {
    await loadChat(delivery, sessionId);
  } else if (snapshot === null) dispatch({ type: "chatUnchanged", sessionId });
  else {
    dispatch({ type: "chatLoaded", snapshot });
    for (const taskId of textless(snapshot)) listener.textMissing(taskId);
  }
}

/** Tasks of the last answers that failed or were stopped, and whose text so far the session does not have. */
function textless({ messages }: SessionSnapshot): string[] {
  return messages
    .slice(-textlessMax)
    .filter(
      ({ role, status, parts }) =>
        role === "assistant" && status === "failed" && said(parts) === "",
    )
    .flatMap(({ taskId }) => taskId ?? []);
}

async function removeChat(
  surroundings: Surroundings,
  dispatch: (action: ChatAction) => void,
  sessionId: string,
): Promise<void> {
  const { client, store } = surroundings;
  const noticed = (failure: Failure): void => {
    const text = `The chat was not deleted. ${inOneLine(explainFailure(failure))}`;
    store.dispatch({ about: "shell", action: { type: "noticed", tone: "error", text } });
  };
  const removed = await guarded(
    surroundings,
    async () => {
      await client.chat.remove(sessionId);
      return true;
    },
    noticed,
  );
  if (removed === true) dispatch({ type: "chatRemoved", sessionId });
}
