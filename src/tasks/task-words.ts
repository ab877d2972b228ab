import { isRecord } from "../core/json.ts";
import type { TaskView } from "../core/task/view.ts";
import { shortId } from "./task-reference.ts";

/** Characters of a job's text in a line of a list. */
const labelCharsMax = 60;
/** Characters of a job's result in a line of a list. */
const resultCharsMax = 120;

/** Text on one line, cut to `charsMax`. */
export function oneLine(text: string, charsMax: number): string {
  const line = text.trim().replace(/\s+/g, " ");
  if (line.length <= charsMax) return line;
  // Not inside a surrogate pair.
  const cut = line.slice(0, charsMax - 1).replace(/[\uD800-\uDBFF]$/, "");
  return `${cut.trimEnd()}…`;
}

/** How long something has been, in words: "12 s", "3 min", "2 h", "4 days". */
export function spanWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  const days = Math.floor(seconds / 86_400);
  return days === 1 ? "1 day" : `${days} days`;
}

/** How long ago an ISO time was, in words. */
export function agoWords(at: string, nowMs: number): string {
  const ms = nowMs - Date.parse(at);
  return ms < 1_500 ? "just now" : `${spanWords(ms)} ago`;
}

/** What a job is about, in its user's words: its title, its text, or its type. */
export function labelOf(task: TaskView): string {
  const { input, title, type } = task;
  if (title !== null) return oneLine(title, labelCharsMax);
  if (isRecord(input)) {
    for (const field of ["text", "prompt"]) {
      const words = input[field];
      if (typeof words === "string") return oneLine(words, labelCharsMax);
    }
  }
  return type;
}

/** A job's name in a sentence: its short id, its text in quotes, and its type unless it is a note. */
export function nameOf(task: TaskView): string {
  const type = task.type === "note" ? "" : ` (${task.type})`;
  return `\`${shortId(task.id)}\` "${labelOf(task)}"${type}`;
}

/** Where a job stands, in words. */
export function stateWords(task: TaskView, nowMs: number): string {
  switch (task.status) {
    case "queued":
      return task.reason?.code === "held" ? "queued" : "queued, waits for a free slot";
    case "delayed": {
      const until = task.reason?.untilAt;
      const inMs = until === undefined ? 0 : Date.parse(until) - nowMs;
      const again = task.reason?.code === "backoff" ? "is tried again" : "is due";
      return inMs > 0 ? `${again} in ${spanWords(inMs)}` : `${again} now`;
    }
    case "running":
      return `running${progressWords(task)}${task.reason === null ? "" : `; ${task.reason.message}`}`;
    case "waiting":
      return `${task.reason?.message ?? "waits"}${progressWords(task)}`;
    case "completed":
      return "done";
    case "failed":
      return `failed: ${oneLine(task.error?.message ?? "no reason was given", resultCharsMax)}`;
    case "cancelled":
      return "cancelled";
    case "expired":
      return "expired before it was started";
    default: {
      const never: never = task.status;
      return never;
    }
  }
}

function progressWords({ progress }: TaskView): string {
  if (progress === null) return "";
  const { done, total, message } = progress;
  const counted = done !== undefined && total !== undefined ? `${done} of ${total}` : null;
  const words = [counted, message === undefined ? null : oneLine(message, labelCharsMax)];
  const said = words.filter((word) => word !== null);
  return said.length === 0 ? "" : ` (${said.join(", ")})`;
}

/** The text a job has given; `null` if it has none. */
export function resultOf(task: TaskView): string | null {
  const { output } = task;
  if (typeof output === "string") return output;
  if (isRecord(output) && typeof output["text"] === "string") return output["text"];
  return output === null ? null : JSON.stringify(output);
}

/** A job as a line of a list. */
export function lineOf(task: TaskView, nowMs: number): string {
  const ago = agoWords(task.completedAt ?? task.startedAt ?? task.createdAt, nowMs);
  const result = task.status === "completed" ? resultOf(task) : null;
  const shown = result === null ? "" : `: ${oneLine(result, resultCharsMax)}`;
  return `${nameOf(task)}, ${stateWords(task, nowMs)}, ${ago}${shown}`;
}
