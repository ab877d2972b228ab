/* oxlint-disable typescript/no-unsafe-type-assertion -- Lines are what `toldFeed` of another object wrote. */
import type { Cursor } from "../../core/stream/cursor.ts";
import { ErrandError } from "../../core/errors.ts";
import type { FeedReader } from "../../engine/index.ts";
import type { Log } from "../../ports/host.ts";
import type { FeedLine } from "./told-feed.ts";

/** A home that cannot be reached is asked again after so long, then after twice as long, and so on. */
const againMs = 500;
const againMsMax = 30_000;

/** Where nothing tells that something happened, a quiet feed is looked at again after so long. */
const lookMs = 5_000;

/** What following a task of another home needs. */
export interface AwayFeedPorts {
  /** Opens the feed behind a cursor, in the home where the task lives. */
  open(taskId: string, after: Cursor): Promise<ReadableStream>;
  /** Calls when something happened to a task; `null`: nobody tells that here. Answers how to stop. */
  readonly hints: ((taskId: string, hint: (at: Cursor) => void) => () => void) | null;
  readonly log: Log;
}

/**
 * Follows a task of another home, as {@link FeedReader} promises: behind `after`, in order, each event once. The call to
 * the other object is let go while nothing happens, so that both may sleep, and is opened again behind the last cursor
 * when something does, or when it breaks (SPEC HOME12). Answers how to stop.
 */
export function followAway(
  ports: AwayFeedPorts,
  taskId: string,
  after: Cursor,
  reader: FeedReader,
): () => void {
  const feed = new AwayFeed(ports, taskId, after, reader);
  feed.run().catch((error: unknown) => {
    const isRefused = error instanceof ErrandError && error.code === "not_found";
    if (!isRefused) ports.log.error("a task of another home could not be followed", error);
    feed.end("failed");
  });
  return () => feed.stop();
}

class AwayFeed {
  readonly #ports: AwayFeedPorts;
  readonly #taskId: string;
  readonly #reader: FeedReader;
  readonly #unhint: () => void;
  #cursor: Cursor;
  #isStopped = false;
  #isUpToDate = false;
  /** Something has happened that was not read yet. */
  #isHinted = false;
  #wake: () => void = () => undefined;
  #leave: () => void = () => undefined;

  constructor(ports: AwayFeedPorts, taskId: string, after: Cursor, reader: FeedReader) {
    this.#ports = ports;
    this.#taskId = taskId;
    this.#reader = reader;
    this.#cursor = after;
    this.#unhint =
      ports.hints?.(taskId, (at) => {
        if (!isNews(at, this.#cursor)) return;
        this.#isHinted = true;
        this.#wake();
      }) ?? (() => undefined);
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#unhint();
    this.#leave();
    this.#wake();
  }

  end(reason: "ended" | "slow" | "failed"): void {
    if (this.#isStopped) return;
    this.stop();
    this.#reader.end(reason);
  }

  async run(): Promise<void> {
    let waitMs = againMs;
    while (!this.#isStopped) {
      this.#isHinted = false;
      // One reading after the other, each behind the last cursor.
      // oxlint-disable-next-line no-await-in-loop
      const last = await this.#read();
      if (last?.is === "end") return this.end(last.reason);
      const isQuiet = last?.is === "quiet";
      waitMs = isQuiet ? againMs : Math.min(againMsMax, waitMs * 2);
      const { hints } = this.#ports;
      // oxlint-disable-next-line no-await-in-loop
      if (!this.#isHinted) await this.#pause(isQuiet ? (hints === null ? lookMs : null) : waitMs);
    }
  }

  /** Waits for a hint, or so long. */
  async #pause(ms: number | null): Promise<void> {
    if (this.#isStopped) return;
    await new Promise<void>((resolve) => {
      const timer = ms === null ? null : setTimeout(resolve, ms);
      this.#wake = () => {
        if (timer !== null) clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Reads one call to its end; answers its last line, or null if it broke. Throws what the home refuses. */
  async #read(): Promise<FeedLine | null> {
    let lines: ReadableStreamDefaultReader<string>;
    try {
      const bytes: ReadableStream<Uint8Array> = await this.#ports.open(this.#taskId, this.#cursor);
      lines = bytes.pipeThrough(new TextDecoderStream()).getReader();
    } catch (error) {
      if (error instanceof ErrandError && error.code !== "unavailable") throw error;
      return null;
    }
    this.#leave = () => void lines.cancel().catch(() => undefined);
    // Stopped while it was being opened.
    if (this.#isStopped) this.#leave();
    let rest = "";
    try {
      while (!this.#isStopped) {
        // Pieces come one after the other.
        // oxlint-disable-next-line no-await-in-loop
        const { done, value } = await lines.read();
        if (done) return null;
        const texts = `${rest}${value}`.split("\n");
        rest = texts.pop() ?? "";
        for (const text of texts) {
          const line = JSON.parse(text) as FeedLine;
          // oxlint-disable-next-line no-await-in-loop
          await this.#take(line);
          if (line.is === "quiet" || line.is === "end") return line;
        }
      }
    } catch (error) {
      if (error instanceof SyntaxError) throw error;
      // Its object has died or was moved: it is asked again.
    }
    return null;
  }

  async #take(line: FeedLine): Promise<void> {
    if (this.#isStopped) return;
    if (line.is === "events") {
      this.#cursor = line.events.at(-1)?.cursor ?? this.#cursor;
      await this.#reader.push(line.events);
    } else if (line.is === "upToDate" && !this.#isUpToDate) {
      this.#isUpToDate = true;
      this.#reader.upToDate();
    }
  }
}

/** True if something at `at` may be behind `cursor`. Entries are told without the number of a fact. */
function isNews(at: Cursor, cursor: Cursor): boolean {
  if (at.seq > cursor.seq || at.attempt > cursor.attempt) return true;
  return at.attempt === cursor.attempt && at.entry > cursor.entry;
}
