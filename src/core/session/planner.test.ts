import { expect, test } from "vitest";

import { given, START_MS } from "../../../test/given.ts";
import { sessionScope } from "../scope.ts";
import { sessionDecider, type SessionCommand } from "./decider.ts";
import type { ChatMessage, SessionEvent, SessionState } from "./state.ts";

const PLANNER = sessionScope("ann", "planner");

type Given = ReturnType<typeof given<SessionState, SessionCommand, SessionEvent>>;

function planner(...facts: readonly SessionEvent[]): Given {
  return given(sessionDecider, PLANNER, facts);
}

const message = (id: string, role: ChatMessage["role"] = "user"): ChatMessage => ({
  id,
  role,
  parts: [{ type: "text", text: id }],
  taskId: null,
  status: "completed",
  error: null,
  createdAtMs: START_MS,
});
const said = (id: string): SessionEvent => ({ type: "message.added", message: message(id) });
const parts = [{ type: "text", text: "hello" }] as const;
const todo = (n: number): SessionEvent => ({
  type: "todo.added",
  todo: { id: `todo_${n}`, text: `thing ${n}`, dueDay: null, source: null, operationId: null },
  eventId: `add ${n}`,
});

test("[REMIND1] what nobody asked for is said once, and gives a session without one a title", () => {
  const tell: SessionCommand = { type: "tell", messageId: "m1", parts, title: "Reminders" };
  const told = planner().when(tell);
  told.then(
    { type: "message.added", message: { ...message("m1", "assistant"), parts } },
    { type: "session.renamed", title: "Reminders" },
  );
  told.rows({ title: "Reminders" }).again().nothing();
  const named = planner({ type: "session.renamed", title: "Mine" }, said("a")).when(tell);
  expect(named.state.title).toBe("Mine");
});

test("[SUMMARY1] a summary is stored beside the messages, once for its task, and no older one after it", () => {
  const summary = {
    text: "short",
    untilMessageId: "b",
    messages: 2,
    by: "model",
    taskId: "t1",
  } as const;
  const session = planner(said("a"), said("b"), said("c"));
  const stored = session.when({ type: "summarize", summary });
  stored.then({ type: "session.summarized", summary }).again().nothing();
  expect(stored.state.messages.size).toBe(3);
  expect(stored.state.summary).toEqual({ ...summary, atMs: START_MS });
  const older = { ...summary, untilMessageId: "a", messages: 1, taskId: "t2" };
  stored.when({ type: "summarize", summary: older }).nothing();
  const foreign = { ...summary, untilMessageId: "z", taskId: "t3" };
  session.when({ type: "summarize", summary: foreign }).nothing();
});

test("[PLAN1] a plan, the order and days it gives, its proposals and its message are one commit, once", () => {
  const plan = {
    day: "2026-12-01",
    timeZone: "UTC",
    text: "first 2",
    todoIds: ["todo_2"],
    by: "rules",
    taskId: "t1",
  } as const;
  const proposed = {
    id: "todo_9",
    text: "new",
    dueDay: "2026-12-01",
    source: null,
    operationId: "t1",
  };
  const command: SessionCommand = {
    type: "plan",
    plan,
    dueDays: { todo_2: "2026-12-01" },
    proposals: [proposed],
    messageId: "m1",
  };
  const planned = planner(todo(1), todo(2)).when(command);
  planned.then(
    { type: "todo.changed", todoId: "todo_2", dueDay: "2026-12-01", eventId: "t1:order" },
    { type: "todos.arranged", order: ["todo_2"], eventId: "t1:order", part: 1 },
    { type: "todo.added", todo: proposed, proposed: true, eventId: "t1:proposals" },
    { type: "plan.made", plan },
    {
      type: "message.added",
      message: { ...message("m1", "assistant"), parts: [{ type: "text", text: "first 2" }] },
    },
    { type: "session.renamed", title: "Reminders and plans" },
  );
  expect([...planned.state.todos.keys()]).toEqual(["todo_2", "todo_1", "todo_9"]);
  planned.again().nothing();
  const saved = JSON.parse(JSON.stringify(sessionDecider.snapshot?.save(planned.state))) as unknown;
  expect(sessionDecider.snapshot?.load(PLANNER, saved)).toEqual(planned.state);
});
