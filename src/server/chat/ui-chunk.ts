/** Chunks of AI SDK 7's UI message stream that Errand sends. */
export type UiChunk =
  | {
      readonly type: "start";
      readonly messageId: string;
      readonly messageMetadata: { readonly taskId: string };
    }
  | { readonly type: "start-step" | "finish-step" | "reset-step" }
  | {
      readonly type: "text-start" | "text-end" | "reasoning-start" | "reasoning-end";
      readonly id: string;
    }
  | { readonly type: "text-delta" | "reasoning-delta"; readonly id: string; readonly delta: string }
  | ToolInputChunk
  | {
      readonly type: "tool-output-available";
      readonly toolCallId: string;
      readonly output: unknown;
      readonly dynamic: true;
      readonly providerExecuted: true;
    }
  | {
      readonly type: "tool-output-error";
      readonly toolCallId: string;
      readonly errorText: string;
      readonly dynamic: true;
      readonly providerExecuted: true;
    }
  /** Reaches the page's `onData` and is not kept in the message. */
  | {
      readonly type: "data-queue";
      readonly id: "queue";
      readonly transient: true;
      readonly data: QueueNotice;
    }
  | {
      readonly type: "finish";
      readonly finishReason: FinishReason;
      readonly messageMetadata: { readonly taskId: string };
    }
  | { readonly type: "abort"; readonly reason: string }
  | { readonly type: "error"; readonly errorText: string };

/** A tool call with its input. `providerExecuted`: the server runs it, the page must not. */
export interface ToolInputChunk {
  readonly type: "tool-input-available";
  readonly toolCallId: string;
  readonly toolName: string;
  readonly input: unknown;
  readonly dynamic: true;
  readonly providerExecuted: true;
}

/** How an answer ended, in AI SDK's words. */
export type FinishReason = "stop" | "length" | "content-filter" | "tool-calls";

/** Why the answer does not begin or go on, and from where it would. */
export interface QueueNotice {
  readonly taskId: string;
  readonly status: string;
  readonly code: string | null;
  readonly message: string;
  readonly untilAt: string | null;
  readonly position: number | null;
}
