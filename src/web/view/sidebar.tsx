import { useState } from "react";
import type { ReactNode } from "react";
import type { SessionSummary } from "../../client/index.ts";
import { agoWords, momentWords } from "../words/time-words.ts";
import { Icon } from "./icon.tsx";
import { LoadFailed } from "./load-failed.tsx";
import { useControl, usePage } from "./page-context.ts";
import { focusComposer } from "./shortcuts.ts";
import { useNow } from "./use-now.ts";

/** The chats, newest first. */
export function Sidebar(): ReactNode {
  const control = useControl();
  const load = usePage((state) => state.sessionsLoad);
  const sessions = usePage((state) => state.sessions);
  const startNew = (): void => {
    control.openChat(null);
    control.closeDrawer();
    focusComposer();
  };
  return (
    <>
      <button type="button" className="new-chat" onClick={startNew}>
        <Icon name="compose" />
        New chat
      </button>
      {sessions.length === 0 && (
        <LoadFailed load={load} onAgain={() => void control.chat.loadSessions()} />
      )}
      {load.is === "ready" && sessions.length === 0 && (
        <p className="side-note">Your chats will be listed here.</p>
      )}
      <SessionList sessions={sessions} />
      <ForgetKey />
    </>
  );
}

function SessionList({ sessions }: { readonly sessions: readonly SessionSummary[] }): ReactNode {
  const nowMs = useNow(30_000);
  if (sessions.length === 0) return null;
  return (
    <ul className="sessions">
      {sessions.map((session) => (
        <SessionRow key={session.id} session={session} nowMs={nowMs} />
      ))}
    </ul>
  );
}

interface SessionRowProps {
  readonly session: SessionSummary;
  readonly nowMs: number;
}

function SessionRow({ session, nowMs }: SessionRowProps): ReactNode {
  const control = useControl();
  const isOpen = usePage((state) => state.route.sessionId === session.id);
  const [asks, setAsks] = useState(false);
  const title = session.title === "" ? "Untitled chat" : session.title;
  const updatedAtMs = Date.parse(session.updatedAt ?? session.createdAt ?? "");
  if (asks) return <DeleteQuestion session={session} onDone={() => setAsks(false)} />;
  return (
    <li className="session" data-open={isOpen}>
      <button
        type="button"
        className="session-open"
        aria-current={isOpen ? "page" : undefined}
        onClick={() => {
          control.openChat(session.id);
          control.closeDrawer();
        }}
      >
        <span className="session-title">{title}</span>
        {session.activeTaskId === null ? (
          <Ago atMs={updatedAtMs} nowMs={nowMs} />
        ) : (
          <span className="session-live">answering</span>
        )}
      </button>
      <button
        type="button"
        className="icon-button on-hover"
        aria-label={`Delete chat: ${title}`}
        title="Delete this chat"
        onClick={() => setAsks(true)}
      >
        <Icon name="trash" />
      </button>
    </li>
  );
}

function Ago({ atMs, nowMs }: { readonly atMs: number; readonly nowMs: number }): ReactNode {
  if (Number.isNaN(atMs)) return null;
  return (
    <time className="session-time" title={momentWords(atMs)}>
      {agoWords(atMs, nowMs)}
    </time>
  );
}

interface DeleteQuestionProps {
  readonly session: SessionSummary;
  readonly onDone: () => void;
}

function DeleteQuestion({ session, onDone }: DeleteQuestionProps): ReactNode {
  const control = useControl();
  const isOpen = usePage((state) => state.route.sessionId === session.id);
  const remove = (): void => {
    onDone();
    if (isOpen) control.openChat(null);
    void control.chat.remove(session.id);
  };
  return (
    <li className="session session-question">
      <span>Delete this chat?</span>
      <button type="button" className="small-button danger" onClick={remove}>
        Delete
      </button>
      {/* The question took the place of the button that was pressed. */}
      {/* oxlint-disable-next-line jsx-a11y/no-autofocus */}
      <button type="button" className="small-button" autoFocus onClick={onDone}>
        Keep
      </button>
    </li>
  );
}

/** On a shared computer the key must not stay. */
function ForgetKey(): ReactNode {
  const control = useControl();
  const hasKey = usePage((state) => state.hasKey);
  if (!hasKey) return null;
  return (
    <button type="button" className="small-button forget-key" onClick={() => control.setKey(null)}>
      <Icon name="key" />
      Forget the API key
    </button>
  );
}
