/** What the planner stores, as a part of the golden story: todos, a plan, a summary, reminders, approvals. */
import { sessionScope, userScope } from "../../src/core/scope.ts";
import type { NewTodo, TodoAct } from "../../src/core/session/todos.ts";
import { ANN, MAIN, minuteMs, type Story } from "./story.ts";

/** Todos: proposed, open, done, removed, in a changed order. */
export async function planner(story: Story): Promise<void> {
  const { kernel } = story.bench;
  const scope = sessionScope(ANN, "planner");
  let wishes = 0;
  const wish = async (act: TodoAct): Promise<void> => {
    wishes += 1;
    const named = { eventId: `evt_${wishes}`, actionId: `tap-${wishes}` };
    await kernel.ask(
      scope,
      { type: "todo", ...named, act },
      { meta: { actionId: named.actionId } },
    );
  };
  const todo = (n: number): NewTodo => ({
    id: `todo_${n}`,
    text: `Thing ${n}`,
    dueDay: n === 1 ? "2026-12-01" : null,
    source: n === 2 ? { sessionId: "main", messageId: "msg_u1" } : null,
    operationId: story.id("turn 1"),
  });
  await wish({ do: "add", todos: [todo(1), todo(2)], proposed: true });
  await wish({ do: "add", todos: [todo(3), todo(4)] });
  await wish({ do: "change", todoId: "todo_2", accepted: true });
  await wish({ do: "change", todoId: "todo_3", text: "Another thing", done: true });
  await wish({ do: "change", todoId: "todo_4", done: true });
  await wish({ do: "change", todoId: "todo_4", done: false });
  await wish({ do: "arrange", order: ["todo_4", "todo_2"], dueDays: { todo_4: "2026-12-02" } });
  await wish({ do: "add", todos: [todo(5)] });
  await wish({ do: "remove", todoId: "todo_5" });
  const plan = {
    day: "2026-12-01",
    timeZone: "Europe/Berlin",
    text: "Thing 2, then thing 3",
    todoIds: ["todo_2"],
    by: "rules",
    taskId: story.id("plan"),
  } as const;
  const proposals = [todo(6)];
  await kernel.ask(scope, { type: "plan", plan, dueDays: {}, proposals, messageId: "msg_plan" });
  const summary = {
    text: "They asked a question.",
    untilMessageId: "msg_a1",
    messages: 2,
    by: "model",
    taskId: story.id("summary"),
  } as const;
  await kernel.ask(MAIN, { type: "summarize", summary });
  await reminders(story);
  const head = {
    title: "From elsewhere",
    createdAtMs: 1,
    updatedAtMs: 2,
    turns: [],
    summary: { ...summary, atMs: 2 },
    plan: null,
  };
  const hash = "0".repeat(64);
  const items = [{ acted: ["tap-0", ["todo_0"]] }];
  const part = { hash, part: 0, last: true, head, items, specs: [] };
  await kernel.ask(sessionScope(ANN, "moved"), { type: "import", ...part });
}

/** A task that was approved, and one that still asks. */
export async function approvals(story: Story): Promise<void> {
  const asking = { type: "wait", op: "approval#1", name: "approval#1" } as const;
  for (const name of ["was approved", "asks"]) {
    await story.submit(name);
    const approval = { question: `May "${name}" go on?`, details: { name } };
    await story.work(name, { ...asking, approval });
  }
  const wait = (await story.state("was approved")).operations.get("approval#1");
  const id = wait?.kind === "wait" ? (wait.approval?.id ?? "") : "";
  await story.tell("was approved", {
    type: "answer",
    id,
    answer: { approved: true, comment: "go" },
  });
  await story.work("was approved", { type: "complete", output: null });
}

/** One reminder that waits, one that comes again, one that was put off, one that is gone. */
async function reminders(story: Story): Promise<void> {
  const { kernel } = story.bench;
  const ann = userScope(ANN);
  await kernel.ask(ann, { type: "setZone", timeZone: "Europe/Berlin" });
  const set = async (id: string, cron: string | null, inMs: number): Promise<void> => {
    const reminder = { id, text: `Think of ${id}`, cron, timeZone: "UTC", sessionId: "planner" };
    await kernel.ask(ann, { type: "reminderSet", reminder, nextAtMs: story.bench.nowMs + inMs });
  };
  await set("rem_once", null, 90 * 24 * 60 * minuteMs);
  await set("rem_again", "* * * * *", minuteMs);
  await set("rem_rang", null, minuteMs);
  await set("rem_gone", null, minuteMs * 3);
  await kernel.ask(ann, { type: "reminderRemove", id: "rem_gone" });
  await story.later(minuteMs);
  const fromMs = story.bench.nowMs;
  // Nobody computes the next time, so it is asked for again.
  await story.later(minuteMs);
  const nextAtMs = fromMs + 30 * 24 * 60 * minuteMs;
  await kernel.ask(ann, { type: "reminderPlan", id: "rem_again", fromMs, nextAtMs });
  await kernel.ask(ann, { type: "reminderSnooze", id: "rem_rang", untilMs: nextAtMs });
}
