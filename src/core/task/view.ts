import type { ErrorData } from "../errors.ts";
import type { Priority } from "../queue/protocol.ts";
import type { Progress } from "./events.ts";
import { specOf } from "./batch.ts";
import type { Reason, TaskState } from "./state.ts";
import type { TaskStatus } from "./status.ts";

/** Why an open task, or a call of one that runs, does not run now, as clients see it. */
export interface ReasonView {
  readonly code: Reason["code"];
  readonly message: string;
  readonly untilAt?: string;
  readonly queue?: string;
  /** Of a wait for approval: answer it at `/api/approvals`. */
  readonly approvalId?: string;
  /** Of a backoff: what failed before it. */
  readonly error?: { readonly code: ErrorData["code"]; readonly message: string };
}

/** A task as every door and host shows it. Times are ISO 8601 in UTC. */
export interface TaskView {
  readonly id: string;
  readonly userId: string;
  readonly chatId: string | null;
  readonly type: string;
  readonly status: TaskStatus;
  readonly reason: ReasonView | null;
  readonly input: unknown;
  readonly output: unknown;
  readonly error: ErrorData | null;
  readonly attempts: number;
  /** Attempts less one: seed 002's name. */
  readonly retryCount: number;
  readonly progress: Progress | null;
  /** Text so far of the current attempt; null before it and after the end. Filled by who knows the stream. */
  readonly partial: string | null;
  readonly messageId: string | null;
  readonly parentId: string | null;
  readonly rootId: string;
  readonly priority: Priority;
  readonly queue: string;
  readonly title: string | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
}

/** ISO text of a time in epoch milliseconds, made without `Date` because the core has no clock. */
export function isoTime(atMs: number): string {
  // Civil date from days, after Howard Hinnant's public-domain `civil_from_days`.
  const days = Math.floor(atMs / 86_400_000);
  const ms = atMs - days * 86_400_000;
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const two = (value: number): string => String(value).padStart(2, "0");
  const clock = `${two(Math.floor(ms / 3_600_000))}:${two(Math.floor(ms / 60_000) % 60)}:${two(Math.floor(ms / 1_000) % 60)}`;
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${clock}.${String(Math.floor(ms % 1_000)).padStart(3, "0")}Z`;
}

const reasonWords: Record<Reason["code"], string> = {
  slot: "waits for a free slot",
  held: "is held until it is released",
  delay: "is due later",
  backoff: "waits before it is tried again",
  sleep: "sleeps",
  event: "waits for an event",
  child: "waits for its subtasks",
  call: "waits for a model call",
  cut: "is paused for a quick question",
  approval: "waits for your approval",
};

/** A reason in the words and shapes of clients. `error` is what a backoff comes from. */
export function reasonView(
  reason: Reason | null,
  error: ErrorData | null = null,
): ReasonView | null {
  if (reason === null) return null;
  return {
    code: reason.code,
    message:
      reason.approval === undefined
        ? reasonWords[reason.code]
        : `${reasonWords[reason.code]}: ${reason.approval.question}`,
    ...(reason.untilMs === undefined ? {} : { untilAt: isoTime(reason.untilMs) }),
    ...(reason.queue === undefined ? {} : { queue: reason.queue }),
    ...(reason.approval === undefined ? {} : { approvalId: reason.approval.id }),
    ...(error === null ? {} : { error: { code: error.code, message: error.message } }),
  };
}

/** What failed before a task that is tried again: its attempt, or a model call inside it. */
function failureBefore({ reason, operations, error }: TaskState): ErrorData | null {
  if (reason?.code !== "backoff") return null;
  const operation = reason.op === undefined ? undefined : operations.get(reason.op);
  return operation?.kind === "call" ? operation.error : error;
}

function taskReason(state: TaskState): ReasonView | null {
  const reason = reasonView(state.reason, failureBefore(state));
  return reason === null || state.status !== "running"
    ? reason
    : { ...reason, message: "a call of it waits before it is tried again" };
}

/** An accepted task as clients see it. `partial` comes from the stream of the current attempt. */
export function taskView(state: TaskState, partial: string | null = null): TaskView {
  const spec = specOf(state);
  return {
    id: state.id,
    userId: spec.userId,
    chatId: spec.sessionId ?? null,
    type: spec.type,
    status: state.status,
    reason: taskReason(state),
    input: spec.input ?? null,
    output: state.output ?? null,
    error: state.error,
    attempts: state.attempt,
    retryCount: state.attempt > 0 ? state.attempt - 1 : 0,
    progress: state.progress,
    partial: state.phase === "ended" && state.status === "completed" ? null : partial,
    messageId: spec.messageId ?? null,
    parentId: spec.parentId ?? null,
    rootId: spec.rootId,
    priority: spec.priority,
    queue: spec.queue,
    title: spec.title ?? null,
    createdAt: isoTime(state.createdAtMs),
    startedAt: state.startedAtMs === null ? null : isoTime(state.startedAtMs),
    completedAt: state.endedAtMs === null ? null : isoTime(state.endedAtMs),
  };
}
