import type { ReadyRequest } from "../rows.ts";
import type { Estimate } from "../schedule/estimate.ts";
import type { CallEnd, Closed } from "../schedule/opening.ts";
import type { ResumeWay } from "../schedule/state.ts";

/** Order of the priority classes: a lower band goes first. */
export type Band = 0 | 1 | 2;

/** Priority classes by name. */
export type Priority = "interactive" | "background" | "batch";

/** Band of a priority class. */
export function bandOf(priority: Priority): Band {
  if (priority === "interactive") return 0;
  return priority === "background" ? 1 : 2;
}

/** What a task asks of a queue: one slot for one call. `seq`, `readyAtMs` and `tag` are the queue's to give. */
export interface CallRequest extends Omit<ReadyRequest, "seq" | "readyAtMs" | "tag" | "rest"> {
  /** Model it asks; its speeds are learnt and used (SPEC QUEUE24). */
  readonly model?: string;
  /** Tokens of its prompt, which are a part of `tokens`. */
  readonly input?: number;
}

/** Most slots of a queue. */
export const slotsMax = 10_000;

/**
 * Commands of a queue scope. `request` and `settle` come from tasks at least once and in any order; each is
 * idempotent by the call's id, which has the form `<task>.<number>` and is never used for a second call.
 * - A `request` of a call that waits changes nothing; of a call that has a slot it sends `callGranted` again.
 * - A `settle` of a call that waits takes it back; of a call the queue does not know it changes nothing.
 * - A `request` that arrives after the call's `settle` is taken for a new call. So a task MUST settle every grant it
 *   does not want, also when it has ended: that is what gives the slot back.
 */
export type QueueCommand =
  | { readonly type: "request"; readonly call: string; readonly request: CallRequest }
  /** The call is over or never mind: the slot is free, or the pending request is gone. */
  | { readonly type: "settle"; readonly call: string; readonly end?: CallEnd }
  /**
   * A root task has ended: its tree takes no more calls, and what it used in all is learnt (SPEC QUEUE18). `failed`: it
   * did not complete, which says nothing of others.
   */
  | { readonly type: "over"; readonly root: string; readonly failed?: true }
  /**
   * Slots and limits of the queue. What a host has in its configuration counts until somebody changes it `live`, and
   * again when the configuration itself has changed: a live change survives a restart.
   */
  | { readonly type: "configure"; readonly settings: QueueSettings; readonly live?: true }
  /** A waiting call goes on in another band: its task was promoted or demoted. */
  | { readonly type: "move"; readonly call: string; readonly band: Band }
  | { readonly type: "pause"; readonly paused: boolean }
  /** A call that was told to stop cannot be gone on with: it keeps its slot to the end. */
  | { readonly type: "keep"; readonly call: string }
  /** How a model goes on from a partial answer was tried out. `target` names the model and where it is. */
  | { readonly type: "probed"; readonly target: string; readonly way: ResumeWay | null }
  /**
   * Every lease of the queue is void, because the process that held them is gone. Each holder is told `callLost`.
   * Sent once at start by a host whose workers die with it.
   */
  | { readonly type: "voidLeases" }
  /** A timer of this queue is due. */
  | { readonly type: "timer"; readonly name: string };

/** What a queue tells the task that asked: the call has a slot, its lease is gone, or it should make room. */
export type QueueToTask =
  | { readonly type: "callGranted"; readonly call: string; readonly queue: string }
  | { readonly type: "callLost"; readonly call: string; readonly queue: string }
  /** Stop at the next token: an interactive call waits for the slot. */
  | { readonly type: "cutCall"; readonly call: string; readonly queue: string };

/** Settings of a queue. */
export interface QueueSettings {
  /** Calls that may hold a slot at once, 1..10,000. */
  readonly slots: number;
  /** Calls of one fairness key that may hold a slot at once while others wait; `null`: no cap. */
  readonly slotsPerKey: number | null;
  /** Calls it may grant a minute, 1..1,000,000,000; absent or `null`: no limit. */
  readonly requestsPerMinute?: number | null;
  /**
   * How long its endpoint takes to load another model, if it holds one in memory, 1..600,000 ms: calls of the one that is
   * there then go first for a while; absent or `null`: models cost nothing to change.
   */
  readonly swapMs?: number | null;
  /** Tokens its calls may take a minute, as predicted, put right when they have ended. */
  readonly tokensPerMinute?: number | null;
}

/** Why a pending call does not run yet, and where it stands (M17). `position` is 1-based within its band. */
export interface QueueWhy {
  readonly code:
    | "slot_busy"
    | "queue_paused"
    | "type_limit"
    | "key_limit"
    | "behind_others"
    | "model_swap"
    | Closed["code"];
  /** Until when the reason lasts at least, if that is known. */
  readonly untilMs?: number;
  /** Of an endpoint that is down: code of its last failure. */
  readonly error?: string;
  /** When it may start and its tree end, in seconds from now. */
  readonly estimate: Estimate | null;
  readonly position: number;
  /** Slots that are taken. */
  readonly running: number;
  readonly slots: number;
  readonly pending: number;
}
