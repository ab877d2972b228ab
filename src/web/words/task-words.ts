import { explainTaskError } from "../../client/index.ts";
import type { Estimate, Progress, Reason, Task } from "../../client/index.ts";
import type { TaskStatus } from "../../core/task/status.ts";
import { durationWords, ordinal, rangeWords } from "./time-words.ts";

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
  const soon = soonWords(reason.untilAt, nowMs);
  switch (reason.code) {
    case "slot":
    case "call":
      return inLine(reason, nowMs);
    case "held":
      return "until you let it go";
    case "delay":
      return soon || "later";
    case "backoff":
      return joined(
        soon || "soon",
        reason.error === null ? "" : explainTaskError(reason.error).what,
      );
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

/** Why a task, or a call of one that runs, does not run now; empty if nothing holds it. */
export function wordsOfWait(
  { reason, status }: Pick<Task, "reason" | "status">,
  nowMs: number,
): string {
  if (reason === null) return "";
  const words = wordsOfReason(reason, nowMs);
  return status === "running" ? `one call is tried again ${words}` : words;
}

/** True for a wait whose words hold a time that runs. */
export function countsDown(reason: Reason | null): boolean {
  return reason !== null && (reason.untilAt !== null || (reason.cause?.untilAt ?? null) !== null);
}

/** A wait as one line: its word, and why. */
export function lineOfWait(reason: Reason, otherwise: string, nowMs: number): string {
  const [word, why] = [wordOfWait(reason, otherwise), wordsOfReason(reason, nowMs)];
  return /^(in |now|until |for |to )/.test(why) ? `${word} ${why}` : `${word}: ${why}`;
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" · ");
}

/** "in 8 s"; empty without a time. */
function soonWords(untilAt: string | null, nowMs: number): string {
  if (untilAt === null) return "";
  const leftMs = Date.parse(untilAt) - nowMs;
  return leftMs < 1_000 ? "now" : `in ${durationWords(leftMs)}`;
}

function inLine({ position, queue, cause, estimate }: Reason, nowMs: number): string {
  const where = queue === null ? "" : ` for ${wordsOfQueue(queue)}`;
  const place =
    position === null
      ? `for its turn${where}`
      : `${position <= 1 ? "next" : ordinal(position)} in line${where}`;
  const held = cause === null ? "" : wordsOfCause(cause, nowMs);
  return joined(place, held, estimate === null ? "" : wordsOfEstimate(estimate));
}

/** What holds a queue back beyond its slots, in words; empty for a line that moves as ever. */
export function wordsOfCause(
  { code, untilAt }: { readonly code: string; readonly untilAt: string | null },
  nowMs: number,
): string {
  const soon = soonWords(untilAt, nowMs);
  switch (code) {
    case "queue_paused":
      return "the queue is paused";
    case "endpoint_down":
      return joinedWith("the model does not answer", soon === "" ? "" : `asked again ${soon}`);
    case "endpoint_loading":
      return joinedWith("the model is being loaded", soon === "" ? "" : `asked again ${soon}`);
    case "endpoint_asked":
      return joinedWith("the model asked to wait", soon === "" ? "" : `goes on ${soon}`);
    case "rate_window":
      return joinedWith("its rate is used up", soon === "" ? "" : `goes on ${soon}`);
    case "model_swap":
      return "another model is in use";
    case "type_limit":
      return "as many of its type run as may";
    case "key_limit":
      return "as many of yours run as may while others wait";
    default:
      return "";
  }
}

function joinedWith(what: string, more: string): string {
  return more === "" ? what : `${what}, ${more}`;
}

/** "starts in about 10–25 s"; what takes longer than was promised says so. */
export function wordsOfEstimate({ start, late }: Estimate): string {
  const words = `starts ${rangeWords(start.p50Ms, start.p90Ms)}`;
  return late ? `later than promised, ${words}` : words;
}

/** Queues of model endpoints are named `model:<endpoint>`. */
export function wordsOfQueue(queue: string): string {
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
