import type { Delta, ModelCall } from "../../ports/models.ts";
import { modelCallOf } from "./prompt.ts";
import type {
  SdkAnswer,
  SdkCall,
  SdkModel,
  SdkStreamAnswer,
  SdkStreamPart,
  SdkWarning,
} from "./sdk-types.ts";

/** Runs one model call: {@link Models.stream} of a port, or a scheduled and stored step of a task. */
export type ModelRun = (
  call: ModelCall,
  options: { readonly signal: AbortSignal },
) => AsyncIterable<readonly Delta[]>;

type FinishReason = Extract<Delta, { type: "finish" }>["reason"];
type Content = SdkAnswer["content"][number];

/**
 * An AI SDK 7 language model whose every call is `run`, so that `generateText` and `streamText` work over whatever
 * `run` does. `modelId` is the model of the calls it makes. What `run` throws leaves it as the same object with
 * `isRetryable: false`: the SDK neither repeats the call nor wraps the error. Settings that `run` cannot have become
 * warnings; files and images in a prompt throw ErrandError `invalid_request`.
 */
export function languageModel(
  run: ModelRun,
  options: { readonly modelId?: string; readonly provider?: string } = {},
): SdkModel {
  const modelId = options.modelId ?? "default";
  return {
    specificationVersion: "v4",
    provider: options.provider ?? "errand",
    modelId,
    supportedUrls: {},
    doGenerate: (call) => generate(run, modelId, call),
    doStream: (call) => stream(run, modelId, call),
  };
}

async function generate(run: ModelRun, modelId: string, options: SdkCall): Promise<SdkAnswer> {
  try {
    const { call, warnings } = modelCallOf(options, modelId);
    const answer = new ContentCollector();
    for await (const batch of run(call, { signal: signalOf(options) }))
      for (const delta of batch) answer.add(delta);
    return answer.take(warnings);
  } catch (error) {
    throw notRetryable(error);
  }
}

/** The call starts when the SDK reads. A reader that goes away aborts it. */
async function stream(run: ModelRun, modelId: string, options: SdkCall): Promise<SdkStreamAnswer> {
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, signalOf(options)]);
  try {
    const { call, warnings } = modelCallOf(options, modelId);
    const batches = run(call, { signal })[Symbol.asyncIterator]();
    return { stream: partsOf(batches, warnings, gone) };
  } catch (error) {
    throw notRetryable(error);
  }
}

function partsOf(
  batches: AsyncIterator<readonly Delta[]>,
  warnings: SdkWarning[],
  gone: AbortController,
): ReadableStream<SdkStreamPart> {
  const writer = new PartWriter();
  return new ReadableStream<SdkStreamPart>({
    start: (controller) => controller.enqueue({ type: "stream-start", warnings }),
    // A pull that enqueued nothing would not be repeated.
    pull: async (controller) => {
      try {
        for (;;) {
          const { done, value } = await batches.next();
          const parts = done ? writer.end() : value.flatMap((delta) => writer.write(delta));
          for (const part of parts) controller.enqueue(part);
          if (done) controller.close();
          if (done || parts.length > 0) return;
        }
      } catch (error) {
        // Not an error part: the SDK would play those again when asked for stream retries.
        controller.error(notRetryable(error));
      }
    },
    cancel: async (reason) => {
      gone.abort(reason);
      await batches.return?.();
    },
  });
}

/** Turns deltas into stream parts: text and reasoning in blocks that begin and end. */
class PartWriter {
  #open: { readonly type: "text" | "reasoning"; readonly id: string } | undefined;
  #blocks = 0;
  readonly #totals = new Totals();

  write(delta: Delta): readonly SdkStreamPart[] {
    switch (delta.type) {
      case "text":
      case "reasoning":
        return this.#grow(delta.type, delta.text);
      case "toolCall":
        return [...this.#close(), toolCallPart(delta)];
      case "usage":
      case "finish":
        this.#totals.add(delta);
        return [];
    }
  }

  end(): readonly SdkStreamPart[] {
    const { usage, finishReason } = this.#totals.take();
    return [...this.#close(), { type: "finish", usage, finishReason }];
  }

  #grow(type: "text" | "reasoning", text: string): readonly SdkStreamPart[] {
    if (this.#open?.type === type)
      return [{ type: `${type}-delta`, id: this.#open.id, delta: text }];
    const id = `${type}-${this.#blocks++}`;
    const closing = this.#close();
    this.#open = { type, id };
    return [...closing, { type: `${type}-start`, id }, { type: `${type}-delta`, id, delta: text }];
  }

  #close(): readonly SdkStreamPart[] {
    const open = this.#open;
    this.#open = undefined;
    return open === undefined ? [] : [{ type: `${open.type}-end`, id: open.id }];
  }
}

/** Puts deltas together to one answer. */
class ContentCollector {
  readonly #content: Content[] = [];
  readonly #totals = new Totals();

  add(delta: Delta): void {
    switch (delta.type) {
      case "text":
      case "reasoning": {
        const last = this.#content.at(-1);
        if (last?.type === delta.type) last.text += delta.text;
        else this.#content.push({ type: delta.type, text: delta.text });
        break;
      }
      case "toolCall":
        this.#content.push(toolCallPart(delta));
        break;
      case "usage":
      case "finish":
        this.#totals.add(delta);
    }
  }

  take(warnings: SdkWarning[]): SdkAnswer {
    return { content: this.#content, ...this.#totals.take(), warnings };
  }
}

const finishWords = {
  stop: "stop",
  length: "length",
  toolCalls: "tool-calls",
  filter: "content-filter",
} as const satisfies Record<FinishReason, SdkAnswer["finishReason"]["unified"]>;

/** What an answer says about itself at its end. */
class Totals {
  #inputTokens: number | undefined;
  #outputTokens: number | undefined;
  #reason: FinishReason | undefined;

  add(delta: Extract<Delta, { type: "usage" | "finish" }>): void {
    if (delta.type === "finish") this.#reason = delta.reason;
    else {
      this.#inputTokens = delta.inputTokens;
      this.#outputTokens = delta.outputTokens;
    }
  }

  take(): Pick<SdkAnswer, "usage" | "finishReason"> {
    if (this.#reason === undefined) throw new Error("the model call ended without a finish delta");
    return {
      usage: {
        inputTokens: {
          total: this.#inputTokens,
          noCache: undefined,
          cacheRead: undefined,
          cacheWrite: undefined,
        },
        outputTokens: { total: this.#outputTokens, text: undefined, reasoning: undefined },
      },
      finishReason: { unified: finishWords[this.#reason], raw: this.#reason },
    };
  }
}

function toolCallPart({ call }: Extract<Delta, { type: "toolCall" }>) {
  const input = JSON.stringify(call.input) ?? "{}";
  return { type: "tool-call" as const, toolCallId: call.id, toolName: call.name, input };
}

/** Calls without a signal of their own cannot be aborted. */
function signalOf(options: SdkCall): AbortSignal {
  return options.abortSignal ?? new AbortController().signal;
}

/**
 * Retries were decided before the error got here, by the queue. The error stays the same object, so that its code and
 * class are still there for who catches it behind the SDK.
 */
function notRetryable(error: unknown): unknown {
  const marked = error instanceof Error ? error : new Error(String(error), { cause: error });
  if (Reflect.defineProperty(marked, "isRetryable", { value: false, configurable: true }))
    return marked;
  return Object.assign(new Error(marked.message, { cause: marked }), { isRetryable: false });
}
