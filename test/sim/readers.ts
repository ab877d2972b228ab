import { textOf, type Entry } from "../../src/core/stream/entry.ts";
import type { StoredEntries } from "../../src/engine/kernel/open-stream.ts";
import { must } from "./trace.ts";
import type { World } from "./world.ts";

/** Rows of one read. */
const rowsMax = 3;

/**
 * One reader for every stream, who sees each entry the moment it is shown, loses the connection when the process
 * dies, and goes on from where it was. What it has seen must be what is stored, in order, once, to the end.
 */
export class Readers {
  readonly #world: World;
  /** What the reader of a stream has seen, as JSON texts of the entries. */
  readonly #seen = new Map<string, string[]>();
  #connected = true;

  constructor(world: World) {
    this.#world = world;
  }

  /** Entries became visible. */
  stored({ stream, n, entries }: StoredEntries): void {
    const tail = this.#world.shadow.streams.get(stream)?.tail ?? 0;
    must(
      n + entries.length <= tail,
      "nothing is shown before it is stored",
      () => `${stream}: entry ${n + entries.length - 1} is shown, ${tail} are stored`,
    );
    const seen = this.#seen.get(stream) ?? [];
    this.#seen.set(stream, seen);
    if (!this.#connected) return;
    must(
      n === seen.length,
      "a reader sees every entry once, in order",
      () => `${stream}: entry ${n} after ${seen.length} entries`,
    );
    for (const entry of entries) seen.push(JSON.stringify(entry));
  }

  /** The process died: nobody is connected. */
  crash(): void {
    this.#connected = false;
  }

  /** The process is back: readers ask for what comes after what they have seen. */
  reconnect(): void {
    if (this.#connected) return;
    this.#connected = true;
    for (const stream of this.#world.shadow.streams.keys()) {
      const seen = this.#seen.get(stream) ?? [];
      this.#seen.set(stream, seen);
      const entries = this.#stored(stream);
      must(
        entries.length >= seen.length,
        "what was shown stays",
        () => `${stream} has ${entries.length} entries, ${seen.length} were shown`,
      );
      for (const entry of entries.slice(seen.length)) seen.push(entry);
    }
    this.#world.mark("readers came back");
  }

  /** Everything that was shown is what is stored, and the text of a completed attempt is its output. */
  async audit(): Promise<void> {
    const { shadow } = this.#world;
    const observer = this.#world.homes[0].observer();
    for (const [stream, head] of shadow.streams) {
      const task = shadow.task(stream.slice(0, stream.lastIndexOf("/")));
      // A loss that a queue in another home reports after recovery has no worker to close the stream; the next
      // recovery does.
      const late = this.#world.plan.remoteQueues && task?.error?.code === "worker_lost";
      must(head.closed || late, "a stream ends with its attempt", () => stream);
      const entries: Entry[] = [];
      while (entries.length < head.tail) {
        const page = await observer.readStream(stream, entries.length, rowsMax);
        must(
          page.length > 0,
          "a stream is read to its end",
          () => `${stream} at ${entries.length} of ${head.tail}`,
        );
        entries.push(...page);
      }
      const seen = this.#seen.get(stream) ?? [];
      const same =
        seen.length === entries.length &&
        entries.every((entry, at) => JSON.stringify(entry) === seen[at]);
      must(
        same,
        "a closed stream is what was shown",
        () => `${stream}\n  shown  ${seen.join("")}\n  stored ${JSON.stringify(entries)}`,
      );
      if (entries.some((entry) => entry.t === "reset")) this.#world.mark("stream reset");
      this.#text(stream, entries);
    }
    for (const task of shadow.tasks()) {
      const { text } = (task.output ?? { text: "" }) as { text: string };
      must(
        text === "" || shadow.streams.has(`${task.id}/${task.attempt}`),
        "what a task said was shown",
        () => task.id,
      );
    }
  }

  #text(stream: string, entries: readonly Entry[]): void {
    const slash = stream.lastIndexOf("/");
    const task = this.#world.shadow.task(stream.slice(0, slash));
    if (task?.status !== "completed" || task.attempt !== Number(stream.slice(slash + 1))) return;
    const { text } = task.output as { text: string };
    must(
      textOf(entries) === text,
      "the stream's text is the answer",
      () => `${stream}\n  shown  ${textOf(entries)}\n  answer ${text}`,
    );
    this.#world.mark("streamed answer completed");
  }

  #stored(stream: string): string[] {
    const entries: string[] = [];
    for (const row of this.#world.homes[0].disk.streamRead(stream, 0, 1_000_000)) {
      const opened = JSON.parse(this.#world.openRow(stream, row)) as unknown[];
      for (const entry of opened) entries.push(JSON.stringify(entry));
    }
    return entries;
  }
}
