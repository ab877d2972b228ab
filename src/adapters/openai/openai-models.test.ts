import { describe, expect, test } from "vitest";

import { ErrandError } from "../../core/errors.ts";
import type { Delta, ModelCall, ModelError } from "../../ports/models.ts";
import type { EndpointFetch, EndpointResponse } from "./endpoint.ts";
import { openaiModels } from "./openai-models.ts";

const encoder = new TextEncoder();
const call: ModelCall = { model: "m", messages: [{ role: "user", content: "hi" }] };
const good =
  'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
const never = new AbortController().signal;

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Network reads. */
  readonly chunks?: readonly string[];
  /** Thrown after the chunks. */
  readonly failure?: Error;
}

function responseOf({ status = 200, headers = {}, chunks = [good], failure }: Answer): {
  readonly response: EndpointResponse;
  readonly cancelled: () => boolean;
} {
  let at = 0;
  let isCancelled = false;
  const reader = {
    read: () => {
      const chunk = chunks[at++];
      if (chunk !== undefined)
        return Promise.resolve({ done: false, value: encoder.encode(chunk) });
      return failure === undefined ? Promise.resolve({ done: true }) : Promise.reject(failure);
    },
    cancel: () => {
      isCancelled = true;
      return Promise.resolve();
    },
  };
  const response: EndpointResponse = {
    status,
    headers: { get: (name) => headers[name] ?? null },
    body: { getReader: () => reader },
  };
  return { response, cancelled: () => isCancelled };
}

const fetchOf =
  (answer: Answer): EndpointFetch =>
  () =>
    Promise.resolve(responseOf(answer).response);

const modelsOf = (fetch: EndpointFetch, apiKey?: string) =>
  openaiModels({ baseUrl: "http://127.0.0.1:1234/v1/", apiKey, fetch });

async function collect(fetch: EndpointFetch, apiKey?: string): Promise<Delta[][]> {
  const batches: Delta[][] = [];
  for await (const batch of modelsOf(fetch, apiKey).stream(call, { signal: never }))
    batches.push([...batch]);
  return batches;
}

const failureOf = (fetch: EndpointFetch, apiKey?: string): Promise<ModelError> =>
  collect(fetch, apiKey).then(
    () => expect.fail("it did not fail"),
    (error: ModelError) => error,
  );

const token = (text: string): string => `data: {"choices":[{"delta":{"content":"${text}"}}]}\n\n`;
const withCode = (code: string, cause?: unknown): Error =>
  Object.assign(new Error("x", { cause }), { code });
const json = (body: unknown): EndpointFetch => fetchOf({ chunks: [JSON.stringify(body)] });
const noFetch: EndpointFetch = () => expect.fail("a request was sent");

describe("requests", () => {
  test.each([
    "localhost:1234",
    "",
    "ftp://x/v1",
    "http://user:pass@x/v1",
    "http://x/v1?key=1",
    "http://x/v1#a",
  ])("[MODEL10] the base URL %j is refused", (baseUrl) => {
    expect(() => openaiModels({ baseUrl })).toThrow(ErrandError);
    expect(() => openaiModels({ baseUrl })).toThrow(/must look like/);
  });

  test("[MODEL10] a refused base URL does not show its password", () => {
    expect(() => openaiModels({ baseUrl: "http://user:secret@x/v1" })).toThrow(/^(?!.*secret)/s);
  });

  test("[MODEL11] the key is a bearer token and redirects are not followed", async () => {
    const seen: unknown[] = [];
    await collect((url, init) => {
      seen.push(url, init.headers["authorization"], init.redirect, init.method);
      return Promise.resolve(responseOf({}).response);
    }, "k1");
    expect(seen).toEqual([
      "http://127.0.0.1:1234/v1/chat/completions",
      "Bearer k1",
      "manual",
      "POST",
    ]);
  });

  test("[MODEL10] a failed call is not repeated", async () => {
    let calls = 0;
    await failureOf(() => {
      calls++;
      return Promise.resolve(responseOf({ status: 503 }).response);
    });
    expect(calls).toBe(1);
  });

  test("[MODEL10] the key is in no error, even if the server repeats it", async () => {
    const chunks = ['{"error":{"message":"Incorrect API key provided: k-secret"}}'];
    const error = await failureOf(fetchOf({ status: 401, chunks }), "k-secret");
    expect(error.message).toContain("[key]");
    expect(error.message).not.toContain("k-secret");
  });
});

describe("answers", () => {
  test("[MODEL1] one batch is what one network read held", async () => {
    const chunks = [token("a") + token("b"), ": comment\n\n", token("c"), "data: [DONE]\n\n"];
    const batches = await collect(fetchOf({ chunks }));
    expect(
      batches.map((batch) =>
        batch.map((delta) => (delta.type === "text" ? delta.text : delta.type)),
      ),
    ).toEqual([["a", "b"], ["c"], ["finish"]]);
  });

  test("[MODEL5] what came before a failure is delivered, then the failure is thrown", async () => {
    const chunks = ['data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {oops\n\n'];
    const seen: Delta[] = [];
    const reading = async (): Promise<void> => {
      const models = modelsOf(fetchOf({ chunks }));
      for await (const batch of models.stream(call, { signal: never })) seen.push(...batch);
    };
    await expect(reading()).rejects.toMatchObject({ failure: "broken", code: "model_broken" });
    expect(seen).toEqual([{ type: "text", text: "a" }]);
  });

  test.each([
    [
      "LM Studio's 200 with an error",
      { "content-type": "application/json" },
      '{"error":"Unexpected endpoint or method."}',
      "broken",
    ],
    [
      "a 200 with an overflow",
      { "content-type": "application/json; charset=utf-8" },
      '{"error":{"message":"Context size has been exceeded."}}',
      "context_overflow",
    ],
    ["a web page", { "content-type": "text/html" }, "<html>hello</html>", "broken"],
    [
      "a whole answer instead of a stream",
      { "content-type": "application/json" },
      '{"choices":[]}',
      "broken",
    ],
  ])("[MODEL7] %s is a failure", async (_, headers, body, failure) => {
    expect(await failureOf(fetchOf({ headers, chunks: [body] }))).toMatchObject({ failure });
  });

  test("[MODEL7] Retry-After travels with the error", async () => {
    const error = await failureOf(
      fetchOf({ status: 429, headers: { "retry-after": "7" }, chunks: [] }),
    );
    expect(error).toMatchObject({
      failure: "rate_limited",
      code: "model_rate_limited",
      status: 429,
      retryAfterMs: 7_000,
    });
  });

  test("[MODEL7] a body that fails keeps what the status says", async () => {
    const error = await failureOf(
      fetchOf({ status: 404, chunks: ["half"], failure: new Error("reset") }),
    );
    expect(error).toMatchObject({ failure: "rejected", status: 404 });
  });

  test("[MODEL6] of an endless error body only the beginning is read", async () => {
    const chunks = Array.from({ length: 1_000 }, () => "x".repeat(10_000));
    const { response, cancelled } = responseOf({ status: 500, chunks });
    const error = await failureOf(() => Promise.resolve(response));
    expect(error.message.length).toBeLessThan(500);
    expect(cancelled()).toBe(true);
  });
});

describe("connections", () => {
  test.each([
    ["ECONNREFUSED", new TypeError("fetch failed", { cause: withCode("ECONNREFUSED") }), "refused"],
    ["ENOTFOUND", withCode("ENOTFOUND"), "refused"],
    [
      "several addresses",
      new TypeError("fetch failed", {
        cause: Object.assign(new AggregateError([withCode("ECONNREFUSED")]), {}),
      }),
      "refused",
    ],
    ["no code at all", new TypeError("fetch failed"), "refused"],
    [
      "no headers for 300 s",
      new TypeError("fetch failed", { cause: withCode("UND_ERR_HEADERS_TIMEOUT") }),
      "prefill",
    ],
  ])("[MODEL7] %s before the answer", async (_, cause, failure) => {
    expect(await failureOf(() => Promise.reject(cause))).toMatchObject({ failure, cause });
  });

  test.each([
    ["a reset", new TypeError("terminated", { cause: withCode("ECONNRESET") }), "generating"],
    [
      "300 s of silence",
      new TypeError("terminated", { cause: withCode("UND_ERR_BODY_TIMEOUT") }),
      "stalled",
    ],
  ])("[MODEL7] %s in the middle of the answer", async (_, failure, kind) => {
    const chunks = ['data: {"choices":[{"delta":{"content":"a"}}]}\n\n'];
    expect(await failureOf(fetchOf({ chunks, failure }))).toMatchObject({ failure: kind });
  });

  test("[MODEL9] a whole answer is read to the end of its body, any other is cancelled", async () => {
    const whole = responseOf({ chunks: [good] });
    for await (const _ of modelsOf(() => Promise.resolve(whole.response)).stream(call, {
      signal: never,
    }));
    expect(whole.cancelled()).toBe(false);
    const half = responseOf({
      chunks: ['data: {"choices":[{"delta":{"content":"a"}}]}\n\n', good],
    });
    for await (const _ of modelsOf(() => Promise.resolve(half.response)).stream(call, {
      signal: never,
    }))
      break;
    expect(half.cancelled()).toBe(true);
  });

  test("[MODEL8] a signal that has aborted already sends nothing", async () => {
    const reason = new Error("enough");
    let calls = 0;
    const models = modelsOf(() => {
      calls++;
      return Promise.resolve(responseOf({}).response);
    });
    const answer = models.stream(call, { signal: AbortSignal.abort(reason) });
    const reading = answer[Symbol.asyncIterator]();
    await expect(reading.next()).rejects.toBe(reason);
    expect(calls).toBe(0);
    await expect(reading.next()).resolves.toEqual({ done: true, value: undefined });
  });
});

describe("models and vectors", () => {
  test("[MODEL12] ids are listed, entries without one left out", async () => {
    const fetch = json({ data: [{ id: "a" }, { id: 7 }, null, { id: "b" }] });
    expect(await modelsOf(fetch).list({ signal: never })).toEqual(["a", "b"]);
  });

  test("[MODEL12] vectors come in the order of the texts", async () => {
    const fetch = json({
      data: [
        { index: 1, embedding: [2] },
        { index: 0, embedding: [1] },
      ],
    });
    expect(
      await modelsOf(fetch).embed({ model: "e", texts: ["a", "b"] }, { signal: never }),
    ).toEqual({ vectors: [[1], [2]] });
  });

  test.each([
    [{ prompt_tokens: 7, total_tokens: 7 }, 7],
    [{ total_tokens: 5 }, 5],
    [{ prompt_tokens: 0, total_tokens: 0 }, undefined],
    [{ prompt_tokens: -1 }, undefined],
    ["none", undefined],
  ])(
    "[MODEL12] tokens of texts are told as the endpoint counts them: %j",
    async (usage, tokens) => {
      const fetch = json({ data: [{ embedding: [1] }], usage });
      const { inputTokens } = await modelsOf(fetch).embed(
        { model: "e", texts: ["a"] },
        { signal: never },
      );
      expect(inputTokens).toBe(tokens);
    },
  );

  test("[MODEL12] no texts need no request", async () => {
    expect(await modelsOf(noFetch).embed({ model: "e", texts: [] }, { signal: never })).toEqual({
      vectors: [],
    });
  });

  test.each([
    ["too few vectors", { data: [{ index: 0, embedding: [1] }] }],
    ["a vector of texts", { data: [{ embedding: ["1"] }, { embedding: [1] }] }],
    ["no data", { object: "list" }],
    ["an array", []],
    ["an error with 200", { error: { message: "no" } }],
  ])("[MODEL12] %s is a broken answer", async (_, body) => {
    const embedding = modelsOf(json(body)).embed(
      { model: "e", texts: ["a", "b"] },
      { signal: never },
    );
    await expect(embedding).rejects.toMatchObject({ failure: "broken" });
  });

  test("[MODEL12] a list that is no JSON is a broken answer", async () => {
    const listing = modelsOf(fetchOf({ chunks: ["<html>"] })).list({ signal: never });
    await expect(listing).rejects.toMatchObject({ failure: "broken" });
  });

  test("[MODEL6] a list beyond its limit is refused", async () => {
    const chunks = Array.from({ length: 50 }, () => "x".repeat(100_000));
    const { response, cancelled } = responseOf({ chunks });
    const listing = modelsOf(() => Promise.resolve(response)).list({ signal: never });
    await expect(listing).rejects.toThrow(/more than/);
    expect(cancelled()).toBe(true);
  });
});
