import { describe, expect, test } from "vitest";

import {
  endpointFailure,
  readEndpointError,
  retryAfterMs,
  retryAfterMsMax,
} from "./model-failure.ts";
import type { ModelFailure } from "./models.ts";

const error = (message: string, code = ""): string => JSON.stringify({ error: { message, code } });

const table: readonly (readonly [
  who: string,
  status: number | undefined,
  body: string,
  ModelFailure,
])[] = [
  [
    "OpenAI, overflow",
    400,
    error(
      "This model's maximum context length is 8192 tokens. However, ...",
      "context_length_exceeded",
    ),
    "context_overflow",
  ],
  [
    "vLLM, overflow",
    400,
    '{"object":"error","message":"The decoder prompt (length 9000) is longer than the maximum model length of 4096.","type":"BadRequestError","code":400}',
    "context_overflow",
  ],
  [
    "vLLM, older",
    400,
    '{"message":"The prompt (total length 25938) is too long to fit into the model (context length 4096)."}',
    "context_overflow",
  ],
  [
    "llama.cpp, overflow",
    400,
    '{"error":{"code":400,"message":"the request exceeds the available context size. try increasing it","type":"exceed_context_size_error","n_ctx":256}}',
    "context_overflow",
  ],
  [
    "llama.cpp, overflow as 500",
    500,
    '{"error":{"code":500,"message":"x","type":"exceed_context_size_error"}}',
    "context_overflow",
  ],
  [
    "LM Studio, n_keep",
    400,
    '{"error":"The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 10247 >= n_ctx: 4096)."}',
    "context_overflow",
  ],
  [
    "LM Studio, overflow",
    400,
    '{"error":"Trying to keep the first 111490 tokens when context the overflows. However, ..."}',
    "context_overflow",
  ],
  [
    "LM Studio, in the middle",
    undefined,
    '{"error":{"message":"Reached context length of 4096 tokens with model (arch: qwen) that does not currently support mid-generation context overflow."}}',
    "context_overflow",
  ],
  [
    "LM Studio, MLX",
    undefined,
    '{"error":{"message":"Context size has been exceeded."}}',
    "context_overflow",
  ],
  [
    "Ollama, overflow",
    400,
    '{"error":"the input length exceeds the context length"}',
    "context_overflow",
  ],
  ["payload too large", 413, "", "context_overflow"],
  [
    "rate limit",
    429,
    error("Rate limit reached for requests", "rate_limit_exceeded"),
    "rate_limited",
  ],
  [
    "rate limit on tokens",
    429,
    error("Rate limit reached for gpt on tokens per min (TPM): Limit 40000"),
    "rate_limited",
  ],
  [
    "no money left",
    429,
    error("You exceeded your current quota", "insufficient_quota"),
    "rejected",
  ],
  [
    "Ollama, busy",
    503,
    '{"error":"server busy, please try again. maximum pending requests exceeded"}',
    "rate_limited",
  ],
  ["overloaded", 529, error("Overloaded"), "rate_limited"],
  [
    "OpenAI, overloaded",
    503,
    error("The engine is currently overloaded, please try again later"),
    "rate_limited",
  ],
  [
    "llama.cpp, loading",
    503,
    '{"error":{"message":"Loading model","type":"unavailable_error","code":503}}',
    "loading",
  ],
  [
    "LM Studio, nothing loaded",
    400,
    error("No models loaded. Please load a model in the developer page"),
    "loading",
  ],
  [
    "TGI, loading",
    503,
    '{"error":"Model mistral is currently loading","estimated_time":20}',
    "loading",
  ],
  ["too early", 425, "", "loading"],
  ["nothing behind a proxy", 502, "<html><body>502 Bad Gateway</body></html>", "refused"],
  ["unavailable", 503, "", "refused"],
  ["origin is down", 521, "error code: 521", "refused"],
  ["gateway timeout", 504, "", "prefill"],
  ["request timeout", 408, "", "prefill"],
  ["origin timeout", 524, "error code: 524", "prefill"],
  ["bad request", 400, error("Unsupported parameter: 'max_tokens'"), "rejected"],
  ["bad key", 401, error("Incorrect API key provided", "invalid_api_key"), "rejected"],
  ["forbidden", 403, "", "rejected"],
  ["no such model", 404, error("The model `x` does not exist", "model_not_found"), "rejected"],
  ["validation", 422, '{"detail":[{"loc":["body"],"msg":"field required"}]}', "rejected"],
  ["moved", 308, "", "rejected"],
  ["server error", 500, error("internal error"), "broken"],
  [
    "Ollama, crashed",
    500,
    '{"error":"llama runner process has terminated: exit status 2"}',
    "broken",
  ],
  [
    "in the middle, with a status",
    undefined,
    '{"error":{"message":"x","code":429}}',
    "rate_limited",
  ],
  ["in the middle, without", undefined, '{"error":"boom"}', "broken"],
];

describe("failures of endpoints", () => {
  test.each(table)("[MODEL7] %s (%s)", (_, status, body, failure) => {
    expect(endpointFailure(status, readEndpointError(body))).toBe(failure);
  });
});

describe("what an endpoint says", () => {
  test.each([
    ['{"error":{"message":"m","code":"c","type":"t"}}', "m", "c t"],
    ['{"error":"m"}', "m", ""],
    ['{"message":"m","type":"t"}', "m", "t"],
    ['{"detail":"m"}', "m", ""],
    ["plain\n\u001b[31mred\u0007", "plain [31mred", ""],
    ["", "", ""],
    ["null", "", ""],
    ["[1]", "", ""],
  ])("[MODEL7] %j is read", (body, message, code) => {
    expect(readEndpointError(body)).toMatchObject({ message, code });
  });

  test("[MODEL7] long words are shortened to one line", () => {
    const { message } = readEndpointError(JSON.stringify({ error: "x\n".repeat(100_000) }));
    expect(message).toHaveLength(300);
    expect(message).not.toContain("\n");
  });
});

describe("Retry-After", () => {
  const nowMs = Date.parse("2026-11-21T10:00:00Z");
  test.each([
    [{ "retry-after": "2" }, 2_000],
    [{ "retry-after": "1.5" }, 1_500],
    [{ "retry-after": "0" }, 0],
    [{ "retry-after-ms": "250", "retry-after": "9" }, 250],
    [{ "retry-after-ms": "oops", "retry-after": "9" }, 9_000],
    [{ "retry-after": "Sat, 21 Nov 2026 10:00:30 GMT" }, 30_000],
    [{ "retry-after": "Sat, 21 Nov 2026 09:00:00 GMT" }, 0],
    [{ "retry-after": "999999999" }, retryAfterMsMax],
    [{ "retry-after": "-5" }, undefined],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "" }, undefined],
    [{}, undefined],
  ] as const)("[MODEL7] %j asks for %s ms", (headers: Record<string, string>, ms) => {
    expect(retryAfterMs((name) => headers[name] ?? null, nowMs)).toBe(ms);
  });
});
