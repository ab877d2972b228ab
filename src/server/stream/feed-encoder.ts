import { formatCursor } from "../../core/stream/cursor.ts";
import type { FeedEvent, SessionChange, TaskView, UserFeedEvent } from "../../engine/index.ts";
import { messageJson } from "../wire/message.ts";
import { eventTaskJson, type TaskPlace } from "../wire/task.ts";
import { todoChangeJson } from "../wire/todo.ts";
import type { Placed } from "./position-watch.ts";

const encoder = new TextEncoder();

/** First bytes of a stream: they bring the headers out, and tell browsers when to come back. */
export const streamStart: Uint8Array = encoder.encode("retry: 2000\n\n");
/** All that was stored has been sent; what follows is live. */
export const upToDate: Uint8Array = encoder.encode("event: up-to-date\ndata: {}\n\n");

/**
 * Writes feed events as server-sent events. A commit is encoded once, however many readers it has: they are given the
 * same array one after the other, so that the last result is the only one to remember.
 */
export class FeedEncoder {
  #task: { readonly events: readonly FeedEvent[]; readonly bytes: Uint8Array } | null = null;
  #user: { readonly events: readonly UserFeedEvent[]; readonly bytes: Uint8Array } | null = null;
  #placed: { readonly event: Placed; readonly bytes: Uint8Array } | null = null;

  /** Events of a task's feed, with their cursors as ids. Empty if none of them is told. */
  task(events: readonly FeedEvent[]): Uint8Array {
    if (this.#task?.events !== events)
      this.#task = { events, bytes: encoder.encode(events.map(taskEventText).join("")) };
    return this.#task.bytes;
  }

  /** Events of a user's feed. They have no ids: whoever reconnects begins with the present states. */
  user(events: readonly UserFeedEvent[]): Uint8Array {
    if (this.#user?.events !== events)
      this.#user = { events, bytes: encoder.encode(events.map(userEventText).join("")) };
    return this.#user.bytes;
  }

  /** A task's new place in line: a state without an id, because nothing happened to the task. */
  placed(event: Placed): Uint8Array {
    if (this.#placed?.event !== event)
      this.#placed = {
        event,
        bytes: encoder.encode(
          stateText({ ...event.view, partial: null }, { cursor: null, ...event.place }),
        ),
      };
    return this.#placed.bytes;
  }
}

/** A state event without an id. */
export function stateText(view: TaskView, place: TaskPlace): string {
  return sse("state", JSON.stringify({ task: eventTaskJson(view, place) }));
}

function taskEventText(event: FeedEvent): string {
  const told = eventText(event, event.cursor);
  return told === "" ? "" : `id: ${formatCursor(event.cursor)}\n${told}`;
}

function userEventText(event: UserFeedEvent): string {
  if (event.kind === "session") return sessionText(event);
  if (event.kind === "todo") return sse("todo", JSON.stringify(todoChangeJson(event)));
  return eventText(event, null);
}

function eventText(event: FeedEvent, cursor: FeedEvent["cursor"] | null): string {
  const { taskId } = event;
  switch (event.kind) {
    case "token":
      // The hot one: everything but the text is free of characters that JSON would escape.
      return `event: token\ndata: {"type":"llm.token","operation_id":"${taskId}","text":${JSON.stringify(event.text)},"offset":${event.offset}}\n\n`;
    case "state":
      // The tokens before it have told the text: repeating it with every state would cost its square.
      return stateText({ ...event.task, partial: null }, { cursor });
    case "end":
      return sse("end", JSON.stringify({ task: eventTaskJson(event.task, { cursor }) }));
    case "progress":
      return sse("progress", JSON.stringify({ taskId, progress: event.progress }));
    case "step":
      return sse("step", JSON.stringify({ taskId, name: event.name }));
    case "tool":
      // A tool call is told twice: by the ledger, and by the transcript with what went in and came out. The ledger's counts.
      if ("input" in event || "output" in event) return "";
      return sse(
        "tool",
        JSON.stringify({ taskId, id: event.id, name: event.name, state: event.state }),
      );
    case "reset":
      return sse(
        "reset",
        JSON.stringify({
          taskId,
          attempt: event.attempt,
          offset: event.offset,
          reason: event.reason,
        }),
      );
    case "reasoning":
    case "call":
      return "";
    default: {
      const never: never = event;
      return never;
    }
  }
}

function sessionText({ sessionId, activeTaskId, messages, deleted }: SessionChange): string {
  const told = { sessionId, activeTaskId, ...(deleted ? { deleted } : {}) };
  if (messages.length === 0) return sse("session", JSON.stringify(told));
  return messages
    .map((message) => sse("session", JSON.stringify({ ...told, message: messageJson(message) })))
    .join("");
}

/** JSON has no raw line end, so that no text can end an event or begin another (SPEC SEC10). */
function sse(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}
