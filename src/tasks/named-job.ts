import type { TaskView } from "../core/task/view.ts";
import type { Clerk } from "./answer-command.ts";
import { parseTyped, type Command } from "./command.ts";
import { jobsLooked } from "./find-task.ts";
import { unquoted } from "./quotes.ts";
import { labelOf, nameOf } from "./task-words.ts";

/** Longer words name no job: lists show 60 characters of one. */
const wordsMax = 200;

const pattern =
  /^\/?(?:please )?(?<verb>cancel|status|why|remove|delete|stop)(?: of)? (?:the )?(?:(?:job|task|note) )?(?<words>[^\n]{1,200}?)(?: from (?:the|my) (?:queue|list))?[\s.!?]*$/i;

/** What a message asks of a job that it names by its words; `null` if it has no such form. */
export function wishForNamed(
  message: string,
): { readonly name: "cancel" | "status" | "why"; readonly words: string } | null {
  const { verb, words } =
    (message.length <= 2 * wordsMax && pattern.exec(message.trim())?.groups) || {};
  if (verb === undefined || words === undefined) return null;
  const name = verb.toLowerCase();
  return {
    name: name === "status" || name === "why" ? name : "cancel",
    words: unquoted(words) ?? words,
  };
}

/**
 * The command about a job that is named by what it says ("cancel buy milk"), or the question which one is meant. `null` if
 * no job of the user says that: then it was no command. Only open jobs can be cancelled, and they are meant before others.
 * Decided once for a task: a second try does not look again.
 */
export async function aboutNamedJob(
  { ctx, desk, prefix }: Clerk,
  message: string,
): Promise<Command | string | null> {
  const wish = wishForNamed(message);
  if (wish === null) return null;
  const { name, words } = wish;
  const meant = await ctx.step(`${prefix}.named`, async () => {
    const { open, ended } = await jobsLooked(desk, ctx.userId);
    const among = named(open, words);
    const all = among.length > 0 || name === "cancel" ? among : named(ended, words).slice(0, 1);
    const [task] = all;
    if (task === undefined) return null;
    if (all.length === 1) return { id: task.id };
    return { ask: `Which one? ${all.slice(0, 5).map(nameOf).join(", ")}: use its id.` };
  });
  if (meant === null) return null;
  if (meant.id === undefined) return meant.ask;
  return { name, task: { by: "id", id: meant.id } };
}

/** Those that say exactly this, else those that say it among other words. */
function named(tasks: readonly TaskView[], words: string): readonly TaskView[] {
  const sought = words.toLowerCase();
  const exact = tasks.filter((task) => labelOf(task).toLowerCase() === sought);
  if (exact.length > 0 || sought.length < 3) return exact;
  return tasks.filter((task) => ` ${labelOf(task).toLowerCase()} `.includes(` ${sought} `));
}

const verbs = [
  "enqueue",
  "list",
  "work",
  "status",
  "cancel",
  "why",
  "help",
  "todo",
  "todos",
  "reminders",
  "plan",
  "summary",
];

/** The command that a message with a slip of the finger in its first word may mean, as it is typed; `null` for none. */
export function nearCommand(message: string): string | null {
  const [, first = "", rest = ""] = /^\/?(\S{2,12})([^\n]{0,200})$/.exec(message.trim()) ?? [];
  const word = first.toLowerCase();
  for (const verb of verbs) {
    const slips = verb.length < 6 ? 1 : 2;
    if (word === verb || Math.abs(word.length - verb.length) > slips) continue;
    if (distance(word, verb) > slips) continue;
    const command = parseTyped(verb + rest);
    if (command !== null && command.name !== "ask") return verb + rest;
  }
  return null;
}

/** Letters to add, drop, change or swap with their neighbour, to make one word of the other. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
