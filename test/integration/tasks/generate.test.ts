import { afterEach, expect, test } from "vitest";

import { openaiModels } from "../../../src/adapters/openai/openai-models.ts";
import { startFakeModel } from "../../fake-model/index.ts";
import { openErrand, streamText, until, type Opened } from "./open-errand.ts";
import { scriptedModels, silence } from "./scripted-models.ts";

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(options: Parameters<typeof openErrand>[0] = {}): Promise<Opened> {
  const opened = await openErrand(options);
  closers.push(() => opened.close());
  return opened;
}

const once = { retry: { attemptsMax: 1 } };

test("[GENERATE1] generate is one streamed call of its role, with text, usage and how it ended", async () => {
  const fake = await startFakeModel();
  closers.push(() => fake.close());
  const models = openaiModels({ baseUrl: fake.baseUrl });
  const errand = await open({ models, roles: { writer: "fake-writer" } });
  const { taskId } = await errand.engine.submit("generate", {
    prompt: "[[repeat 40 word]]",
    role: "writer",
    system: "Be brief.",
  });
  const text = Array.from({ length: 40 }, () => "word").join(" ");
  expect(await errand.engine.ended(taskId)).toMatchObject({
    status: "completed",
    output: { text, finish: "stop", usage: { outputTokens: 40 } },
  });
  const { view } = await errand.engine.reader.task(taskId, null);
  expect(await streamText(errand, view)).toBe(text);
  expect(fake.log().map(({ model }) => model)).toEqual(["fake-writer"]);
});

test("[GENERATE2] without a model generate and orchestrate fail with how to connect one", async () => {
  const errand = await open();
  for (const type of ["generate", "orchestrate"]) {
    expect(await errand.engine.run(type, { prompt: "hello" }, once)).toMatchObject({
      status: "failed",
      error: {
        code: "model_unavailable",
        message: expect.stringContaining("ERRAND_MODEL_BASE_URL"),
      },
    });
  }
});

const wrongInputs: readonly (readonly [what: string, input: unknown, message: string])[] = [
  ["nothing in it", {}, "input.prompt: is missing"],
  ["white space", { prompt: "  " }, "input.prompt: must not be empty"],
  ["a number", { prompt: 7 }, "input.prompt: must be text, got number"],
  [
    "too much",
    { prompt: "x".repeat(400_001) },
    "input.prompt: must have at most 400000 characters, has 400001",
  ],
  [
    "a bad role",
    { prompt: "x", role: "a b" },
    'input.role: must be 1..100 of letters, digits and "_ . : -", got "a b"',
  ],
  [
    "an unknown field",
    { prompt: "x", Role: "chat" },
    "input.Role: is not known; known are prompt, role, system",
  ],
  ["null", null, "input: must be an object, got null"],
];

test.each(wrongInputs)(
  "[GENERATE3] a wrong input is refused and never becomes a task: %s",
  async (_what, input, message) => {
    const errand = await open();
    await expect(errand.engine.submit("generate", input)).rejects.toMatchObject({
      code: "invalid_request",
      message,
    });
    expect((await errand.engine.reader.tasks({ userId: null, limit: 10 })).tasks).toEqual([]);
  },
);

test("[NOTE1] a note is done by one call of the role worker", async () => {
  const models = scriptedModels(() => "Roses are|red.");
  const errand = await open({ models, roles: { worker: "small" } });
  const end = await errand.engine.run("note", { text: "write a poem" });
  expect(end).toMatchObject({ status: "completed", output: { text: "Roses arered." } });
  expect(models.calls).toMatchObject([
    { model: "small", messages: [{ role: "system" }, { role: "user", content: "write a poem" }] },
  ]);
});

test("[NOTE2] without a model a note is acknowledged and nothing is made up", async () => {
  const errand = await open();
  expect(await errand.engine.run("note", { text: "hello" })).toMatchObject({
    status: "completed",
    output: { text: "Processed: hello" },
  });
});

test("[NOTE3] a note that a model had begun is not acknowledged unread by a server that has none yet", async () => {
  const first = scriptedModels((_call, signal) => silence(signal));
  const before = await openErrand({ models: first });
  const { taskId } = await before.engine.submit(
    "note",
    { text: "hello" },
    { retry: { minDelayMs: 60_000 } },
  );
  await first.called(1);
  const errand = await open({ store: await before.crash() });
  const task = await until(errand, taskId, ({ status }) => status === "delayed");
  expect(task).toMatchObject({
    reason: { code: "backoff" },
    error: { code: "model_unavailable" },
    output: null,
  });
});
