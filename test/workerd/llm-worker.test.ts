import { env } from "cloudflare:workers";
import { expect, test } from "vitest";

import { modelPath } from "../../src/hosts/edge/llm-worker/model-lines.ts";
import { remoteModels } from "../../src/hosts/edge/llm-worker/remote-models.ts";
import { serveModels } from "../../src/hosts/edge/llm-worker/serve-models.ts";
import llmWorker from "../../src/hosts/edge/llm-worker/worker.ts";
import { workersAiModels } from "../../src/hosts/edge/llm-worker/workers-ai.ts";
import { workersAiIds } from "../../src/hosts/edge/llm-worker/workers-ai-ids.ts";
import { ModelError, type Delta, type ModelCall, type Models } from "../../src/ports/models.ts";
import { until } from "./edge-client.ts";

const call: ModelCall = { model: "m", messages: [{ role: "user", content: "hi" }] };
const never = new AbortController().signal;

/** The models behind a llm-worker, over its own way of speaking. */
function served(models: Partial<Models>): Models {
  const whole: Models = {
    async *stream() {},
    list: () => Promise.resolve([]),
    embed: () => Promise.resolve({ vectors: [] }),
    ...models,
  };
  return remoteModels({ fetch: (url, init) => serveModels(whole, new Request(url, init)) });
}

async function all(
  models: Models,
  asked: ModelCall = call,
  signal: AbortSignal = never,
): Promise<readonly Delta[]> {
  const seen: Delta[] = [];
  for await (const deltas of models.stream(asked, { signal })) seen.push(...deltas);
  return seen;
}

test("[LLM1] an llm-worker gives the same deltas and values as the models behind it", async () => {
  const deltas: readonly Delta[][] = [
    [
      { type: "reasoning", text: "hm\n" },
      { type: "text", text: "Grüße 👋" },
    ],
    [{ type: "toolCall", call: { id: "1", name: "look", input: { at: [1, null] } } }],
    [{ type: "usage", inputTokens: 3, outputTokens: 2 }],
    [{ type: "finish", reason: "toolCalls" }],
  ];
  const asked: ModelCall[] = [];
  const models = served({
    async *stream(given) {
      asked.push(given);
      yield* deltas;
    },
    list: () => Promise.resolve(["a", "b"]),
    probe: (model) => Promise.resolve(model === "a" ? "prefill" : null),
    embed: ({ texts }) => Promise.resolve({ vectors: texts.map(() => [0.5, -1]), inputTokens: 3 }),
  });
  expect(await all(models)).toEqual(deltas.flat());
  expect(asked).toEqual([call]);
  expect(await models.list({ signal: never })).toEqual(["a", "b"]);
  expect(await models.probe?.("a", { signal: never })).toBe("prefill");
  expect(await models.probe?.("b", { signal: never })).toBeNull();
  const vectors = await models.embed({ model: "e", texts: ["x", "y"] }, { signal: never });
  expect(vectors).toEqual({
    vectors: [
      [0.5, -1],
      [0.5, -1],
    ],
    inputTokens: 3,
  });
});

test("[LLM2] an llm-worker that has no model, or a wrong setting, says so to whoever asks", async () => {
  for (const [vars, message] of [
    [{}, "the llm-worker has no model: set its ERRAND_MODEL_BASE_URL, or bind AI"],
    [{ ERRAND_MODEL_BASE_URL: "nonsense" }, "must be an http(s) URL, got"],
  ] as const) {
    const models = remoteModels({
      fetch: (url, init) => llmWorker.fetch(new Request(url, init), vars),
    });
    // oxlint-disable-next-line no-await-in-loop -- One after the other.
    for (const asked of [models.list({ signal: never }), all(models)])
      // oxlint-disable-next-line no-await-in-loop
      await expect(asked).rejects.toMatchObject({
        failure: "refused",
        message: expect.stringContaining(message),
      });
  }
});

test("[LLM2] failures keep their kind, before and in the middle of an answer", async () => {
  const failing = (after: number): Models =>
    served({
      async *stream() {
        for (let n = 0; n < after; n += 1) yield [{ type: "text", text: "word " }];
        throw new ModelError("rate_limited", "too fast", { status: 429, retryAfterMs: 1_500 });
      },
      list: () => Promise.reject(new ModelError("refused", "nobody is there")),
    });
  for (const after of [0, 2])
    // oxlint-disable-next-line no-await-in-loop -- Two.
    await expect(all(failing(after))).rejects.toMatchObject({
      name: "ModelError",
      failure: "rate_limited",
      status: 429,
      retryAfterMs: 1_500,
    });
  await expect(failing(0).list({ signal: never })).rejects.toMatchObject({ failure: "refused" });
});

test("[LLM2] an answer that breaks off says so, nonsense is broken, and a Worker that is not there refuses", async () => {
  const cut = remoteModels({
    fetch: () => Promise.resolve(new Response('[{"type":"text","text":"half"}]\n')),
  });
  await expect(all(cut)).rejects.toMatchObject({ failure: "generating" });
  const nonsense = remoteModels({ fetch: () => Promise.resolve(new Response("<html>\n")) });
  await expect(all(nonsense)).rejects.toMatchObject({ failure: "broken" });
  const gone = remoteModels({ fetch: () => Promise.reject(new Error("no such Worker")) });
  await expect(all(gone)).rejects.toMatchObject({ failure: "refused" });
  const wrong = await serveModels(served({}), new Request("http://llm-worker/chat"));
  expect(wrong.status).toBe(404);
  expect(modelPath).toContain("/v1/");
});

for (const how of ["aborts", "leaves"] as const) {
  test(`[LLM3] who ${how} in the middle of an answer closes the call behind it`, async () => {
    let isAborted = false;
    let isOver = false;
    const models = served({
      async *stream(_call, { signal }) {
        signal.addEventListener("abort", () => (isAborted = true));
        try {
          for (;;) {
            yield [{ type: "text", text: "word " }];
            // oxlint-disable-next-line no-await-in-loop -- A model takes its time.
            await new Promise<void>((resolve) => void setTimeout(resolve, 1));
          }
        } finally {
          isOver = true;
        }
      },
    });
    const own = new AbortController();
    const read = async (): Promise<void> => {
      for await (const _ of models.stream(call, { signal: own.signal })) {
        if (how === "leaves") return;
        own.abort(new Error("enough"));
      }
    };
    if (how === "aborts") await expect(read()).rejects.toThrow("enough");
    else await read();
    await until(
      () => Promise.resolve(isAborted && isOver),
      (is) => is,
    );
    expect(isAborted).toBe(true);
  });
}

const ai = workersAiModels(env.AI_STAND_IN);
const say = (text: string, model = "@cf/meta/x"): ModelCall => ({
  model,
  messages: [{ role: "user", content: text }],
});
const wordsOf = (deltas: readonly Delta[]): string =>
  deltas.map((delta) => (delta.type === "text" ? delta.text : "")).join("");

for (const model of ["@cf/meta/x", "@cf/openai/x"]) {
  test(`[WAI2] an answer of Workers AI is read in the shape of ${model}`, async () => {
    const deltas = await all(ai, say("[[say Grüße aus der Ferne]]", model));
    expect(wordsOf(deltas)).toBe("Grüße aus der Ferne");
    expect(deltas.at(-1)).toEqual({ type: "finish", reason: "stop" });
    expect(deltas.find(({ type }) => type === "usage")).toMatchObject({ outputTokens: 4 });
    const calls = await env.AI_STAND_IN.calls();
    expect(calls.at(-1)).toMatchObject({ model, maxTokens: 4_096 });
  });

  test(`[WAI2] a tool is called in the shape of ${model}`, async () => {
    const tools = [{ name: "look", description: "Looks", inputSchema: { type: "object" } }];
    const asked = { ...say(`[[tool look {"at":"x"}]]`, model), tools };
    const deltas = await all(ai, asked);
    expect(deltas.find(({ type }) => type === "toolCall")).toMatchObject({
      call: { name: "look", input: { at: "x" } },
    });
    expect(deltas.at(-1)).toEqual({ type: "finish", reason: "toolCalls" });
  });
}

test("[WAI2] JSON is asked for by its schema", async () => {
  const schema = { type: "object", properties: { a: { type: "number" } }, required: ["a"] };
  const deltas = await all(ai, { ...say("a number"), jsonSchema: { name: "it", schema } });
  expect(Object.keys(JSON.parse(wordsOf(deltas)) as object)).toContain("a");
});

test("[WAI2] vectors come from Workers AI, and its catalogue is the file of ids", async () => {
  const model = workersAiIds["embed"] ?? "";
  const { vectors } = await ai.embed({ model, texts: ["a", "b"] }, { signal: never });
  expect(vectors.map((vector) => vector.length)).toEqual([64, 64]);
  expect(await ai.list({ signal: never })).toContain(workersAiIds["chat"]);
});

test("[WAI3] out of capacity is a rate that is waited for; an answer that breaks off says so", async () => {
  await expect(all(ai, say("[[fault rate_limit times=1]] hello"))).rejects.toMatchObject({
    failure: "rate_limited",
  });
  await expect(
    all(ai, say("[[repeat 20 word]] [[fault cut afterTokens=3 times=1]]")),
  ).rejects.toMatchObject({ name: "ModelError" });
});

test("[WAI3] an aborted call is closed at Workers AI", async () => {
  const own = new AbortController();
  const read = async (): Promise<void> => {
    for await (const _ of ai.stream(say("[[repeat 5000 word]]"), { signal: own.signal }))
      own.abort(new Error("enough"));
  };
  await expect(read()).rejects.toThrow("enough");
  const last = async () => (await env.AI_STAND_IN.calls()).at(-1);
  expect(await until(last, (seen) => seen?.aborted === true)).toMatchObject({ aborted: true });
});
