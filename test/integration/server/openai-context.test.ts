import type OpenAI from "openai";
import { afterEach, expect, test } from "vitest";

import type { Door, DoorOptions } from "./door.ts";
import { openClient, scripted } from "./openai-client.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(
  options: DoorOptions,
): Promise<{ readonly door: Door; readonly client: OpenAI }> {
  const opened = await openClient(options);
  closing.push(opened.close);
  return opened;
}

const plain = { model: "fake-large", input: "hello" } as const;
const background = { ...plain, background: true } as const;
const failure = (thrown: unknown): unknown => thrown;

test("[OAI26] input items are listed in pages, each with an id", async () => {
  const { client } = await open({ models: scripted([{ type: "finish", reason: "stop" }]) });
  const { id } = await client.responses.create({
    ...plain,
    input: [
      { role: "user", content: "one" },
      { role: "assistant", content: "two" },
      { role: "user", content: [{ type: "input_text", text: "three" }] },
    ],
  });
  const texts: unknown[] = [];
  for await (const item of client.responses.inputItems.list(id, { limit: 1, order: "asc" }))
    texts.push(item.type === "message" ? item.content : item);
  expect(texts).toMatchObject([
    [{ type: "input_text", text: "one" }],
    [{ type: "output_text", text: "two" }],
    [{ type: "input_text", text: "three" }],
  ]);
});

test("[OAI27] previous_response_id puts what was said before into the prompt, but not its instructions", async () => {
  const models = scripted([
    { type: "text", text: "noted" },
    { type: "toolCall", call: { id: "c1", name: "add", input: { a: 1 } } },
    { type: "finish", reason: "toolCalls" },
  ]);
  const { client } = await open({ models });
  const first = await client.responses.create({ ...plain, instructions: "old rules" });
  const second = await client.responses.create({
    ...plain,
    previous_response_id: first.id,
    instructions: "new rules",
    input: [{ type: "function_call_output", call_id: "c1", output: "2" }],
  });
  expect(second.previous_response_id).toBe(first.id);
  expect(models.calls[1]?.messages).toEqual([
    { role: "system", content: "new rules" },
    { role: "user", content: "hello" },
    {
      role: "assistant",
      content: "noted",
      toolCalls: [{ id: "c1", name: "add", input: { a: 1 } }],
    },
    { role: "tool", toolCallId: "c1", content: "2" },
  ]);
  await client.responses.create({ ...plain, previous_response_id: second.id, input: "third" });
  expect(models.calls[2]?.messages.map(({ role }) => role)).toEqual([
    "user",
    "assistant",
    "tool",
    "assistant",
    "user",
  ]);
  const reference = first.output.find(({ type }) => type === "message")?.id ?? "";
  await client.responses.create({
    ...plain,
    input: [
      { type: "item_reference", id: reference },
      { role: "user", content: "and?" },
    ],
  });
  expect(models.calls[3]?.messages).toEqual([
    { role: "assistant", content: "noted" },
    { role: "user", content: "and?" },
  ]);
  const missing = await client.responses
    .create({ ...plain, previous_response_id: `resp_${"0".repeat(26)}` })
    .catch(failure);
  expect(missing).toMatchObject({
    status: 400,
    code: "previous_response_not_found",
    param: "previous_response_id",
  });
  const unknown = await client.responses
    .create({ ...plain, input: [{ type: "item_reference", id: `msg_${"0".repeat(26)}` }] })
    .catch(failure);
  expect(unknown).toMatchObject({ status: 400, code: "invalid_value", param: "input.0.id" });
  const { input: _input, ...nothing } = plain;
  expect(await client.responses.create(nothing).catch(failure)).toMatchObject({
    status: 400,
    code: "missing_required_parameter",
    param: "input",
  });
});

test("[OAI27] references cost what they name: too many of a long item are refused, however short the request", async () => {
  const { client, door } = await open({ models: scripted([{ type: "finish", reason: "stop" }]) });
  const long = await client.responses.create({ ...plain, input: "x".repeat(100_000) });
  const { data } = await client.responses.inputItems.list(long.id);
  const reference = { type: "item_reference", id: data[0]?.id ?? "" } as const;
  const refused = await door.json("POST", "/v1/responses", {
    body: { ...plain, input: Array.from({ length: 2_000 }, () => reference) },
  });
  expect(refused.status).toBe(413);
  const many = await door.json("POST", "/v1/responses", {
    body: { ...plain, input: Array.from({ length: 2_001 }, () => reference) },
  });
  expect(many.status).toBe(400);
});

test("[OAI31] background_options and service_tier say how long a response may wait", async () => {
  const { client, door } = await open({ models: scripted([{ type: "finish", reason: "stop" }]) });
  for (const [more, priority, tier] of [
    [{}, "background", "flex"],
    [{ service_tier: "default" }, "interactive", "default"],
    [{ background_options: { completion_window: "soonest" } }, "interactive", "default"],
    [{ background_options: { completion_window: "8h" } }, "batch", "batch"],
  ] as const) {
    const made = await client.responses.create({ ...background, ...more });
    expect(made).toMatchObject({
      service_tier: tier,
      ...("background_options" in more ? more : {}),
    });
    expect((await door.engine.reader.view(`task_${made.id.slice(5)}`, null)).priority).toBe(
      priority,
    );
  }
});
