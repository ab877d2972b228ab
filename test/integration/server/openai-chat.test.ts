import { afterEach, expect, test } from "vitest";

import type OpenAI from "openai";
import { AuthenticationError, InternalServerError, NotFoundError } from "openai";
import { adminKey, type Door, type DoorOptions } from "./door.ts";
import type { PacedModels } from "./paced-models.ts";
import {
  ask,
  chunksOf,
  contentOf,
  openaiClient,
  openClient,
  scripted,
  stored,
} from "./openai-client.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(
  options: DoorOptions = {},
): Promise<{ readonly door: Door; readonly models: PacedModels; readonly client: OpenAI }> {
  const opened = await openClient(options);
  closing.push(opened.close);
  return opened;
}

test("[OAI1] models are listed and found by id, also with a slash; an unknown one is 404 model_not_found", async () => {
  const { client } = await open({ models: scripted([]) });
  const listed = (await client.models.list()).data.map(({ id }) => id);
  expect(listed).toEqual(["fake-large", "org/model:7b"]);
  expect(await client.models.retrieve("org/model:7b")).toMatchObject({
    id: "org/model:7b",
    object: "model",
    owned_by: "fake",
  });
  const error = await client.models.retrieve("nope").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(NotFoundError);
  expect(error).toMatchObject({ status: 404, code: "model_not_found", param: "model" });
  const asked = await client.chat.completions
    .create({ ...ask, model: "nope" })
    .catch((thrown: unknown) => thrown);
  expect(asked).toMatchObject({ status: 404, code: "model_not_found", param: "model" });
});

test("[OAI3] a tool that is asked for where there are none is refused", async () => {
  const { door } = await open({ models: scripted([{ type: "finish", reason: "stop" }]) });
  for (const tool_choice of ["required", { type: "function", function: { name: "f" } }]) {
    const answer = await door.json("POST", "/v1/chat/completions", {
      body: { ...ask, tool_choice },
    });
    expect(answer).toMatchObject({ status: 400, body: { error: { param: "tool_choice" } } });
  }
});

test("[OAI1] a model that is not known yet is not listed", async () => {
  const { door, client } = await open({ models: scripted([]) });
  door.engine.roles.assign("chat", { endpoint: "fake", model: "auto" });
  const listed = (await client.models.list()).data.map(({ id }) => id);
  expect(listed).toEqual(["fake-large", "org/model:7b"]);
});

test("[OAI1] a role is a model's name too, and OpenAI's shape does not change", async () => {
  const { client } = await open({
    models: scripted([
      { type: "text", text: "hi" },
      { type: "finish", reason: "stop" },
    ]),
  });
  const answer = await client.chat.completions.create({ ...ask, model: "chat" });
  expect(answer).toMatchObject({ model: "chat", choices: [{ message: { content: "hi" } }] });
});

test("[OAI2] a whole answer has OpenAI's shape, its usage, its task and its request", async () => {
  const { door, client } = await open({
    models: scripted([
      { type: "reasoning", text: "hm" },
      { type: "text", text: "hi" },
      { type: "usage", inputTokens: 3, outputTokens: 2 },
      { type: "finish", reason: "length" },
    ]),
  });
  const {
    data,
    response,
    request_id: requestId,
  } = await client.chat.completions.create(ask).withResponse();
  expect(data).toMatchObject({
    object: "chat.completion",
    model: "fake-large",
    choices: [
      {
        index: 0,
        finish_reason: "length",
        logprobs: null,
        message: { role: "assistant", content: "hi" },
      },
    ],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
    service_tier: "default",
  });
  expect(data.choices[0]?.message).toMatchObject({ reasoning_content: "hm" });
  expect(Math.abs(data.created - Date.now() / 1_000)).toBeLessThan(60);
  expect(requestId).toBe(response.headers.get("x-request-id"));
  const taskId = response.headers.get("x-errand-task") ?? "";
  expect(data.id).toBe(`chatcmpl-${taskId.slice(5)}`);
  expect(await stored(door, taskId)).toMatchObject({ text: "hi", finish: "length" });
  expect(response.headers.get("x-ratelimit-limit-requests")).toBe("10000");
  expect(response.headers.get("x-ratelimit-remaining-requests")).toBe("9999");
  expect(response.headers.get("x-ratelimit-reset-requests")).toBe("1s");
});

test("[OAI2] chunks share one identity: the role first, one finish_reason, usage only if asked, then [DONE]", async () => {
  const { door, models } = await open();
  const { signal } = new AbortController();
  const body = { ...ask, stream: true, stream_options: { include_usage: true } };
  const response = await door.send("POST", "/v1/chat/completions", { body, signal });
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  await models.say("one ", "two");
  await models.say({ type: "usage", inputTokens: 1, outputTokens: 2 });
  await models.finish();
  const text = await response.text();
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  expect(text).not.toMatch(/^event:/m);
  const chunks = chunksOf(text);
  expect(
    new Set(chunks.map(({ id, created, model, object }) => `${id} ${created} ${model} ${object}`))
      .size,
  ).toBe(1);
  expect(chunks[0]).toMatchObject({
    object: "chat.completion.chunk",
    choices: [{ delta: { role: "assistant" } }],
  });
  expect(chunks.filter(({ choices }) => choices[0]?.finish_reason != null)).toHaveLength(1);
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 3 } });
  expect(contentOf(chunks)).toBe("one two");
});

test("[OAI2] the stock client's stream helper puts the whole answer together", async () => {
  const { models, client } = await open();
  const stream = client.chat.completions.stream(ask);
  await models.say("a", "b 👩‍👩‍👧", "c");
  await models.finish();
  expect((await stream.finalChatCompletion()).choices[0]?.message.content).toBe("ab 👩‍👩‍👧c");
});

const toolRequest = {
  model: "fake-large",
  messages: [
    { role: "developer", content: "be brief" },
    {
      role: "user",
      content: [
        { type: "text", text: "add " },
        { type: "text", text: "them" },
      ],
    },
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "c0", type: "function", function: { name: "add", arguments: '{"a":1}' } }],
    },
    { role: "tool", tool_call_id: "c0", content: "1" },
  ],
  tools: [
    {
      type: "function",
      function: { name: "add", description: "d", parameters: { type: "object" }, strict: true },
    },
    { type: "function", function: { name: "now" } },
  ],
  tool_choice: "required",
  response_format: {
    type: "json_schema",
    json_schema: { name: "n", schema: { type: "object" }, strict: true },
  },
  temperature: 0.5,
  max_tokens: 9,
  stop: ["x"],
  seed: 7,
  top_p: 0.9,
} satisfies OpenAI.ChatCompletionCreateParamsNonStreaming;

test("[OAI3] tools, their results, schemas and sampling reach the endpoint; calls come back in both forms", async () => {
  const models = scripted([
    { type: "toolCall", call: { id: "c1", name: "add", input: { a: 1, b: "x" } } },
    { type: "toolCall", call: { id: "c2", name: "now", input: {} } },
    { type: "finish", reason: "toolCalls" },
  ]);
  const { client } = await open({ models });
  const whole = await client.chat.completions.create(toolRequest);
  expect(models.calls[0]).toEqual({
    model: "fake-large",
    messages: [
      { role: "system", content: "be brief" },
      { role: "user", content: "add them" },
      { role: "assistant", content: "", toolCalls: [{ id: "c0", name: "add", input: { a: 1 } }] },
      { role: "tool", toolCallId: "c0", content: "1" },
    ],
    tools: [
      { name: "add", description: "d", inputSchema: { type: "object" }, strict: true },
      { name: "now", description: "", inputSchema: { type: "object", properties: {} } },
    ],
    toolChoice: "required",
    jsonSchema: { name: "n", schema: { type: "object" }, strict: true },
    temperature: 0.5,
    maxTokens: 9,
    parameters: { stop: ["x"], seed: 7, top_p: 0.9 },
  });
  expect(whole.choices[0]).toMatchObject({
    finish_reason: "tool_calls",
    message: {
      content: null,
      tool_calls: [
        { id: "c1", type: "function", function: { name: "add", arguments: '{"a":1,"b":"x"}' } },
        { id: "c2", type: "function", function: { name: "now", arguments: "{}" } },
      ],
    },
  });
  const streamed = await client.chat.completions.stream(toolRequest).finalChatCompletion();
  expect(streamed.choices[0]?.message.tool_calls).toMatchObject(
    whole.choices[0]?.message.tool_calls ?? [],
  );
  await client.chat.completions.create({
    ...toolRequest,
    tool_choice: { type: "function", function: { name: "now" } },
  });
  expect(models.calls.at(-1)).toMatchObject({ tools: [{ name: "now" }], toolChoice: "required" });
});

test("[OAI4] fields that are not known are ignored; what cannot be done is refused by name", async () => {
  const models = scripted([{ type: "finish", reason: "stop" }]);
  const { client, door } = await open({ models });
  await client.chat.completions.create({
    ...ask,
    store: true,
    metadata: { a: "b" },
    prompt_cache_key: "k",
    logprobs: false,
    modalities: ["text"],
  });
  const picture = [{ type: "image_url", image_url: { url: "data:," } }];
  for (const [body, param, code] of [
    [
      { ...ask, messages: [{ role: "user", content: picture }] },
      "messages.0.content.0.type",
      "invalid_value",
    ],
    [{ ...ask, n: 2 }, "n", "invalid_value"],
    [{ ...ask, temperature: 3 }, "temperature", "invalid_value"],
    [{ messages: ask.messages }, "model", "missing_required_parameter"],
    [
      { ...ask, messages: [{ role: "tool", content: "x" }] },
      "messages.0.tool_call_id",
      "invalid_value",
    ],
  ] as const) {
    const { status, body: answer } = await door.json("POST", "/v1/chat/completions", { body });
    expect({ status, answer }).toMatchObject({
      status: 400,
      answer: { error: { type: "invalid_request_error", param, code } },
    });
  }
});

test("[OAI5] errors are those OpenAI's client knows, with the request's id", async () => {
  const { door } = await open({ auth: true });
  const wrong = await openaiClient(door, { key: "wrong" })
    .models.list()
    .catch((thrown: unknown) => thrown);
  expect(wrong).toBeInstanceOf(AuthenticationError);
  expect(wrong).toMatchObject({
    code: "invalid_api_key",
    requestID: expect.stringMatching(/^req_/),
  });
  const { status, body, headers } = await door.json("GET", "/v1/nothing", { key: adminKey });
  expect({ status, body }).toMatchObject({ status: 404, body: { error: { code: "not_found" } } });
  expect(headers.get("x-should-retry")).toBe("false");
});

test("[OAI5] an endpoint's failure is the answer's status, or the stream's last event without [DONE]", async () => {
  const { models, client, door } = await open();
  models.failNext(2, "rejected", "the endpoint says no");
  const error = await client.chat.completions.create(ask).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InternalServerError);
  expect(error).toMatchObject({
    status: 502,
    code: "model_rejected",
    message: expect.stringContaining("says no"),
  });
  const response = await door.send("POST", "/v1/chat/completions", {
    body: { ...ask, stream: true },
  });
  const text = await response.text();
  expect(text).toMatch(/data: \{"error":\{"message":"the endpoint says no"/);
  expect(text).not.toContain("[DONE]");
});
