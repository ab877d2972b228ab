import { expect, test } from "vitest";

import { openaiModels } from "../../src/adapters/openai/openai-models.ts";
import type { Delta } from "../../src/ports/models.ts";

const events = [
  'data: {"choices":[{"delta":{"content":"Grüße "}}]}\n\n',
  'data: {"choices":[{"delta":{"content":"👋"},"finish_reason":"stop"}]}\n\n',
  'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\ndata: [DONE]\n\n',
].join("");

/** workerd's own Response and streams, its bytes cut in the middle of characters. */
function streamed(text: string, onCancel: () => void): Response {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, (at += 7)));
    },
    cancel: onCancel,
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

const modelsOver = (answer: () => Response) =>
  openaiModels({
    baseUrl: "http://model.test/v1",
    fetch: (_, { signal }) => {
      signal.throwIfAborted();
      return Promise.resolve(answer());
    },
  });
const call = { model: "m", messages: [{ role: "user", content: "hi" }] } as const;

test("[MODEL17] the client reads an answer in workerd", async () => {
  const deltas: Delta[] = [];
  const models = modelsOver(() => streamed(events, () => undefined));
  for await (const batch of models.stream(call, { signal: new AbortController().signal }))
    deltas.push(...batch);
  expect(deltas).toEqual([
    { type: "text", text: "Grüße " },
    { type: "text", text: "👋" },
    { type: "usage", inputTokens: 3, outputTokens: 2 },
    { type: "finish", reason: "stop" },
  ]);
});

test("[MODEL17] leaving the loop cancels the body, and errors are classified, in workerd", async () => {
  let isCancelled = false;
  const models = modelsOver(() => streamed(events, () => void (isCancelled = true)));
  for await (const batch of models.stream(call, { signal: new AbortController().signal }))
    if (batch.length > 0) break;
  expect(isCancelled).toBe(true);

  const busy = modelsOver(
    () => new Response("{}", { status: 429, headers: { "retry-after": "2" } }),
  );
  const listing = busy.list({ signal: new AbortController().signal });
  await expect(listing).rejects.toMatchObject({ failure: "rate_limited", retryAfterMs: 2_000 });
});

test("[MODEL17] the global fetch of workerd is taken when none is given", async () => {
  const models = openaiModels({ baseUrl: "http://127.0.0.1:9/v1" });
  const listing = models.list({ signal: new AbortController().signal });
  await expect(listing).rejects.toMatchObject({ name: "ModelError", failure: "refused" });
});
