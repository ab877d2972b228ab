import { isRecord } from "../../core/json.ts";
import { endpointErrorOf } from "../../ports/model-failure.ts";
import {
  type Delta,
  type ModelCall,
  ModelError,
  type Models,
  type TextVectors,
} from "../../ports/models.ts";
import { drainMs, listBytesMax, vectorsBytesMax } from "./answer-limits.ts";
import { AnswerReader } from "./answer-reader.ts";
import {
  type ByteReader,
  checkBaseUrl,
  connectionError,
  type Endpoint,
  type EndpointFetch,
  type EndpointResponse,
  readError,
  readText,
  request,
  unexpectedAnswer,
} from "./endpoint.ts";
import { probeResume } from "./probe-resume.ts";
import { chatBody, type Dialect } from "./request-body.ts";

/** Where an OpenAI-compatible endpoint is. */
export interface OpenAiOptions {
  /** Up to and with the version: `http://localhost:1234/v1`. */
  readonly baseUrl: string;
  /** Sent as a bearer token. Local servers need none. */
  readonly apiKey?: string | undefined;
  /** Defaults to the global `fetch`. Node's gives up after 300 s of silence (`stalled`); `nodeFetch` does not. */
  readonly fetch?: EndpointFetch | undefined;
}

interface CallOptions {
  readonly signal: AbortSignal;
}

/**
 * The {@link Models} port over any OpenAI-compatible server: LM Studio, Ollama, vLLM, llama.cpp, OpenAI. Answers are
 * always streamed; one batch is what one network read held. Uses web APIs only, so that it runs in Node, workerd and
 * browsers. What the server sends is not trusted: see answer-limits.ts. Throws {@link ModelError} during calls and
 * ErrandError `invalid_request` at once for a base URL that is none.
 */
export function openaiModels(options: OpenAiOptions): Models {
  const baseUrl = checkBaseUrl(options.baseUrl);
  const endpoint: Endpoint = {
    baseUrl,
    apiKey: options.apiKey,
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
  };
  const isOpenAi = new URL(baseUrl).hostname === "api.openai.com";
  const dialect: Dialect = { maxTokensField: isOpenAi ? "max_completion_tokens" : "max_tokens" };
  const stream: Models["stream"] = (call, callOptions) =>
    streamAnswer(endpoint, dialect, call, callOptions);
  return {
    stream,
    probe: (model, callOptions) => probeResume(stream, model, callOptions),
    list: (callOptions) => listModels(endpoint, callOptions),
    embed: (call, callOptions) => embedTexts(endpoint, call, callOptions),
  };
}

/** Iterates one answer: an object instead of a generator, whose extra turns of the event loop cost more than parsing. */
function streamAnswer(
  endpoint: Endpoint,
  dialect: Dialect,
  call: ModelCall,
  { signal }: CallOptions,
): AsyncIterable<readonly Delta[]> {
  return {
    [Symbol.asyncIterator]: () => new AnswerIterator(endpoint, chatBody(call, dialect), signal),
  };
}

class AnswerIterator implements AsyncIterator<readonly Delta[], undefined> {
  readonly #endpoint: Endpoint;
  readonly #body: string;
  readonly #signal: AbortSignal;
  readonly #answer = new AnswerReader();
  #reader: ByteReader | undefined;
  #isDone = false;

  constructor(endpoint: Endpoint, body: string, signal: AbortSignal) {
    this.#endpoint = endpoint;
    this.#body = body;
    this.#signal = signal;
  }

  async next(): Promise<IteratorResult<readonly Delta[], undefined>> {
    if (this.#isDone) return { done: true, value: undefined };
    try {
      this.#reader ??= await openAnswer(this.#endpoint, this.#body, this.#signal);
      for (;;) {
        if (this.#answer.failure !== undefined) throw this.#answer.failure;
        if (this.#answer.finished) break;
        this.#signal.throwIfAborted();
        const { done, value } = await this.#reader.read();
        const batch = done || value === undefined ? this.#answer.end() : this.#answer.read(value);
        if (batch.length > 0) return { done: false, value: batch };
      }
    } catch (error) {
      this.#close();
      this.#signal.throwIfAborted();
      if (error instanceof ModelError) throw error;
      throw connectionError(this.#endpoint, error, this.#answer.phase);
    }
    this.#close();
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<readonly Delta[], undefined>> {
    this.#close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** An answer that is whole leaves a connection for the next call; any other is closed under the server's hands. */
  #close(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    if (this.#reader === undefined) return;
    if (this.#answer.finished) void drain(this.#reader);
    else void this.#reader.cancel().catch(ignore);
  }
}

/** Sends the request and answers the reader of its event stream. */
async function openAnswer(
  endpoint: Endpoint,
  body: string,
  signal: AbortSignal,
): Promise<ByteReader> {
  const path = "/chat/completions";
  const response = await request(endpoint, path, body, signal);
  if (!isEventStream(response)) throw await noStream(endpoint, path, response, signal);
  const reader = response.body?.getReader();
  if (reader === undefined) throw new ModelError("broken", "the endpoint sent no body");
  return reader;
}

/** Reads what follows `[DONE]`, which is nothing but the end of the body, for at most `drainMs`. */
async function drain(reader: ByteReader): Promise<void> {
  const timer = setTimeout(() => void reader.cancel().catch(ignore), drainMs);
  try {
    while (!(await reader.read()).done);
  } catch {
    // The answer is complete; how its connection ends matters to nobody.
  } finally {
    clearTimeout(timer);
  }
}

/** A missing content type is given the benefit of the doubt: the parser says what is wrong. */
function isEventStream(response: EndpointResponse): boolean {
  const type = response.headers.get("content-type") ?? "";
  return !/^\s*(?:application\/json|text\/html)/i.test(type);
}

/** LM Studio answers some errors with 200 and a JSON body. */
async function noStream(
  endpoint: Endpoint,
  path: string,
  response: EndpointResponse,
  signal: AbortSignal,
): Promise<ModelError> {
  const error = await readError(response, signal);
  const message = error.message || "no event stream, although one was asked for";
  return unexpectedAnswer(endpoint, endpoint.baseUrl + path, response.status, {
    ...error,
    message,
  });
}

async function listModels(endpoint: Endpoint, { signal }: CallOptions): Promise<readonly string[]> {
  const response = await request(endpoint, "/models", undefined, signal);
  const body = await readJson(endpoint, "/models", response, listBytesMax, signal);
  const data = body["data"];
  if (!Array.isArray(data))
    throw new ModelError("broken", "the endpoint's list of models has no data");
  return data.flatMap((model: unknown) =>
    isRecord(model) && typeof model["id"] === "string" ? [model["id"]] : [],
  );
}

async function embedTexts(
  endpoint: Endpoint,
  call: { readonly model: string; readonly texts: readonly string[] },
  { signal }: CallOptions,
): Promise<TextVectors> {
  if (call.texts.length === 0) return { vectors: [] };
  const path = "/embeddings";
  const input = { model: call.model, input: call.texts, encoding_format: "float" };
  const response = await request(endpoint, path, JSON.stringify(input), signal);
  const body = await readJson(endpoint, path, response, vectorsBytesMax, signal);
  const vectors = vectorsOf(body["data"]);
  if (vectors.length !== call.texts.length || vectors.some((vector) => vector === undefined))
    throw new ModelError(
      "broken",
      `the endpoint sent ${vectors.length} vectors for ${call.texts.length} texts, or some that hold no numbers`,
    );
  const usage = isRecord(body["usage"]) ? body["usage"] : {};
  const tokens = usage["prompt_tokens"] ?? usage["total_tokens"];
  return {
    vectors: vectors.filter((vector) => vector !== undefined),
    ...(isCount(tokens) ? { inputTokens: tokens } : {}),
  };
}

/** Servers may send the vectors in any order, numbered by `index`. */
function vectorsOf(data: unknown): readonly (readonly number[] | undefined)[] {
  if (!Array.isArray(data)) return [];
  const rows = data.map((row: unknown, at) => {
    const fields = isRecord(row) ? row : {};
    const index = fields["index"];
    const vector = fields["embedding"];
    return {
      at: typeof index === "number" ? index : at,
      vector: isVector(vector) ? vector : undefined,
    };
  });
  return rows.toSorted((a, b) => a.at - b.at).map((row) => row.vector);
}

function isVector(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}

/** Some servers send a count that is none. A 0 for texts says that they were not counted. */
function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

async function readJson(
  endpoint: Endpoint,
  path: string,
  response: EndpointResponse,
  bytesMax: number,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const url = endpoint.baseUrl + path;
  let body: unknown;
  try {
    const { text, whole } = await readText(response, bytesMax);
    if (!whole) throw new ModelError("broken", `${url} sent more than ${bytesMax} bytes`);
    body = JSON.parse(text);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof ModelError) throw cause;
    if (!(cause instanceof SyntaxError)) throw connectionError(endpoint, cause, "broken");
    throw new ModelError("broken", `${url} sent no JSON`, { cause });
  }
  if (!isRecord(body)) throw new ModelError("broken", `${url} sent no JSON object`);
  if (body["error"]) throw unexpectedAnswer(endpoint, url, response.status, endpointErrorOf(body));
  return body;
}

function ignore(): void {
  // The connection is being given up; that this fails too changes nothing.
}
