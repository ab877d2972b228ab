import { isEnd } from "../core/task/status.ts";
import type { Reason, Task } from "../client/index.ts";

/** A task's state in a few words: why it waits, how far it is, what went wrong. */
export function stateWords(task: Task): string {
  // An open task may carry the error of its last attempt: what it does now says more.
  if (task.error !== null && isEnd(task.status) && task.status !== "completed")
    return `${task.status}: ${task.error.message}`;
  const why = task.reason === null ? "" : ` (${wordsOfReason(task.reason)})`;
  // Of a task that waits, why it does says more than how far it was.
  const isAtWork = task.reason === null || task.status === "running";
  return `${task.status}${isAtWork ? progressWords(task) : ""}${why}`;
}

function progressWords({ progress }: Task): string {
  if (progress === null) return "";
  const { done, total, message } = progress;
  const share = done !== null && total !== null ? ` ${done}/${total}` : "";
  return `${share}${message === null ? "" : ` ${message}`}`;
}

/** An age like `12s`, `5m`, `3h`, `2d`. */
export function age(iso: string, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(iso)) / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** One line of what a task is about. */
export function titleOf(task: Task): string {
  return (task.title ?? firstText(task.input)).replace(/\s+/g, " ").trim().slice(0, 60);
}

function firstText(input: unknown): string {
  if (typeof input === "string") return input;
  if (typeof input !== "object" || input === null) return "";
  for (const value of Object.values(input)) if (typeof value === "string") return value;
  return JSON.stringify(input);
}

/** What a task came to, as text. */
export function outputText(task: Task): string {
  const { output } = task;
  if (typeof output === "string") return output;
  if (
    typeof output === "object" &&
    output !== null &&
    "text" in output &&
    typeof output["text"] === "string"
  )
    return output["text"];
  return JSON.stringify(output, null, 2);
}

/** Rows as aligned columns. The last column is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries())
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** What a line that moves as ever needs no word for. */
const ordinary: readonly string[] = ["slot_busy", "behind_others"];

function wordsOfReason({ message, position, cause, error, untilAt, estimate }: Reason): string {
  const parts = [message];
  if (position !== null) parts.push(`number ${position} in line`);
  if (cause !== null && !ordinary.includes(cause.code))
    parts.push(
      cause.code.replaceAll("_", " "),
      ...(cause.untilAt === null ? [] : [`until ${cause.untilAt}`]),
    );
  if (error !== null) parts.push(`after: ${error.message}`);
  if (untilAt !== null) parts.push(`until ${untilAt}`);
  if (estimate !== null) {
    const seconds = (ms: number): number => Math.max(1, Math.round(ms / 1_000));
    const { start, late } = estimate;
    parts.push(
      `starts in ${seconds(start.p50Ms)} to ${seconds(start.p90Ms)} s${late ? ", later than promised" : ""}`,
    );
  }
  return parts.join(", ");
}

/** Where text goes to: standard output, or standard error. */
export interface Outlet {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * Writes text of models and of other people. On a terminal without control characters: they could move its cursor over
 * what was there, name its window or fill its clipboard. What is piped is as it is.
 */
export function write(outlet: Outlet, text: string): void {
  outlet.write(outlet.isTTY === true ? text.replace(/(?![\n\t])\p{Cc}/gu, "") : text);
}

/** Prints a line: a text, anything else as JSON. */
export function print(value: unknown): void {
  write(process.stdout, `${typeof value === "string" ? value : JSON.stringify(value)}\n`);
}
