import { afterEach, expect, test } from "vitest";

import { openaiModels } from "../../../src/adapters/openai/openai-models.ts";
import { ModelError, type ModelCall } from "../../../src/ports/models.ts";
import { startFakeModel, type FakeModel } from "../../fake-model/index.ts";
import {
  openErrand,
  streamText,
  tasksOf,
  until,
  type OpenOptions,
  type Opened,
} from "./open-errand.ts";
import {
  asked,
  scriptedModels,
  silence,
  type Script,
  type ScriptedModels,
} from "./scripted-models.ts";

const closers: (() => Promise<void>)[] = [];
const roles = { planner: "big", writer: "big", worker: "small" };
const ann = { userId: "ann" };

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(options: OpenOptions): Promise<Opened> {
  const opened = await openErrand({ roles, ...options });
  closers.push(() => opened.close());
  return opened;
}

async function fakeModel(): Promise<FakeModel> {
  const fake = await startFakeModel();
  closers.push(() => fake.close());
  return fake;
}

interface Part {
  readonly title: string;
  readonly prompt: string;
  readonly worker?: string;
}

const parts: readonly Part[] = ["a", "b", "c"].map((name) => ({
  title: `Part ${name}`,
  prompt: `do ${name}`,
}));

/** Plans `parts`, works as `worker` says, writes "the whole". */
function planned(plan: readonly Part[], worker: Script): ScriptedModels {
  return scriptedModels((call, signal) => {
    if (call.jsonSchema !== undefined) return JSON.stringify({ subtasks: plan });
    return call.model === "big" ? "the|whole" : worker(call, signal);
  });
}

function callsOf(models: ScriptedModels, model: string): readonly ModelCall[] {
  return models.calls.filter((call) => call.model === model);
}

test("[ORCH1] a big model plans, small ones work at the same time, the big one writes", async () => {
  const fake = await fakeModel();
  const errand = await open({ models: openaiModels({ baseUrl: fake.baseUrl }) });
  const { taskId } = await errand.engine.submit(
    "orchestrate",
    { prompt: "compare queues [[subtasks 5]]" },
    ann,
  );
  const end = await errand.engine.ended(taskId);
  expect(end).toMatchObject({ status: "completed", output: { missing: [] } });
  const { view } = await errand.engine.reader.task(taskId, null);
  expect(view.output).toMatchObject({ text: await streamText(errand, view) });
  expect(fake.log().map(({ model }) => model)).toEqual([
    "big",
    ...Array.from({ length: 5 }, () => "small"),
    "big",
  ]);
  const workers = await tasksOf(errand, "orchestrate.worker");
  expect(view.output).toMatchObject({
    subtasks: workers.map(({ id, title, output }) => ({
      taskId: id,
      title,
      status: "completed",
      output: (output as { text: string }).text,
      error: null,
    })),
  });
  expect(workers.every(({ parentId }) => parentId === taskId)).toBe(true);
});

test("[ORCH1] the workers work at the same time", async () => {
  const models: ScriptedModels = planned(parts, async () => {
    // Each answers only when all of them have been asked: the planner and three workers.
    await models.called(4);
    return "done";
  });
  const errand = await open({ models });
  expect(await errand.engine.run("orchestrate", { prompt: "all of it" }, ann)).toMatchObject({
    status: "completed",
    output: { missing: [] },
  });
});

test("[ORCH2] it says how far it is: planning, n of m, writing", async () => {
  const models = planned(parts, (call) => `${asked(call)} done`);
  const errand = await open({ models });
  const { taskId } = await errand.engine.submit("orchestrate", { prompt: "all of it" }, ann);
  await errand.engine.ended(taskId);
  const { events } = await errand.engine.reader.log(taskId, "ann", 0, 1_000);
  const reports = events
    .filter(({ type }) => type === "task.progressed")
    .map(
      ({ payload }) =>
        (payload as { progress: { done?: number; total?: number; message: string } }).progress,
    );
  expect(reports.map(({ message, done, total }) => [message, done, total])).toEqual([
    ["planning", undefined, undefined],
    ["subtasks", 0, 3],
    ["subtasks", 1, 3],
    ["subtasks", 2, 3],
    ["subtasks", 3, 3],
    ["writing", 3, 3],
  ]);
  expect(reports.at(-1)).toMatchObject({
    data: { subtasks: parts.map(({ title }) => ({ title, status: "completed" })) },
  });
});

test("[ORCH3] a part that fails is named to the writer and in the output", async () => {
  const models = planned(parts, (call) => {
    if (asked(call) === "do b") throw new ModelError("rejected", "not with me");
    return `${asked(call)} done`;
  });
  const errand = await open({ models });
  const end = await errand.engine.run("orchestrate", { prompt: "all of it" }, ann);
  expect(end).toMatchObject({
    status: "completed",
    output: {
      text: "thewhole",
      missing: ["Part b"],
      subtasks: [
        { title: "Part a", status: "completed", output: "do a done", error: null },
        {
          title: "Part b",
          status: "failed",
          output: null,
          error: { code: "model_rejected", message: "not with me" },
        },
        { title: "Part c", status: "completed", output: "do c done", error: null },
      ],
    },
  });
  const written = asked(models.calls.at(-1)!);
  expect(written).toContain("all of it");
  expect(written).toContain('<result part="2">\nPart c\n\ndo c done\n</result>');
  expect(written).toContain(
    "Missing, because their workers failed:\n- Part b (failed: not with me)",
  );
});

test("[ORCH4] it fails when all parts fail, and a retry does them again", async () => {
  let broken = true;
  const models = planned(parts, () => {
    if (broken) throw new ModelError("rejected", "out of order");
    return "fine";
  });
  const errand = await open({ models });
  const { taskId } = await errand.engine.submit("orchestrate", { prompt: "all of it" }, ann);
  expect(await errand.engine.ended(taskId)).toMatchObject({
    status: "failed",
    error: { code: "child_failed", message: "all 3 subtasks failed; the first one: out of order" },
  });
  broken = false;
  const before = callsOf(models, "big").length;
  await errand.engine.retry(taskId);
  await until(errand, taskId, ({ status }) => status === "completed");
  // The plan stands; only the workers and the writer were asked.
  expect(callsOf(models, "big").length - before).toBe(1);
  expect(callsOf(models, "small")).toHaveLength(6);
});

test("[ORCH5] cancelling it cancels its workers and closes their connections", async () => {
  const fake = await fakeModel();
  const errand = await open({ models: openaiModels({ baseUrl: fake.baseUrl }) });
  const stuck = ["a", "b", "c", "d"].map((title) => ({
    title,
    prompt: `${title} [[pace ttftMs=600000]]`,
  }));
  const prompt = `[[say ${JSON.stringify({ subtasks: stuck })}]]`;
  const { taskId } = await errand.engine.submit("orchestrate", { prompt }, ann);
  const workers = [2, 3, 4, 5];
  for (const number of workers) {
    await fake.find((one) => one.number === number && one.startedAtMs !== undefined);
  }
  await errand.engine.cancel(taskId);
  for (const worker of await tasksOf(errand, "orchestrate.worker")) {
    expect(await errand.engine.ended(worker.id)).toMatchObject({ status: "cancelled" });
  }
  for (const number of workers) {
    const record = await fake.find((one) => one.number === number && one.endedAtMs !== undefined);
    expect(record.aborted).toBe(true);
  }
  expect(fake.log()).toHaveLength(5);
});

test("[ORCH6] a crash in the middle repeats no finished model call", async () => {
  const first = planned(parts, (call, signal) => {
    if (asked(call) === "do c") return silence(signal);
    return `${asked(call)} done`;
  });
  const before = await openErrand({ roles, models: first });
  const { taskId } = await before.engine.submit("orchestrate", { prompt: "all of it" }, ann);
  await until(before, taskId, ({ progress }) => progress?.done === 2);
  await first.called(4);
  const second = planned(parts, (call) => `${asked(call)} again`);
  const errand = await open({ store: await before.crash(), models: second });
  const end = await errand.engine.ended(taskId);
  expect(end).toMatchObject({
    status: "completed",
    output: {
      text: "thewhole",
      missing: [],
      subtasks: [{ output: "do a done" }, { output: "do b done" }, { output: "do c again" }],
    },
  });
  expect(second.calls.map(asked).map((prompt) => prompt.split("\n")[0])).toEqual([
    "do c",
    "The request:",
  ]);
  expect((await tasksOf(errand, "orchestrate.worker")).map(({ status }) => status)).toEqual(
    Array.from({ length: 3 }, () => "completed"),
  );
});

test("[ORCH6] a crash before, between and after every model call ends with the same output", async () => {
  for (let crashAt = 1; crashAt <= 5; crashAt += 1) {
    let calls = 0;
    const { promise: reached, resolve } = Promise.withResolvers<void>();
    const first = scriptedModels((call, signal) => {
      calls += 1;
      if (calls < crashAt)
        return call.jsonSchema === undefined ? "x" : JSON.stringify({ subtasks: parts });
      resolve();
      return silence(signal);
    });
    const before = await openErrand({ roles, models: first, slots: 1 });
    const { taskId } = await before.engine.submit("orchestrate", { prompt: "all of it" }, ann);
    await reached;
    const second = scriptedModels((call) =>
      call.jsonSchema === undefined ? "x" : JSON.stringify({ subtasks: parts }),
    );
    const errand = await openErrand({
      roles,
      models: second,
      slots: 1,
      store: await before.crash(),
    });
    expect(await errand.engine.ended(taskId)).toMatchObject({
      status: "completed",
      output: { text: "x", missing: [] },
    });
    expect(second.calls).toHaveLength(5 - (crashAt - 1));
    await errand.close();
  }
});

test("[ORCH7] a plan that is none is sent back with the reason, three times at most", async () => {
  const answers = [
    "I would rather not.",
    '{"subtasks":[{"title":"x"}]}',
    '```json\n{"subtasks":[{"title":"A","prompt":"do a"}]}\n```',
  ];
  const models = scriptedModels((call) =>
    call.jsonSchema === undefined ? "fine" : (answers.shift() ?? "no"),
  );
  const errand = await open({ models });
  expect(await errand.engine.run("orchestrate", { prompt: "go" }, ann)).toMatchObject({
    status: "completed",
    output: { subtasks: [{ title: "A", output: "fine" }] },
  });
  const sent = callsOf(models, "big").map(asked);
  expect(sent[1]).toContain("That is not a valid plan: it holds no JSON object.");
  expect(sent[2]).toContain('That is not a valid plan: subtask 1: "prompt" must be text.');
  expect(await errand.engine.run("orchestrate", { prompt: "go on" }, ann)).toMatchObject({
    status: "failed",
    error: {
      code: "fatal",
      message: "the planner gave no valid plan in 3 tries: it holds no JSON object",
    },
  });
});

test("[ORCH8] the planner is held to the number of subtasks, at most 16", async () => {
  const many = Array.from({ length: 9 }, (_, index) => ({ title: `T${index}`, prompt: "x" }));
  const models = planned(many, () => "fine");
  const errand = await open({ models });
  expect(await errand.engine.run("orchestrate", { prompt: "go" }, ann)).toMatchObject({
    error: { message: expect.stringContaining("it has 9 subtasks, the most is 8") },
  });
  const end = await errand.engine.run("orchestrate", { prompt: "go", subtasksMax: 9 }, ann);
  expect(end).toMatchObject({ status: "completed" });
  await expect(
    errand.engine.submit("orchestrate", { prompt: "go", subtasksMax: 17 }),
  ).rejects.toMatchObject({
    code: "invalid_request",
    message: "input.subtasksMax: must be a whole number of 1..16, got 17",
  });
});

test("[ORCH9] specialised workers go by name, only those that were offered", async () => {
  const plan = [
    { title: "Code", prompt: "write it", worker: "coder" },
    { title: "Rest", prompt: "the rest", worker: "worker" },
  ];
  const models = planned(plan, (call) => `by ${call.model}`);
  const errand = await open({ models, roles: { ...roles, coder: "coder-7b" } });
  expect(await errand.engine.run("orchestrate", { prompt: "go" }, ann)).toMatchObject({
    status: "completed",
    output: { subtasks: [{ output: "by coder-7b" }, { output: "by small" }] },
  });
  expect(models.calls[0]!.messages[0]!.content).toContain(
    "Each subtask names its worker: coder, or worker for anything else.",
  );
  expect(await errand.engine.run("orchestrate", { prompt: "go", workers: [] }, ann)).toMatchObject({
    status: "failed",
    error: { message: expect.stringContaining('"worker" must be one of worker') },
  });
});

test("[ORCH10] an endpoint without JSON schemas is asked without one", async () => {
  const models = scriptedModels((call) => {
    if (call.jsonSchema !== undefined)
      throw new ModelError("rejected", "response_format is not supported");
    return asked(call) === "go" ? `Sure! {"subtasks":[{"title":"A","prompt":"do a"}]}` : "fine";
  });
  const errand = await open({ models });
  expect(await errand.engine.run("orchestrate", { prompt: "go" }, ann)).toMatchObject({
    status: "completed",
    output: { text: "fine", subtasks: [{ title: "A" }] },
  });
});

test("[ORCH11] results that are too long for the writer are cut to a fair share, and it says so", async () => {
  const models = scriptedModels((call) => {
    if (call.jsonSchema !== undefined) return JSON.stringify({ subtasks: parts });
    if (call.model === "small") return "z".repeat(50_000);
    if (asked(call).length > 30_000) throw new ModelError("context_overflow", "too long");
    return "short";
  });
  const errand = await open({ models });
  const end = await errand.engine.run("orchestrate", { prompt: "go" }, ann);
  expect(end).toMatchObject({ status: "completed", output: { text: "short" } });
  expect(asked(models.calls.at(-1)!)).toContain("[43334 more characters were left out]");
  const { subtasks } = end.output as { subtasks: { output: string }[] };
  expect(subtasks[0]!.output).toContain("[10000 more characters were left out]");
});
