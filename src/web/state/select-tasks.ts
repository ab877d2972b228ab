import type { Task } from "../../client/index.ts";
import type { Json } from "../../core/json.ts";
import { isEnd, statusClass } from "../../core/task/status.ts";
import type { PageState, PanelFilter } from "./page-state.ts";

/** One line of the panel: a task, and how deep it stands below another one in the list. */
export interface TaskLine {
  readonly taskId: string;
  readonly depth: 0 | 1;
}

/**
 * Lines of the panel, newest first, subtasks under their parent in their order. The open chat's own answers are left
 * out: they are shown in the chat.
 */
export function taskLines(
  tasks: PageState["tasks"],
  filter: PanelFilter,
  openSessionId: string | null,
): readonly TaskLine[] {
  const shown = Object.values(tasks).filter(
    (task) => passes(task, filter) && isListed(task, openSessionId),
  );
  const ids = new Set(shown.map((task) => task.id));
  const isBelow = (task: Task): boolean => task.parentId !== null && ids.has(task.parentId);
  const children = Map.groupBy(shown.filter(isBelow), (task) => task.parentId ?? "");
  return shown
    .filter((task) => !isBelow(task))
    .toSorted(newestFirst)
    .flatMap((task): TaskLine[] => [{ taskId: task.id, depth: 0 }, ...below(task.id, children)]);
}

/** Everything below a task, whatever its depth, on one level: a fan-out of a fan-out is rare and reads well so. */
function below(taskId: string, children: ReadonlyMap<string, readonly Task[]>): TaskLine[] {
  return (children.get(taskId) ?? [])
    .toSorted((a, b) => newestFirst(b, a))
    .flatMap((task): TaskLine[] => [{ taskId: task.id, depth: 1 }, ...below(task.id, children)]);
}

function passes(task: Task, filter: PanelFilter): boolean {
  return filter === "all" || statusClass(task.status) === filter;
}

/** ISO times and ids sort by their characters; a comparison by language costs twenty times as much. */
function newestFirst(a: Task, b: Task): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1;
  // Ids are time-ordered: they break ties of the clock.
  return a.id < b.id ? 1 : -1;
}

/** How many active tasks the panel lists: the open chat's own answers are no background work. */
export function activeCount({ tasks, route }: Pick<PageState, "tasks" | "route">): number {
  let count = 0;
  for (const task of Object.values(tasks))
    if (!isEnd(task.status) && isListed(task, route.sessionId)) count += 1;
  return count;
}

function isListed(task: Task, openSessionId: string | null): boolean {
  return !(task.type === "chat" && task.chatId === openSessionId);
}

/** Longest title of a task. */
const titleCharsMax = 120;

/** What a task is about: its title, else the first line of its input's prompt or text, else its type. */
export function taskTitle(task: Task): string {
  const text = task.title ?? wordsOf(task.input);
  const line = text.trim().split("\n", 1)[0] ?? "";
  if (line === "") return task.type === "chat" ? "Answer in a chat" : task.type;
  return line.length > titleCharsMax ? `${line.slice(0, titleCharsMax)}…` : line;
}

function wordsOf(input: Json | undefined): string {
  if (typeof input === "string") return input;
  if (typeof input !== "object" || input === null || Array.isArray(input)) return "";
  for (const name of ["title", "prompt", "text", "message", "goal", "question"]) {
    const value = Object.entries(input).find(([key]) => key === name)?.[1];
    if (typeof value === "string" && value.trim() !== "") return value;
  }
  return "";
}
