import { daysBetween, weekday } from "../core/day.ts";
import type { Todo } from "../core/session/todos.ts";
import { oneLine } from "./task-words.ts";

/** Todos that are done and still listed: the newest. */
const doneShown = 5;
const dayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** Todos with the numbers that people call them by: those that are open or proposed, in order, then what was done last. */
export function numbered(todos: readonly Todo[]): readonly (readonly [number, Todo])[] {
  const open = todos.filter(({ status }) => status !== "done");
  const done = todos
    .filter(({ status }) => status === "done")
    .toSorted((a, b) => (b.doneAtMs ?? 0) - (a.doneAtMs ?? 0))
    .slice(0, doneShown);
  return [...open, ...done].map((todo, index) => [index + 1, todo]);
}

/** How a todo is called in an answer. */
export function nameOfTodo({ text }: Pick<Todo, "text">): string {
  return `"${oneLine(text, 80)}"`;
}

/** A day as people say it, seen from `today`. */
export function dayWords(day: string, today: string): string {
  const days = daysBetween(today, day);
  if (days === 0) return "today";
  if (days === 1) return "tomorrow";
  if (days === -1) return "yesterday";
  if (days > 1 && days < 7) return `on ${dayNames[weekday(day)] ?? day}`;
  return `on ${day}`;
}

/** When a todo is due, in words; "" if it has no day. */
export function dueWords(
  { dueDay, status }: Pick<Todo, "dueDay" | "status">,
  today: string,
): string {
  if (dueDay === null) return "";
  const late = status !== "done" && daysBetween(today, dueDay) < 0;
  return late ? `overdue since ${dueDay}` : `due ${dayWords(dueDay, today)}`;
}

/** All todos as a list with their numbers. */
export function todoReport(todos: readonly Todo[], today: string): string {
  if (todos.length === 0) return "No todos yet. Type `todo <text>` to add one.";
  const lines = numbered(todos).map(([number, todo]) => {
    const due = dueWords(todo, today);
    const mark = { done: "[x]", open: "[ ]", proposed: "[?]" }[todo.status];
    return `${number}. ${mark} ${oneLine(todo.text, 120)}${due === "" ? "" : ` (${due})`}`;
  });
  const open = todos.filter(({ status }) => status === "open").length;
  const proposed = todos.filter(({ status }) => status === "proposed").length;
  const tail =
    proposed === 0
      ? "Type `done <number>` when one is done."
      : `${proposed} proposed, marked [?]: type \`accept\` or \`accept <number>\` to keep, \`dismiss\` or \`undo\` to let go.`;
  return [`Todos (${open} open):`, lines.join("\n"), tail].join("\n\n");
}
