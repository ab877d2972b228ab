import type { Cursor } from "../../core/stream/cursor.ts";
import { offsetAfter, type Entry } from "../../core/stream/entry.ts";
import type { TaskEvent } from "../../core/task/events.ts";
import { evolveTask } from "../../core/task/evolve.ts";
import { zeroTask, type TaskState } from "../../core/task/state.ts";
import { isEnd } from "../../core/task/status.ts";
import { taskView } from "../../core/task/view.ts";
import type { FeedEvent } from "./feed-event.ts";

/** Events of a log row, as it was committed. */
export interface FoldRow {
  readonly seq: number;
  readonly atMs: number;
  readonly events: readonly TaskEvent[];
  /** Length of the attempt's stream when the row was committed; null if none was open. */
  readonly streamTail: number | null;
}

/** Events after which the old attempt's stream has no more to say. */
const boundary: ReadonlySet<TaskEvent["type"]> = new Set([
  "task.started",
  "task.lost",
  "task.retrying",
  "task.completed",
  "task.failed",
  "task.cancelled",
  "task.expired",
]);

/** Changes that are told by an event of their own and not by a new state. */
const quiet: ReadonlySet<TaskEvent["type"]> = new Set([
  "step.completed",
  "task.progressed",
  "tool.intended",
  "tool.settled",
  "event.received",
  "child.spawned",
]);

/**
 * Folds a task's log and streams into feed events, in the one order they have. The same rows and entries give the
 * same events with the same cursors, whether they are read back or arrive live.
 */
export class TaskFold {
  readonly #taskId: string;
  #state: TaskState;
  #seq = 0;
  #attempt = 0;
  #entry = 0;
  #offset = 0;
  #text: string[] = [];

  constructor(taskId: string) {
    this.#taskId = taskId;
    this.#state = zeroTask(taskId);
  }

  get position(): Cursor {
    return { seq: this.#seq, attempt: this.#attempt, entry: this.#entry };
  }

  /** Entries of the current attempt that a row waits for: it comes after them. */
  needs(row: FoldRow): number | "all" | null {
    if (row.seq + row.events.length - 1 <= this.#seq) return null;
    if (this.#attempt === 0) return null;
    if (row.events.some((event) => boundary.has(event.type))) return "all";
    return row.streamTail;
  }

  /** Folds a row. A row that was folded before gives nothing. */
  row(row: FoldRow): FeedEvent[] {
    const made: FeedEvent[] = [];
    let changed = false;
    for (const [index, event] of row.events.entries()) {
      const seq = row.seq + index;
      if (seq <= this.#seq) continue;
      this.#state = evolveTask(this.#state, event, row.atMs);
      this.#seq = seq;
      if (event.type === "task.started" && event.attempt !== this.#attempt)
        made.push(...this.#begin(event.attempt));
      const own = this.#own(event);
      if (own !== null) made.push(own);
      if (!quiet.has(event.type)) changed = true;
    }
    if (!changed) return made;
    const { cursor, taskId } = this.#at();
    if (isEnd(this.#state.status)) made.push({ taskId, cursor, kind: "end", task: this.#view() });
    else made.push({ taskId, cursor, kind: "state", task: this.#view() });
    return made;
  }

  /** Folds entries of the current attempt's stream, from number `n` on. Those folded before give nothing. */
  entries(attempt: number, n: number, entries: readonly Entry[]): FeedEvent[] {
    if (attempt !== this.#attempt) return [];
    const made: FeedEvent[] = [];
    for (const [index, entry] of entries.entries()) {
      if (n + index < this.#entry) continue;
      const offset = this.#offset;
      this.#offset = offsetAfter(offset, entry);
      this.#entry = n + index + 1;
      if (entry.t === "text") this.#text.push(entry.d);
      else if (entry.t === "reset") this.#text = [this.#text.join("").slice(0, entry.o)];
      const event = this.#ofEntry(entry, offset);
      if (event !== null) made.push(event);
    }
    return made;
  }

  #at(): { taskId: string; cursor: Cursor } {
    return { taskId: this.#taskId, cursor: this.position };
  }

  #view(): ReturnType<typeof taskView> {
    return taskView(this.#state, this.#attempt === 0 ? null : this.#text.join(""));
  }

  #begin(attempt: number): FeedEvent[] {
    const said = this.#offset > 0;
    this.#attempt = attempt;
    this.#entry = 0;
    this.#offset = 0;
    this.#text = [];
    return said
      ? [{ ...this.#at(), kind: "reset", attempt, offset: 0, reason: "a new attempt begins" }]
      : [];
  }

  #own(event: TaskEvent): FeedEvent | null {
    switch (event.type) {
      case "task.progressed":
        return { ...this.#at(), kind: "progress", progress: event.progress };
      case "step.completed":
        return { ...this.#at(), kind: "step", name: event.op.slice("step:".length) };
      case "tool.intended":
        return { ...this.#at(), kind: "tool", id: event.id, name: event.name, state: "intended" };
      case "tool.settled": {
        const tool = this.#state.operations.get(event.op);
        return {
          ...this.#at(),
          kind: "tool",
          id: event.id,
          name: tool?.kind === "tool" ? tool.name : event.op,
          state: event.state,
        };
      }
      default:
        return null;
    }
  }

  #ofEntry(entry: Entry, offset: number): FeedEvent | null {
    const attempt = this.#attempt;
    switch (entry.t) {
      case "text":
        return { ...this.#at(), kind: "token", text: entry.d, offset, attempt };
      case "reasoning":
        return { ...this.#at(), kind: "reasoning", text: entry.d, attempt };
      case "reset":
        return { ...this.#at(), kind: "reset", attempt, offset: entry.o, reason: entry.reason };
      case "call":
        return { ...this.#at(), kind: "call", op: entry.op, state: "started", finish: null };
      case "callEnd":
        return { ...this.#at(), kind: "call", op: entry.op, state: "ended", finish: entry.finish };
      case "toolInput":
        return {
          ...this.#at(),
          kind: "tool",
          id: entry.id,
          name: entry.name,
          state: "intended",
          input: entry.input,
        };
      case "toolOutput":
        return {
          ...this.#at(),
          kind: "tool",
          id: entry.id,
          name: "",
          state: entry.failed === true ? "failed" : "confirmed",
          output: entry.output,
        };
      default:
        return null;
    }
  }
}
