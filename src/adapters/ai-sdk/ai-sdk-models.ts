import { isRecord, jsonDepth } from "../../core/json.ts";
import { jsonDepthMax, resultCharsMax, toolCallsMax, toolNameCharsMax } from "../../core/limits.ts";
import type { AnswerPhase } from "../../ports/model-failure.ts";
import {
  type Delta,
  type ModelCall,
  ModelError,
  type Models,
  type TextVectors,
} from "../../ports/models.ts";
import { schemaOf, sdkPromptOf } from "./prompt.ts";
import { sdkFailure } from "./sdk-failure.ts";
import type { AnySdkEmbeddingModel, AnySdkModel } from "./sdk-types.ts";

/** An AI SDK provider, such as `createOpenAICompatible(...)` answers, as far as it is used here. */
export interface SdkProvider {
  languageModel(modelId: string): AnySdkModel;
  embeddingModel?(modelId: string): AnySdkEmbeddingModel;
}

/** A provider, or a function that makes its models. */
type ModelSource = SdkProvider | ((modelId: string) => AnySdkModel);

interface CallOptions {
  readonly signal: AbortSignal;
}

type FinishReason = Extract<Delta, { type: "finish" }>["reason"];

/**
 * The {@link Models} port over any provider of AI SDK 7, or over a function that makes its models (interface v2, v3 and
 * v4). One batch is one part of the provider's stream. Sources, files and tools that the provider runs itself are left
 * out. The SDK has no way to list models: `models` says what `list` answers.
 */
export function aiSdkModels(
  source: ModelSource,
  options: { readonly models?: readonly string[] } = {},
): Models {
  return {
    stream: (call, callOptions) => streamAnswer(source, call, callOptions),
    list: ({ signal }) => {
      signal.throwIfAborted();
      return Promise.resolve(options.models ?? []);
    },
    embed: (call, callOptions) => embedTexts(source, call, callOptions),
  };
}

async function* streamAnswer(
  source: ModelSource,
  call: ModelCall,
  { signal }: CallOptions,
): AsyncGenerator<readonly Delta[], void, void> {
  signal.throwIfAborted();
  const parts = new PartReader();
  let reader: PartStream | undefined;
  // Ends a read that waits, also of a provider that does not care for its signal.
  const hangUp = (): void => void reader?.cancel().catch(() => undefined);
  try {
    const model = "languageModel" in source ? source.languageModel(call.model) : source(call.model);
    const opening = Promise.resolve(model.doStream(sdkCallOf(call, signal)));
    reader = (await unlessAborted(signal, opening)).stream.getReader();
    signal.addEventListener("abort", hangUp);
    while (!parts.finished) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      if (done)
        throw new ModelError(parts.phase, "the provider's stream ended without a finish part");
      const batch = parts.read(value);
      if (batch.length > 0) yield batch;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw sdkFailure(error, parts.phase);
  } finally {
    signal.removeEventListener("abort", hangUp);
    // After a whole answer there is nothing left to cancel; otherwise this closes the connection.
    hangUp();
  }
}

/** What `work` comes to, or the signal's reason as soon as it aborts: then an answer that comes all the same is left. */
function unlessAborted<T>(signal: AbortSignal, work: PromiseLike<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort);
  void work.then(
    (value) => {
      signal.removeEventListener("abort", abort);
      if (signal.aborted) leave(value);
      resolve(value);
    },
    (error: unknown) => {
      signal.removeEventListener("abort", abort);
      reject(error);
    },
  );
  return promise;
}

/** Closes the connection of an answer that nobody reads. */
function leave(answer: unknown): void {
  const stream = isRecord(answer) ? answer["stream"] : undefined;
  if (stream instanceof ReadableStream) void stream.cancel().catch(() => undefined);
}

interface PartStream {
  read(): Promise<{ done: boolean; value?: unknown }>;
  cancel(): Promise<void>;
}

/** Built of what the interface versions share. */
function sdkCallOf(call: ModelCall, signal: AbortSignal) {
  const tools = (call.tools ?? []).map((tool) => ({
    type: "function" as const,
    name: tool.name,
    description: tool.description,
    inputSchema: schemaOf(tool.inputSchema),
  }));
  const { jsonSchema, toolChoice } = call;
  return {
    prompt: sdkPromptOf(call.messages),
    abortSignal: signal,
    ...(tools.length === 0 ? {} : { tools }),
    ...(tools.length === 0 || toolChoice === undefined ? {} : { toolChoice: { type: toolChoice } }),
    ...(jsonSchema === undefined
      ? {}
      : {
          responseFormat: {
            type: "json" as const,
            name: jsonSchema.name,
            schema: schemaOf(jsonSchema.schema),
          },
        }),
    ...(call.temperature === undefined ? {} : { temperature: call.temperature }),
    ...(call.maxTokens === undefined ? {} : { maxOutputTokens: call.maxTokens }),
  };
}

/** Makes deltas of stream parts. Parts are parsed, not trusted: three interface versions and any provider send them. */
class PartReader {
  #calls = 0;
  #chars = 0;
  #finished = false;

  get finished(): boolean {
    return this.#finished;
  }

  read(part: unknown): readonly Delta[] {
    const fields = isRecord(part) ? part : {};
    switch (fields["type"]) {
      case "text-delta":
        return this.#grow("text", fields["delta"]);
      case "reasoning-delta":
        return this.#grow("reasoning", fields["delta"]);
      case "tool-call":
        return this.#toolCall(fields);
      case "finish":
        return this.#finish(fields);
      case "error":
        throw sdkFailure(fields["error"], this.phase);
      default:
        return [];
    }
  }

  /** Whether anything was said yet. */
  get phase(): AnswerPhase {
    return this.#chars > 0 ? "generating" : "prefill";
  }

  #grow(type: "text" | "reasoning", text: unknown): readonly Delta[] {
    if (typeof text !== "string" || text === "") return [];
    this.#count(text.length);
    return [{ type, text }];
  }

  #count(chars: number): void {
    this.#chars += chars;
    if (this.#chars > resultCharsMax)
      throw new ModelError(
        "broken",
        `the provider sent an answer of more than ${resultCharsMax} characters`,
      );
  }

  #toolCall(fields: Readonly<Record<string, unknown>>): readonly Delta[] {
    const { toolCallId: id, toolName: name, input: json } = fields;
    if (fields["providerExecuted"] === true) return [];
    if (typeof id !== "string" || typeof name !== "string" || typeof json !== "string")
      throw new ModelError("broken", "the provider sent a tool call without id, name or input");
    if (id.length > toolNameCharsMax || name.length > toolNameCharsMax)
      throw new ModelError(
        "broken",
        `the provider sent a tool call whose id or name is longer than ${toolNameCharsMax} characters`,
      );
    this.#count(id.length + name.length + json.length);
    this.#calls++;
    if (this.#calls > toolCallsMax)
      throw new ModelError("broken", `the provider sent more than ${toolCallsMax} tool calls`);
    return [{ type: "toolCall", call: { id, name, input: parseInput(name, json) } }];
  }

  #finish(fields: Readonly<Record<string, unknown>>): readonly Delta[] {
    const reason = fields["finishReason"];
    const word = isRecord(reason) ? reason["unified"] : reason;
    if (word === "error" || word === "interrupted")
      throw new ModelError(this.phase, `the provider ended its answer with "${word}"`);
    const usage = isRecord(fields["usage"]) ? fields["usage"] : {};
    const inputTokens = tokensOf(usage["inputTokens"]);
    const outputTokens = tokensOf(usage["outputTokens"]);
    this.#finished = true;
    const finish: Delta = { type: "finish", reason: this.#reasonOf(word) };
    if (inputTokens === undefined || outputTokens === undefined) return [finish];
    return [{ type: "usage", inputTokens, outputTokens }, finish];
  }

  #reasonOf(word: unknown): FinishReason {
    if (word === "length") return "length";
    if (word === "content-filter") return "filter";
    return this.#calls > 0 ? "toolCalls" : "stop";
  }
}

function parseInput(name: string, json: string): unknown {
  if (json.trim() === "") return {};
  let input: unknown;
  try {
    input = JSON.parse(json);
  } catch (cause) {
    throw new ModelError("broken", `the input of the tool "${name}" is no JSON`, { cause });
  }
  if (jsonDepth(input) <= jsonDepthMax) return input;
  throw new ModelError("broken", `the input of the tool "${name}" is nested too deep`);
}

/** A number in v2, an object with `total` later. Providers may add what is undefined up to no number. */
function tokensOf(tokens: unknown): number | undefined {
  const total = isRecord(tokens) ? tokens["total"] : tokens;
  return typeof total === "number" && Number.isSafeInteger(total) && total >= 0 ? total : undefined;
}

async function embedTexts(
  source: ModelSource,
  call: { readonly model: string; readonly texts: readonly string[] },
  { signal }: CallOptions,
): Promise<TextVectors> {
  signal.throwIfAborted();
  const model = "embeddingModel" in source ? source.embeddingModel?.(call.model) : undefined;
  if (model === undefined)
    throw new ModelError(
      "rejected",
      `embeddings of "${call.model}" need a provider with embedding models, not only a function`,
    );
  const vectors: number[][] = [];
  let inputTokens = 0;
  let isCounted = true;
  try {
    const callMax = Math.max(1, (await model.maxEmbeddingsPerCall) ?? Infinity);
    for (let at = 0; at < call.texts.length; at += callMax) {
      const values = call.texts.slice(at, at + callMax);
      const asked = Promise.resolve(model.doEmbed({ values, abortSignal: signal }));
      const { embeddings, usage } = await unlessAborted(signal, asked);
      vectors.push(...embeddings);
      // A part that was not counted makes a count of all of them too small.
      if (usage === undefined) isCounted = false;
      else inputTokens += usage.tokens;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw sdkFailure(error);
  }
  if (vectors.length !== call.texts.length)
    throw new ModelError(
      "broken",
      `the provider sent ${vectors.length} vectors for ${call.texts.length} texts`,
    );
  return isCounted && inputTokens > 0 ? { vectors, inputTokens } : { vectors };
}
