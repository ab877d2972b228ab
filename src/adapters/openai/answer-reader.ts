import { isRecord } from "../../core/json.ts";
import { type AnswerPhase, endpointErrorOf, streamFailure } from "../../ports/model-failure.ts";
import { type Delta, ModelError } from "../../ports/models.ts";
import { answerBytesMax, answerCharsMax } from "./answer-limits.ts";
import { PlainChunk } from "./plain-chunk.ts";
import { SseParser } from "./sse-parser.ts";
import { ToolCallCollector } from "./tool-call-collector.ts";

type FinishReason = Extract<Delta, { type: "finish" }>["reason"];
type Usage = Extract<Delta, { type: "usage" }>;

/** What endpoints call a good end, a cut one and a failed one. Any other word is taken for a good end. */
const finishReasons: ReadonlyMap<string, FinishReason | "failed"> = new Map([
  ["length", "length"],
  ["max_tokens", "length"],
  ["model_length", "length"],
  ["content_filter", "filter"],
  ["error", "failed"],
  ["abort", "failed"],
  ["cancelled", "failed"],
  ["insufficient_system_resource", "failed"],
]);

/**
 * Reads one streamed chat completion. `read` takes the bytes of one network read and gives the deltas they held; `end`
 * is called when the body has ended. Neither throws: look at `failure` and `finished` after each, so that what came
 * before a failure is delivered however the bytes were split. Tool calls, usage and `finish` come together at the end:
 * at `[DONE]`, or when the body ends after a `finish_reason`. A body that ends without either is `broken`.
 */
export class AnswerReader {
  readonly #events = new SseParser((data, event) => this.#event(data, event));
  readonly #plain = new PlainChunk();
  readonly #toolCalls = new ToolCallCollector();
  #batch: Delta[] = [];
  #bytes = 0;
  #chars = 0;
  /** First half of a character whose second half comes with the next chunk. */
  readonly #half = { text: "", reasoning: "" };
  #usage: Usage | undefined;
  #reason: string | undefined;
  #refused = false;
  #finished = false;
  #failure: ModelError | undefined;

  /** True after `finish` was given: nothing that follows is read. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Why the answer is of no use, once it is known; nothing that follows is read. */
  get failure(): ModelError | undefined {
    return this.#failure;
  }

  /** Whether anything was said yet. */
  get phase(): AnswerPhase {
    return this.#chars > 0 ? "generating" : "prefill";
  }

  /** The deltas of one network read, in order; often none. */
  read(bytes: Uint8Array): readonly Delta[] {
    return this.#attempt(() => {
      this.#bytes += bytes.length;
      if (this.#bytes > answerBytesMax) throw broken(`more than ${answerBytesMax} bytes`);
      this.#events.push(bytes);
    });
  }

  /** The deltas that only the end of the body makes certain. */
  end(): readonly Delta[] {
    return this.#attempt(() => {
      const isWhole = this.#lastEvent();
      if (this.#finished) return;
      if (this.#reason === undefined || !isWhole)
        throw new ModelError(
          this.phase,
          "the answer broke off: the stream ended without finish_reason and without [DONE]",
        );
      this.#finish();
    });
  }

  /** Reads what came behind the last line; false for half an event, of which nothing is read. */
  #lastEvent(): boolean {
    try {
      this.#events.end();
      return true;
    } catch (error) {
      if (error instanceof ModelError && error.failure === "broken") return false;
      throw error;
    }
  }

  #attempt(step: () => void): readonly Delta[] {
    if (this.#finished || this.#failure !== undefined) return [];
    try {
      step();
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      this.#failure = error;
    }
    return this.#take();
  }

  #take(): readonly Delta[] {
    const batch = this.#batch;
    if (batch.length > 0) this.#batch = [];
    return batch;
  }

  #event(data: string, event: string): void {
    if (this.#finished) return;
    if (data === "[DONE]") {
      this.#finish();
      return;
    }
    const plain = event === "" ? this.#plain.textOf(data) : undefined;
    if (plain !== undefined) return this.#grow("text", plain);
    const chunk = parseChunk(data);
    if (event === "error" || Boolean(chunk["error"])) throw endpointErrorIn(chunk, this.phase);
    if (isRecord(chunk["usage"])) this.#usage = usageOf(chunk["usage"]) ?? this.#usage;
    const choices = chunk["choices"];
    const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
    if (!isRecord(choice)) return;
    this.#choice(choice);
    if (event === "" && !isRecord(chunk["usage"]) && saysOnlyText(choice))
      this.#plain.learn(data, textOf(choice.delta.content));
  }

  #choice(choice: Readonly<Record<string, unknown>>): void {
    const delta = choice["delta"];
    if (isRecord(delta)) {
      this.#grow("reasoning", textOf(delta["reasoning_content"] ?? delta["reasoning"]));
      this.#grow("text", textOf(delta["content"]));
      const refusal = textOf(delta["refusal"]);
      if (refusal !== "") this.#refused = true;
      this.#grow("text", refusal);
      const pieces = delta["tool_calls"];
      if (Array.isArray(pieces))
        for (const piece of pieces) this.#count(this.#toolCalls.add(piece));
    }
    const reason = choice["finish_reason"];
    if (typeof reason === "string" && reason !== "") this.#reason = reason;
  }

  #grow(type: "text" | "reasoning", piece: string): void {
    if (piece === "") return;
    this.#count(piece.length);
    const text = this.#half[type] + piece;
    const isHalf = isHighSurrogate(text.charCodeAt(text.length - 1));
    this.#half[type] = isHalf ? text.slice(-1) : "";
    const whole = isHalf ? text.slice(0, -1) : text;
    if (whole !== "") this.#batch.push({ type, text: whole });
  }

  #count(chars: number): void {
    this.#chars += chars;
    if (this.#chars > answerCharsMax)
      throw broken(`an answer of more than ${answerCharsMax} characters`);
  }

  #finish(): void {
    const reason = finishReasonOf(this.#reason, this.#refused, this.phase);
    for (const type of ["reasoning", "text"] as const)
      if (this.#half[type] !== "") this.#batch.push({ type, text: "\ufffd" });
    const isCut = reason === "length" || reason === "filter";
    const calls = this.#toolCalls.take(isCut);
    for (const call of calls) this.#batch.push({ type: "toolCall", call });
    if (this.#usage !== undefined) this.#batch.push(this.#usage);
    // Ollama ends answers with tool calls by "stop", and some servers say "tool_calls" without any.
    const ended = isCut ? reason : calls.length > 0 ? "toolCalls" : "stop";
    this.#batch.push({ type: "finish", reason: ended });
    this.#finished = true;
  }
}

function parseChunk(data: string): Readonly<Record<string, unknown>> {
  let chunk: unknown;
  try {
    chunk = JSON.parse(data);
  } catch (cause) {
    throw broken("an event that is no JSON", cause);
  }
  if (!isRecord(chunk)) throw broken("an event that is no JSON object");
  return chunk;
}

/** An error after a good start. */
function endpointErrorIn(chunk: Readonly<Record<string, unknown>>, phase: AnswerPhase): ModelError {
  const error = endpointErrorOf(chunk);
  return new ModelError(
    streamFailure(error, phase),
    `the endpoint reported an error in the middle of its answer: ${error.message || error.code || "it gave no reason"}`,
    error.status === undefined ? {} : { status: error.status },
  );
}

function finishReasonOf(
  reason: string | undefined,
  refused: boolean,
  phase: AnswerPhase,
): FinishReason {
  const known = reason === undefined ? undefined : finishReasons.get(reason.toLowerCase());
  if (known === "failed")
    throw new ModelError(
      phase,
      `the endpoint sent the finish_reason "${reason}": its answer is not whole`,
    );
  return known ?? (refused ? "filter" : "stop");
}

function usageOf(usage: Readonly<Record<string, unknown>>): Usage | undefined {
  const inputTokens = usage["prompt_tokens"];
  const outputTokens = usage["completion_tokens"] ?? 0;
  return isCount(inputTokens) && isCount(outputTokens)
    ? { type: "usage", inputTokens, outputTokens }
    : undefined;
}

/** True if nothing of a choice matters but the content of its delta. */
function saysOnlyText(
  choice: Readonly<Record<string, unknown>>,
): choice is { readonly delta: { readonly content: string } } {
  const { delta, finish_reason: reason } = choice;
  if (!isRecord(delta) || (typeof reason === "string" && reason !== "")) return false;
  return (
    typeof delta["content"] === "string" &&
    textOf(delta["reasoning_content"] ?? delta["reasoning"]) === "" &&
    textOf(delta["refusal"]) === "" &&
    !Array.isArray(delta["tool_calls"])
  );
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Content is a string, or a list of parts (Mistral) of which the text ones count. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  let text = "";
  for (const part of content)
    if (isRecord(part) && part["type"] === "text" && typeof part["text"] === "string")
      text += part["text"];
  return text;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function broken(what: string, cause?: unknown): ModelError {
  return new ModelError("broken", `the endpoint sent ${what}`, { cause });
}
