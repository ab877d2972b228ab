/* oxlint-disable typescript/no-unsafe-type-assertion -- Values come over a service binding from serve-models.ts of the
   same program. */
import { ModelError, type Delta, type Models, type TextVectors } from "../../../ports/models.ts";
import {
  lineCharsMax,
  modelPath,
  readLine,
  type ModelLine,
  type ModelRequest,
} from "./model-lines.ts";

/** The part of a service binding that is used. */
export interface LlmWorker {
  fetch(url: string, init: RequestInit): Promise<Response>;
}

type Options = Parameters<Models["list"]>[0];

/**
 * The models of another Worker, as if they were here: the same deltas, the same failures, and an abort that reaches the
 * model's socket. A stream that ends without its last line has broken off, a Worker that is not there has `refused`.
 */
export function remoteModels(worker: LlmWorker): Models {
  const value = async (request: ModelRequest, options: Options): Promise<unknown> => {
    for await (const line of ask(worker, request, options)) if ("value" in line) return line.value;
    throw new ModelError("broken", "the llm-worker ended its answer without a value");
  };
  return {
    async *stream(call, options) {
      for await (const line of ask(worker, { ask: "stream", call }, options)) {
        if ("end" in line) return;
        if (Array.isArray(line)) yield line as readonly Delta[];
      }
      throw new ModelError("generating", "the llm-worker broke off in the middle of an answer");
    },
    probe: async (model, options) =>
      (await value({ ask: "probe", model }, options)) as Awaited<
        ReturnType<NonNullable<Models["probe"]>>
      >,
    list: async (options) => (await value({ ask: "list" }, options)) as readonly string[],
    embed: async (call, options) =>
      (await value({ ask: "embed", ...call }, options)) as TextVectors,
  };
}

type Line = Exclude<ModelLine, { error: unknown }>;

async function* ask(
  worker: LlmWorker,
  request: ModelRequest,
  { signal }: Options,
): AsyncGenerator<Line, void, void> {
  signal.throwIfAborted();
  // A signal of its own: the caller's lives longer than this call.
  const own = new AbortController();
  let reader: ReadableStreamDefaultReader<string> | null = null;
  let isAnswering = false;
  const abort = (): void => {
    own.abort(signal.reason);
    reader?.cancel(signal.reason).catch(() => undefined);
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    const response = await reach(worker, request, own.signal);
    reader = response.body?.pipeThrough(new TextDecoderStream()).getReader() ?? null;
    if (reader === null) throw new ModelError("broken", "the llm-worker sent no body");
    for await (const line of linesFrom(reader)) {
      isAnswering = true;
      yield line;
    }
    signal.throwIfAborted();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ModelError) throw error;
    const failure = isAnswering ? "generating" : "prefill";
    throw new ModelError(failure, `the llm-worker broke off: ${wordsOf(error)}`, { cause: error });
  } finally {
    signal.removeEventListener("abort", abort);
    // After a whole answer there is nothing to cancel; any other is closed under the model's hands.
    reader?.cancel().catch(() => undefined);
  }
}

async function reach(
  worker: LlmWorker,
  request: ModelRequest,
  signal: AbortSignal,
): Promise<Response> {
  let response: Response;
  try {
    response = await worker.fetch(`http://llm-worker${modelPath}`, {
      method: "POST",
      body: JSON.stringify(request),
      signal,
    });
  } catch (cause) {
    const message = `the llm-worker cannot be reached: ${wordsOf(cause)}`;
    throw new ModelError("refused", message, { cause });
  }
  if (response.ok) return response;
  const { status } = response;
  await response.body?.cancel();
  throw new ModelError("refused", `the llm-worker answered ${status}`, { status });
}

async function* linesFrom(reader: ReadableStreamDefaultReader<string>): AsyncGenerator<Line> {
  let rest = "";
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- One read after the other.
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > lineCharsMax)
      throw new ModelError(
        "broken",
        `the llm-worker sent a line of more than ${lineCharsMax} characters`,
      );
    for (const line of lines) yield readLine(line);
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
