import type OpenAI from "openai";
import { BadRequestError, NotFoundError } from "openai";
import type { ResponseStreamEvent } from "openai/resources/responses/responses";
import { afterEach, expect, test } from "vitest";

import { openDoor, until, type Door, type DoorOptions } from "./door.ts";
import { breaking, openaiClient, openClient, scripted } from "./openai-client.ts";
import type { PacedModels } from "./paced-models.ts";

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

const plain = { model: "fake-large", input: "hello" } as const;
const background = { ...plain, background: true } as const;
const failure = (thrown: unknown): unknown => thrown;

async function eventsOf(
  stream: AsyncIterable<ResponseStreamEvent>,
): Promise<readonly ResponseStreamEvent[]> {
  const events: ResponseStreamEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

/** A response that was answered in full; answers its id and all of its events. */
async function answered(
  { client, models }: { client: OpenAI; models: PacedModels },
  ...pieces: readonly string[]
): Promise<{ id: string; events: readonly ResponseStreamEvent[] }> {
  const { id } = await client.responses.create(background);
  await models.say(...pieces);
  await models.finish();
  const events = await eventsOf(await client.responses.retrieve(id, { stream: true }));
  return { id, events };
}

test("[OAI20] a plain response is whole when it is answered, with its text, usage and what was asked", async () => {
  const { client } = await open({
    models: scripted([
      { type: "reasoning", text: "hm" },
      { type: "text", text: "hi" },
      { type: "usage", inputTokens: 3, outputTokens: 2 },
      { type: "finish", reason: "stop" },
    ]),
  });
  const { data, response } = await client.responses
    .create({ ...plain, instructions: "be brief", metadata: { a: "b" }, temperature: 0.5 })
    .withResponse();
  expect(data.output_text).toBe("hi");
  expect(data).toMatchObject({
    object: "response",
    status: "completed",
    background: false,
    error: null,
    incomplete_details: null,
    instructions: "be brief",
    metadata: { a: "b" },
    model: "fake-large",
    parallel_tool_calls: true,
    previous_response_id: null,
    temperature: 0.5,
    text: { format: { type: "text" } },
    tool_choice: "auto",
    tools: [],
    truncation: "disabled",
    output: [
      { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "hm" }] },
      {
        type: "message",
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: "hi", annotations: [], logprobs: [] }],
      },
    ],
    usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
  });
  expect(data.id.slice(5)).toBe(response.headers.get("x-errand-task")?.slice(5));
  expect(await client.responses.retrieve(data.id)).toEqual(data);
});

test("[OAI20] an answer that was cut is incomplete, and says why", async () => {
  const { client } = await open({
    models: scripted([
      { type: "text", text: "hi" },
      { type: "finish", reason: "length" },
    ]),
  });
  expect(await client.responses.create(plain)).toMatchObject({
    status: "incomplete",
    incomplete_details: { reason: "max_output_tokens" },
    output: [{ status: "incomplete" }],
  });
});

test("[OAI21] a background response is answered at once and can be read at any time, also half done", async () => {
  const { client, models, door } = await open();
  const { data, response } = await client.responses.create(background).withResponse();
  // Whatever has become of it by now: it is told as it was accepted.
  expect(data).toMatchObject({
    status: "queued",
    background: true,
    output: [],
    completed_at: null,
    usage: null,
  });
  await models.say("half ");
  const taskId = response.headers.get("x-errand-task") ?? "";
  await until(door, taskId, ({ partial }) => partial === "half ");
  expect(await client.responses.retrieve(data.id)).toMatchObject({
    status: "in_progress",
    output_text: "half ",
    output: [{ status: "in_progress" }],
  });
  await models.say("done");
  await models.finish();
  await door.engine.ended(taskId);
  expect(await client.responses.retrieve(data.id)).toMatchObject({
    status: "completed",
    output_text: "half done",
    completed_at: expect.any(Number),
  });
});

test("[OAI22] the stock stream helper, which is strict, accepts every event; numbers have no gap", async () => {
  const { client, models } = await open();
  const stream = client.responses.stream({ ...plain });
  const numbers: number[] = [];
  const types: string[] = [];
  stream.on("event", (event) => {
    numbers.push(event.sequence_number);
    types.push(event.type);
  });
  await models.say({ type: "reasoning", text: "let me " }, { type: "reasoning", text: "think" });
  await models.say("one ", "two", " 👩‍👩‍👧");
  await models.say({ type: "toolCall", call: { id: "c1", name: "add", input: { a: 1 } } });
  await models.finish("toolCalls");
  const final = await stream.finalResponse();
  expect(final.output_text).toBe("one two 👩‍👩‍👧");
  expect(final.output.map(({ type }) => type)).toEqual(["reasoning", "message", "function_call"]);
  expect(final.output.at(-1)).toMatchObject({ call_id: "c1", name: "add", arguments: '{"a":1}' });
  expect(numbers).toEqual(numbers.map((_number, index) => index));
  expect(types.filter((type) => !type.endsWith(".delta"))).toEqual([
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.reasoning_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.output_item.added",
    "response.function_call_arguments.done",
    "response.output_item.done",
    "response.completed",
  ]);
});

test("[OAI23] a stream goes on behind any number, for any reader, with the same events", async () => {
  const opened = await open();
  const { client } = opened;
  const { id, events } = await answered(opened, "a", "b", "c");
  expect(events.map((event) => event.sequence_number)).toEqual(events.map((_event, n) => n));
  expect(events[0]).toMatchObject({ type: "response.created", response: { status: "queued" } });
  expect(events[1]).toMatchObject({ type: "response.queued" });
  for (let after = 0; after <= events.length; after += 1) {
    const rest = await client.responses.retrieve(id, { stream: true, starting_after: after });
    expect(await eventsOf(rest)).toEqual(events.slice(after + 1));
  }
  const whole = client.responses.stream({ response_id: id, starting_after: 5 });
  expect((await whole.finalResponse()).output_text).toBe("abc");
});

test("[OAI23] two readers of a running response are told the same, and one that comes late catches up", async () => {
  const { client, models } = await open();
  const { id } = await client.responses.create(background);
  const first = eventsOf(await client.responses.retrieve(id, { stream: true }));
  await models.say("one ");
  const late = eventsOf(await client.responses.retrieve(id, { stream: true, starting_after: 3 }));
  await models.say("two");
  await models.finish();
  const events = await first;
  expect(await late).toEqual(events.slice(4));
  expect(events.at(-1)).toMatchObject({ type: "response.completed" });
});

test("[OAI23] leaving the stream of a background response does not end it", async () => {
  const { client, models, door } = await open();
  const stream = await client.responses.create({ ...background, stream: true });
  let id = "";
  for await (const event of stream) {
    if (event.type === "response.created") ({ id } = event.response);
    break;
  }
  await models.say("still here");
  await models.finish();
  await door.engine.ended(`task_${id.slice(5)}`);
  expect((await client.responses.retrieve(id)).output_text).toBe("still here");
});

test("[OAI24] cancel is final and closes the upstream call; twice is the same; a plain one is refused", async () => {
  const { client, models } = await open();
  const { id } = await client.responses.create(background);
  const reading = eventsOf(await client.responses.retrieve(id, { stream: true }));
  await models.say("begun");
  const cancelled = await client.responses.cancel(id);
  expect(cancelled).toMatchObject({
    id,
    status: "cancelled",
    output: [{ status: "incomplete", content: [{ text: "begun" }] }],
  });
  expect(await client.responses.cancel(id)).toEqual(cancelled);
  expect((await reading).at(-1)?.type).toBe("response.output_text.delta");
  expect(models.aborted).toBe(1);
  const running = client.responses.stream({ ...plain });
  await running.emitted("connect");
  await models.say("x");
  await models.finish();
  const done = await running.finalResponse();
  const refused = await client.responses.cancel(done.id).catch(failure);
  expect(refused).toBeInstanceOf(BadRequestError);
});

test("[OAI25] delete takes a response away for good, also a running one", async () => {
  const opened = await open();
  const { client, models, door } = opened;
  const { id } = await answered(opened, "gone");
  expect(await door.json("DELETE", `/v1/responses/${id}`)).toMatchObject({
    status: 200,
    body: { id, object: "response.deleted", deleted: true },
  });
  for (const again of [client.responses.retrieve(id), client.responses.delete(id)])
    expect(await again.catch(failure)).toBeInstanceOf(NotFoundError);
  expect((await door.json("GET", `/api/tasks/task_${id.slice(5)}`)).status).toBe(404);
  const running = await client.responses.create(background);
  await models.say("x");
  await client.responses.delete(running.id);
  expect(await client.responses.retrieve(running.id).catch(failure)).toBeInstanceOf(NotFoundError);
  expect(models.aborted).toBe(1);
});

test("[OAI25] what was not to be stored is not shown again, and cannot run in the background", async () => {
  const { client } = await open({ models: scripted([{ type: "finish", reason: "stop" }]) });
  const { id } = await client.responses.create({ ...plain, store: false });
  expect(await client.responses.retrieve(id).catch(failure)).toBeInstanceOf(NotFoundError);
  const refused = await client.responses.create({ ...background, store: false }).catch(failure);
  expect(refused).toMatchObject({ status: 400, param: "store" });
});

test("[OAI28] a second try is passed over as far as it says the same, with the same numbers for a late reader", async () => {
  const door = await openDoor({
    models: breaking(["The quick ", "brown "], ["The quick brown", " fox"]),
  });
  closing.push(() => door.close());
  const client = openaiClient(door);
  const stream = client.responses.stream({ ...plain });
  const live: ResponseStreamEvent[] = [];
  stream.on("event", (event) => void live.push(structuredClone(event)));
  const final = await stream.finalResponse();
  expect(final.output_text).toBe("The quick brown fox");
  const late = await eventsOf(await client.responses.retrieve(final.id, { stream: true }));
  expect(late.map(({ type, sequence_number: n }) => `${n} ${type}`)).toEqual(
    live.map(({ type, sequence_number: n }) => `${n} ${type}`),
  );
});

test("[OAI28] where it differs the stream ends with an error, and the response has the whole of it", async () => {
  const door = await openDoor({ models: breaking(["The quick "], ["Another answer"]) });
  closing.push(() => door.close());
  const client = openaiClient(door);
  const { id } = await client.responses.create(background);
  const reading = await client.responses.retrieve(id, { stream: true });
  await expect(eventsOf(reading)).rejects.toThrow("turned out differently");
  await door.engine.ended(`task_${id.slice(5)}`);
  expect((await client.responses.retrieve(id)).output_text).toBe("Another answer");
  const late = await client.responses.retrieve(id, { stream: true });
  await expect(eventsOf(late)).rejects.toThrow("turned out differently");
});

test("[OAI29] a failed response says so in its last event, and stays readable", async () => {
  const { client, models, door } = await open();
  models.failNext(9, "rejected", "the endpoint says no");
  const { id } = await client.responses.create(background);
  const events = await eventsOf(await client.responses.retrieve(id, { stream: true }));
  expect(events.at(-1)).toMatchObject({
    type: "response.failed",
    response: {
      status: "failed",
      error: { code: "server_error", message: "the endpoint says no" },
    },
  });
  expect(await client.responses.retrieve(id)).toMatchObject({ status: "failed" });
  const plainly = await client.responses.create(plain).catch(failure);
  expect(plainly).toMatchObject({ status: 502, code: "model_rejected" });
  expect(door.errors).toEqual([]);
});

test("[OAI30] an Idempotency-Key makes one response, however often it is asked for", async () => {
  const { client, models } = await open();
  const headers = { "Idempotency-Key": "same" };
  const first = await client.responses.create(background, { headers });
  const second = await client.responses.create(background, { headers });
  expect(second.id).toBe(first.id);
  const other = await client.responses
    .create({ ...background, input: "other" }, { headers })
    .catch(failure);
  expect(other).toMatchObject({ status: 422, code: "idempotency_mismatch" });
  models.finishAll();
  expect(models.calls).toBe(1);
});
