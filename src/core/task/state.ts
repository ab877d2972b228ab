import type { ErrorData } from "../errors.ts";
import type {
  ApprovalQuestion,
  CallResult,
  ChildEnd,
  PartialAnswer,
  Progress,
  ToolState,
  DeviceShare,
} from "./events.ts";
import type { TaskSpec } from "./spec.ts";
import type { TaskStatus } from "./status.ts";

/**
 * Why an open task does not run now; of a task that runs, why a call beside it does not (`backoff` only). `untilMs` is
 * when the reason may end by itself.
 */
export interface Reason {
  readonly code:
    | "slot"
    | "held"
    | "delay"
    | "backoff"
    | "sleep"
    | "event"
    | "child"
    | "call"
    | "cut"
    | "approval";
  readonly untilMs?: number;
  readonly queue?: string;
  readonly op?: string;
  /** What is asked, if it waits for a person. */
  readonly approval?: Pick<ApprovalQuestion, "id" | "question">;
}

/** An operation of a handler: what replay answers from, and what is still open. */
export type Operation =
  | { readonly kind: "step"; readonly result: unknown }
  | { readonly kind: "sleep"; readonly untilMs: number; done: boolean }
  | {
      readonly kind: "wait";
      readonly name: string;
      readonly untilMs: number | null;
      readonly approval?: ApprovalQuestion;
      done: boolean;
      payload: unknown;
      timedOut: boolean;
    }
  | { readonly kind: "child"; readonly child: string; end: ChildEnd | null }
  | CallOperation
  | {
      readonly kind: "tool";
      readonly id: string;
      readonly name: string;
      readonly hash: string;
      state: ToolState;
      output: unknown;
      error: ErrorData | null;
    };

/**
 * A model call. `idle`: not asked for now (a lost or failed try; the handler asks again when it is replayed).
 * `cut`: was stopped and is being asked for again. `pending`: waits for a slot. `granted`: has one. `backoff`: asks
 * again at `untilMs`.
 */
export interface CallOperation {
  readonly kind: "call";
  role: string;
  hash: string;
  queue: string;
  state: "idle" | "cut" | "pending" | "granted" | "backoff" | "done" | "failed";
  call: string;
  tries: number;
  untilMs: number | null;
  cost: number;
  lead: number;
  tokens: number;
  /** Model it asks, and tokens of its prompt; `null`: the log does not say. */
  model: string | null;
  input: number | null;
  /** How it shares the device of its endpoint; `null`: it has one of its own. */
  share: DeviceShare | null;
  /** It can be stopped at a token boundary and gone on with. */
  cuttable: boolean;
  /** What it had said when it was cut or broke off, and goes on from; `null`: it begins at the beginning. */
  partial: PartialAnswer | null;
  /** Times it was cut. */
  cuts: number;
  /** It was cut and has not had a slot since. */
  paused: boolean;
  result: CallResult | null;
  error: ErrorData | null;
}

/**
 * State of a task, folded from its log. Invariants: I1 an end never changes; I2 `lease` is not null exactly while
 * the start call is pending or held; I3 `phase` is `active` exactly while an attempt owns the task (running or
 * waiting inside); I4 `epoch` only grows.
 */
export interface TaskState {
  readonly id: string;
  spec: TaskSpec | null;
  phase: "none" | "delayed" | "held" | "queued" | "active" | "ended";
  status: TaskStatus;
  reason: Reason | null;
  attempt: number;
  epoch: number;
  failures: number;
  /** Workers that died under it since something of it was kept. */
  losses: number;
  /** Replays of the present attempt. */
  resumes: number;
  /** How often it has ended: a late copy of an earlier end is told by it from the newest (SPEC SESSION5). */
  ends: number;
  /** Calls asked for so far; makes call ids unique. */
  calls: number;
  /** The start call, from request until its slot is given back. */
  lease: string | null;
  operations: Map<string, Operation>;
  /** Children the handler waits for. */
  awaited: Set<string>;
  /** It waits, and something else of its handler works, or has worked since: it may be going on (SPEC RECOVER2). */
  beside: boolean;
  /** Events that arrived before anything waited for them, by name. */
  inbox: Map<string, unknown[]>;
  progress: Progress | null;
  output: unknown;
  error: ErrorData | null;
  createdAtMs: number;
  /** When it was accepted or, after an end, opened again: its deadline and ttl count from then. */
  openedAtMs: number;
  startedAtMs: number | null;
  endedAtMs: number | null;
  /** Rough bytes of operations, inbox and output. */
  heldBytes: number;
}

/** The task before it is accepted. */
export function zeroTask(id: string): TaskState {
  return {
    id,
    spec: null,
    phase: "none",
    status: "queued",
    reason: null,
    attempt: 0,
    epoch: 0,
    failures: 0,
    losses: 0,
    resumes: 0,
    ends: 0,
    calls: 0,
    lease: null,
    operations: new Map(),
    awaited: new Set(),
    beside: false,
    inbox: new Map(),
    progress: null,
    output: null,
    error: null,
    createdAtMs: 0,
    openedAtMs: 0,
    startedAtMs: null,
    endedAtMs: null,
    heldBytes: 0,
  };
}
