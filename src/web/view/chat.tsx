import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { explainFailure, failureCode } from "../../client/index.ts";
import type { ChatMessage, Failure } from "../../client/index.ts";
import { sideShown } from "../state/page-state.ts";
import type { Send } from "../state/page-state.ts";
import { openChat } from "../state/select-chat.ts";
import { Notices } from "./banner.tsx";
import { Composer } from "./composer.tsx";
import { EmptyChat } from "./empty-chat.tsx";
import { Icon } from "./icon.tsx";
import { MessageView, SendView } from "./message.tsx";
import { useControl, usePage } from "./page-context.ts";
import { useStickToEnd } from "./use-stick-to-end.ts";

const sides = ["sidebar", "panel"] as const;
const noMessages: readonly ChatMessage[] = [];

/** The open chat: its messages and the message box. */
export function Chat(): ReactNode {
  const sessionId = usePage((state) => state.route.sessionId);
  const isCovered = usePage(({ shell }) =>
    sides.some((side) => sideShown(shell, side) === "drawer"),
  );
  return (
    <>
      <Transcript key={sessionId} sessionId={sessionId} />
      {!isCovered && <Notices />}
      <Composer />
    </>
  );
}

function Transcript({ sessionId }: { readonly sessionId: string | null }): ReactNode {
  const load = usePage((state) => openChat(state)?.load);
  const messages = usePage((state) => openChat(state)?.messages ?? noMessages);
  const sends = usePage((state) => state.sends);
  const shownSends = sends.filter(
    (send) => send.sessionId === sessionId && send.matchedId === null,
  );
  const { scroller, content, isAtEnd, toEnd } = useStickToEnd();
  const newest = shownSends.at(-1)?.actionId;
  useEffect(() => {
    // An own message is always shown, however far up one has read.
    if (newest !== undefined) toEnd();
  }, [newest, toEnd]);
  const isEmpty = messages.length === 0 && shownSends.length === 0;
  return (
    <div className="transcript">
      <div className="scroller" ref={scroller}>
        <div className="column" ref={content}>
          {sessionId === null && <EmptyChat />}
          {sessionId !== null && isEmpty && load?.is === "loading" && <Loading />}
          {load?.is === "failed" && isEmpty && (
            <ChatFailed sessionId={sessionId} failure={load.failure} />
          )}
          {!isEmpty && <Conversation messages={messages} sends={shownSends} />}
        </div>
      </div>
      {!isAtEnd && (
        <button type="button" className="to-end" onClick={toEnd}>
          <Icon name="down" />
          Newest
        </button>
      )}
    </div>
  );
}

/** Messages rendered at first; older ones come on demand, so that a long chat opens at once. */
const shownAtFirst = 60;

interface ConversationProps {
  readonly messages: readonly ChatMessage[];
  readonly sends: readonly Send[];
}

function Conversation({ messages, sends }: ConversationProps): ReactNode {
  const [shown, setShown] = useState(shownAtFirst);
  const hidden = Math.max(0, messages.length - shown);
  return (
    <>
      {hidden > 0 && (
        <button
          type="button"
          className="small-button earlier"
          onClick={() => setShown((count) => count + shownAtFirst)}
        >
          Show {Math.min(hidden, shownAtFirst)} earlier messages
        </button>
      )}
      <ol className="messages" aria-label="Messages">
        {messages.slice(hidden).map((message) => (
          <MessageView key={message.id} message={message} />
        ))}
        {sends.map((send) => (
          <SendView key={send.actionId} send={send} />
        ))}
      </ol>
    </>
  );
}

function Loading(): ReactNode {
  return (
    <output className="skeleton" aria-label="Loading the chat">
      <span />
      <span />
      <span />
    </output>
  );
}

function ChatFailed({
  sessionId,
  failure,
}: {
  readonly sessionId: string | null;
  readonly failure: Failure;
}): ReactNode {
  const control = useControl();
  const isMissing = failureCode(failure) === "not_found";
  const { what, help } = explainFailure(failure);
  return (
    <div className="blank" role="alert">
      <Icon name="alert" />
      <h2>{isMissing ? "This chat does not exist, or it is not yours." : what}</h2>
      {!isMissing && help !== "" && <p>{help}</p>}
      {isMissing || sessionId === null ? (
        <button type="button" className="button" onClick={() => control.openChat(null)}>
          Start a new chat
        </button>
      ) : (
        <button
          type="button"
          className="button"
          onClick={() => void control.chat.loadChat(sessionId)}
        >
          <Icon name="retry" />
          Load again
        </button>
      )}
    </div>
  );
}
