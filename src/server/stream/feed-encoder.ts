import { formatCursor, type Cursor } from "../../core/stream/cursor.ts";
import type { FeedEvent, TaskView, UserFeedEvent } from "../../engine/index.ts";
import type { Placed } from "./position-watch.ts";
import {
  placeAt,
  toldOf,
  toldOfUser,
  toldPlace,
  toldState,
  toldUpToDate,
  type Told,
} from "./told.ts";

const encoder = new TextEncoder();

/** First bytes of a stream: they bring the headers out, and tell browsers when to come back. */
export const streamStart: Uint8Array = encoder.encode("retry: 2000\n\n");
/** All that was stored has been sent; what follows is live. */
export const upToDate: Uint8Array = encoder.encode(sse(toldUpToDate));

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
      this.#task = { events, bytes: encoder.encode(taskEventsText(events)) };
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
      this.#placed = { event, bytes: encoder.encode(sse(toldPlace(event))) };
    return this.#placed.bytes;
  }
}

/** A state event without an id. */
export function stateBytes(view: TaskView, cursor: Cursor): Uint8Array {
  return encoder.encode(sse(toldState(view, { cursor })));
}

function taskEventsText(events: readonly FeedEvent[]): string {
  let text = "";
  for (const [index, event] of events.entries()) {
    const told = toldOf(event, event.cursor);
    if (told === null) continue;
    const place = placeAt(events, index);
    text += place === null ? sse(told) : `id: ${formatCursor(place)}\n${sse(told)}`;
  }
  return text;
}

function userEventText(event: UserFeedEvent): string {
  return toldOfUser(event).map(sse).join("");
}

/** JSON has no raw line end, so that no text can end an event or begin another (SPEC SEC10). */
function sse({ name, data }: Told): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}
