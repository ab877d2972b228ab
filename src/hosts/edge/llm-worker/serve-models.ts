/* oxlint-disable typescript/no-unsafe-type-assertion -- Requests come over a service binding from remote-models.ts of the
   same program; the wrong shape fails the call like any other error. */
import type { Delta, Models } from "../../../ports/models.ts";
import { modelPath, wireError, type ModelLine, type ModelRequest } from "./model-lines.ts";

const encoder = new TextEncoder();

/**
 * Serves models to other Workers: calls one for each request and hands over what it says as a stream of bytes, as it comes.
 * Whoever asked hangs up: the call is aborted, and with it the socket to the model.
 */
export async function serveModels(models: Models, request: Request): Promise<Response> {
  if (request.method !== "POST" || new URL(request.url).pathname !== modelPath)
    return new Response("this Worker is reached by the service binding LLM_WORKER\n", {
      status: 404,
    });
  // A signal of its own: that of the request does not fire on every runtime, and the body's cancel does.
  const hangUp = new AbortController();
  request.signal.addEventListener("abort", () => hangUp.abort());
  const { signal } = hangUp;
  try {
    const asked = await request.json<ModelRequest>();
    switch (asked.ask) {
      case "stream":
        return linesOf(models.stream(asked.call, { signal }), hangUp);
      case "probe":
        return lineOf({ value: (await models.probe?.(asked.model, { signal })) ?? null });
      case "list":
        return lineOf({ value: await models.list({ signal }) });
      case "embed":
        return lineOf({ value: await models.embed(asked, { signal }) });
      default: {
        const never: never = asked;
        throw new Error(`nobody can do ${JSON.stringify(never)}`);
      }
    }
  } catch (error) {
    return refusal(error);
  }
}

const headers = { "content-type": "application/x-ndjson" };

function bytesOf(line: ModelLine): Uint8Array {
  return encoder.encode(`${JSON.stringify(line)}\n`);
}

/** The answer that says nothing but an error, as every other one ends: who asks throws it. */
export function refusal(error: unknown): Response {
  return lineOf({ error: wireError(error) });
}

function lineOf(line: ModelLine): Response {
  return new Response(bytesOf(line), { headers });
}

function linesOf(batches: AsyncIterable<readonly Delta[]>, hangUp: AbortController): Response {
  const iterator = batches[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await iterator.next();
        controller.enqueue(bytesOf(done === true ? { end: true } : value));
        if (done === true) controller.close();
      } catch (error) {
        if (hangUp.signal.aborted) return;
        controller.enqueue(bytesOf({ error: wireError(error) }));
        controller.close();
      }
    },
    async cancel() {
      hangUp.abort();
      await iterator.return?.();
    },
  });
  return new Response(body, { headers });
}
