import { PassingMap } from "../../core/passing-map.ts";
import type { StoredEntries } from "../kernel/open-stream.ts";
import type { FoldRow } from "./task-fold.ts";

/** What a task's feed is made of, in the order it was committed: facts of its log, or entries of its stream. */
export type Made =
  | { readonly row: FoldRow; readonly stored: null }
  | { readonly row: null; readonly stored: StoredEntries };

/** Tasks that are kept, the newest: enough for all who come within a second. */
const freshTasksMax = 1_024;
/** Commits of one task that are kept, and their rough size: a reader who comes later reads the disk. */
const commitsMax = 64;
const sizeMax = 8_192;

interface Fresh {
  readonly made: Made[];
  size: number;
}

/**
 * What tasks that came through a door have said since they were accepted, for the reader who nearly always follows:
 * whoever submits reads on in the next request, and to read back what was written a moment ago would cost more than the
 * rest of that request. All of it is on disk, and may be forgotten at any time.
 */
export class FreshTasks {
  readonly #tasks = new PassingMap<Fresh>();

  get size(): number {
    return this.#tasks.size;
  }

  /** Facts that were committed. A task is kept from its first on, or not at all. */
  row(taskId: string, row: FoldRow, isThroughDoor: boolean): void {
    if (row.seq === 1 && isThroughDoor) this.#begin(taskId);
    this.#add(taskId, { row, stored: null }, row.events);
  }

  /** Entries that were committed. */
  entries(taskId: string, stored: StoredEntries): void {
    this.#add(taskId, { row: null, stored }, stored.entries);
  }

  /** Everything a task has said so far, given once; null if it is not here from the beginning. */
  take(taskId: string): Made[] | null {
    const fresh = this.#tasks.get(taskId);
    if (fresh === undefined) return null;
    this.#tasks.delete(taskId);
    return fresh.made;
  }

  #begin(taskId: string): void {
    this.#tasks.set(taskId, { made: [], size: 0 });
    if (this.#tasks.size <= freshTasksMax) return;
    const [oldest = ""] = this.#tasks.keys();
    this.#tasks.delete(oldest);
  }

  #add(taskId: string, made: Made, what: unknown): void {
    const fresh = this.#tasks.get(taskId);
    if (fresh === undefined) return;
    fresh.made.push(made);
    fresh.size += sizeOf(what, sizeMax);
    if (fresh.made.length > commitsMax || fresh.size > sizeMax) this.#tasks.delete(taskId);
  }
}

/** Rough size of a JSON value in characters; what is above `max` is not counted on. */
function sizeOf(value: unknown, max: number): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 8;
  let size = 8;
  for (const key in value) {
    size += key.length + sizeOf(Reflect.get(value, key), max - size);
    if (size > max) break;
  }
  return size;
}
