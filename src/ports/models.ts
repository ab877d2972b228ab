import type { ErrorCode } from "../core/errors.ts";
import type { ResumeWay } from "../core/schedule/state.ts";

/** One message of a prompt, in the shape every chat endpoint understands. */
export type PromptMessage =
  | { readonly role: "system" | "user"; readonly content: string }
  | {
      readonly role: "assistant";
      readonly content: string;
      readonly toolCalls?: readonly ToolCall[];
    }
  | { readonly role: "tool"; readonly toolCallId: string; readonly content: string };

/** A tool call a model asks for. `input` is the parsed JSON of its arguments. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

/** A tool as a model sees it. */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the input. */
  readonly inputSchema: unknown;
  /** Asks for inputs that fit the schema exactly, where the endpoint can do that. */
  readonly strict?: boolean;
}

/** One request to a model. */
export interface ModelCall {
  /** Model id at the endpoint. */
  readonly model: string;
  readonly messages: readonly PromptMessage[];
  readonly tools?: readonly ToolSpec[];
  readonly toolChoice?: "auto" | "none" | "required";
  /** Asks for JSON that fits the schema, where the endpoint can do that. */
  readonly jsonSchema?: {
    readonly name: string;
    readonly schema: unknown;
    /** Default: as the schema allows it. */
    readonly strict?: boolean;
  };
  readonly temperature?: number;
  readonly maxTokens?: number;
  /**
   * The answer so far, to be gone on with from its last character: `way` is what {@link Models.probe} has found. Deltas
   * are what comes behind it.
   */
  readonly partial?: { readonly text: string; readonly way: ResumeWay };
  /** Further parameters by the names of OpenAI's protocol, such as `stop` or `seed`. Other endpoints leave them out. */
  readonly parameters?: Readonly<Record<string, unknown>>;
}

/** What arrives from a model, in order. Our own stored types: no provider's names. */
export type Delta =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "reasoning"; readonly text: string }
  | { readonly type: "toolCall"; readonly call: ToolCall }
  | { readonly type: "usage"; readonly inputTokens: number; readonly outputTokens: number }
  /** Last. `stop` and `toolCalls` are good ends, `length` and `filter` are cut answers. */
  | { readonly type: "finish"; readonly reason: "stop" | "length" | "toolCalls" | "filter" };

/** Vectors of texts, and how many tokens those had, if the endpoint has counted them. */
export interface TextVectors {
  readonly vectors: readonly (readonly number[])[];
  readonly inputTokens?: number;
}

/**
 * One model endpoint. `stream` yields batches of deltas as they arrive (what one read of the socket held), ends
 * after `finish`, and throws {@link ModelError} otherwise. Aborting `signal` closes the upstream socket at once
 * and ends the iteration with the signal's reason. It never retries: that is the queue's decision.
 */
export interface Models {
  stream(
    call: ModelCall,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<readonly Delta[]>;
  /**
   * Tries out how a model goes on from a partial answer, with a call of a few tokens; `null`: it begins anew, or refuses.
   * Absent: nobody can tell, and no call is cut. Throws {@link ModelError} if it could not be tried.
   */
  probe?(model: string, options: { readonly signal: AbortSignal }): Promise<ResumeWay | null>;
  /** Model ids the endpoint offers. Throws {@link ModelError}. */
  list(options: { readonly signal: AbortSignal }): Promise<readonly string[]>;
  /** One vector per text, in order. Throws {@link ModelError}. */
  embed(
    call: { readonly model: string; readonly texts: readonly string[] },
    options: { readonly signal: AbortSignal },
  ): Promise<TextVectors>;
}

/**
 * Failure of an endpoint, by what it means for a retry (M8):
 * - `refused`: it took no call (no connection, 502, 503);
 * - `rate_limited`: it asked to be left alone (429);
 * - `loading`: it will answer once its model is in memory;
 * - `rejected`: it does not want this request, and never will;
 * - `context_overflow`: the prompt is too long;
 * - `prefill`: it took the call and was silent, or gone, before its first token;
 * - `generating`: its answer broke off behind the first token;
 * - `stalled`: it was silent between two tokens;
 * - `broken`: it answered something that is no answer (500, nonsense).
 */
export type ModelFailure =
  | "refused"
  | "rate_limited"
  | "loading"
  | "rejected"
  | "context_overflow"
  | "prefill"
  | "generating"
  | "stalled"
  | "broken";

/** Thrown by {@link Models}. `retryAfterMs` is what the endpoint asked for, if it did. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  readonly failure: ModelFailure;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    failure: ModelFailure,
    message: string,
    options: { cause?: unknown; status?: number; retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.failure = failure;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** The code a task shows for this failure. */
  get code(): ErrorCode {
    switch (this.failure) {
      case "refused":
        return "model_unavailable";
      case "loading":
        return "model_loading";
      case "rate_limited":
        return "model_rate_limited";
      case "rejected":
        return "model_rejected";
      case "context_overflow":
        return "context_overflow";
      case "prefill":
        return "model_silent";
      case "generating":
        return "model_interrupted";
      case "broken":
        return "model_broken";
      case "stalled":
        return "model_stalled";
      default:
        return "internal";
    }
  }
}
