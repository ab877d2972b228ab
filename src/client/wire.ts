import type { TaskStatus } from "../core/task/status.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { FieldError } from "../core/errors.ts";

/** Priority class of a task. */
export type Priority = "interactive" | "background" | "batch";

/** Half of such waits are over by `p50Ms`, nine tenths by `p90Ms`. */
export interface EstimateRange {
  readonly p50Ms: number;
  readonly p90Ms: number;
}

/** When a waiting task may start and end. `late`: it takes longer than was promised when it came. */
export interface Estimate {
  readonly start: EstimateRange;
  readonly end: EstimateRange;
  readonly late: boolean;
}

/**
 * Why a task does not run now; of one whose status is `running`, why a call beside it does not. `code` is open: a newer
 * server may know more reasons than this client.
 */
export interface Reason {
  readonly code: string;
  /** When the wait ends by itself, ISO 8601. */
  readonly untilAt: string | null;
  readonly queue: string | null;
  /** 1-based place in `queue`; null when it is not known. */
  readonly position: number | null;
  /** When it may start and end, in milliseconds from when this was said; null when it is not known. */
  readonly estimate: Estimate | null;
  /** What holds the line up, if it is known; `code` is open too. */
  readonly cause: Cause | null;
  /** What failed before a task that is tried again. */
  readonly error: WireError | null;
  /** The server's own sentence. */
  readonly message: string;
}

/** How far a task says it is. */
export interface Progress {
  readonly done: number | null;
  readonly total: number | null;
  readonly message: string | null;
  readonly data: Json;
}

/** An error as the server stores and sends it. `code` is open for newer servers. */
export interface WireError {
  readonly code: string;
  readonly message: string;
}

/** A task as every answer and every `state` event carries it. Times are ISO 8601. */
export interface Task {
  readonly id: string;
  readonly userId: string;
  readonly chatId: string | null;
  readonly type: string;
  readonly status: TaskStatus;
  readonly reason: Reason | null;
  /** Absent (`undefined`) in the `state` events of an active task. */
  readonly input: Json | undefined;
  readonly output: Json;
  readonly error: WireError | null;
  readonly attempts: number;
  readonly retryCount: number;
  readonly progress: Progress | null;
  /** Text so far of the current attempt; null when there is none, or when the task ended. */
  readonly partial: string | null;
  readonly messageId: string | null;
  readonly parentId: string | null;
  readonly rootId: string | null;
  readonly priority: string;
  readonly queue: string | null;
  /** A name given at submit. */
  readonly title: string | null;
  /** Opaque: a feed that follows from here continues exactly behind `partial`. */
  readonly cursor: string | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
}

/** One part of a chat message. Parts of kinds this client does not know stay as data. */
export type MessagePart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "data"; readonly data: JsonObject };

/** Where a chat message stands. */
export type MessageStatus = "pending" | "streaming" | "completed" | "failed";

/** One message of a session. */
export interface ChatMessage {
  readonly id: string;
  readonly role: "user" | "assistant";
  readonly parts: readonly MessagePart[];
  readonly taskId: string | null;
  readonly status: MessageStatus;
  readonly error: WireError | null;
  readonly createdAt: string | null;
}

/** A session as lists show it. */
export interface SessionSummary {
  readonly id: string;
  readonly title: string;
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
  readonly activeTaskId: string | null;
}

/** A session whole. `seq` counts its facts: a later snapshot never has a lower one. */
export interface SessionSnapshot {
  readonly id: string;
  readonly title: string;
  readonly messages: readonly ChatMessage[];
  readonly activeTaskId: string | null;
  readonly queuedTaskIds: readonly string[];
  readonly seq: number;
  readonly etag: string | null;
}

/** One page of a list; `nextCursor` is null on the last. */
export interface TaskPage {
  readonly tasks: readonly Task[];
  readonly nextCursor: string | null;
}

/** One page of sessions, newest first. */
export interface SessionPage {
  readonly sessions: readonly SessionSummary[];
  readonly nextCursor: string | null;
}

/** Answer to "why does it not run". */
export interface Why {
  readonly status: string;
  readonly reason: Reason | null;
  readonly queue: {
    readonly position: number | null;
    readonly pending: number | null;
    readonly running: number | null;
    readonly slots: number | null;
  } | null;
  readonly message: string;
}

/** One numbered fact of a task's log. */
export interface LogFact {
  readonly seq: number;
  readonly type: string;
  readonly timestamp: string;
  readonly payload: Json;
}

/** Facts after a number, in order; `nextAfter` is null at the end. */
export interface LogPage {
  readonly events: readonly LogFact[];
  readonly nextAfter: number | null;
}

/** Whether and which model answers. */
export interface ModelStatus {
  readonly connected: boolean;
  readonly baseUrl: string | null;
  readonly models: readonly string[];
  readonly note: string;
}

/** One queue with its load now. */
export interface QueueStatus {
  readonly name: string;
  readonly slots: number;
  readonly running: number;
  readonly pending: number;
  readonly paused: boolean;
  readonly slotsPerKey: number | null;
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  /** How long its endpoint takes to load another model; null: models cost nothing to change. */
  readonly swapMs: number | null;
  /** Slots that running calls hold: a call may hold several. */
  readonly taken: number;
  /** Model in memory, where one is at a time. */
  readonly loaded: string | null;
  /** Calls that made room for a quick question, and tokens that had to be read again for it, since it was made. */
  readonly cuts: { readonly count: number; readonly tokens: number };
  /** Why it grants nothing although it has slots, and until when. */
  readonly closed: (Cause & { readonly untilAt: string }) | null;
  /** Endpoints that share it as their device and are held back now; the others go on. */
  readonly lines: readonly (Cause & { readonly line: string; readonly untilAt: string })[];
  /** Calls that wait: interactive, background, batch. */
  readonly perBand: readonly number[];
  /** How fast its models are, as far as that was learnt from their answers. */
  readonly models: readonly ModelSpeed[];
}

/** What holds something back. `error`: of an endpoint that is down, code of its last failure. */
export interface Cause {
  readonly code: string;
  readonly untilAt: string | null;
  readonly error: string | null;
}

/** Tokens a second that a model reads and writes; null: nobody knows yet. */
export interface ModelSpeed {
  readonly model: string;
  readonly promptTokensPerSecond: number | null;
  readonly decodeTokensPerSecond: number | null;
}

/** An alert. Times are ISO 8601; `clearedAt` is null while it lasts. */
export interface Alert {
  readonly rule: string;
  /** Queue or endpoint; "" for the whole server. */
  readonly subject: string;
  readonly message: string;
  readonly firedAt: string;
  readonly clearedAt: string | null;
}

/** What may be changed of a queue; `null` takes a limit away. */
export interface QueueChange {
  readonly slots?: number;
  readonly slotsPerKey?: number | null;
  readonly requestsPerMinute?: number | null;
  readonly tokensPerMinute?: number | null;
  readonly swapMs?: number | null;
}

/** What the server is doing now. */
export interface Overview {
  readonly queues: readonly QueueStatus[];
  readonly active: number;
  readonly model: ModelStatus | null;
}

/** Answer to a chat message that was accepted. */
export interface SentMessage {
  readonly taskId: string;
  readonly sessionId: string;
  /** The assistant's message, still pending. */
  readonly messageId: string | null;
  readonly userMessageId: string | null;
}

/** Body of an error answer (problem+json), as far as it could be read. */
export interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly retryAfterMs: number | null;
  readonly fields: readonly FieldError[];
  readonly requestId: string | null;
}
