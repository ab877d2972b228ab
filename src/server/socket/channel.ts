import type { Cursor } from "../../core/stream/cursor.ts";
import type { FeedEvent, TaskView, UserFeedEvent } from "../../engine/index.ts";
import type { FeedSink } from "../stream/feed-sink.ts";
import type { Placed } from "../stream/position-watch.ts";
import { placeAt, toldOf, toldOfUser, toldPlace, toldState, toldUpToDate } from "../stream/told.ts";
import { endFrame, eventFrame, gapFrame } from "./frames.ts";
import type { SocketLine } from "./socket-line.ts";

/**
 * Writes feed events as frames. A commit is encoded once, however many sockets follow it, as {@link FeedEncoder} does for
 * event streams.
 */
export class FrameEncoder {
  #task: { readonly events: readonly FeedEvent[]; readonly frames: readonly string[] } | null =
    null;
  #user: { readonly events: readonly UserFeedEvent[]; readonly frames: readonly string[] } | null =
    null;

  /** Frames of a task's events, each with its cursor. */
  task(channel: string, events: readonly FeedEvent[]): readonly string[] {
    if (this.#task?.events !== events) {
      const frames = events.flatMap((event, index) => {
        const told = toldOf(event, event.cursor);
        return told === null ? [] : [eventFrame(channel, told, placeAt(events, index))];
      });
      this.#task = { events, frames };
    }
    return this.#task.frames;
  }

  /** Frames of a user's events. They have no cursors. */
  user(channel: string, events: readonly UserFeedEvent[]): readonly string[] {
    if (this.#user?.events !== events) {
      const frames = events.flatMap((event) =>
        toldOfUser(event).map((told) => eventFrame(channel, told, null)),
      );
      this.#user = { events, frames };
    }
    return this.#user.frames;
  }
}

/** One subscription of a socket: a feed as frames of its channel. */
export class Channel implements FeedSink {
  readonly name: string;
  /** Where the reader stands; null where it never saw a cursor. */
  cursor: Cursor | null;
  readonly #line: SocketLine;
  readonly #encoder: FrameEncoder;
  readonly #left: (channel: Channel) => void;
  #isOpen = true;
  #leave: (() => void) | null = null;

  /** `left` is called when the channel ends by itself. */
  constructor(
    name: string,
    after: Cursor | null,
    { line, encoder }: { readonly line: SocketLine; readonly encoder: FrameEncoder },
    left: (channel: Channel) => void,
  ) {
    this.name = name;
    this.cursor = after;
    this.#line = line;
    this.#encoder = encoder;
    this.#left = left;
  }

  get isOpen(): boolean {
    return this.#isOpen && this.#line.isOpen;
  }

  /** Gives the channel what it leaves when it is over; called at once if it is over already. */
  follows(leave: () => void): void {
    if (this.#isOpen) this.#leave = leave;
    else leave();
  }

  /** Ends the channel from the client's side: nothing is said about it. */
  stop(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#leave?.();
    this.#leave = null;
  }

  live(events: readonly FeedEvent[]): void {
    if (!this.#isOpen) return;
    this.#line.live(this.#encoder.task(this.name, events));
    this.#saw(events);
  }

  stored(events: readonly FeedEvent[]): Promise<void> | undefined {
    if (!this.#isOpen) return undefined;
    const room = this.#line.stored(this.#encoder.task(this.name, events));
    this.#saw(events);
    return room;
  }

  user(events: readonly UserFeedEvent[]): void {
    if (this.#isOpen) this.#line.live(this.#encoder.user(this.name, events));
  }

  state(view: TaskView, cursor: Cursor): Promise<void> | undefined {
    if (!this.#isOpen) return undefined;
    return this.#line.stored([eventFrame(this.name, toldState(view, { cursor }), null)]);
  }

  placed(placed: Placed): void {
    if (this.#isOpen) this.#line.live([eventFrame(this.name, toldPlace(placed), null)]);
  }

  upToDate(): void {
    if (this.#isOpen) this.#line.live([eventFrame(this.name, toldUpToDate, null)]);
  }

  end(): void {
    this.#ends(endFrame(this.name));
  }

  break(reason: string): void {
    this.#ends(gapFrame(this.name, `${reason}: ask for it again behind your cursor`));
  }

  #saw(events: readonly FeedEvent[]): void {
    this.cursor = events.at(-1)?.cursor ?? this.cursor;
  }

  #ends(frame: string): void {
    if (!this.#isOpen) return;
    this.stop();
    this.#line.live([frame]);
    this.#left(this);
  }
}
