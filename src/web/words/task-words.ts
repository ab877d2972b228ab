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

/** The words of a task's status; a backoff between two attempts has its own. */
export function wordsOfStatus(task: Task): StatusWords {
  if (task.reason?.code === "backoff") return { word: "Retrying", tone: "wait", icon: "clock" };
  if (task.reason?.code === "held") return { word: "Held", tone: "wait", icon: "pause" };
  if (task.reason?.code === "approval") return { word: "Needs you", tone: "wait", icon: "pause" };
  return statusWords[task.status];
}

/** Why a task does not run now, as one short phrase; the place in line first, if it is known. */
export function wordsOfReason(reason: Reason, nowMs: number): string {
  const left = reason.untilAt === null ? null : Date.parse(reason.untilAt) - nowMs;
  const soon = left === null || Number.isNaN(left) ? "" : ` in ${durationWords(left)}`;
  switch (reason.code) {
    case "slot":
    case "call":
      return inLine(reason);
    case "held":
      return "held until you let it go";
    case "delay":
      return `starts${soon || " later"}`;
    case "backoff":
      return `tries again${soon || " soon"}`;
    case "sleep":
      return `sleeps, goes on${soon || " later"}`;
    case "event":
      return "waits for an event from outside";
    case "child":
      return "waits for its subtasks";
    case "cut":
      return "paused to let others in, goes on by itself";
    case "approval":
      return "waits for your approval";
    default:
      return reason.message || reason.code;
  }
}

function inLine({ position, queue }: Reason): string {
  const where = queue === null ? "" : ` for ${queue}`;
  if (position === null) return `waits its turn${where}`;
  return position <= 1 ? `next in line${where}` : `${ordinal(position)} in line${where}`;
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
