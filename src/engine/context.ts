import type { ErrorData } from "../core/errors.ts";
import type { Priority } from "../core/queue/protocol.ts";
import type { CallResult, Progress } from "../core/task/events.ts";
import type { RetryPolicy } from "../core/task/spec.ts";
import type { Delta, ModelCall, PromptMessage, ToolSpec } from "../ports/models.ts";
import type { Schema } from "./define.ts";
import type { RoleTarget } from "./endpoints.ts";

/** What a step's function is given. */
export interface StepContext {
  readonly attempt: number;
  /** Stable over attempts and crashes: hand it to outside services as their idempotency key. */
  readonly key: string;
  /** Aborted when the attempt is cancelled, times out or is lost. */
  readonly signal: AbortSignal;
}

/** How to spawn or submit a task. Durations are milliseconds. */
export interface SpawnOptions {
  /** Name of the operation; needed to spawn in parallel from code whose order may differ on replay. */
  readonly name?: string;
  /** Default: its type's, else that of the task that spawns it. */
  readonly priority?: Priority;
  readonly retry?: Partial<RetryPolicy>;
  readonly delayMs?: number;
  readonly ttlMs?: number;
  readonly timeoutMs?: number;
  readonly deadlineMs?: number;
  readonly title?: string;
}

/** A spawned child. */
export interface Child<O = unknown> {
  readonly id: string;
  /** Waits for the child, holding no slot. Throws `child_failed` with the child's error unless it completed. */
  result(): Promise<O>;
  /** Waits for the child and answers how it ended, whatever that is. */
  settled(): Promise<{
    readonly status: string;
    readonly output: O | null;
    readonly error: ErrorData | null;
  }>;
}

/** A request to a role's model. */
export interface GenerateRequest {
  readonly messages: readonly PromptMessage[];
  readonly tools?: readonly ToolSpec[];
  readonly toolChoice?: NonNullable<ModelCall["toolChoice"]>;
  readonly jsonSchema?: NonNullable<ModelCall["jsonSchema"]>;
  readonly temperature?: number;
  readonly maxTokens?: number;
  readonly parameters?: NonNullable<ModelCall["parameters"]>;
  /** Which model answers, where it is not the role's own. */
  readonly target?: RoleTarget;
  /** Tool results in the prompt come from the task's input, from a client that runs its own tools: no ledger knows them. */
  readonly outsideTools?: true;
  /** Name of the operation. Needed when calls run in parallel, because their order may differ on replay. */
  readonly name?: string;
  /** Shows the text on the task's stream. Default: true without a name, false with one. */
  readonly show?: boolean;
  /**
   * The handler returns with the answer and does nothing in between that anybody could see: the call's end and the
   * task's are then one commit. A crash before that commit makes the call again, as one before the call's own would.
   */
  readonly last?: true;
}

/** A request for vectors. */
export interface EmbedRequest {
  readonly texts: readonly string[];
  /** Name of the operation. */
  readonly name?: string;
  /** Which model answers, where it is not the role's own. */
  readonly target?: RoleTarget;
}

/** A tool whose calls are ledgered (M10). */
export interface ToolDefinition<I = unknown, O = unknown> {
  readonly description: string;
  /** Checks the model's arguments; wrong ones go back to the model as a failed tool call. */
  readonly input?: Schema<I>;
  /** JSON Schema shown to the model. */
  readonly inputSchema: unknown;
  /** True if running it twice does no harm: a call whose outcome is unknown may then run again. */
  readonly idempotent?: boolean;
  run(input: I, ctx: StepContext): Promise<O> | O;
  /** Finds out whether a call with this key took effect: its output, or `undefined` if it did not. Throws if it cannot tell. */
  reconcile?(key: string): Promise<O | undefined>;
}

/** Runs ledgered tools for a model's tool calls. */
export interface ToolBox {
  /** The tools as a model sees them. */
  readonly specs: readonly ToolSpec[];
  /**
   * Runs one tool call: intended before, confirmed after, in the log. The answer is the `tool` message for the
   * model. A call whose outcome is unknown after a crash is reconciled, run again if idempotent, or throws
   * `tool_unknown` for the person to decide.
   */
  call(call: {
    readonly id: string;
    readonly name: string;
    readonly input: unknown;
  }): Promise<PromptMessage>;
}

/** How to ask for an approval. */
export interface ApproveOptions {
  /** Name of the operation; needed where several are asked in parallel. */
  readonly name?: string;
  /** What it is about, as plain JSON: shown to whoever answers. */
  readonly details?: unknown;
  readonly timeoutMs?: number;
}

/** What became of a question. */
export interface Approved {
  readonly approved: boolean;
  /** What whoever answered wrote with it. */
  readonly comment: string | null;
  /** True if nobody answered in time. */
  readonly timedOut: boolean;
}

/** Everything a handler can do durably. Operations are memoised by name or order: replay answers them from the log. */
export interface TaskContext {
  readonly taskId: string;
  readonly userId: string;
  readonly sessionId: string | null;
  readonly attempt: number;
  /** Aborted when this segment ends from outside: cancel, timeout, lost ownership, shutdown. */
  readonly signal: AbortSignal;
  /**
   * Runs `fn` at most once with effect in the log: a finished step never runs again. If the process dies between
   * the end of `fn` and the commit of its result, `fn` runs again with the same `key`. Names are unique per task;
   * a second use throws `duplicate_step`. Results are JSON of at most 1,000,000 characters (`too_large`).
   */
  step<T>(name: string, fn: (ctx: StepContext) => Promise<T> | T): Promise<T>;
  /** Waits `ms` milliseconds, durably, holding no slot. */
  sleep(ms: number, options?: { readonly name?: string }): Promise<void>;
  /** Waits for an event sent to this task (`POST /api/tasks/:id/event`); `null` after `timeoutMs`. Holds no slot. */
  waitForEvent<T = unknown>(
    name: string,
    options?: { readonly timeoutMs?: number },
  ): Promise<{ readonly payload: T } | null>;
  /**
   * Asks the task's person and waits for a yes or no, durably, holding no slot: the task is `waiting` with the reason
   * `approval`, on every host and over crashes. After `timeoutMs` it counts as a no (`timedOut`). The question has
   * 1..4,000 characters, the details at most 20,000 of JSON (`too_large`).
   */
  approve(question: string, options?: ApproveOptions): Promise<Approved>;
  /** Starts a child task of the same user, exactly once. Limits: 4 levels deep, 64 children a task (`limit_exceeded`). */
  spawn<O = unknown>(type: string, input: unknown, options?: SpawnOptions): Promise<Child<O>>;
  /** Says how far the task is; the last report is kept and shown. Resolves when it is stored. */
  progress(progress: Progress): Promise<void>;
  /** Adds text to the task's stream, durably, before readers see it. */
  write(text: string): Promise<void>;
  /**
   * One scheduled, streamed, memoised model call: waits for a slot of the role's endpoint (holding none), streams
   * its tokens to the task's stream and answers the whole result. Retries what the endpoint's failure allows.
   */
  generate(role: string, request: GenerateRequest): Promise<CallResult>;
  /**
   * One scheduled, memoised call for the vectors of some texts, one each, in their order. Throws `too_large` for more than
   * a result holds: about 1,000,000 characters of base64.
   */
  embed(role: string, request: EmbedRequest): Promise<readonly (readonly number[])[]>;
  /** The role's model as an AI SDK `LanguageModel`; each of its calls is a {@link generate}. */
  model(role: string): unknown;
  /** Ledgered tools. Tool results in a prompt that did not come from here fail with `unledgered_tool`. */
  tools(definitions: Readonly<Record<string, ToolDefinition>>): ToolBox;
  /** True if the role has a model. */
  hasModel(role: string): boolean;
}

/** Makes an AI SDK language model out of a function that runs one call. Given by the AI SDK adapter. */
export type LanguageModelFactory = (
  modelId: string,
  run: (
    call: Omit<ModelCall, "model">,
    options: { readonly signal?: AbortSignal },
  ) => AsyncIterable<readonly Delta[]>,
) => unknown;
