import { lazy, memo, Suspense } from "react";
import type { ReactNode } from "react";
import type { ChatMessage } from "../../client/index.ts";
import type { Send } from "../state/page-state.ts";
import { messageItem, sendItem } from "../state/select-chat.ts";
import type { MessageItem } from "../state/select-chat.ts";
import { momentWords, timeWords } from "../words/time-words.ts";
import { CopyButton } from "./copy-button.tsx";
import { ErrorFence } from "./error-fence.tsx";
import { MessageStateLine } from "./message-state.tsx";
import { usePage } from "./page-context.ts";

/** The markdown renderer is larger than the page: it comes when the first answer is shown. */
const Markdown = lazy(async () => ({ default: await rendererOf(1) }));

/** Some two minutes of waits that double: a server that restarts is back, and one that has another page now is not. */
const rendererTriesMax = 9;
const rendererWaitMs = 500;

/** Loads the renderer, also from a server that is away in this moment; answers are plain text until then. */
async function rendererOf(tries: number): Promise<(props: AnswerProps) => ReactNode> {
  try {
    return (await import("./markdown.tsx")).Markdown;
  } catch (error) {
    if (tries === rendererTriesMax) throw error;
    await new Promise((resolve) => setTimeout(resolve, rendererWaitMs * 2 ** (tries - 1)));
    return await rendererOf(tries + 1);
  }
}

/** One stored message with what is known of its task. Renders again only when its own task changes. */
export const MessageView: (props: { readonly message: ChatMessage }) => ReactNode = memo(
  function MessageView({ message }) {
    const { taskId } = message;
    const task = usePage((state) => (taskId === null ? null : (state.tasks[taskId] ?? null)));
    const view = usePage((state) => (taskId === null ? null : (state.views[taskId] ?? null)));
    return <MessageLine item={messageItem(message, task, view)} />;
  },
);

/** A message on its way. */
export function SendView({ send }: { readonly send: Send }): ReactNode {
  return <MessageLine item={sendItem(send)} />;
}

function MessageLine({ item }: { readonly item: MessageItem }): ReactNode {
  const isLive = item.state.is === "streaming";
  const moment = item.createdAtMs === null ? undefined : momentWords(item.createdAtMs);
  return (
    <li className="message" data-role={item.role} data-state={item.state.is}>
      <h2 className="unseen">{item.role === "user" ? "You" : "Errand"}</h2>
      {item.text !== "" && (
        <div className="message-body" title={item.role === "user" ? moment : undefined}>
          {item.role === "user" ? (
            <p className="plain">{item.text}</p>
          ) : (
            <Answer text={item.text} isLive={isLive} />
          )}
        </div>
      )}
      <MessageStateLine item={item} />
      {item.state.is === "done" && item.text !== "" && (
        <div className="message-tools">
          <CopyButton text={item.text} />
          {item.createdAtMs !== null && (
            <time className="quiet" title={moment}>
              {timeWords(item.createdAtMs)}
            </time>
          )}
        </div>
      )}
    </li>
  );
}

interface AnswerProps {
  readonly text: string;
  readonly isLive: boolean;
}

/** An answer as markdown; as plain text until the renderer is there, and if it cannot take the text. */
function Answer({ text, isLive }: AnswerProps): ReactNode {
  const plain = <p className="plain">{text}</p>;
  return (
    <ErrorFence instead={plain}>
      <Suspense fallback={plain}>
        <Markdown text={text} isLive={isLive} />
      </Suspense>
    </ErrorFence>
  );
}
