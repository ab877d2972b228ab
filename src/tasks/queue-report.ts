import type { TaskView } from "../core/task/view.ts";
import type { ChatModel, Desk, NoteLine } from "./desk.ts";
import { agoWords, lineOf, nameOf, oneLine, resultOf, stateWords } from "./task-words.ts";

/** Waiting notes shown by name; the others are counted. */
const waitingShown = 20;
/** Open jobs, besides notes that wait, shown by name. */
const openShown = 50;
/** Ended jobs shown by a list. */
const endedShown = 20;
/** Ended jobs that the last ended ones are picked from: lists are by the time a job was made. */
const endedRead = 40;
/** Waiting jobs that are explained at once. */
const whyShown = 10;
/** Characters of a job's result when it is asked for by itself. */
const detailCharsMax = 2_000;

/** Everything a report is about. All of it comes from the log. */
interface Jobs {
  readonly line: NoteLine;
  /** Notes that wait, next one first. */
  readonly waiting: readonly TaskView[];
  /** Other open jobs, oldest first. */
  readonly open: readonly TaskView[];
  /** Newest end first. */
  readonly ended: readonly TaskView[];
}

async function readJobs(desk: Desk, userId: string): Promise<Jobs> {
  const line = await desk.notes(userId);
  const [first, active, ended] = await Promise.all([
    Promise.all(line.waiting.slice(0, waitingShown).map((id) => desk.task(userId, id))),
    desk.jobs(userId, "active", 100),
    desk.jobs(userId, "ended", endedRead),
  ]);
  const inLine = new Set(line.waiting);
  return {
    line,
    waiting: first.filter((task) => task !== null),
    open: active.filter(({ id }) => !inLine.has(id)).toReversed(),
    ended: ended.toSorted(
      (a, b) => Date.parse(b.completedAt ?? "") - Date.parse(a.completedAt ?? ""),
    ),
  };
}

/** The user's jobs: queued ones in their order, running ones, and the last 20 that ended. */
export async function listReport(desk: Desk, userId: string): Promise<string> {
  const { line, waiting, open, ended } = await readJobs(desk, userId);
  const nowMs = desk.nowMs();
  if (waiting.length + open.length + ended.length === 0) {
    return "Your queue is empty. Type `enqueue <text>` to add a job.";
  }
  const sections: string[] = [];
  if (line.waiting.length > 0) {
    const lines = waiting.map((task, at) => `${at + 1}. ${lineOf(task, nowMs)}`);
    const more = line.waiting.length - waiting.length;
    if (more > 0) lines.push(`and ${more} more`);
    sections.push([`Queued (${line.waiting.length}):`, ...lines].join("\n"));
  }
  if (open.length > 0) {
    const lines = open.slice(0, openShown).map((task) => `- ${lineOf(task, nowMs)}`);
    if (open.length > openShown) lines.push(`and ${open.length - openShown} more`);
    sections.push(["In progress:", ...lines].join("\n"));
  }
  if (line.waiting.length === 0 && open.length === 0)
    sections.push("Nothing is queued or running.");
  if (ended.length > 0) {
    const lines = ended.slice(0, endedShown).map((task) => `- ${lineOf(task, nowMs)}`);
    sections.push([`Finished (last ${lines.length}):`, ...lines].join("\n"));
  }
  return sections.join("\n\n");
}

/** How things stand, in a few lines. */
export async function overviewReport(desk: Desk, userId: string): Promise<string> {
  const { line, open, ended } = await readJobs(desk, userId);
  const nowMs = desk.nowMs();
  const queued = line.waiting.length;
  const lines = [`${counted(queued, "job")} queued, ${open.length} in progress.`];
  for (const task of open.slice(0, whyShown)) lines.push(`- ${lineOf(task, nowMs)}`);
  if (ended[0] !== undefined) lines.push(`Last finished: ${lineOf(ended[0], nowMs)}`);
  lines.push(modeWords(line), modelWords(desk.chatModel()));
  return lines.join("\n");
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function modeWords({ auto }: NoteLine): string {
  return auto
    ? "Jobs run by themselves, one after another, until you type `work manual`."
    : "Jobs run one at a time when you type `work`, or by themselves after `work auto`.";
}

/** Which model answers, in words. */
export function modelWords(model: ChatModel | null): string {
  if (model === null) return "No language model is connected.";
  const where = model.baseUrl === null ? "" : ` at ${model.baseUrl}`;
  if (model.trouble !== null)
    return `The model server${where} does not answer (${model.trouble}). What needs it waits until it does.`;
  return `The model ${model.model}${where} is connected.`;
}

/** One task with everything the log says of it that matters to its user. */
export async function taskReport(desk: Desk, task: TaskView): Promise<string> {
  const nowMs = desk.nowMs();
  const lines = [`${nameOf(task)}: ${await whereWords(desk, task, nowMs)}.`];
  lines.push(`Made ${agoWords(task.createdAt, nowMs)}${attemptWords(task)}.`);
  const result = task.status === "completed" ? resultOf(task) : null;
  if (result !== null) lines.push(`Result: ${cut(result)}`);
  return lines.join("\n");
}

async function whereWords(desk: Desk, task: TaskView, nowMs: number): Promise<string> {
  const place = await placeWords(desk, task);
  if (place !== null) return place;
  const ended = task.completedAt === null ? "" : `, ${agoWords(task.completedAt, nowMs)}`;
  return `${stateWords(task, nowMs)}${ended}`;
}

/** The place of a note that waits in its user's line; `null` for anything else. */
async function placeWords(desk: Desk, task: TaskView): Promise<string | null> {
  const { waiting, auto } = await desk.notes(task.userId);
  const place = waiting.indexOf(task.id) + 1;
  if (place === 0) return null;
  const when = auto
    ? "jobs run one after another"
    : "it runs when you type `work`, or `work auto` for all";
  return `queued, ${place === 1 ? "next" : `number ${place}`} in your queue; ${when}`;
}

function attemptWords({ attempts }: TaskView): string {
  return attempts > 1 ? `, tried ${attempts} times` : "";
}

function cut(text: string): string {
  return text.length <= detailCharsMax ? text : oneLine(text, detailCharsMax);
}

/** Why one task is where it is. */
export async function whyReport(desk: Desk, task: TaskView): Promise<string> {
  const place = await placeWords(desk, task);
  if (place !== null) return `${nameOf(task)} is ${place}.`;
  const why = await desk.why(task.userId, task.id);
  return `${nameOf(task)}: ${why?.message ?? "it is gone."}`;
}

/** Why the user's open jobs wait. */
export async function whyAllReport(desk: Desk, userId: string): Promise<string> {
  const { line, waiting, open } = await readJobs(desk, userId);
  const waits = [...open, ...waiting];
  if (waits.length === 0) return "Nothing of yours waits: the queue is empty.";
  const lines: string[] = [];
  for (const task of waits.slice(0, whyShown)) lines.push(`- ${await whyReport(desk, task)}`);
  const more = open.length + line.waiting.length - lines.length;
  if (more > 0) lines.push(`and ${more} more`);
  return lines.join("\n");
}
