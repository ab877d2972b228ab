import { afterEach, expect, test } from "vitest";

import { openaiModels } from "../../../src/adapters/openai/openai-models.ts";
import { ErrandError } from "../../../src/core/errors.ts";
import { startFakeModel } from "../../fake-model/index.ts";
import { begin, idIn, openErrand, reply, say, tasksOf, until, type Opened } from "./open-errand.ts";
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

test("[ASSIST4] the conversation of seed 000 in commands, without a model", async () => {
  const errand = await open();
  expect(await say(errand, "list")).toContain("Your queue is empty");
  expect(await say(errand, "work")).toContain("Nothing queued");
  const added = await say(errand, "enqueue hello");
  expect(added).toMatch(/^Added `[0-9a-z]{6,}` "hello" to your queue\. It is number 1 in line\./);
  const id = idIn(added);
  expect(await say(errand, "list")).toContain(
    `Queued (1):\n1. \`${id}\` "hello", queued, just now`,
  );
  expect(await say(errand, `why ${id}`)).toContain(
    "queued, next in your queue; it runs when you type `work`",
  );
  expect(await say(errand, "work")).toContain(`Working on \`${id}\` "hello".`);
  const [note] = await tasksOf(errand, "note");
  await errand.engine.ended(note!.id);
  const list = await say(errand, "list");
  expect(list).toContain("Nothing is queued or running.");
  expect(list).toContain(
    `Finished (last 1):\n- \`${id}\` "hello", done, just now: Processed: hello`,
  );
  expect(await say(errand, `status ${id}`)).toContain("Result: Processed: hello");
  expect(await say(errand, "work")).toContain("Nothing queued");
});

test("[ASSIST4] the conversation of seed 000 in English, without a model", async () => {
  const errand = await open();
  expect(await say(errand, "can you add 'hello' to the queue")).toContain('"hello" to your queue');
  expect(await say(errand, "write a poem about rain")).toContain("No language model is connected");
  expect(await say(errand, "Add this job to the queue")).toContain(
    '"write a poem about rain" to your queue. It is number 2',
  );
  const list = await say(errand, "What jobs are in the list");
  expect(list).toMatch(
    /^Queued \(2\):\n1\. `\w+` "hello", .*\n2\. `\w+` "write a poem about rain"/,
  );
  expect(await say(errand, "process a job")).toMatch(/^Working on `\w+` "hello"\./);
  const [note] = await tasksOf(errand, "note");
  await errand.engine.ended(note!.id);
  expect(await say(errand, "is it done?")).toContain("queued, next in your queue");
  expect(await say(errand, "cancel the last one please")).toMatch(
    /^Cancelled `\w+` "write a poem about rain"\./,
  );
  expect(await say(errand, "what's the status?")).toContain("0 jobs queued, 0 in progress.");
});

test("[ASSIST16] a job is named by its words where one says them, and else that was no command", async () => {
  const errand = await open();
  await say(errand, "enqueue buy milk");
  await say(errand, "enqueue Müll rausbringen 🗑️");
  await say(errand, "enqueue buy bread");
  expect(await say(errand, "cancel dinner")).toContain("No language model is connected");
  expect(await say(errand, "cancel buy")).toMatch(
    /^Which one\? `\w+` "buy bread", `\w+` "buy milk": use/,
  );
  expect(await say(errand, "status BUY MILK")).toContain('"buy milk": queued, next in your queue');
  expect(await say(errand, "Cancel buy milk!")).toMatch(/^Cancelled `\w+` "buy milk"\./);
  expect(await say(errand, "remove müll from the queue")).toMatch(/^Cancelled `\w+` "Müll raus/);
  expect(await say(errand, "why 'buy milk'")).toContain('"buy milk"');
  expect(await say(errand, "cancel buy milk")).toContain("No language model is connected");
  expect(await say(errand, "lst")).toBe("I do not know `lst`. Did you mean `list`?");
});

test("[ASSIST5] typed commands are done without the model even when one is connected", async () => {
  const fake = await startFakeModel();
  closers.push(() => fake.close());
  const errand = await open({ models: openaiModels({ baseUrl: fake.baseUrl }) });
  expect(await say(errand, "enqueue hello")).toContain('"hello" to your queue');
  expect(await say(errand, "list")).toContain("1. `");
  expect(await say(errand, "cancel last")).toContain("Cancelled");
  expect(await say(errand, "work")).toContain("Nothing queued");
  expect(await say(errand, "help")).toContain(
    "The model fake-large at http://127.0.0.1:9/v1 is connected.",
  );
  expect(fake.log()).toEqual([]);
});

test("[ASSIST6] without a model it says so, what it can do, and how to connect one", async () => {
  const errand = await open();
  for (const message of ["hello", "what is the capital of France?", "are you an AI?"]) {
    const answer = await say(errand, message);
    expect(answer).toContain("No language model is connected");
    for (const words of [
      "`enqueue <text>`",
      "LM Studio",
      "1234",
      "Ollama",
      "11434",
      "ERRAND_MODEL_BASE_URL",
    ]) {
      expect(answer).toContain(words);
    }
  }
});

test("[ASSIST7] an answer of the rules is streamed in pieces that make up the whole", async () => {
  const errand = await open();
  const taskId = await begin(errand, "help");
  const text = await reply(errand, taskId);
  const pieces = (await errand.engine.kernel.readStream(`${taskId}/1`, 0)).filter(
    ({ t }) => t === "text",
  );
  expect(pieces.length).toBeGreaterThan(2);
  expect(pieces.length).toBeLessThanOrEqual(8);
  expect(pieces.map((piece) => (piece.t === "text" ? piece.d : "")).join("")).toBe(text);
});

test("[ASSIST8] 'this job' is the user's last own text that was no command", async () => {
  const errand = await open();
  expect(await say(errand, "Add this job to the queue")).toContain("What should I add?");
  await say(errand, "buy oat milk");
  await say(errand, "list");
  await say(errand, "what jobs are in the list");
  expect(await say(errand, "add this job")).toContain('"buy oat milk"');
  // Another chat has a memory of its own.
  expect(await say(errand, "add this job", { chatId: "chat-2" })).toContain("What should I add?");
  expect((await tasksOf(errand, "note")).map(({ input }) => input)).toEqual([
    { text: "buy oat milk" },
  ]);
});

test("[ASSIST9] work starts one note at a time, work auto all of them until work manual", async () => {
  const release: (() => void)[] = [];
  const models = scriptedModels(async (_call, signal) => {
    await Promise.race([silence(signal), new Promise<void>((resolve) => release.push(resolve))]);
    return "finished";
  });
  const errand = await open({ models });
  for (const text of ["one", "two", "three"]) await say(errand, `enqueue ${text}`);
  const [one, two, three] = (await tasksOf(errand, "note")).map(({ id }) => id);
  expect(await say(errand, "work")).toContain('"one"');
  await models.called(1);
  expect(await say(errand, "work")).toMatch(/^Already working on `\w+` "one"\.$/);
  expect(await say(errand, "work auto")).toContain("Jobs now run by themselves");
  expect((await errand.engine.reader.task(two!, null)).view.reason?.code).toBe("held");
  release[0]!();
  await errand.engine.ended(one!);
  await models.called(2);
  expect(await say(errand, "work manual")).toContain("The one that is running goes on to its end.");
  release[1]!();
  expect(await errand.engine.ended(two!)).toMatchObject({
    status: "completed",
    output: { text: "finished" },
  });
  expect(await say(errand, "list")).toMatch(/^Queued \(1\):\n1\. `\w+` "three"/);
  expect((await errand.engine.reader.task(three!, null)).view.startedAt).toBeNull();
});

test("[ASSIST10] a note that fails or is cancelled lets the next one go", async () => {
  const errand = await open({ models: scriptedModels((_call, signal) => silence(signal)) });
  await say(errand, "enqueue one");
  await say(errand, "enqueue two");
  await say(errand, "work auto");
  const [one, two] = (await tasksOf(errand, "note")).map(({ id }) => id);
  await until(errand, one!, ({ status }) => status === "running");
  const shown = idIn(await say(errand, "work"));
  expect(await say(errand, `cancel ${shown}`)).toBe(`Cancelled \`${shown}\` "one".`);
  await until(errand, two!, ({ status }) => status === "running");
  expect(await say(errand, `status ${shown}`)).toContain('"one": cancelled, just now.');
  expect(await say(errand, "cancel last")).toContain('"two"');
  expect(await say(errand, "cancel last")).toBe("You have no open job.");
});

test("[LANE5] a note that is tried again waits in the line behind the others", async () => {
  const errand = await open();
  const first = idIn(await say(errand, "enqueue one"));
  await say(errand, `cancel ${first}`);
  const second = idIn(await say(errand, "enqueue two"));
  const one = (await tasksOf(errand, "note")).find(({ id }) => id.toLowerCase().endsWith(first));
  await errand.engine.retry(one!.id);
  expect(await say(errand, "list")).toMatch(
    new RegExp(`^Queued \\(2\\):\n1\\. \`${second}\` .*\n2\\. \`${first}\` `),
  );
  expect(await say(errand, "work")).toContain(`Working on \`${second}\``);
  await until(errand, one!.id, ({ status }) => status === "queued");
  await say(errand, "work auto");
  await until(errand, one!.id, ({ status }) => status === "completed");
});

test("[ASSIST11] ids are looked up among the user's own tasks only", async () => {
  const errand = await open();
  const id = idIn(await say(errand, "enqueue secret plan"));
  const [note] = await tasksOf(errand, "note");
  const bob = { userId: "bob" };
  for (const command of ["status", "why", "cancel"]) {
    for (const meant of [id, note!.id]) {
      expect(await say(errand, `${command} ${meant}`, bob)).toContain(
        `You have no task \`${meant}\``,
      );
    }
  }
  expect(await say(errand, "list", bob)).toContain("Your queue is empty");
  expect(await say(errand, "work", bob)).toContain("Nothing queued");
  expect(await say(errand, "status last", bob)).toBe("You have no jobs yet.");
  expect((await errand.engine.reader.task(note!.id, "ann")).view.status).toBe("queued");
});

test("[ASSIST12] what was enqueued and how it stands survives a crash", async () => {
  const before = await openErrand();
  await say(before, "enqueue one");
  await say(before, "enqueue two");
  await say(before, "work");
  const [one] = await tasksOf(before, "note");
  await before.engine.ended(one!.id);
  const errand = await open({ store: await before.crash() });
  const list = await say(errand, "list");
  expect(list).toMatch(
    /^Queued \(1\):\n1\. `\w+` "two"[^]*Finished \(last 1\):\n- `\w+` "one", done/,
  );
  expect(await say(errand, "work")).toContain("Working on");
});

test("[ASSIST13] a turn that is lost between an effect and its record does not repeat the effect", async () => {
  const { promise: added, resolve } = Promise.withResolvers<void>();
  const before = await openErrand({
    desk: (desk) => ({
      ...desk,
      async addNote(note) {
        await desk.addNote(note);
        resolve();
        return await new Promise<never>(() => {});
      },
    }),
  });
  await say(before, "work auto");
  const turn = await begin(before, "enqueue hello");
  await added;
  const [note] = await tasksOf(before, "note");
  // It has even run to its end before the turn goes on.
  await before.engine.ended(note!.id);
  const errand = await open({ store: await before.crash() });
  expect(await reply(errand, turn)).toContain('"hello" to your queue');
  expect(await tasksOf(errand, "note")).toHaveLength(1);
  expect(await say(errand, "work")).toContain("Nothing queued");
});

test("[ASSIST13] a crash between choosing and recording a start starts that note and no other", async () => {
  const { promise: started, resolve } = Promise.withResolvers<void>();
  const before = await openErrand({
    desk: (desk) => ({
      ...desk,
      async startNote(userId, taskId) {
        await desk.startNote(userId, taskId);
        resolve();
        return await new Promise<never>(() => {});
      },
    }),
  });
  await say(before, "enqueue one");
  await say(before, "enqueue two");
  const [one, two] = (await tasksOf(before, "note")).map(({ id }) => id);
  const turn = await begin(before, "work");
  await started;
  await before.engine.ended(one!);
  const errand = await open({ store: await before.crash() });
  expect(await reply(errand, turn)).toMatch(/^Working on `\w+` "one"/);
  expect((await errand.engine.reader.task(two!, null)).view.status).toBe("queued");
});

test("[ASSIST14] status and why say what the log says", async () => {
  const models = scriptedModels((_call, signal) => silence(signal));
  const errand = await open({ models, slots: 1 });
  await say(errand, "enqueue one");
  await say(errand, "work");
  await models.called(1);
  const { taskId } = await errand.engine.submit(
    "generate",
    { prompt: "wait for it" },
    { userId: "ann" },
  );
  await until(errand, taskId, ({ status }) => status === "waiting");
  expect(await say(errand, "status")).toMatch(
    /^0 jobs queued, 2 in progress\.\n- `\w+` "one", running/,
  );
  const why = await say(errand, "why");
  expect(why).toContain('"one": The task is running.');
  expect(why).toContain(
    '"wait for it" (generate): The task is next in line for queue "model:fake": 1 of 1 slots are taken',
  );
  expect(await say(errand, "status last")).toContain(
    '"wait for it" (generate): waits for a free slot',
  );
});

test("[ASSIST15] what cannot be done is said in words: a job too long, a full queue, an ended job", async () => {
  const errand = await open({
    desk: (desk) => ({
      ...desk,
      addNote: (note) =>
        note.text === "one too many"
          ? Promise.reject(new ErrandError("queue_full", 'lane "notes" holds 10000 tasks'))
          : desk.addNote(note),
    }),
  });
  expect(await say(errand, `enqueue ${"x".repeat(20_001)}`)).toContain(
    "the most a job takes is 20000",
  );
  expect(await say(errand, "enqueue one too many")).toContain('lane "notes" holds 10000 tasks');
  expect(await tasksOf(errand, "note")).toEqual([]);
  const id = idIn(await say(errand, "enqueue x"));
  await say(errand, "work");
  const [note] = await tasksOf(errand, "note");
  await errand.engine.ended(note!.id);
  expect(await say(errand, `cancel ${id}`)).toBe(
    `\`${id}\` "x" cannot be cancelled: it is completed already.`,
  );
  expect(await say(errand, "cancel 99zzzz")).toContain("You have no task `99zzzz`");
});
