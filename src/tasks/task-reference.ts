import { isTaskId } from "../core/ids.ts";
import { withoutEdges } from "./text-edges.ts";

/** Which of the user's tasks is meant: by (the end of) its id, or the newest one that fits. */
export type TaskReference = { readonly by: "id"; readonly id: string } | { readonly by: "last" };

const shortIdCharsMin = 6;
const shortIdPattern = /^(?=[a-z]*\d)[0-9a-hjkmnp-tv-z]{6,26}$/;

/**
 * The short form of a task's id that people are shown: its last characters, 6 or as many more as it takes to hold a
 * digit, so that no English word is ever a short id. Two tasks share one with a chance of about one in a billion.
 */
export function shortId(taskId: string): string {
  let chars = shortIdCharsMin;
  while (chars < taskId.length && !/\d/.test(taskId.slice(-chars))) chars += 1;
  return taskId.slice(-chars);
}

/** Reads a whole id or a short one; `null` for anything else. Upper case and quotes around it are forgiven. */
export function readTaskId(written: string): TaskReference | null {
  const id = withoutEdges(written.trim(), /[`'"#]/).toLowerCase();
  return isTaskId(id) || shortIdPattern.test(id) ? { by: "id", id } : null;
}

/** The ids among `taskIds` that `id`, whole or short, may mean. */
export function matchingIds(taskIds: Iterable<string>, id: string): string[] {
  return [...new Set(taskIds)].filter((taskId) => taskId === id || taskId.endsWith(id));
}
