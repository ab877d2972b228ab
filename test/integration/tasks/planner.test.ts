import { afterEach, expect, test } from "vitest";

import { messageText } from "../../../src/core/session/state.ts";
import { openErrand, say, tasksOf, type Opened } from "./open-errand.ts";
import { scriptedModels } from "./scripted-models.ts";

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(options: Parameters<typeof openErrand>[0] = {}): Promise<Opened> {
  const opened = await openErrand(options);
  closers.push(() => opened.close());
  return opened;
}

/** An engine whose model answers with these texts, one after the other. */
async function openWith(...texts: string[]): ReturnType<typeof open> {
  const left = [...texts];
  return await open({ models: scriptedModels(() => left.shift() ?? "well") });
}

async function listed({ engine }: Opened): Promise<string[]> {
  const { todos } = await engine.todos.list("ann");
  return todos.map(
    ({ text, status, dueDay }) => `${text}: ${status}${dueDay === null ? "" : ` ${dueDay}`}`,
  );
}

const run = (errand: Opened, type: string, input: unknown) =>
  errand.engine.run(type, input, { userId: "ann" });

test("[REMIND4] reminders are set in words, listed, put off and removed in the chat", async () => {
  const errand = await open();
  await errand.engine.reminders.setZone("ann", "Europe/Berlin");
  expect(await say(errand, "remind me to call Ann on 2030-01-02 at 17:30")).toBe(
    "I will remind you on 2030-01-02 at 17:30: call Ann",
  );
  const { reminders } = await errand.engine.reminders.list("ann");
  expect(reminders).toMatchObject([
    {
      text: "call Ann",
      nextAtMs: Date.parse("2030-01-02T16:30:00Z"),
      timeZone: "Europe/Berlin",
      sessionId: "chat-1",
    },
  ]);
  expect(await say(errand, "reminders")).toContain("1. call Ann (on 2030-01-02 at 17:30)");
  expect(await say(errand, "snooze 1 until 2030-01-03 at 8")).toContain("on 2030-01-03 at 08:00");
  const before = (await errand.engine.reminders.list("ann")).reminders;
  expect(await say(errand, "snooze 1 until 2020-01-01")).toContain("That time is over.");
  expect(await say(errand, "snooze 1 every day at 9")).toContain("Until when?");
  expect((await errand.engine.reminders.list("ann")).reminders).toEqual(before);
  expect(await say(errand, "drop reminder 1")).toBe("Removed the reminder: call Ann");
  expect(await say(errand, "drop reminder 1")).toContain("There is no reminder number 1.");
  expect(await say(errand, "remind me to call Ann")).toContain("When shall I remind you?");
  expect(await say(errand, "remind me to call Ann on 2020-01-01")).toContain("That time is over.");
});

test("[REMIND4] the task `remind` says what it set, and fails in words where it cannot tell when", async () => {
  const errand = await open();
  const set = await run(errand, "remind", { text: "water the plants in 2 days" });
  expect(set).toMatchObject({
    status: "completed",
    output: { text: expect.stringContaining("water the plants") },
  });
  const unclear = await run(errand, "remind", { text: "water the plants when it is dry" });
  expect(unclear).toMatchObject({
    status: "failed",
    error: { message: expect.stringContaining("connect a model") },
  });
});

test("[REMIND4] what rules do not understand a model reads, and its answer is checked", async () => {
  const errand = await openWith(
    '{"text":"x","day":"soon","time":"9"}',
    '```json\n{"text":"water the plants","day":"2030-05-01","time":"07:15"}\n```',
  );
  await errand.engine.reminders.setZone("ann", "UTC");
  const set = await run(errand, "remind", { text: "water the plants on labour day before work" });
  expect(set.output).toEqual({
    text: "I will remind you on 2030-05-01 at 07:15: water the plants",
  });
});

test("[EXTRACT1] without a model plain forms are found, proposed with their message, and taken back", async () => {
  const errand = await open();
  await say(errand, "Hello. I need to send the report by 2030-01-05. The weather is nice.");
  await say(errand, "Don't forget to buy milk!");
  const answer = await say(errand, "extract");
  expect(answer).toContain("I found 2 things to do:");
  expect(await listed(errand)).toEqual([
    "send the report: proposed 2030-01-05",
    "buy milk: proposed",
  ]);
  const { todos } = await errand.engine.todos.list("ann");
  const source = await errand.engine.sessions.read("ann", "chat-1", ({ messages }) =>
    messageText(messages.get(todos[1]?.source?.messageId ?? "") ?? { parts: [] }),
  );
  expect(source).toBe("Don't forget to buy milk!");
  expect(await say(errand, "extract")).toContain("I found nothing to do");
  expect(await say(errand, "accept 2")).toBe('On your list: "buy milk".');
  await say(errand, "done 2");
  expect(await say(errand, "undo")).toBe('Taken back: "send the report".');
  expect(await listed(errand)).toEqual(["buy milk: done"]);
});

test("[EXTRACT1] a model's answer is checked: a wrong one goes back with the reason", async () => {
  const errand = await openWith(
    "hello there",
    '{"todos":[{"text":"buy milk","message":7,"dueDay":null}]}',
    '{"todos":[{"text":"buy milk","message":1,"dueDay":"2030-02-01"}]}',
  );
  await say(errand, "we are out of milk, what a pity");
  const end = await run(errand, "extract_todos", { sessionId: "chat-1" });
  expect(end).toMatchObject({ status: "completed", output: { by: "model" } });
  expect(await listed(errand)).toEqual(["buy milk: proposed 2030-02-01"]);
});

test("[SUMMARY1] without a model a summary is a list that says so; the messages stay", async () => {
  const errand = await open();
  await say(errand, "I like tea");
  await say(errand, "and cake");
  const answer = await say(errand, "summary");
  expect(answer).toContain(
    "No language model is connected, so this only lists what you said:\n- I like tea\n- and cake",
  );
  const state = await errand.engine.sessions.read("ann", "chat-1", ({ summary, messages }) => ({
    summary,
    count: messages.size,
  }));
  expect(state).toMatchObject({ summary: { by: "rules", messages: 4 }, count: 6 });
});

test("[SUMMARY2] above the limit old turns become a summary, which the model is told instead of them", async () => {
  const models = scriptedModels(() => "ok");
  const errand = await open({ models, memoryCharsMax: 400 });
  for (const n of [1, 2, 3, 4]) await say(errand, `fact ${n}: ${"word ".repeat(30)}`);
  await say(errand, "long now");
  const summaries = await tasksOf(errand, "summary");
  expect(summaries.length).toBeGreaterThan(0);
  for (const { id } of summaries)
    expect(await errand.engine.ended(id)).toMatchObject({ status: "completed" });
  const state = await errand.engine.sessions.read("ann", "chat-1", ({ summary, messages }) => ({
    summary,
    count: messages.size,
  }));
  expect(state?.summary).toMatchObject({ by: "model" });
  expect(state?.count).toBe(10);
  await say(errand, "and now");
  const last = models.calls.at(-1);
  expect(last?.messages[0]?.content).toContain("What was said before, in short");
  const remembered = last?.messages.slice(1) ?? [];
  const chars = remembered.reduce((sum, { content }) => sum + content.length, 0);
  expect(chars).toBeLessThan(400 + 100);
});

test("[PLAN1] without a model the day goes by days, then by the list; it dates what it takes up", async () => {
  const errand = await open();
  await errand.engine.reminders.setZone("ann", "UTC");
  const today = new Date(errand.engine.nowMs()).toISOString().slice(0, 10);
  const drafts = [
    { text: "some day" },
    { text: "far", dueDay: "2090-01-01" },
    { text: "due", dueDay: today },
    { text: "late", dueDay: "2020-01-01" },
  ];
  await errand.engine.todos.add("ann", drafts);
  const answer = await say(errand, "plan");
  expect(answer).toContain(
    `Plan for ${today} (UTC)\n\n1. late (overdue since 2020-01-01)\n2. due\n3. some day`,
  );
  expect(await listed(errand)).toEqual([
    "late: open 2020-01-01",
    `due: open ${today}`,
    `some day: open ${today}`,
    "far: open 2090-01-01",
  ]);
});

test("[PLAN1] a model's plan is checked, dates and proposes, and is said in the planner's chat", async () => {
  const errand = await openWith(
    '{"order":[9],"later":[],"proposals":[]}',
    '{"order":[2],"later":[{"todo":1,"day":"2090-01-01"}],"proposals":["stretch"]}',
  );
  await errand.engine.reminders.setZone("ann", "Asia/Tokyo");
  await errand.engine.todos.add("ann", [{ text: "a" }, { text: "b" }]);
  const end = await run(errand, "daily_plan", {});
  const day = new Intl.DateTimeFormat("sv", { timeZone: "Asia/Tokyo", dateStyle: "short" }).format(
    errand.engine.nowMs(),
  );
  expect(end).toMatchObject({
    status: "completed",
    output: { by: "model", timeZone: "Asia/Tokyo", day },
  });
  expect(await listed(errand)).toEqual([
    `b: open ${day}`,
    "a: open 2090-01-01",
    `stretch: proposed ${day}`,
  ]);
  const told = await errand.engine.sessions.read("ann", "planner", ({ messages, title, plan }) => ({
    title,
    texts: [...messages.values()].map(messageText),
    plan: plan?.day,
  }));
  expect(told).toMatchObject({
    title: "Reminders and plans",
    plan: day,
    texts: [expect.stringContaining("1. b")],
  });
});
