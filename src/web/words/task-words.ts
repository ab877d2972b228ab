import type { Progress, Reason, Task } from "../../client/index.ts";
import type { TaskStatus } from "../../core/task/status.ts";
import { durationWords, ordinal } from "./time-words.ts";

/** How a state is shown: one word, one tone, one picture. Never the colour alone. */
export interface StatusWords {
  readonly word: string;
  readonly tone: "quiet" | "live" | "wait" | "good" | "bad";
  readonly icon: "clock" | "spin" | "pause" | "check" | "alert" | "stop";
}

const statusWords: Record<TaskStatus, StatusWords> = {
  delayed: { word: "Scheduled", tone: "wait", icon: "clock" },
  queued: { word: "Queued", tone: "wait", icon: "clock" },
  running: { word: "Running", tone: "live", icon: "spin" },
  waiting: { word: "Waiting", tone: "wait", icon: "pause" },
  completed: { word: "Done", tone: "good", icon: "check" },
  failed: { word: "Failed", tone: "bad", icon: "alert" },
  cancelled: { word: "Stopped", tone: "quiet", icon: "stop" },
  expired: { word: "Expired", tone: "bad", icon: "clock" },
};

/** Waits with a word of their own. */
const waitWords: Readonly<Record<string, string>> = {
  backoff: "Retrying",
  held: "Held",
  sleep: "Sleeping",
  cut: "Paused",
  approval: "Needs you",
};

/** The words of a task's status; some waits have their own. */
export function wordsOfStatus(task: Task): StatusWords {
  const words = statusWords[task.status];
  return task.reason === null || words.tone !== "wait"
    ? words
    : { ...words, word: wordOfWait(task.reason, words.word) };
}

/** The word of a wait, or `otherwise` if its reason has none. */
export function wordOfWait(reason: Reason, otherwise: string): string {
  return waitWords[reason.code] ?? otherwise;
}

/** Why a task does not run now: goes on from the word of its wait, place in line first. */
export function wordsOfReason(reason: Reason, nowMs: number): string {
  const left = reason.untilAt === null ? Number.NaN : Date.parse(reason.untilAt) - nowMs;
  const soon = Number.isNaN(left) ? "" : `in ${durationWords(left)}`;
  switch (reason.code) {
    case "slot":
    case "call":
      return inLine(reason);
    case "held":
      return "until you let it go";
    case "delay":
    case "backoff":
      return soon || "later";
    case "sleep":
      return soon === "" ? "goes on later" : `goes on ${soon}`;
    case "event":
      return "for an event from outside";
    case "child":
      return "for its subtasks";
    case "cut":
      return "lets others in, goes on by itself";
    case "approval":
      return "to approve what it wants to do";
    default:
      return reason.message || reason.code;
  }
}

function inLine({ position, queue }: Reason): string {
  const where = queue === null ? "" : ` for ${wordsOfQueue(queue)}`;
  if (position === null) return `for its turn${where}`;
  return position <= 1 ? `next in line${where}` : `${ordinal(position)} in line${where}`;
}

/** Queues of model endpoints are named `model:<endpoint>`. */
function wordsOfQueue(queue: string): string {
  if (!queue.startsWith("model:")) return queue;
  const endpoint = queue.slice("model:".length);
  return endpoint === "default" ? "the model" : `the model at ${endpoint}`;
}

/** Share done in 0..1, or null when it is not known. */
export function shareOf(progress: Progress | null): number | null {
  if (progress === null || progress.done === null || progress.total === null) return null;
  if (progress.total <= 0) return null;
  return Math.min(1, Math.max(0, progress.done / progress.total));
}

/** "3 of 5 · reading": what a task says about its progress. */
export function wordsOfProgress(progress: Progress): string {
  const { done, total, message } = progress;
  const count = done === null ? "" : total === null ? String(done) : `${done} of ${total}`;
  return [count, message ?? ""].filter((part) => part !== "").join(" · ");
}
