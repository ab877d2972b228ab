import type { Priority } from "../queue/protocol.ts";
import type { DeviceShare } from "./events.ts";

/**
 * How often a task is tried and how long it waits between tries. The wait before try n + 1 is
 * `min(maxDelayMs, minDelayMs * factor^(n-1))`, less a random part of at most `jitter` of it.
 */
export interface RetryPolicy {
  /** Tries in all, the first included, 1..100. */
  readonly attemptsMax: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly factor: number;
  /** 0 (exact) to 1 (anything down to no wait). */
  readonly jitter: number;
}

/** Used where a task type says nothing else. */
export const retryDefault: RetryPolicy = {
  attemptsMax: 3,
  minDelayMs: 1_000,
  maxDelayMs: 60_000,
  factor: 2,
  jitter: 0.3,
};

/** The wait before the next try, in milliseconds, after `failures` failed ones (at least 1). `unit` is in [0, 1). */
export function retryDelayMs(policy: RetryPolicy, failures: number, unit: number): number {
  let delayMs = policy.minDelayMs;
  for (let step = 1; step < failures && delayMs < policy.maxDelayMs; step += 1)
    delayMs *= policy.factor;
  if (delayMs > policy.maxDelayMs) delayMs = policy.maxDelayMs;
  return Math.round(delayMs * (1 - policy.jitter * unit));
}

/** Who has to let a held task go: the person (`release`), or its session when the turn before it has ended. */
export type HeldBy = "manual" | "session";

/** A model call as a task asks for it, or as it is known beforehand that it will. */
export interface CallSpec {
  /** Name of the operation. */
  readonly op: string;
  readonly queue: string;
  readonly role: string;
  readonly hash: string;
  readonly cost: number;
  /** The part of `cost` that is known beforehand. */
  readonly lead?: number;
  /** Predicted tokens, prompt and answer; absent: none. */
  readonly tokens?: number;
  /** It can be stopped at a token boundary and gone on with. */
  readonly cuttable?: true;
  /** Model it asks, and tokens of its prompt. */
  readonly model?: string;
  readonly input?: number;
  /** Of an endpoint that shares a device. */
  readonly share?: DeviceShare;
}

/** Everything that is fixed when a task is accepted. Absent fields have their defaults, so that a no-op stays small. */
export interface TaskSpec {
  readonly type: string;
  readonly userId: string;
  readonly input: unknown;
  /** Worker pool whose slots bound its starts. */
  readonly queue: string;
  readonly priority: Priority;
  readonly rootId: string;
  readonly parentId?: string;
  /** Spawns between the root and this task; 0 for a root. */
  readonly depth?: number;
  readonly sessionId?: string;
  /** The assistant message this turn answers with; its session is told of the end. */
  readonly messageId?: string;
  /** A lane of the user's scope that is told of the end (SPEC LANE1). */
  readonly lane?: string;
  readonly heldBy?: HeldBy;
  readonly delayMs?: number;
  readonly title?: string;
  /** Fairness key; the user by default. */
  readonly key?: string;
  readonly weight?: number;
  /** Predicted slot-seconds of the start call. */
  readonly cost?: number;
  /** Slots of its queue that a start takes; absent: 1. More than it has are all of them. */
  readonly slots?: number;
  readonly capTotal?: number;
  readonly capPerKey?: number;
  readonly retry?: RetryPolicy;
  readonly ttlMs?: number;
  readonly timeoutMs?: number;
  readonly idleTimeoutMs?: number;
  readonly deadlineMs?: number;
  /** Asked for in the commit that starts an attempt, so that no commit of its own comes before the first token. */
  readonly firstCall?: CallSpec;
  /** W3C trace context of the request that made the task. */
  readonly traceparent?: string;
}
