import { useLayoutEffect, useRef } from "react";
import type { KeyboardEvent, ReactNode } from "react";
import { messageCharsMax } from "../../core/limits.ts";
import { followedTask } from "../state/select-chat.ts";
import { Icon } from "./icon.tsx";
import { useControl, usePage } from "./page-context.ts";
import { composerId } from "./shortcuts.ts";
import { useDraft } from "./use-draft.ts";
import { useMedia } from "./use-media.ts";

const numbers: Intl.NumberFormat = new Intl.NumberFormat("en");

/** The message box. Enter sends; what keeps it from sending is said below it. */
export function Composer(): ReactNode {
  const control = useControl();
  const sessionId = usePage((state) => state.route.sessionId);
  const [text, setText] = useDraft(sessionId);
  const hasKeyboard = useMedia("(hover: hover) and (pointer: fine)");
  const isTooLong = text.length > messageCharsMax;
  const canSend = text.trim() !== "" && !isTooLong;
  const box = useRef<HTMLTextAreaElement>(null);

  const send = (): void => {
    if (!canSend) return;
    void control.chat.send(text);
    setText("");
    box.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    // While an input method composes, Enter chooses a word; on a touch keyboard it is the only way to a new line.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    if (!hasKeyboard) return;
    event.preventDefault();
    send();
  };

  useLayoutEffect(() => grow(box.current));
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label className="unseen" htmlFor={composerId}>
        Message
      </label>
      <textarea
        id={composerId}
        ref={box}
        rows={1}
        dir="auto"
        value={text}
        placeholder="Ask, or type enqueue, list, work"
        aria-describedby="composer-hint"
        aria-invalid={isTooLong}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className="composer-bar">
        <Hint length={text.length} isTooLong={isTooLong} hasKeyboard={hasKeyboard} />
        <StopButton />
        <button
          type="submit"
          className="send"
          disabled={!canSend}
          aria-label="Send"
          title={canSend ? "Send" : "Write something first"}
        >
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}

/** As tall as its text, up to the limit of the style sheet, for browsers whose style sheets cannot say so. */
function grow(box: HTMLTextAreaElement | null): void {
  if (box === null || CSS.supports("field-sizing", "content")) return;
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

interface HintProps {
  readonly length: number;
  readonly isTooLong: boolean;
  readonly hasKeyboard: boolean;
}

/** The one most important thing to know before sending. */
function Hint({ length, isTooLong, hasKeyboard }: HintProps): ReactNode {
  const isAnswering = usePage((state) => followedTask(state) !== null);
  const isLost = usePage((state) => state.connection.lostForLong);
  const words = ((): string => {
    if (isTooLong) {
      return `Too long to send: ${numbers.format(length)} of ${numbers.format(messageCharsMax)} characters.`;
    }
    if (isLost) return "No connection: what you send is kept here, to be sent again.";
    if (isAnswering && length > 0) return "It will wait for the answer that is being given.";
    return hasKeyboard ? "Enter sends, Shift + Enter makes a new line." : "";
  })();
  return (
    <p id="composer-hint" className="hint" data-bad={isTooLong}>
      {words}
    </p>
  );
}

function StopButton(): ReactNode {
  const control = useControl();
  const taskId = usePage(followedTask);
  const isStopping = usePage((state) => taskId !== null && state.wishes[taskId] === "cancel");
  if (taskId === null) return null;
  return (
    <button
      type="button"
      className="stop"
      disabled={isStopping}
      onClick={() => control.stopAnswer()}
    >
      <Icon name="stop" />
      {isStopping ? "Stopping" : "Stop"}
    </button>
  );
}
