import { afterEach, expect, test } from "vitest";

import { openaiModels } from "../../../src/adapters/openai/openai-models.ts";
import { ModelError, type ModelCall } from "../../../src/ports/models.ts";
import { startFakeModel, type FakeModel } from "../../fake-model/index.ts";
import {
  begin,
  idIn,
  openErrand,
  reply,
  say,
  streamText,
  tasksOf,
  until,
  type Opened,
} from "./open-errand.ts";
import { asked, scriptedModels, silence, toolCalls } from "./scripted-models.ts";

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(options: Parameters<typeof openErrand>[0] = {}): Promise<Opened> {
  const opened = await openErrand(options);
  closers.push(() => opened.close());
  return opened;
}

async function fakeModel(): Promise<FakeModel> {
  const fake = await startFakeModel();
  closers.push(() => fake.close());
  return fake;
}

function wordsOf(call: ModelCall | undefined): string[] {
  return (call?.messages ?? [])
    .filter(({ role }) => role !== "system")
    .map(({ role, content }) => `${role}: ${content}`);
}

test("[CHAT1] the conversation of seed 000 in English goes through the model and its tools", async () => {
  const fake = await fakeModel();
  const errand = await open({ models: openaiModels({ baseUrl: fake.baseUrl }) });
  const added = await say(
    errand,
    `can you add 'hello' to the queue [[tool enqueue {"text":"hello"}]]`,
  );
  expect(added).toContain("The tool enqueue answered: Added `");
  const id = idIn(added);
  expect(await say(errand, "What jobs are in the list [[tool list {}]]")).toContain(
    `The tool list answered: Queued (1):\n1. \`${id}\` "hello"`,
  );
  expect(await say(errand, `process a job [[tool work {}]]`)).toContain(
    `Working on \`${id}\` "hello"`,
  );
  const [note] = await tasksOf(errand, "note");
  expect(await errand.engine.ended(note!.id)).toMatchObject({ status: "completed" });
  expect(await say(errand, `how is it [[tool status {"task":"${id}"}]]`)).toContain("Result:");
  expect(fake.log().map(({ model }) => model)).toEqual(
    Array.from({ length: 9 }, () => "fake-large"),
  );
});

test("[CHAT2] several tools of one answer run in order, and the text is the stream's to the character", async () => {
  const models = scriptedModels((call) => {
    if (call.messages.at(-1)?.role !== "tool") {
      return [
        { type: "text", text: "One moment." },
        ...toolCalls(["enqueue", { text: "a" }], ["enqueue", { text: "b" }], ["list", {}]),
      ];
    }
    return "You have|two jobs.";
  });
  const errand = await open({ models });
  expect(await say(errand, "note a and b for me")).toBe("One moment.\n\nYou havetwo jobs.");
  expect((await tasksOf(errand, "note")).map(({ input }) => input)).toEqual([
    { text: "a" },
    { text: "b" },
  ]);
  const results = models.calls[1]!.messages.filter(({ role }) => role === "tool").map(
    ({ content }) => content,
  );
  expect(results[2]).toMatch(/^Queued \(2\):\n1\. `\w+` "a".*\n2\. `\w+` "b"/);
});

test("[CHAT3] a tool call passes the parser of typed commands or becomes a question", async () => {
  const wrong: readonly (readonly [string, unknown, string])[] = [
    ["cancel", { task: "everything" }, "question: which job is meant?"],
    ["cancel", {}, "question: which job is meant?"],
    ["cancel", { task: 7 }, "question: which job is meant?"],
    ["enqueue", { text: "" }, "question: which text should be added?"],
    ["enqueue", "hello", "question: which text should be added?"],
    ["status", { task: "; drop table" }, "question: which job is meant?"],
    ["work", { mode: "faster" }, "question: which job is meant?"],
    ["delete_all", {}, 'error: there is no tool "delete_all"'],
    ["constructor", {}, 'error: there is no tool "constructor"'],
  ];
  const models = scriptedModels((call) =>
    call.messages.at(-1)?.role === "tool"
      ? "Which one?"
      : toolCalls(...wrong.map(([name, input]) => [name, input] as const)),
  );
  const errand = await open({ models });
  await say(errand, "enqueue keep me");
  expect(await say(errand, "do something odd")).toBe("Which one?");
  const results = models.calls[1]!.messages.filter(({ role }) => role === "tool").map(
    ({ content }) => content,
  );
  expect(results).toHaveLength(wrong.length);
  for (const [index, [, , answer]] of wrong.entries()) expect(results[index]).toContain(answer);
  expect(await tasksOf(errand, "note")).toMatchObject([
    { status: "queued", input: { text: "keep me" } },
  ]);
});

test("[CHAT4] the model is told to take facts from tools and what the grammar reads in the message", async () => {
  const models = scriptedModels(() => "Done.");
  const errand = await open({ models });
  await say(errand, "buy oat milk");
  await say(errand, "Add this job to the queue");
  await say(errand, "why is the sky blue?");
  const systems = models.calls.map((call) => call.messages[0]!.content);
  for (const system of systems) expect(system).toContain("never guess an id, a state or a result");
  expect(systems[0]).not.toContain("may be a wish");
  expect(systems[1]).toContain('may be a wish for the tool call enqueue({"text":"buy oat milk"})');
  expect(systems[2]).not.toContain("may be a wish");
});

test("[CHAT5] a turn remembers its session, also over a restart, and no other session", async () => {
  const script = (call: ModelCall): string => `heard ${asked(call)}`;
  const before = await openErrand({ models: scriptedModels(script) });
  await say(before, "my name is Ann");
  await say(before, "something private", { chatId: "chat-2" });
  await say(before, "something of Bob's", { userId: "bob" });
  const models = scriptedModels(script);
  const errand = await open({ store: await before.crash(), models });
  await say(errand, "what is my name?");
  expect(wordsOf(models.calls[0])).toEqual([
    "user: my name is Ann",
    "assistant: heard my name is Ann",
    "user: what is my name?",
  ]);
});

test("[CHAT6] memory holds whole turns up to its limit, the oldest fall out, the session keeps all", async () => {
  const models = scriptedModels((call) => `ok ${asked(call).slice(0, 5)}`);
  const errand = await open({ models, memoryCharsMax: 300 });
  for (const name of ["first", "secnd", "third", "forth"])
    await say(errand, `${name} ${"x".repeat(80)}`);
  expect(wordsOf(models.calls[3]).map((words) => words.slice(0, 15).trim())).toEqual([
    "user: secnd xxx",
    "assistant: ok s",
    "user: third xxx",
    "assistant: ok t",
    "user: forth xxx",
  ]);
  expect(await errand.engine.sessions.read("ann", "chat-1", ({ messages }) => messages.size)).toBe(
    8,
  );
});

test("[CHAT7] where the model's context is too small the older half of the memory is left out", async () => {
  const models = scriptedModels((call) => {
    const turns = call.messages.filter(({ role }) => role === "user").length;
    if (turns > 2) throw new ModelError("context_overflow", "too long");
    return `answer ${call.messages.length}`;
  });
  const errand = await open({ models });
  for (const text of ["one", "two", "three", "four"]) await say(errand, text);
  expect(wordsOf(models.calls.at(-1))).toEqual([
    "user: three",
    "assistant: answer 4",
    "user: four",
  ]);
});

test("[CHAT8] a turn ends after 25 model calls and says so", async () => {
  const fake = await fakeModel();
  const errand = await open({ models: openaiModels({ baseUrl: fake.baseUrl }) });
  expect(await say(errand, "go on [[loop list {}]]")).toContain("I stopped after 25 steps");
  expect(fake.log()).toHaveLength(25);
});

test("[CHAT9] an answer that was cut says so, a model that says nothing after a tool is spoken for", async () => {
  const models = scriptedModels((call) => {
    if (asked(call) === "long")
      return [
        { type: "text", text: "half an" },
        { type: "finish", reason: "length" },
      ];
    if (call.messages.at(-1)?.role === "tool") return [{ type: "finish", reason: "stop" }];
    return toolCalls(["work", {}]);
  });
  const errand = await open({ models });
  expect(await say(errand, "long")).toBe(
    "half an (The answer was cut here: the model's limit was reached.)",
  );
  expect(await say(errand, "please begin")).toBe(
    "Nothing queued. Type `enqueue <text>` to add a job.",
  );
});

test("[CHAT10] a crash between a tool and the answer repeats neither the tool nor a finished model call", async () => {
  const first = scriptedModels((call, signal) =>
    call.messages.at(-1)?.role === "tool"
      ? silence(signal)
      : toolCalls(["enqueue", { text: "once" }]),
  );
  const before = await openErrand({ models: first });
  const turn = await begin(before, "note it");
  await first.called(2);
  const second = scriptedModels(() => "It is noted.");
  const errand = await open({ store: await before.crash(), models: second });
  expect(await reply(errand, turn)).toBe("It is noted.");
  expect(second.calls).toHaveLength(1);
  expect(second.calls[0]!.messages.at(-1)).toMatchObject({
    role: "tool",
    content: expect.stringContaining("Added `"),
  });
  expect(await tasksOf(errand, "note")).toHaveLength(1);
});

test("[CHAT10] a crash inside a tool, after its effect, repeats the call but not the effect", async () => {
  const script = (call: ModelCall): ReturnType<Parameters<typeof scriptedModels>[0]> =>
    call.messages.at(-1)?.role === "tool"
      ? "It is noted."
      : toolCalls(["enqueue", { text: "once" }]);
  const { promise: added, resolve } = Promise.withResolvers<void>();
  const before = await openErrand({
    models: scriptedModels(script),
    desk: (desk) => ({
      ...desk,
      async addNote(note) {
        await desk.addNote(note);
        resolve();
        return await new Promise<never>(() => {});
      },
    }),
  });
  const turn = await begin(before, "note it");
  await added;
  const models = scriptedModels(script);
  const errand = await open({ store: await before.crash(), models });
  expect(await reply(errand, turn)).toBe("It is noted.");
  expect(models.calls).toHaveLength(1);
  expect(await tasksOf(errand, "note")).toHaveLength(1);
});

test("[CHAT11] a turn that waited for a slot during a crash goes on without saying anything twice", async () => {
  const answers = (
    call: ModelCall,
    signal: AbortSignal,
  ): ReturnType<Parameters<typeof scriptedModels>[0]> => {
    if (asked(call) === "block") return silence(signal);
    if (call.messages.at(-1)?.role === "tool") return "All done.";
    return [{ type: "text", text: "Looking." }, ...toolCalls(["list", {}])];
  };
  let blocker = "";
  const first = scriptedModels(answers);
  const before = await openErrand({
    models: first,
    slots: 1,
    desk: (desk) => ({
      ...desk,
      // While the tool runs the only slot is taken, so that the second call of the turn has to wait.
      async notes(userId) {
        if (blocker === "") {
          ({ taskId: blocker } = await before.engine.submit(
            "generate",
            { prompt: "block" },
            { userId: "bob" },
          ));
          await first.called(2);
        }
        return await desk.notes(userId);
      },
    }),
  });
  const turn = await begin(before, "look, please");
  await until(
    before,
    turn,
    ({ status, reason }) => status === "waiting" && reason?.code === "slot" && blocker !== "",
  );
  const { view } = await before.engine.reader.task(turn, null);
  expect(await streamText(before, view)).toBe("Looking.\n\n");
  const models = scriptedModels(answers);
  const errand = await open({ store: await before.crash(), models, slots: 1 });
  await errand.engine.cancel(blocker);
  expect(await reply(errand, turn)).toBe("Looking.\n\nAll done.");
  expect((await errand.engine.reader.task(turn, null)).view.attempts).toBe(1);
});

test("[CHAT12] stopping a turn closes the model's connection and keeps what was shown", async () => {
  const fake = await fakeModel();
  fake.control({ pace: { tokensPerSecond: 50 } });
  const errand = await open({ models: openaiModels({ baseUrl: fake.baseUrl }) });
  const turn = await begin(errand, "[[repeat 5000 word]]");
  const { promise: shown, resolve } = Promise.withResolvers<void>();
  errand.engine.kernel.listen({
    entries: ({ entries }) => entries.some(({ t }) => t === "text") && resolve(),
  });
  await shown;
  await errand.engine.sessions.stop("ann", "chat-1");
  expect(await errand.engine.ended(turn)).toMatchObject({ status: "cancelled" });
  const record = await fake.find(({ endedAtMs }) => endedAtMs !== undefined);
  expect(record.aborted).toBe(true);
  const { view } = await errand.engine.reader.task(turn, null);
  expect(view.partial).toMatch(/^word( word)*$/);
  expect(await say(errand, "[[say still here]]")).toBe("still here");
});
