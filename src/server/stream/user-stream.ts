import type { Cursor } from "../../core/stream/cursor.ts";
import { isEnd } from "../../core/task/status.ts";
import { isAfter, type TaskView, type UserFeedEvent } from "../../engine/index.ts";
import type { ServerContext } from "../context.ts";
import { ignore, type EventStream } from "./event-stream.ts";
import { stateText, upToDate } from "./feed-encoder.ts";
import { waitsInLine, type Watching } from "./position-watch.ts";
import type { Visitor } from "./stream-keeper.ts";

/** Open tasks told when a stream begins, newest first; a page that needs more asks for the list. */
const statesMax = 1_000;
/** Tasks read at once. */
const pageTasks = 50;
/** Live events that may come while the states are read. */
const heldMax = 50_000;
/** Waiting tasks whose place in line is told on one stream. */
const placesMax = 50;

const encoder = new TextEncoder();

/**
 * Everything of a user as server-sent events: one `state` for each open task, `up-to-date`, and what happens from then
 * on. It has no cursors: whoever reconnects begins with states again.
 */
export function openUserStream(server: ServerContext, visitor: Visitor): Response {
  const { engine, streams } = server;
  let leave = ignore;
  const { stream, response } = streams.open(visitor, () => leave());
  const places = new Places(server, stream);
  let held: UserFeedEvent[] | null = [];
  const stop = engine.userFeeds.follow(visitor.who.userId, (events) => {
    if (held === null) {
      stream.write(server.encoder.user(events));
      places.saw(events);
      return;
    }
    for (const event of events) held.push(event);
    if (held.length > heldMax) stream.break("too much happened while it began");
  });
  leave = () => {
    stop();
    places.stop();
  };
  const begin = async (): Promise<void> => {
    const known = await writeStates(server, stream, visitor.who.userId, places);
    stream.write(upToDate);
    const late = (held ?? []).filter((event) => isNews(event, known));
    held = null;
    if (late.length === 0) return;
    stream.write(server.encoder.user(late));
    places.saw(late);
  };
  begin().catch((error: unknown) => {
    server.log.error("a user's stream could not begin", error);
    stream.break("the states could not be read");
  });
  return response;
}

/** Writes the states of open tasks; answers how far each of them was told. */
async function writeStates(
  server: ServerContext,
  stream: EventStream,
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
      await stream.writeStored(encoder.encode(stateText(view, { cursor })));
    }
    // oxlint-disable-next-line no-await-in-loop
    await breathe();
    before = page.next;
  } while (before !== null && known.size < statesMax && stream.isOpen);
  return known;
}

/** Lets other work have its turn: a store that answers at once never yields by itself. */
function breathe(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 0));
}

/** False for what a task's state, read later, has told already. Its text is told by entry, everything else by fact. */
function isNews(event: UserFeedEvent, known: ReadonlyMap<string, Cursor>): boolean {
  if (event.kind === "session" || event.kind === "todo") return true;
  const told = known.get(event.taskId);
  if (told === undefined) return true;
  const { seq, attempt, entry } = event.cursor;
  if (event.kind !== "token" && !(event.kind === "reset" && seq === 0))
    return isAfter({ seq, attempt: 0, entry: 0 }, { seq: told.seq, attempt: 0, entry: 0 });
  return attempt > told.attempt || (attempt === told.attempt && entry > told.entry);
}

/** The places in line that one stream tells. */
class Places {
  readonly #server: ServerContext;
  readonly #stream: EventStream;
  readonly #watching = new Map<string, Watching>();

  constructor(server: ServerContext, stream: EventStream) {
    this.#server = server;
    this.#stream = stream;
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
    const { positions, encoder: feed } = this.#server;
    const watching = positions.watch(view.id, (placed) => this.#stream.write(feed.placed(placed)));
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
