import type { TaskView } from "../core/task/view.ts";
import { isTaskId } from "../core/ids.ts";
import type { Desk } from "./desk.ts";
import { matchingIds, type TaskReference } from "./task-reference.ts";
import { nameOf } from "./task-words.ts";

/** Jobs that a short id is looked for among, besides those in the user's line: the newest open and ended ones. */
const searchedJobs = 100;

/** A task that was meant, or why none was found, in words for the user. */
export type Found =
  | { readonly task: TaskView; readonly why?: undefined }
  | { readonly why: string };

/** Which job "last" is: the newest open one, or the newest of all. */
export type Last = "open" | "any";

/** Finds the task a user means, among their own only. */
export async function findTask(
  desk: Desk,
  userId: string,
  reference: TaskReference,
  last: Last,
): Promise<Found> {
  return reference.by === "last"
    ? await lastJob(desk, userId, last)
    : await byId(desk, userId, reference.id);
}

async function lastJob(desk: Desk, userId: string, last: Last): Promise<Found> {
  const [open] = await desk.jobs(userId, "active", 1);
  if (last === "open") {
    return open === undefined ? { why: "You have no open job." } : { task: open };
  }
  const [ended] = await desk.jobs(userId, "ended", 1);
  const newest = [open, ended].filter((task) => task !== undefined).toSorted(newestFirst)[0];
  return newest === undefined ? { why: "You have no jobs yet." } : { task: newest };
}

function newestFirst(a: TaskView, b: TaskView): number {
  return a.id < b.id ? 1 : -1;
}

async function byId(desk: Desk, userId: string, id: string): Promise<Found> {
  const ids = isTaskId(id) ? [id] : await idsEndingIn(desk, userId, id);
  const found: TaskView[] = [];
  for (const taskId of ids) {
    const task = await desk.task(userId, taskId);
    if (task !== null) found.push(task);
  }
  const [task, other] = found;
  if (task === undefined) return { why: `You have no task \`${id}\`; \`list\` shows the ids.` };
  if (other === undefined) return { task };
  return {
    why: `\`${id}\` may be ${found.map(nameOf).join(" or ")}: which one? Use more of its id.`,
  };
}

/** The user's jobs that are looked at where one is named, newest first; those that have ended are not all there. */
export async function jobsLooked(
  desk: Desk,
  userId: string,
): Promise<{ readonly open: readonly TaskView[]; readonly ended: readonly TaskView[] }> {
  const [open, ended] = await Promise.all([
    desk.jobs(userId, "active", searchedJobs),
    desk.jobs(userId, "ended", searchedJobs),
  ]);
  return { open, ended };
}

async function idsEndingIn(desk: Desk, userId: string, id: string): Promise<readonly string[]> {
  const { current, waiting } = await desk.notes(userId);
  const { open, ended } = await jobsLooked(desk, userId);
  const known = [...(current === null ? [] : [current]), ...waiting];
  return matchingIds([...known, ...[...open, ...ended].map((task) => task.id)], id);
}
