import { ErrandError } from "../../core/errors.ts";
import type { Priority } from "../../core/queue/protocol.ts";
import type { CallResult, FeedEvent, TaskView } from "../../engine/index.ts";
import { argumentsText, countedTokens, resultOf } from "./answer-output.ts";
import { Continuation } from "./continuation.ts";
import { openaiError } from "./errors.ts";
import { tierOf } from "./request-fields.ts";

const finishReasons: Readonly<Record<CallResult["finish"], string>> = {
  stop: "stop",
  length: "length",
  toolCalls: "tool_calls",
  filter: "content_filter",
};

/** What is the same in every chunk of a completion, and in the whole one. */
interface Identity {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly service_tier: string;
}

/** What of a task stands in its completion. */
interface Answered {
  readonly id: string;
  readonly createdAtMs: number;
  readonly priority: Priority;
}

function identityOf({ id, createdAtMs, priority }: Answered, model: string): Identity {
  return {
    id: `chatcmpl-${id.slice("task_".length)}`,
    created: Math.floor(createdAtMs / 1_000),
    model,
    service_tier: tierOf(priority),
  };
}

/** A completed task as one `chat.completion`. */
export function wholeCompletion(task: Answered, result: CallResult, model: string): object {
  const calls = result.toolCalls ?? [];
  const message = {
    role: "assistant",
    content: result.text === "" && calls.length > 0 ? null : result.text,
    refusal: null,
    annotations: [],
    ...(result.reasoning === undefined ? {} : { reasoning_content: result.reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(toolCallJson) }),
  };
  const { id, ...identity } = identityOf(task, model);
  return {
    id,
    object: "chat.completion",
    ...identity,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReasons[result.finish] }],
    usage: usageJson(result),
    system_fingerprint: null,
  };
}

function toolCallJson(call: NonNullable<CallResult["toolCalls"]>[number]): object {
  return {
    id: call.id,
    type: "function",
    function: { name: call.name, arguments: argumentsText(call.input) },
  };
}

function usageJson(result: CallResult): object {
  const { input, output, total } = countedTokens(result);
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: total,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  };
}

/**
 * A completion as `chat.completion.chunk` events: a projection of its task's feed from the beginning. What one commit
 * holds becomes one chunk. The protocol cannot take anything back, so a second try is passed over as far as it says the
 * same, and ends the stream with an error where it does not.
 */
export class ChatChunks {
  readonly #model: string;
  readonly #withUsage: boolean;
  readonly #text = new Continuation();
  readonly #reasoning = new Continuation();
  #head = "";
  #identity = "";
  #begun = false;
  #over = false;

  constructor(model: string, withUsage: boolean) {
    this.#model = model;
    this.#withUsage = withUsage;
  }

  /** True when the stream is at its end: nothing may follow. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Events as text of the stream. */
  take(events: readonly FeedEvent[]): string {
    if (this.#over) return "";
    let told = "";
    let text = "";
    try {
      for (const event of events) {
        if (event.kind === "token") text += this.#text.take(event.text);
        else if (event.kind === "state" && this.#head === "") this.#begin(event.task);
        else if (event.kind === "reasoning") {
          told += this.#delta("content", text);
          text = "";
          told += this.#delta("reasoning_content", this.#reasoning.take(event.text));
        } else if (event.kind === "reset") {
          this.#text.back(event.offset);
          this.#reasoning.back(0);
        } else if (event.kind === "end") {
          if (this.#head === "") this.#begin(event.task);
          told += this.#delta("content", text);
          text = "";
          told += this.#end(event.task);
        }
      }
      return told + this.#delta("content", text);
    } catch (error) {
      if (!(error instanceof ErrandError) || error.code !== "conflict") throw error;
      this.#over = true;
      return told + this.#delta("content", text) + failure(error);
    }
  }

  #begin(task: TaskView): void {
    const { id, ...identity } = identityOf(
      { ...task, createdAtMs: Date.parse(task.createdAt) },
      this.#model,
    );
    this.#identity = JSON.stringify({ id, object: "chat.completion.chunk", ...identity }).slice(
      0,
      -1,
    );
    this.#head = `data: ${this.#identity},"choices":[{"index":0,"delta":`;
  }

  /** The hot one: everything but the text is made once. */
  #delta(field: "content" | "reasoning_content", text: string): string {
    if (text === "") return "";
    return `${this.#role()}${this.#head}{"${field}":${JSON.stringify(text)}},"finish_reason":null}]}\n\n`;
  }

  #role(): string {
    if (this.#begun) return "";
    this.#begun = true;
    return `${this.#head}{"role":"assistant","content":"","refusal":null},"finish_reason":null}]}\n\n`;
  }

  #end(task: TaskView): string {
    const result = task.status === "completed" ? resultOf(task.output) : null;
    if (result === null) {
      this.#over = true;
      const { code, message } = task.error ?? { code: "internal", message: task.status };
      return failure(new ErrandError(code, message));
    }
    const rest =
      this.#delta("reasoning_content", this.#reasoning.finish(result.reasoning ?? "")) +
      this.#delta("content", this.#text.finish(result.text));
    this.#over = true;
    const finish = `${this.#head}{},"finish_reason":"${finishReasons[result.finish]}"}]}\n\n`;
    const usage = this.#withUsage
      ? `data: ${this.#identity},"choices":[],"usage":${JSON.stringify(usageJson(result))}}\n\n`
      : "";
    return `${rest}${this.#role()}${this.#calls(result)}${finish}${usage}data: [DONE]\n\n`;
  }

  #calls({ toolCalls = [] }: CallResult): string {
    return toolCalls
      .flatMap((call, index) => [
        {
          index,
          id: call.id,
          type: "function",
          function: { name: call.name, arguments: "" },
        },
        { index, function: { arguments: argumentsText(call.input) } },
      ])
      .map(
        (piece) =>
          `${this.#head}${JSON.stringify({ tool_calls: [piece] })},"finish_reason":null}]}\n\n`,
      )
      .join("");
  }
}

/** Ends a stream that cannot be finished: clients throw it. No `[DONE]` follows. */
function failure(error: ErrandError): string {
  return `data: ${JSON.stringify({ error: openaiError(error) })}\n\n`;
}
