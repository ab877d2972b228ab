import { afterEach, expect, test } from "vitest";

import { openaiModels } from "../../../src/adapters/openai/openai-models.ts";
import { startFakeModel } from "../../fake-model/index.ts";
import { openErrand, say, type Opened } from "./open-errand.ts";

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(options: Parameters<typeof openErrand>[0] = {}): Promise<Opened> {
  const opened = await openErrand(options);
  closers.push(() => opened.close());
  return opened;
}

async function listed({ engine }: Opened): Promise<string[]> {
  const { todos } = await engine.todos.list("ann");
  return todos.map(({ text, status }) => `${text}: ${status}`);
}

test("[TODO7] todos in typed commands, without a model, from any chat", async () => {
  const errand = await open();
  expect(await say(errand, "todos")).toContain("No todos yet.");
  expect(await say(errand, "todo buy milk")).toBe(
    'Added "buy milk" to your todos. Type `todos` to see them.',
  );
  await say(errand, "todo: call the bank", { chatId: "chat-2" });
  const list = await say(errand, "todos");
  expect(list).toContain("Todos (2 open):\n\n1. [ ] buy milk\n2. [ ] call the bank");
  expect(await say(errand, "done 2")).toBe('Done: "call the bank".');
  expect(await say(errand, "todos")).toContain("1. [ ] buy milk\n2. [x] call the bank");
  expect(await say(errand, "undone last")).toBe('Open again: "call the bank".');
  expect(await say(errand, 'drop "milk"')).toBe('Removed: "buy milk".');
  expect(await say(errand, "done 7")).toBe("There is no todo number 7. `todos` shows them.");
  expect(await say(errand, 'done "what"')).toContain('None of your todos says "what"');
  expect(await listed(errand)).toEqual(["call the bank: open"]);
});

test("[TODO7] todos in plain English, without a model", async () => {
  const errand = await open();
  expect(await say(errand, "please add 'buy milk' to my todo list")).toContain('Added "buy milk"');
  await say(errand, "Add a to-do to water the plants");
  expect(await say(errand, "what's on my todo list?")).toContain("2. [ ] water the plants");
  expect(await say(errand, "mark todo 1 as done")).toBe('Done: "buy milk".');
  expect(await say(errand, "delete todo 1")).toBe('Removed: "water the plants".');
  expect(await listed(errand)).toEqual(["buy milk: done"]);
});

test("[TODO1] a todo that was said in a chat keeps the message it came from", async () => {
  const errand = await open();
  await say(errand, "todo buy milk");
  const { todos } = await errand.engine.todos.list("ann");
  const source = todos[0]?.source;
  const text = await errand.engine.sessions.read("ann", source?.sessionId ?? "", (session) =>
    session.messages.get(source?.messageId ?? ""),
  );
  expect(text).toMatchObject({ role: "user", parts: [{ text: "todo buy milk" }] });
});

test("[TODO3,TODO7] what was made last is taken back by `undo`, but for what is done", async () => {
  const errand = await open();
  await say(errand, "todo a");
  const operationId = "task_01k7x5q2m0f3v8k2n6r4t9w1ya";
  const drafts = ["b", "c", "d"].map((text) => ({ text }));
  await errand.engine.todos.add("ann", drafts, { operationId, proposed: true });
  expect(await say(errand, "todos")).toContain("3 proposed, marked [?]");
  expect(await say(errand, "accept 2")).toBe('On your list: "b".');
  await say(errand, "done 2");
  expect(await say(errand, "undo")).toBe('Taken back: "c", "d".');
  expect(await listed(errand)).toEqual(["a: open", "b: done"]);
  expect(await say(errand, "dismiss")).toContain("None of your todos is proposed");
});

test("[TODO7] a model has the todos as tools, and proposes nothing that could not be typed", async () => {
  const fake = await startFakeModel();
  closers.push(() => fake.close());
  const errand = await open({ models: openaiModels({ baseUrl: fake.baseUrl }) });
  expect(await say(errand, 'remember the milk [[tool todo {"text":"buy milk"}]]')).toContain(
    'The tool todo answered: Added "buy milk"',
  );
  expect(await say(errand, "what do I have to do? [[tool todos {}]]")).toContain("1. [ ] buy milk");
  expect(await say(errand, 'got it [[tool done {"todo":"milk"}]]')).toContain('Done: "buy milk"');
  expect(await say(errand, "[[tool done {}]]")).toContain("which todo is meant?");
  expect(await listed(errand)).toEqual(["buy milk: done"]);
});
