import type { Cursor } from "../../core/stream/cursor.ts";
import { isEnd } from "../../core/task/status.ts";
import { isAfter, type TaskView, type UserFeedEvent } from "../../engine/index.ts";
import type { ServerContext } from "../context.ts";
import { ignore } from "./event-stream.ts";
import { eventStreamSink, type FeedSink } from "./feed-sink.ts";
import { waitsInLine, type Watching } from "./position-watch.ts";
import type { Visitor } from "./stream-keeper.ts";

/** Open tasks told when a feed begins, newest first; a page that needs more asks for the list. */
const statesMax = 1_000;
/** Tasks read at once. */
const pageTasks = 50;
/** Live events that may come while the states are read. */
const heldMax = 50_000;
/** Waiting tasks whose place in line is told on one feed. */
const placesMax = 50;

/**
 * Everything of a user as server-sent events: one `state` for each open task, `up-to-date`, and what happens from then
 * on. It has no cursors: whoever reconnects begins with states again.
 */
export function openUserStream(server: ServerContext, visitor: Visitor): Response {
  let leave = ignore;
  const { stream, response } = server.streams.open(visitor, () => leave());
  leave = followUser(server, visitor.who.userId, eventStreamSink(stream, server.encoder));
  return response;
}

/**
 * Tells everything of a user to a sink: one `state` for each open task, `up-to-date`, and what happens from then on.
 * `isKnown`: the reader knows the states already, and is told only what happens now. Answers how to stop.
 */
export function followUser(
  server: ServerContext,
  userId: string,
  sink: FeedSink,
  isKnown = false,
): () => void {
  const places = new Places(server, sink);
  let held: UserFeedEvent[] | null = isKnown ? null : [];
  const stop = server.engine.userFeeds.follow(userId, (events) => {
    if (held === null) {
      sink.user(events);
      places.saw(events);
      return;
    }
    for (const event of events) held.push(event);
    if (held.length > heldMax) sink.break("too much happened while it began");
  });
  const begin = async (): Promise<void> => {
    const known = await tellStates(server, sink, userId, places);
    sink.upToDate();
    const late = (held ?? []).filter((event) => isNews(event, known));
    held = null;
    if (late.length === 0) return;
    sink.user(late);
    places.saw(late);
  };
  if (!isKnown)
    begin().catch((error: unknown) => {
      server.log.error("a user's feed could not begin", error);
      sink.break("the states could not be read");
    });
  return () => {
    stop();
    places.stop();
  };
}

/** Tells the states of open tasks; answers how far each of them was told. */
async function tellStates(
  server: ServerContext,
  sink: FeedSink,
  userId: string,
  places: Places,
): Promise<Map<string, Cursor>> {
  const { reader } = server.engine;
  const known = new Map<string, Cursor>();
  let before: string | null = null;
  do {
    const query = {
      userId,
      statusClass: "active",
      limit: pageTasks,
      ...(before === null ? {} : { before }),
    } as const;
    // Page after page: the next begins behind the last.
    // oxlint-disable-next-line no-await-in-loop
    const page = await reader.tasks(query);
    for (const { id } of page.tasks) {
      // oxlint-disable-next-line no-await-in-loop
      const { view, cursor } = await reader.task(id, userId);
      // It ended a moment ago: its end is among what is held back.
      if (isEnd(view.status)) continue;
      known.set(id, cursor);
      places.sawTask(view);
      // oxlint-disable-next-line no-await-in-loop
      await sink.state(view, cursor);
    }
    // oxlint-disable-next-line no-await-in-loop
    await breathe();
    before = page.next;
  } while (before !== null && known.size < statesMax && sink.isOpen);
  return known;
}

/** Lets other work have its turn: a store that answers at once never yields by itself. */
function breathe(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 0));
}

/** False for what a task's state, read later, has told already. Its text is told by entry, everything else by fact. */
function isNews(event: UserFeedEvent, known: ReadonlyMap<string, Cursor>): boolean {
  if (!("taskId" in event)) return true;
  const told = known.get(event.taskId);
  if (told === undefined) return true;
  const { seq, attempt, entry } = event.cursor;
  if (event.kind !== "token" && !(event.kind === "reset" && seq === 0))
    return isAfter({ seq, attempt: 0, entry: 0 }, { seq: told.seq, attempt: 0, entry: 0 });
  return attempt > told.attempt || (attempt === told.attempt && entry > told.entry);
}

/** The places in line that one feed tells. */
class Places {
  readonly #server: ServerContext;
  readonly #sink: FeedSink;
  readonly #watching = new Map<string, Watching>();

  constructor(server: ServerContext, sink: FeedSink) {
    this.#server = server;
    this.#sink = sink;
  }

  saw(events: readonly UserFeedEvent[]): void {
    for (const event of events) {
      if (event.kind === "state") this.sawTask(event.task);
      else if (event.kind === "end") this.#forget(event.taskId);
    }
  }

  sawTask(view: TaskView): void {
    const known = this.#watching.get(view.id);
    if (known !== undefined) return known.saw(view);
    if (!waitsInLine(view) || this.#watching.size >= placesMax) return;
    const watching = this.#server.positions.watch(view.id, (placed) => this.#sink.placed(placed));
    this.#watching.set(view.id, watching);
    watching.saw(view);
  }

  stop(): void {
    for (const watching of this.#watching.values()) watching.stop();
    this.#watching.clear();
  }

  #forget(taskId: string): void {
    this.#watching.get(taskId)?.stop();
    this.#watching.delete(taskId);
  }
}
