import { asTaskEvents } from "../erased-types.ts";
import { ErrandError } from "../../core/errors.ts";
import { taskScope, type Scope } from "../../core/scope.ts";
import { streamId } from "../../core/stream/entry.ts";
import type { Cursor } from "../../core/stream/cursor.ts";
import type { Committed } from "../kernel/group.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { StoredEntries } from "../kernel/open-stream.ts";
import type { Breath } from "./breath.ts";
import { isAfter, type FeedEvent } from "./feed-event.ts";
import { FreshTasks, type Made } from "./fresh-tasks.ts";
import { tellAll } from "./tell-all.ts";
import { TaskFold, type FoldRow } from "./task-fold.ts";

/**
 * Stored rows of a stream read at once while a backlog is folded: of blocks, about 1 MB. Each slow reader holds a page,
 * and the event loop pauses for one.
 */
const streamRowsPage = 4;

/** Events a slow reader may be behind before it is dropped; it comes back with its cursor. */
const behindMax = 50_000;

/** One reader: gets batches, in order. `end()` is called once, after which nothing comes. */
export interface FeedReader {
  /**
   * Takes a batch. While stored events are read back, nothing more is read before an answered promise is settled, so
   * that a long backlog is never in memory as a whole; live events do not wait. The promise must not reject, and must
   * settle when the reader leaves.
   */
  push(events: readonly FeedEvent[]): void | Promise<void>;
  /** `caught up`: everything stored has been pushed; live events follow. */
  upToDate(): void;
  end(reason: "ended" | "slow" | "failed"): void;
}

/** How tasks of other homes are followed. */
export interface AwayFeeds {
  isLocal(scope: Scope): boolean;
  /** Lets a reader follow a task that lives elsewhere, as {@link TaskFeeds.follow} does. */
  follow(taskId: string, after: Cursor, reader: FeedReader): () => void;
}

type Give = (events: FeedEvent[]) => void | Promise<void>;

/** Where a past is read from, and how much of it at a time. */
interface From {
  readonly kernel: Kernel;
  readonly breath: Breath;
}

/**
 * Folds what is stored of a task behind nothing, up to `until` or to what there is, and hands the events out. An end
 * that was not the last, because its owner tried the task again, is a state like any other.
 */
async function replay(
  { kernel, breath }: From,
  fold: TaskFold,
  taskId: string,
  until: Cursor | null,
  give: Give,
  known: readonly FoldRow[] | null = null,
): Promise<readonly FoldRow[]> {
  const drain = async (to: number | "all"): Promise<void> => {
    const { attempt } = fold.position;
    if (attempt === 0) return;
    for (;;) {
      const from = fold.position.entry;
      const limit = to === "all" ? Number.POSITIVE_INFINITY : to;
      if (from >= limit) return;
      await breath.take();
      const entries = await kernel.readStream(streamId(taskId, attempt), from, streamRowsPage);
      if (entries.length === 0) return;
      await give(fold.entries(attempt, from, entries.slice(0, limit - from)));
    }
  };
  await breath.take();
  const stored = known ?? (await readRows(kernel, taskId));
  const rows = until === null ? stored : stored.filter((row) => row.seq <= until.seq);
  for (const [index, row] of rows.entries()) {
    const needs = fold.needs(row);
    if (needs !== null) await drain(needs);
    const events = fold.row(row);
    await give(index === rows.length - 1 ? events : events.map(asState));
  }
  if (until === null) await drain("all");
  else if (fold.position.attempt === until.attempt) await drain(until.entry);
  return stored;
}

/** Folds what a fresh task has said, and hands the events out at once. */
async function replayFresh(fold: TaskFold, made: readonly Made[], give: Give): Promise<void> {
  const last = made.findLast(({ row }) => row !== null);
  const events = made.flatMap((one) => {
    if (one.row === null) return entriesOf(fold, one.stored);
    const told = fold.row(one.row);
    return one === last ? told : told.map(asState);
  });
  await give(events);
}

function entriesOf(fold: TaskFold, { stream, n, entries }: StoredEntries): FeedEvent[] {
  return fold.entries(Number(stream.slice(stream.lastIndexOf("/") + 1)), n, entries);
}

function rowOf({ seq, atMs, events }: Committed): FoldRow {
  // Live, the entries of a commit have come before its events: there is nothing to wait for.
  return { seq, atMs, events: asTaskEvents(events), streamTail: null };
}

function asState(event: FeedEvent): FeedEvent {
  return event.kind === "end" ? { ...event, kind: "state" } : event;
}

async function readRows(kernel: Kernel, taskId: string): Promise<FoldRow[]> {
  const rows: FoldRow[] = [];
  for (const stored of await kernel.readLog(taskScope(taskId))) {
    // Events of a task's own log: the kernel has checked the frame, the task's decider wrote it.
    rows.push({
      seq: stored.seq,
      atMs: stored.atMs,
      events: asTaskEvents(stored.events),
      streamTail: stored.streamTail,
    });
  }
  return rows;
}

/**
 * The live feed of one task, shared by its readers: each commit is folded once, whatever their number. A reader
 * first gets the backlog up to the point where it joined, folded for itself, then what the shared fold gives.
 */
class SharedFeed {
  readonly taskId: string;
  readonly #from: From;
  readonly #fold: TaskFold;
  readonly #live = new Set<(events: readonly FeedEvent[]) => void>();
  readonly ready: Promise<void>;
  #early: (() => void)[] | null = [];
  /** The rows that were read to catch up, for the reader who has waited for that. */
  #rows: readonly FoldRow[] | null = null;
  /** All that was said since the task was accepted, if it is so fresh, until its first reader has it. */
  #made: Made[] | null;

  constructor(from: From, taskId: string, made: Made[] | null) {
    this.#from = from;
    this.taskId = taskId;
    this.#fold = new TaskFold(taskId);
    this.#made = made;
    if (made === null) this.ready = this.#catchUp();
    else {
      this.ready = replayFresh(this.#fold, made, () => undefined);
      this.#early = null;
    }
  }

  get size(): number {
    return this.#live.size;
  }

  get position(): Cursor {
    return this.#fold.position;
  }

  join(give: (events: readonly FeedEvent[]) => void): () => void {
    this.#live.add(give);
    return () => this.#live.delete(give);
  }

  committed(commit: Committed): void {
    const row = rowOf(commit);
    this.#made?.push({ row, stored: null });
    this.#do(() => this.#give(this.#fold.row(row)));
  }

  entries(stored: StoredEntries): void {
    this.#made?.push({ row: null, stored });
    this.#do(() => this.#give(entriesOf(this.#fold, stored)));
  }

  /** Everything the task has said, up to where the feed is; given once, and null if the task is not fresh. */
  takeMade(): readonly Made[] | null {
    const made = this.#made;
    this.#made = null;
    return made;
  }

  /** All facts up to where the feed is, if they are at hand; given once, because they may be many. */
  takeRows(): readonly FoldRow[] | null {
    const rows = this.#rows;
    this.#rows = null;
    const last = rows?.at(-1);
    const end = last === undefined ? 0 : last.seq + last.events.length - 1;
    return end === this.position.seq ? rows : null;
  }

  async #catchUp(): Promise<void> {
    this.#rows = await replay(this.#from, this.#fold, this.taskId, null, () => undefined);
    const early = this.#early ?? [];
    this.#early = null;
    for (const action of early) action();
  }

  #do(action: () => void): void {
    if (this.#early === null) action();
    else this.#early.push(action);
  }

  #give(events: readonly FeedEvent[]): void {
    if (events.length === 0) return;
    tellAll(this.#live, events);
  }
}

/** Feeds of tasks. */
export class TaskFeeds {
  readonly #from: From;
  readonly #homes: AwayFeeds | undefined;
  readonly #shared = new Map<string, SharedFeed>();
  readonly #fresh = new FreshTasks();

  constructor(from: From, homes?: AwayFeeds) {
    this.#from = from;
    const { kernel } = from;
    this.#homes = homes;
    kernel.listen({
      committed: (commit) => this.#committed(commit),
      entries: (stored) => this.#entries(stored),
    });
  }

  /** Readers' shared feeds, for metrics. */
  get size(): number {
    return this.#shared.size;
  }

  /** Lets a reader follow a task from behind `after`. Answers how to stop. */
  follow(taskId: string, after: Cursor, reader: FeedReader): () => void {
    if (this.#homes?.isLocal(taskScope(taskId)) === false)
      return this.#homes.follow(taskId, after, reader);
    const state = { stopped: false, leave: (): void => undefined };
    const stop = (): void => {
      if (state.stopped) return;
      state.stopped = true;
      state.leave();
    };
    this.#follow(taskId, after, reader, state, stop).catch(() => {
      if (state.stopped) return;
      stop();
      reader.end("failed");
    });
    return stop;
  }

  async #follow(
    taskId: string,
    after: Cursor,
    reader: FeedReader,
    state: { stopped: boolean; leave: () => void },
    stop: () => void,
  ): Promise<void> {
    let shared = this.#shared.get(taskId);
    if (shared === undefined) {
      shared = new SharedFeed(this.#from, taskId, this.#fresh.take(taskId));
      this.#shared.set(taskId, shared);
    }
    const feed = shared;
    const queue: FeedEvent[] = [];
    let live = false;
    const push = (events: readonly FeedEvent[]): void | Promise<void> => {
      if (state.stopped) return;
      const taken = reader.push(events);
      if (events.at(-1)?.kind !== "end") return taken;
      stop();
      reader.end("ended");
    };
    const pushLive = (events: readonly FeedEvent[]): void => {
      try {
        void push(events);
      } catch (error) {
        if (!state.stopped) {
          stop();
          reader.end("failed");
        }
        throw error;
      }
    };
    const leave = feed.join((events) => {
      if (live) return pushLive(events);
      queue.push(...events);
      if (queue.length <= behindMax) return;
      stop();
      reader.end("slow");
    });
    state.leave = () => {
      leave();
      if (feed.size === 0 && this.#shared.get(taskId) === feed) this.#shared.delete(taskId);
    };
    if (state.stopped) return state.leave();
    await feed.ready;
    // From here to `until` there is no wait: what comes later is in the queue, what came before is on disk.
    const until = feed.position;
    queue.length = 0;
    const give: Give = (events) => {
      if (state.stopped) throw new ErrandError("client_closed", "the reader has left");
      const fresh = events.filter((event) => isAfter(event.cursor, after));
      return fresh.length > 0 ? push(fresh) : undefined;
    };
    const made = feed.takeMade();
    const fold = new TaskFold(taskId);
    // The first reader's rows were just read to make the shared feed: opening them costs more than all the rest here.
    if (made === null) await replay(this.#from, fold, taskId, until, give, feed.takeRows());
    else await replayFresh(fold, made, give);
    // What came meanwhile goes the same way, so that a slow reader is not flooded with all of it at once.
    while (queue.length > 0) await push(queue.splice(0));
    if (state.stopped) return;
    live = true;
    reader.upToDate();
  }

  #committed(commit: Committed): void {
    if (!commit.scope.startsWith("task/")) return;
    const isThroughDoor = commit.seq === 1 && commit.metas[0]?.[1].requestId !== undefined;
    // Most tasks have no reader: then their names are not even cut out.
    if (this.#shared.size === 0 && this.#fresh.size === 0 && !isThroughDoor) return;
    const taskId = commit.scope.slice("task/".length);
    const shared = this.#shared.get(taskId);
    if (shared === undefined) this.#fresh.row(taskId, rowOf(commit), isThroughDoor);
    else shared.committed(commit);
  }

  #entries(stored: StoredEntries): void {
    if (this.#shared.size === 0 && this.#fresh.size === 0) return;
    const taskId = stored.stream.slice(0, stored.stream.lastIndexOf("/"));
    const shared = this.#shared.get(taskId);
    if (shared === undefined) this.#fresh.entries(taskId, stored);
    else shared.entries(stored);
  }
}
