import type { QueueStatus } from "../../client/index.ts";
import { wordsOfCause, wordsOfQueue, type StatusWords } from "./task-words.ts";
import { durationWords } from "./time-words.ts";

/** What a queue is called on the page. */
export function titleOfQueue(name: string): string {
  // A pool's name is a name, as it stands in the code: only words begin with a capital.
  const words = wordsOfQueue(name);
  return words === name ? name : words.slice(0, 1).toUpperCase() + words.slice(1);
}

/** Pools that Errand brings along: nobody has set them up, and as long as nothing waits nobody has to see them. */
const ownPools: readonly string[] = ["alerts", "chat_tasks", "completions", "tasks", "webhooks"];

/** True for a queue that says nothing to a person now. */
export function isBackstage({ name, paused, closed, pending }: QueueStatus): boolean {
  return ownPools.includes(name) && !paused && closed === null && pending === 0;
}

/** What cuts for quick questions have cost; empty if there were none. */
export function wordsOfCuts({ cuts }: QueueStatus): string {
  if (cuts.count === 0) return "";
  const times = cuts.count === 1 ? "once" : `${cuts.count.toLocaleString("en")} times`;
  return `Made room for a quick question ${times} · ${cuts.tokens.toLocaleString("en")} tokens read again`;
}

/** Whether a queue moves, and what holds it back. */
export function standOfQueue(queue: QueueStatus, nowMs: number): StatusWords {
  if (queue.paused)
    return {
      word: queue.running === 0 ? "Paused: nothing starts" : "Paused: what runs goes on",
      tone: "wait",
      icon: "pause",
    };
  if (queue.closed !== null) {
    const words = wordsOfCause(queue.closed, nowMs) || queue.closed.code;
    return {
      word: words.slice(0, 1).toUpperCase() + words.slice(1),
      tone: queue.closed.code === "endpoint_down" ? "bad" : "wait",
      icon: queue.closed.code === "endpoint_down" ? "alert" : "clock",
    };
  }
  const [line] = queue.lines;
  if (line !== undefined) {
    const more = queue.lines.length === 1 ? "" : `, and ${queue.lines.length - 1} more`;
    return {
      word: `${line.line}: ${wordsOfCause(line, nowMs) || line.code}${more}`,
      tone: line.code === "endpoint_down" ? "bad" : "wait",
      icon: line.code === "endpoint_down" ? "alert" : "clock",
    };
  }
  if (queue.taken >= queue.slots && queue.pending > 0)
    return { word: "Busy: others start as slots come free", tone: "live", icon: "clock" };
  return queue.running > 0
    ? { word: "Working", tone: "live", icon: "check" }
    : { word: "Ready", tone: "good", icon: "check" };
}

/** Limits beside the slots; empty if there are none. */
export function limitsOfQueue(queue: QueueStatus): string {
  const { slotsPerKey, requestsPerMinute, tokensPerMinute } = queue;
  const parts = [
    slotsPerKey === null ? "" : `${slotsPerKey} at once for each user while others wait`,
    requestsPerMinute === null ? "" : `${requestsPerMinute.toLocaleString("en")} requests a minute`,
    tokensPerMinute === null ? "" : `${tokensPerMinute.toLocaleString("en")} tokens a minute`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "" : `At most ${parts.join(", ")}`;
}

const sameDay: Intl.DateTimeFormat = new Intl.DateTimeFormat("en", {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const sameWeek: Intl.DateTimeFormat = new Intl.DateTimeFormat("en", {
  weekday: "long",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const anyDay: Intl.DateTimeFormat = new Intl.DateTimeFormat("en", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

/** When a schedule runs or ran: "in 5 min", "at 08:30", "Monday 08:30", "5 min ago". */
export function wordsOfRun(atMs: number, nowMs: number): string {
  const leftMs = atMs - nowMs;
  const far = Math.abs(leftMs);
  if (far < 60_000) return "now";
  if (far < 3_600_000)
    return leftMs > 0 ? `in ${durationWords(leftMs)}` : `${durationWords(far)} ago`;
  if (far < 20 * 3_600_000) return `at ${sameDay.format(atMs)}`;
  return far < 6 * 86_400_000 ? sameWeek.format(atMs) : anyDay.format(atMs);
}
