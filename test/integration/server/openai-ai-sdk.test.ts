import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany, generateText, isStepCount, jsonSchema, Output, streamText, tool } from "ai";
import type { LanguageModel } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { startFakeModel, type FakeModel } from "../../../src/adapters/fake-model/fake-model.ts";
import { openaiModels } from "../../../src/adapters/openai/openai-models.ts";
import { openDoor, origin, type Door } from "./door.ts";

let fake: FakeModel;
let door: Door;
beforeAll(async () => {
  fake = await startFakeModel();
  door = await openDoor({ models: openaiModels({ baseUrl: fake.baseUrl }) });
});
afterAll(async () => {
  await door.close();
  await fake.close();
});

const settings = {
  apiKey: "any",
  baseURL: `${origin}/v1`,
  fetch: (url: string | URL | Request, init?: RequestInit) =>
    door.server.fetch(new Request(url, init)),
};
const compatible = createOpenAICompatible({
  name: "errand",
  includeUsage: true,
  supportsStructuredOutputs: true,
  ...settings,
});
const openai = createOpenAI(settings);

const models: readonly (readonly [string, () => LanguageModel])[] = [
  ["@ai-sdk/openai-compatible", () => compatible("fake-large")],
  ["@ai-sdk/openai, Chat Completions", () => openai.chat("fake-large")],
  ["@ai-sdk/openai, Responses", () => openai("fake-large")],
];

describe.each(models)("AI SDK 7 with %s", (_name, model) => {
  test("[OAI40] text whole and streamed, with usage", async () => {
    const whole = await generateText({ model: model(), prompt: "[[say one two three]]" });
    expect(whole.text).toBe("one two three");
    expect(whole.finishReason).toBe("stop");
    expect(whole.usage.outputTokens).toBe(3);
    const streamed = streamText({ model: model(), prompt: "[[repeat 40 word]]" });
    const pieces: string[] = [];
    for await (const piece of streamed.textStream) pieces.push(piece);
    expect(pieces.join("")).toBe(Array.from({ length: 40 }, () => "word").join(" "));
    expect(await streamed.finishReason).toBe("stop");
    expect((await streamed.usage).outputTokens).toBe(40);
  });

  test("[OAI40] a loop of tools, whose results come back from the client", async () => {
    const { text, steps } = await generateText({
      model: model(),
      prompt: '[[tool add {"a":2,"b":3}]]',
      stopWhen: isStepCount(3),
      tools: {
        add: tool({
          description: "adds",
          inputSchema: jsonSchema<{ a: number; b: number }>({
            type: "object",
            properties: { a: { type: "number" }, b: { type: "number" } },
            required: ["a", "b"],
            additionalProperties: false,
          }),
          execute: ({ a, b }) => a + b,
        }),
      },
    });
    expect(text).toBe("The tool add answered: 5");
    expect(steps).toHaveLength(2);
  });

  test("[OAI40] an object that fits a schema", async () => {
    const schema = jsonSchema<{ title: string }>({
      type: "object",
      properties: { title: { type: "string" } },
      required: ["title"],
      additionalProperties: false,
    });
    const { output } = await generateText({
      model: model(),
      prompt: "name it",
      output: Output.object({ schema }),
    });
    expect(typeof output.title).toBe("string");
  });

  test("[OAI40] an endpoint's refusal is an error with its words, also in a stream", async () => {
    const prompt = "[[fault status status=422]]";
    await expect(generateText({ model: model(), prompt, maxRetries: 0 })).rejects.toThrow("422");
    const errors: unknown[] = [];
    const streamed = streamText({
      model: model(),
      prompt,
      maxRetries: 0,
      onError: ({ error }) => void errors.push(error),
    });
    await streamed.consumeStream();
    expect(JSON.stringify(errors[0])).toContain("422");
  });
});

test("[OAI41] AI SDK embeds texts through either provider", async () => {
  const values = ["one", "two"];
  for (const model of [compatible.embeddingModel("fake-embed"), openai.embedding("fake-embed")]) {
    const { embeddings } = await embedMany({ model, values });
    expect(embeddings).toHaveLength(2);
    expect(embeddings[0]).toHaveLength(64);
  }
});
