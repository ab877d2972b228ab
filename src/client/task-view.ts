import { applyText } from "../core/stream/entry.ts";
import { isEnd } from "../core/task/status.ts";
import type { TaskEvent, ToolState } from "./feed-event.ts";
import type { Task } from "./wire.ts";

/** The text of one attempt as far as it was received: a prefix of what the server stores, never a splice. */
export interface StreamText {
  readonly attempt: number;
  readonly text: string;
  /** True if a piece is missing: nothing is added any more until a snapshot or a reset heals it. */
  readonly broken: boolean;
}

/** One tool call of a task and its last known state. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly state: ToolState;
}

/** All that a reader of a task's feed knows. */
export interface TaskView {
  readonly taskId: string;
  readonly task: Task | null;
  readonly stream: StreamText;
  readonly steps: readonly string[];
  readonly tools: readonly ToolCall[];
}

/** Nothing known yet. */
export function emptyView(taskId: string): TaskView {
  return {
    taskId,
    task: null,
    stream: { attempt: 0, text: "", broken: false },
    steps: [],
    tools: [],
  };
}

/** Takes a task as it was fetched. Its `partial` replaces the text: a snapshot is the truth, it also heals a gap. */
export function viewOf(task: Task, before: TaskView = emptyView(task.id)): TaskView {
  const stream = { attempt: task.attempts, text: task.partial ?? "", broken: false };
  const keep = isEnd(task.status) && task.partial === null;
  return { ...before, task: withKnown(task, before.task), stream: keep ? before.stream : stream };
}

/**
 * Folds one event. Pure, and safe to feed with an event twice: tokens are placed by offset, and what is known already
 * is dropped. Returns the same object when nothing changed.
 */
export function foldTask(view: TaskView, event: TaskEvent): TaskView {
  switch (event.type) {
    case "state":
    case "end":
      return {
        ...view,
        task: withKnown(event.task, view.task),
        stream: adoptPartial(view.stream, event.task),
      };
    case "progress":
      return view.task === null
        ? view
        : { ...view, task: { ...view.task, progress: event.progress } };
    case "step":
      return view.steps.includes(event.name)
        ? view
        : { ...view, steps: [...view.steps, event.name] };
    case "tool":
      return { ...view, tools: putTool(view.tools, event) };
    case "token":
    case "reset": {
      const stream = foldText(view.stream, event);
      return stream === view.stream ? view : { ...view, stream };
    }
    default: {
      const never: never = event;
      return never;
    }
  }
}

/** Folds a token or a reset into the text. The arithmetic is that of core/stream, so that both sides agree. */
export function foldText(
  stream: StreamText,
  event: Extract<TaskEvent, { type: "token" | "reset" }>,
): StreamText {
  if (event.type === "reset") {
    // A reset of an attempt that is over came late: a newer attempt has begun already.
    if (event.attempt < stream.attempt) return stream;
    const entry = { t: "reset", o: event.offset, reason: event.reason } as const;
    const broken = event.offset > stream.text.length;
    return { attempt: event.attempt, text: applyText(stream.text, entry), broken };
  }
  if (stream.broken) return stream;
  const known = stream.text.length - event.offset;
  if (known < 0) return { ...stream, broken: true };
  if (known >= event.text.length) return stream;
  return { ...stream, text: applyText(stream.text, { t: "text", d: event.text.slice(known) }) };
}

/**
 * A `state` event tells the text at the moment it was written, which may lie before or behind the tokens that were
 * received. Of one attempt the longer one is kept, unless they disagree: then the server is right. A state without
 * a text says nothing about it.
 */
function adoptPartial(stream: StreamText, task: Task): StreamText {
  const { partial, attempts } = task;
  if (partial === null || attempts < stream.attempt) return stream;
  const isOlder = attempts === stream.attempt && stream.text.startsWith(partial);
  if (isOlder && !stream.broken) return stream;
  return { attempt: attempts, text: partial, broken: false };
}

/** State events of an active task leave out its input: what was known of it stays. */
function withKnown(task: Task, before: Task | null): Task {
  return task.input === undefined && before !== null ? { ...task, input: before.input } : task;
}

function putTool(
  tools: readonly ToolCall[],
  event: Extract<TaskEvent, { type: "tool" }>,
): readonly ToolCall[] {
  const call = { id: event.id, name: event.name, state: event.state };
  const index = tools.findIndex((tool) => tool.id === event.id);
  return index === -1 ? [...tools, call] : tools.with(index, call);
}
