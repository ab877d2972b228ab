import type { ReactNode } from "react";
import { explainFailure, explainTaskError } from "../../client/index.ts";
import type { Explanation, Failure, Reason, WireError } from "../../client/index.ts";
import type { MessageItem } from "../state/select-chat.ts";
import { countsDown, lineOfWait } from "../words/task-words.ts";
import { Icon } from "./icon.tsx";
import type { IconName } from "./icon.tsx";
import { useControl, usePage } from "./page-context.ts";
import { useNow } from "./use-now.ts";

/** Where a message stands, in words, with what can be done about it. Nothing for what needs no word. */
export function MessageStateLine({ item }: { readonly item: MessageItem }): ReactNode {
  const { state } = item;
  switch (state.is) {
    case "sending":
      return <Line icon="send">Sending</Line>;
    case "unsent":
      return <Unsent actionId={item.id} failure={state.failure} />;
    case "pending":
      return (
        <Line icon="spin" tone="live">
          Working
        </Line>
      );
    case "queued":
      return <Waiting word="Queued" reason={state.reason} taskId={item.taskId} />;
    case "waiting":
      return <Waiting word="Waiting" reason={state.reason} taskId={item.taskId} />;
    case "failed":
      return <Failed error={state.error} taskId={item.taskId} />;
    case "stopped":
      return <Stopped taskId={item.taskId} />;
    case "sent":
    case "streaming":
    case "done":
      return null;
    default: {
      const never: never = state;
      return never;
    }
  }
}

interface LineProps {
  readonly icon: IconName;
  readonly tone?: "live" | "bad";
  readonly children: ReactNode;
}

function Line({ icon, tone, children }: LineProps): ReactNode {
  return (
    <p className="state-line" data-tone={tone}>
      <Icon name={icon} />
      <span>{children}</span>
    </p>
  );
}

interface WaitingProps {
  readonly word: string;
  readonly reason: Reason | null;
  readonly taskId: string | null;
}

function Waiting({ word, reason, taskId }: WaitingProps): ReactNode {
  const nowMs = useNow(countsDown(reason) ? 1_000 : 30_000);
  const isStopping = usePage((state) => taskId !== null && state.wishes[taskId] === "cancel");
  if (isStopping) return <Line icon="stop">Stopping</Line>;
  return <Line icon="clock">{reason === null ? word : lineOfWait(reason, word, nowMs)}</Line>;
}

function Unsent({
  actionId,
  failure,
}: {
  readonly actionId: string;
  readonly failure: Failure;
}): ReactNode {
  const control = useControl();
  return (
    <Trouble explanation={explainFailure(failure)} lead="Not sent.">
      <button
        type="button"
        className="small-button"
        onClick={() => void control.chat.resend(actionId)}
      >
        <Icon name="retry" />
        Retry
      </button>
      <button type="button" className="small-button" onClick={() => control.chat.discard(actionId)}>
        Discard
      </button>
    </Trouble>
  );
}

function Failed({
  error,
  taskId,
}: {
  readonly error: WireError;
  readonly taskId: string | null;
}): ReactNode {
  return (
    <Trouble explanation={explainTaskError(error)} detail={error.message}>
      {taskId !== null && <RetryButton taskId={taskId} />}
    </Trouble>
  );
}

function Stopped({ taskId }: { readonly taskId: string | null }): ReactNode {
  return (
    <div className="state-row">
      <Line icon="stop">Stopped</Line>
      {taskId !== null && <RetryButton taskId={taskId} />}
    </div>
  );
}

function RetryButton({ taskId }: { readonly taskId: string }): ReactNode {
  const control = useControl();
  const isWished = usePage((state) => state.wishes[taskId] === "retry");
  return (
    <button
      type="button"
      className="small-button"
      disabled={isWished}
      onClick={() => control.wish(taskId, "retry")}
    >
      <Icon name="retry" />
      Retry
    </button>
  );
}

interface TroubleProps {
  readonly explanation: Explanation;
  readonly lead?: string;
  readonly detail?: string;
  readonly children: ReactNode;
}

function Trouble({ explanation, lead, detail, children }: TroubleProps): ReactNode {
  const { what, help } = explanation;
  return (
    <div className="trouble" role="alert">
      <p className="trouble-what">
        <Icon name="alert" />
        <span>
          {lead !== undefined && <>{lead} </>}
          {what}
        </span>
      </p>
      {help !== "" && <p className="trouble-help">{help}</p>}
      {detail !== undefined && detail !== "" && detail !== what && (
        <details>
          <summary>What the server said</summary>
          <code>{detail}</code>
        </details>
      )}
      <div className="trouble-actions">{children}</div>
    </div>
  );
}
