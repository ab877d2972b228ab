import type { ErrorData } from "../errors.ts";
import type { Priority } from "../queue/protocol.ts";
import type { HeldBy, TaskSpec } from "./spec.ts";

/** How a call shares the device of its endpoint: the endpoint's name, calls it serves at once, slots that one takes. */
export interface DeviceShare {
  readonly line: string;
  readonly total: number;
  readonly slots: number;
}

/** How far a task is, as its handler says. All fields are optional; the last report counts. */
export interface Progress {
  readonly done?: number;
  readonly total?: number;
  readonly message?: string;
  readonly data?: unknown;
}

/** Result of a model call: what the handler gets back, now or when it is replayed. */
export interface CallResult {
  readonly text: string;
  readonly reasoning?: string;
  readonly toolCalls?: readonly {
    readonly id: string;
    readonly name: string;
    readonly input: unknown;
  }[];
  readonly finish: "stop" | "length" | "toolCalls" | "filter";
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number };
}

/** A model's answer as far as it had come when its call was cut. */
export interface PartialAnswer {
  readonly text: string;
  /** Tokens of the text, as far as they could be counted. */
  readonly tokens: number;
  /** Seconds the model wrote it in. */
  readonly ran: number;
}

/** How a child ended. */
export interface ChildEnd {
  readonly status: "completed" | "failed" | "cancelled" | "expired";
  readonly output?: unknown;
  readonly error?: ErrorData;
}

/** What a task asks its person. */
export interface ApprovalQuestion {
  readonly id: string;
  readonly question: string;
  readonly details?: unknown;
}

/** What the person said. */
export interface ApprovalAnswer {
  readonly approved: boolean;
  readonly comment?: string;
}

/** Ways a ledgered tool call can stand (M10). `unknown`: it was sent, and whether it took effect is not known. */
export type ToolState = "intended" | "confirmed" | "failed" | "unknown";

/**
 * Facts of a task. `op` names an operation of the handler, unique in the task. Version 1 of every event;
 * a log with a newer version is refused (SPEC KERNEL10).
 */
export type TaskEvent =
  | { readonly type: "task.accepted"; readonly spec: TaskSpec }
  | { readonly type: "task.prioritized"; readonly priority: Priority }
  | { readonly type: "task.delayed"; readonly untilMs: number }
  | { readonly type: "task.held"; readonly by: HeldBy }
  /** Waits for a slot of its pool with this call. */
  | { readonly type: "task.queued"; readonly call: string }
  | { readonly type: "task.started"; readonly attempt: number; readonly epoch: number }
  /** The handler is replayed by a new owner: same attempt, higher epoch. */
  | { readonly type: "task.resumed"; readonly epoch: number }
  | { readonly type: "task.progressed"; readonly progress: Progress }
  | { readonly type: "step.completed"; readonly op: string; readonly result: unknown }
  /** `beside`, here and below: something else of the handler works meanwhile. */
  | {
      readonly type: "sleep.started";
      readonly op: string;
      readonly untilMs: number;
      readonly beside?: true;
    }
  | { readonly type: "sleep.ended"; readonly op: string }
  | {
      readonly type: "wait.started";
      readonly op: string;
      readonly name: string;
      readonly untilMs?: number;
      /** It waits for a person's yes or no, and for no event. */
      readonly approval?: ApprovalQuestion;
      readonly beside?: true;
    }
  | {
      readonly type: "wait.ended";
      readonly op: string;
      readonly payload?: unknown;
      readonly timedOut?: true;
    }
  /** An event for this task arrived before anything waited for it; it is kept, first in, first out by name. */
  | { readonly type: "event.received"; readonly name: string; readonly payload: unknown }
  | {
      readonly type: "child.spawned";
      readonly op: string;
      readonly child: string;
      readonly taskType: string;
    }
  | { readonly type: "child.awaited"; readonly ops: readonly string[]; readonly beside?: true }
  | { readonly type: "child.ended"; readonly op: string; readonly end: ChildEnd }
  | {
      readonly type: "call.requested";
      readonly op: string;
      readonly call: string;
      readonly queue: string;
      readonly role: string;
      readonly hash: string;
      /** Predicted slot-seconds. */
      readonly cost: number;
      /** The part of `cost` that is known beforehand; absent: nothing. */
      readonly lead?: number;
      /** Predicted tokens, prompt and answer; absent: none. */
      readonly tokens?: number;
      /** It can be stopped at a token boundary and gone on with. */
      readonly cuttable?: true;
      /** Model it asks, and tokens of its prompt; absent in logs from before speeds were learnt. */
      readonly model?: string;
      readonly input?: number;
      /** Of an endpoint that shares a device. */
      readonly share?: DeviceShare;
    }
  | { readonly type: "call.started"; readonly op: string; readonly call: string }
  | { readonly type: "call.completed"; readonly op: string; readonly result: CallResult }
  /** The call made room for an interactive one: it is asked for again, and goes on from `partial` (SPEC TASK29). */
  | { readonly type: "call.cut"; readonly op: string; readonly partial: PartialAnswer }
  /**
   * `untilMs`: the call is asked for again then. Absent: the operation has failed with `error`. `partial`: from where it
   * goes on then; `null`: from its beginning; absent: as before.
   */
  | {
      readonly type: "call.failed";
      readonly op: string;
      readonly error: ErrorData;
      readonly untilMs?: number;
      readonly partial?: PartialAnswer | null;
    }
  | {
      readonly type: "tool.intended";
      readonly op: string;
      readonly id: string;
      readonly name: string;
      readonly hash: string;
    }
  | {
      readonly type: "tool.settled";
      readonly op: string;
      readonly id: string;
      readonly state: Exclude<ToolState, "intended">;
      readonly output?: unknown;
      readonly error?: ErrorData;
    }
  /** The worker that ran the attempt is gone. */
  | { readonly type: "task.lost"; readonly graceful?: true }
  | { readonly type: "task.retrying"; readonly error: ErrorData; readonly untilMs: number }
  /** The owner asked for another try after an end. */
  | { readonly type: "task.reopened" }
  | { readonly type: "task.completed"; readonly output: unknown }
  | { readonly type: "task.failed"; readonly error: ErrorData }
  | { readonly type: "task.cancelled"; readonly error: ErrorData }
  | { readonly type: "task.expired"; readonly error: ErrorData };
