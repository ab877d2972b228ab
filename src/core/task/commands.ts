import type { ErrorData } from "../errors.ts";
import type { Priority, QueueToTask } from "../queue/protocol.ts";
import type { SpeedSeen } from "../schedule/speeds.ts";
import type { Scope } from "../scope.ts";
import type {
  ApprovalAnswer,
  ApprovalQuestion,
  CallResult,
  ChildEnd,
  PartialAnswer,
  Progress,
  ToolState,
} from "./events.ts";
import type { CallSpec, TaskSpec } from "./spec.ts";

/** Whether an error may be tried again: by the task's policy, never, or not before a given wait. */
export type RetryWish = "policy" | "never" | { readonly afterMs: number };

/**
 * Commands of the attempt that runs a task. Each carries the epoch its worker was given; one that is not the
 * task's present epoch is refused with `fenced` and changes nothing (SPEC TASK5).
 */
export type RunnerCommand = { readonly epoch: number } & (
  | { readonly type: "complete"; readonly output: unknown }
  | { readonly type: "fail"; readonly error: ErrorData; readonly retry: RetryWish }
  | { readonly type: "progress"; readonly progress: Progress }
  | { readonly type: "step"; readonly op: string; readonly result: unknown }
  /** `beside`, here and below: something else of the handler works meanwhile. */
  | { readonly type: "sleep"; readonly op: string; readonly ms: number; readonly beside?: true }
  | {
      readonly type: "wait";
      readonly op: string;
      readonly name: string;
      readonly timeoutMs?: number;
      /** Asks a person instead of waiting for an event. */
      readonly approval?: Omit<ApprovalQuestion, "id">;
      readonly beside?: true;
    }
  | {
      readonly type: "spawn";
      readonly op: string;
      readonly spec: Omit<TaskSpec, "rootId" | "parentId" | "depth">;
    }
  | { readonly type: "join"; readonly ops: readonly string[]; readonly beside?: true }
  | ({ readonly type: "call" } & CallSpec)
  /** The call was stopped because its queue asked for it; its socket is closed, and `partial` is all it said. */
  | {
      readonly type: "callCut";
      readonly op: string;
      readonly call: string;
      readonly partial: PartialAnswer;
      /** Tokens of the prompt, which is read again with the partial answer. */
      readonly inputTokens: number;
      /** What going on is predicted to take. */
      readonly cost: number;
      readonly lead: number;
    }
  | {
      readonly type: "callDone";
      readonly op: string;
      readonly call: string;
      readonly result: CallResult;
      /** How fast the answer was. */
      readonly speed?: SpeedSeen;
    }
  | {
      readonly type: "callFailed";
      readonly op: string;
      readonly call: string;
      readonly error: ErrorData;
      /** Tries of this operation that the failure allows in all. */
      readonly triesMax: number;
      /** How long the endpoint asked to be left alone. */
      readonly retryAfterMs?: number;
      /** How long the task waits before it asks its queue again; absent: as the endpoint asked, else a backoff. */
      readonly waitMs?: number;
      /** From where another try goes on; `null`: from its beginning; absent: from where this one did. */
      readonly partial?: PartialAnswer | null;
    }
  | {
      readonly type: "toolIntend";
      readonly op: string;
      readonly id: string;
      readonly name: string;
      readonly hash: string;
    }
  | {
      readonly type: "toolSettle";
      readonly op: string;
      readonly state: Exclude<ToolState, "intended">;
      readonly output?: unknown;
      readonly error?: ErrorData;
    }
  /** The worker goes away in good order: the task is queued again and no loss is counted. */
  | { readonly type: "handBack" }
);

/** The turn that a task answers. */
export interface TurnOfTask {
  readonly session: Scope;
  readonly messageId: string;
}

/** Commands of a task scope. */
export type TaskCommand =
  | { readonly type: "submit"; readonly spec: TaskSpec }
  | RunnerCommand
  | QueueToTask
  /** A new owner takes the suspended task over; answers the new epoch. Refused unless something may go on. */
  | { readonly type: "rehydrate" }
  /** Recovery found no live worker for a task that says it runs. Ignored if it does not, or if `epoch` is over. */
  | { readonly type: "lost"; readonly epoch?: number }
  | {
      readonly type: "cancel";
      readonly reason?: string;
      readonly by?: "user" | "parent" | "session";
    }
  /** `turn`: the session that asks, and is told if the task is gone. */
  | { readonly type: "retry"; readonly held?: "session"; readonly turn?: TurnOfTask }
  /** `by`: the lane that lets it go, which has to hear if it has ended. */
  /** `ends`: how often its lane knows that it has ended; one that has ended once more since stays held. */
  | { readonly type: "release"; readonly by?: "lane"; readonly ends?: number }
  | { readonly type: "prioritize"; readonly priority: Priority }
  | { readonly type: "event"; readonly name: string; readonly payload: unknown }
  /** A person answers what the task has asked. */
  | { readonly type: "answer"; readonly id: string; readonly answer: ApprovalAnswer }
  | { readonly type: "childEnded"; readonly child: string; readonly end: ChildEnd }
  | { readonly type: "timer"; readonly name: string };

/** What a task asks of the engine once its facts are stored. */
export type TaskSignal =
  | {
      readonly kind: "task.start";
      readonly taskId: string;
      readonly attempt: number;
      readonly epoch: number;
    }
  /** Operation `op` of the task has news: go on with the live handler, or rehydrate it. */
  | { readonly kind: "task.wake"; readonly taskId: string; readonly op: string }
  /** The queue needs the slot of this call: stop at the next token boundary, if the call can be gone on with. */
  | {
      readonly kind: "task.cut";
      readonly taskId: string;
      readonly queue: string;
      readonly call: string;
    }
  /**
   * The task has ended under its worker: stop the handler, close the upstream sockets, then settle these calls,
   * whose slots stay taken until then, so that a limit holds at every instant (SPEC QUEUE3).
   */
  | {
      readonly kind: "task.abort";
      readonly taskId: string;
      readonly calls: readonly { queue: string; call: string }[];
    };
