import type { FeedEvent, SessionChange, TaskView, UserFeedEvent } from "../../engine/index.ts";
import { messageJson } from "../wire/message.ts";
import { eventTaskJson, type TaskPlace } from "../wire/task.ts";
import { approvalChangeJson } from "../wire/approval.ts";
import { reminderChangeJson } from "../wire/reminder.ts";
import { todoChangeJson } from "../wire/todo.ts";
import type { Placed } from "./position-watch.ts";

/** What a reader is told of one thing that happened, whatever carries it. */
export interface Told {
  readonly name:
    | "state"
    | "progress"
    | "step"
    | "tool"
    | "token"
    | "reset"
    | "end"
    | "session"
    | "todo"
    | "reminder"
    | "approval"
    | "up-to-date";
  /** JSON on one line. */
  readonly data: string;
}

/** All that was stored has been told; what follows is live. */
export const toldUpToDate: Told = { name: "up-to-date", data: "{}" };

/** A task's state. */
export function toldState(view: TaskView, place: TaskPlace): Told {
  return { name: "state", data: JSON.stringify({ task: eventTaskJson(view, place) }) };
}

/** A task's new place in line: a state without a cursor, because nothing happened to the task. */
export function toldPlace({ view, place }: Placed): Told {
  return toldState({ ...view, partial: null }, { cursor: null, ...place });
}

/**
 * The cursor to come back behind after event `index`. Null if the next one has the same: a reader who is lost between the
 * two would miss it.
 */
export function placeAt(events: readonly FeedEvent[], index: number): FeedEvent["cursor"] | null {
  const cursor = events[index]?.cursor ?? null;
  const next = events[index + 1]?.cursor;
  if (cursor === null || next === undefined) return cursor;
  const isSame =
    next.seq === cursor.seq && next.attempt === cursor.attempt && next.entry === cursor.entry;
  return isSame ? null : cursor;
}

/** An event of a task's feed; null for one that is not told. `cursor` is null on feeds without cursors. */
export function toldOf(event: FeedEvent, cursor: FeedEvent["cursor"] | null): Told | null {
  const { taskId } = event;
  switch (event.kind) {
    case "token":
      // The hot one: everything but the text is free of characters that JSON would escape.
      return {
        name: "token",
        data: `{"type":"llm.token","operation_id":"${taskId}","text":${JSON.stringify(event.text)},"offset":${event.offset}}`,
      };
    case "state":
      // The tokens before it have told the text: repeating it with every state would cost its square.
      return toldState({ ...event.task, partial: null }, { cursor });
    case "end":
      return { name: "end", data: JSON.stringify({ task: eventTaskJson(event.task, { cursor }) }) };
    case "progress":
      return { name: "progress", data: JSON.stringify({ taskId, progress: event.progress }) };
    case "step":
      return { name: "step", data: JSON.stringify({ taskId, name: event.name }) };
    case "tool": {
      // A tool call is told twice: by the ledger, and by the transcript with what went in and came out. The ledger's counts.
      if ("input" in event || "output" in event) return null;
      const { id, name, state } = event;
      return { name: "tool", data: JSON.stringify({ taskId, id, name, state }) };
    }
    case "reset": {
      const { attempt, offset, reason } = event;
      return { name: "reset", data: JSON.stringify({ taskId, attempt, offset, reason }) };
    }
    case "reasoning":
    case "call":
      return null;
    default: {
      const never: never = event;
      return never;
    }
  }
}

/** An event of a user's feed, which has no cursors: whoever reconnects begins with the present states. */
export function toldOfUser(event: UserFeedEvent): readonly Told[] {
  if (event.kind === "session") return sessionTold(event);
  if (event.kind === "approval")
    return [{ name: "approval", data: JSON.stringify(approvalChangeJson(event)) }];
  if (event.kind === "reminder")
    return [{ name: "reminder", data: JSON.stringify(reminderChangeJson(event)) }];
  if (event.kind === "todo") return [{ name: "todo", data: JSON.stringify(todoChangeJson(event)) }];
  const told = toldOf(event, null);
  return told === null ? [] : [told];
}

function sessionTold({ sessionId, activeTaskId, messages, deleted }: SessionChange): Told[] {
  const told = { sessionId, activeTaskId, ...(deleted ? { deleted } : {}) };
  if (messages.length === 0) return [{ name: "session", data: JSON.stringify(told) }];
  return messages.map((message) => ({
    name: "session",
    data: JSON.stringify({ ...told, message: messageJson(message) }),
  }));
}
