import { createWorkersAI } from "workers-ai-provider";

import { aiSdkModels } from "../../../adapters/ai-sdk/ai-sdk-models.ts";
import { isRecord } from "../../../core/json.ts";
import type { Models } from "../../../ports/models.ts";
import { workersAiIds } from "./workers-ai-ids.ts";

/** The part of the `AI` binding that is used: a stand-in with this one method serves as well. */
export interface AiBinding {
  run(model: string, input: unknown, options?: unknown): Promise<unknown>;
}

/** Tokens of an answer that asked for no limit: some models of Workers AI stop at 256 else. */
const answerTokensMax = 4_096;

/**
 * The models of Workers AI, through Cloudflare's own provider for the AI SDK. A model that is busy says so at once: the
 * waiting is our queue's.
 */
export function workersAiModels(binding: AiBinding): Models {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The provider calls `run` alone.
  const provider = createWorkersAI({ binding: withOwnAbort(binding) as unknown as Ai });
  const models = aiSdkModels(
    {
      languageModel: (id) => provider(id, { rejectIfBusy: true }),
      embeddingModel: (id) => provider.embedding(id),
    },
    { models: [...new Set(Object.values(workersAiIds))] },
  );
  return {
    ...models,
    async *stream(call, options) {
      for await (const deltas of models.stream({ maxTokens: answerTokensMax, ...call }, options)) {
        // An answer that was hung up on looks to the provider like one that is whole.
        options.signal.throwIfAborted();
        yield deltas;
      }
    },
  };
}

/**
 * A binding that takes a signal: one cannot go to another Worker, so it stays here, and an abort hangs up on the answer.
 */
function withOwnAbort(binding: AiBinding): AiBinding {
  return {
    async run(model, input, given) {
      const { signal: wanted, ...options } = isRecord(given) ? given : {};
      const signal = wanted instanceof AbortSignal ? wanted : null;
      signal?.throwIfAborted();
      const answer = await binding.run(model, input, options);
      if (!(answer instanceof ReadableStream) || signal === null) return answer;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Workers AI streams bytes.
      return hangingUp(answer as ReadableStream<Uint8Array>, signal);
    },
  };
}

function hangingUp(
  answer: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const reader = answer.getReader();
  const hangUp = (): void => void reader.cancel(signal.reason).catch(() => undefined);
  return new ReadableStream<Uint8Array>({
    start(controller) {
      // Closed and not failed: the provider's own pipes would let the reason go unhandled.
      const abort = (): void => {
        hangUp();
        controller.close();
      };
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
    },
    async pull(controller) {
      const { done, value } = await reader.read();
      // It was closed by the abort.
      if (signal.aborted) return;
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: hangUp,
  });
}
