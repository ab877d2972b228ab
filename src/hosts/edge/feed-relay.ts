import { ErrandError } from "../../core/errors.ts";
import type { Engine, UserFeedEvent } from "../../engine/index.ts";
import type { Log } from "../../ports/host.ts";

/** Events are gathered for so long: a call for each token would cost more than the token. */
const gatherMs = 50;

/** Most events of one call. */
const eventsMax = 1_000;

/** Messages whose states are told when somebody begins to listen: the newest. */
const messagesMax = 4;

/**
 * Tells the object of a user what happens in the home of one of its sessions, for as long as somebody follows everything
 * of the user there. Lossy, as that feed is: who comes back begins with states again (SPEC HOME7).
 */
export class FeedRelay {
  readonly #engine: Engine;
  readonly #userId: string;
  readonly #tell: (events: readonly UserFeedEvent[]) => Promise<boolean>;
  readonly #log: Log;
  #stop: (() => void) | null = null;
  #gathered: UserFeedEvent[] = [];
  #isTimed = false;
  /** What was gathered is told in its order: one call after the other. */
  #telling: Promise<void> = Promise.resolve();

  constructor(
    engine: Engine,
    userId: string,
    ports: { tell(events: readonly UserFeedEvent[]): Promise<boolean>; readonly log: Log },
  ) {
    this.#engine = engine;
    this.#userId = userId;
    this.#tell = (events) => ports.tell(events);
    this.#log = ports.log;
  }

  /** Somebody listens: begins with how things stand here, unless it has begun. */
  start(chatId: string): void {
    if (this.#stop !== null) return;
    this.#stop = this.#engine.userFeeds.follow(this.#userId, (events) => this.#gather(events));
    this.#tellStates(chatId).catch((error: unknown) =>
      this.#log.error("states could not be told to a listener", error),
    );
  }

  /** What is open, and what has ended while nobody was told. */
  async #tellStates(chatId: string): Promise<void> {
    const { reader, sessions } = this.#engine;
    const session = await sessions.read(this.#userId, chatId, (state) => ({
      title: state.title,
      messages: [...state.messages.values()].slice(-messagesMax),
      activeTaskId: state.turns[0]?.taskId ?? null,
    }));
    if (session !== null)
      this.#gather([{ kind: "session", sessionId: chatId, ...session, deleted: false }]);
    const taskIds = new Set(session?.messages.flatMap(({ taskId }) => taskId ?? []));
    for (const taskId of taskIds) {
      // oxlint-disable-next-line no-await-in-loop -- Few, and read from memory.
      const task = await reader.task(taskId, this.#userId).catch(unlessGone);
      if (task === null) continue;
      const { view, cursor } = task;
      const kind = view.completedAt === null ? "state" : "end";
      this.#gather([{ kind, taskId, cursor, task: view }]);
    }
  }

  #gather(events: readonly UserFeedEvent[]): void {
    this.#gathered.push(...events);
    if (this.#isTimed) return;
    this.#isTimed = true;
    setTimeout(() => {
      this.#isTimed = false;
      this.#telling = this.#telling.then(() => this.#flush());
    }, gatherMs);
  }

  async #flush(): Promise<void> {
    const events = this.#gathered.splice(0, eventsMax);
    if (events.length === 0) return;
    if (this.#gathered.length > 0) this.#gather([]);
    let listens = false;
    try {
      listens = await this.#tell(events);
    } catch (error) {
      this.#log.error("a listener could not be told; it begins with states when it is back", error);
    }
    if (listens) return;
    this.#stop?.();
    this.#stop = null;
    this.#gathered = [];
  }
}

/** A session may remember tasks of another host, or of long ago, that are nowhere. */
function unlessGone(error: unknown): null {
  if (error instanceof ErrandError && error.code === "not_found") return null;
  throw error;
}
