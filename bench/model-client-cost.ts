/**
 * What one token costs in CPU on its way from a model endpoint to an array of deltas: `node bench/model-client-cost.ts`.
 * The fake model runs in its own process and paces every stream, so that nearly each token is a network read of its own,
 * the worst case. `read` counts the same bytes without looking at them: the difference to `client` is our own code.
 */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";

import { aiSdkModels } from "../src/adapters/ai-sdk/ai-sdk-models.ts";
import { nodeFetch } from "../src/adapters/node/http-fetch.ts";
import { AnswerReader } from "../src/adapters/openai/answer-reader.ts";
import type { EndpointFetch } from "../src/adapters/openai/endpoint.ts";
import { openaiModels } from "../src/adapters/openai/openai-models.ts";
import type { Models } from "../src/ports/models.ts";
import { type FakeModelProcess, forkFakeModel } from "./fake-model-process.ts";

const streams = Number(process.argv[2] ?? 500);
const tokensPerSecond = 50;
const tokensPerStream = 250;
const rounds = 3;

/** Reads one answer to its end; answers how many network reads it took. */
type Read = (baseUrl: string, fetch: EndpointFetch) => Promise<number>;

const prompt = `[[repeat ${tokensPerStream} token]]`;
const signal = new AbortController().signal;

async function readModels(models: Models): Promise<number> {
  const call = { model: "bench", messages: [{ role: "user", content: prompt }] } as const;
  let batches = 0;
  for await (const batch of models.stream(call, { signal })) batches += batch.length > 0 ? 1 : 0;
  return batches;
}

const readClient: Read = (baseUrl, fetch) => readModels(openaiModels({ baseUrl, fetch }));

const readSdk: Read = (baseUrl) =>
  readModels(aiSdkModels(createOpenAICompatible({ name: "bench", baseURL: baseUrl })));

const readBytes: Read = async (baseUrl, fetch) => {
  const response = await fetch(`${baseUrl}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ stream: true, messages: [{ role: "user", content: prompt }] }),
    redirect: "manual",
    signal,
  });
  const reader = response.body?.getReader();
  if (reader === undefined) return 0;
  let reads = 0;
  while (!(await reader.read()).done) reads++;
  return reads;
};

async function measure(name: string, read: Read, fetch: EndpointFetch, fake: FakeModelProcess) {
  const serverBeforeUs = await fake.cpuUs();
  const before = process.cpuUsage();
  const startedMs = performance.now();
  const reads = await Promise.all(Array.from({ length: streams }, () => read(fake.baseUrl, fetch)));
  const { user, system } = process.cpuUsage(before);
  const tokens = streams * tokensPerStream;
  return {
    name,
    "user us/token": round(user / tokens),
    "system us/token": round(system / tokens),
    "all us/token": round((user + system) / tokens),
    "tokens/read": round(tokens / reads.reduce((sum, one) => sum + one, 0)),
    "server us/token": round(((await fake.cpuUs()) - serverBeforeUs) / tokens),
    seconds: round((performance.now() - startedMs) / 1_000),
  };
}

/** The parser alone, one token a read, no network. */
function measureParser(): number {
  const chunk = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"bench","choices":[{"index":0,"delta":{"content":" token"},"finish_reason":null}]}\n\n`;
  const bytes = new TextEncoder().encode(chunk);
  const tokens = 1_000;
  const answers = 300;
  let usedUs = 0;
  for (let answer = 0; answer < answers; answer++) {
    const reader = new AnswerReader();
    const before = process.cpuUsage();
    for (let token = 0; token < tokens; token++) reader.read(bytes);
    const { user, system } = process.cpuUsage(before);
    if (answer >= answers / 2) usedUs += user + system;
  }
  return usedUs / (tokens * (answers / 2));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

const fake = await forkFakeModel({ tokensPerSecond, ttftMs: 500 });
const ways: readonly (readonly [string, Read, EndpointFetch])[] = [
  ["read, global fetch", readBytes, (url, init) => fetch(url, init)],
  ["client, global fetch", readClient, (url, init) => fetch(url, init)],
  ["read, nodeFetch", readBytes, nodeFetch()],
  ["client, nodeFetch", readClient, nodeFetch()],
  ["AI SDK, global fetch", readSdk, (url, init) => fetch(url, init)],
];
console.log(
  `${streams} streams of ${tokensPerStream} tokens at ${tokensPerSecond}/s; CPU of this process`,
);
const rows: Awaited<ReturnType<typeof measure>>[] = [];
for (let number = 0; number < rounds; number++)
  for (const [name, read, fetchWay] of ways) rows.push(await measure(name, read, fetchWay, fake));
const medians = ways.map(([name]) => {
  const mine = rows.filter((row) => row.name === name);
  return mine.toSorted((a, b) => a["all us/token"] - b["all us/token"])[Math.floor(rounds / 2)];
});
console.table(medians);
console.log(`parser alone, one token a read: ${round(measureParser())} us/token`);
await fake.stop();
