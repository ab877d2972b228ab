import { afterEach, expect, test } from "vitest";

import { ask, openClient, scripted } from "./openai-client.ts";
import { breaking } from "./openai-client.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

test("[OAI13] texts become vectors in their order, as numbers or base64, by a scheduled task", async () => {
  const models = scripted([]);
  const { client, door, close } = await openClient({ models });
  closing.push(close);
  const request = { model: "fake-large", input: ["a", "bb", "ccc"] };
  const { data, response } = await client.embeddings.create(request).withResponse();
  expect(data.data.map(({ index, embedding }) => [index, embedding])).toEqual([
    [0, [1, 0.5, -1]],
    [1, [2, 0.5, -1]],
    [2, [3, 0.5, -1]],
  ]);
  const taskId = response.headers.get("x-errand-task") ?? "";
  expect(await door.engine.reader.view(taskId, null)).toMatchObject({
    type: "embedding",
    output: { count: 3, dimensions: 3 },
  });
  const floats = await client.embeddings.create({ ...request, encoding_format: "float" });
  expect(floats.data).toEqual(data.data);
  const one = await client.embeddings.create({ model: "fake-large", input: "dddd" });
  expect(one.data).toHaveLength(1);
});

test("[OAI13] many texts are asked for in parts, each small enough for a result, all in order", async () => {
  const long = Array.from({ length: 3_072 }, (_, index) => index / 3_072);
  const models = {
    ...scripted([]),
    embed: ({ texts }: { readonly texts: readonly string[] }) => {
      parts.push(texts.length);
      return Promise.resolve({
        vectors: texts.map((text) => [Number(text), ...long.slice(1)]),
        inputTokens: texts.length,
      });
    },
  };
  const parts: number[] = [];
  const { client, close } = await openClient({ models });
  closing.push(close);
  const input = Array.from({ length: 150 }, (_, index) => String(index));
  const { data, usage } = await client.embeddings.create({ model: "fake-large", input });
  expect(usage).toEqual({ prompt_tokens: 150, total_tokens: 150 });
  expect(data.map(({ embedding }) => embedding[0])).toEqual(input.map(Number));
  expect(parts).toEqual([16, 54, 54, 26]);
});

test("[OAI13] tokens, other lengths and a failing endpoint are refused with OpenAI's words", async () => {
  const { door, close } = await openClient({ models: breaking([], []) });
  closing.push(close);
  for (const [body, param] of [
    [{ model: "fake-large", input: [1, 2] }, "input.0"],
    [{ model: "fake-large", input: "a", dimensions: 3 }, "dimensions"],
    [{ ...ask }, "input"],
  ] as const) {
    const answer = await door.json("POST", "/v1/embeddings", { body });
    expect(answer).toMatchObject({ status: 400, body: { error: { param } } });
  }
});
