import { describe, expect, test } from "vitest";
import { decodeTask } from "./decode.ts";
import type { TaskEvent } from "./feed-event.ts";
import { emptyView, foldTask, viewOf } from "./task-view.ts";
import type { TaskView } from "./task-view.ts";
import type { Task } from "./wire.ts";

const taskId = "task_1";

function task(fields: Partial<Task> = {}): Task {
  const base = { id: taskId, type: "chat", status: "running", createdAt: "2026-01-01T00:00:00Z" };
  return { ...decodeTask(base), attempts: 1, ...fields };
}

function token(text: string, offset: number): TaskEvent {
  return { type: "token", taskId, text, offset };
}

function reset(attempt: number, offset: number): TaskEvent {
  return { type: "reset", taskId, attempt, offset, reason: "worker lost" };
}

function state(fields: Partial<Task>): TaskEvent {
  return { type: "state", taskId, task: task(fields) };
}

function fold(events: readonly TaskEvent[], from: TaskView = emptyView(taskId)): TaskView {
  return events.reduce(foldTask, from);
}

describe("task view", () => {
  test("[CLIENT2] tokens are put together by offset", () => {
    expect(fold([token("Hel", 0), token("lo", 3)]).stream.text).toBe("Hello");
  });

  test("[CLIENT2] a token that came before is dropped, and of an overlapping one only the new part is taken", () => {
    const before = fold([token("Hel", 0), token("lo", 3)]);
    expect(foldTask(before, token("el", 1))).toBe(before);
    expect(foldTask(before, token("lo you", 3)).stream.text).toBe("Hello you");
  });

  test("[CLIENT2] a missing piece stops the text: it stays a prefix, never a splice", () => {
    const view = fold([token("Hel", 0), token("you", 6), token("!", 9), token("x", 3)]);
    expect(view.stream).toEqual({ attempt: 0, text: "Hel", broken: true });
  });

  test("[CLIENT2] a snapshot heals a gap", () => {
    const broken = fold([token("Hel", 0), token("you", 6)]);
    const healed = viewOf(task({ partial: "Hello you" }), broken);
    expect(foldTask(healed, token("!", 9)).stream).toEqual({
      attempt: 1,
      text: "Hello you!",
      broken: false,
    });
  });

  test("[CLIENT2] a reset voids the text from its offset on, and a new attempt begins at 0", () => {
    const view = fold([token("Hello wor", 0), reset(1, 6), token("you", 6)]);
    expect(view.stream.text).toBe("Hello you");
    expect(fold([reset(2, 0), token("Bye", 0)], view).stream).toEqual({
      attempt: 2,
      text: "Bye",
      broken: false,
    });
  });

  test("[CLIENT2] a reset of an attempt that is over is ignored", () => {
    const view = fold([token("old", 0), reset(2, 0), token("new", 0)]);
    expect(foldTask(view, reset(1, 0))).toBe(view);
  });

  test("[CLIENT2] a reset beyond what is known is a gap", () => {
    expect(fold([token("ab", 0), reset(1, 5)]).stream.broken).toBe(true);
  });

  test("[CLIENT2] a state with an older text of the same attempt does not take text away", () => {
    const view = fold([state({ partial: "Hel" }), token("lo", 3), state({ partial: "Hel" })]);
    expect(view.stream.text).toBe("Hello");
  });

  test("[CLIENT2] a state with a longer text or another attempt's text is believed", () => {
    expect(fold([token("Hel", 0), state({ partial: "Hello" })]).stream.text).toBe("Hello");
    const next = fold([state({ partial: "Hello" }), state({ partial: "B", attempts: 2 })]);
    expect(next.stream).toEqual({ attempt: 2, text: "B", broken: false });
    expect(foldTask(next, state({ partial: "Hello", attempts: 1 })).stream.text).toBe("B");
  });

  test("[CLIENT2] the end keeps the text that was seen", () => {
    const end = { type: "end", taskId, task: task({ status: "cancelled" }) } as const;
    const view = fold([token("Hel", 0), end]);
    expect(view.stream.text).toBe("Hel");
    expect(view.task?.status).toBe("cancelled");
  });

  test("[CLIENT2] a state without input keeps the input that is known", () => {
    const view = fold([state({ input: { prompt: "x" } }), state({ input: undefined })]);
    expect(view.task?.input).toEqual({ prompt: "x" });
  });

  test("[CLIENT2] steps are listed once, a tool call has its last state, progress is the last one", () => {
    const step = { type: "step", taskId, name: "read" } as const;
    const tool = { type: "tool", taskId, id: "t1", name: "search", state: "intended" } as const;
    const progress = { done: 1, total: 2, message: null, data: null };
    const view = fold([
      state({}),
      step,
      tool,
      step,
      { ...tool, state: "confirmed" },
      { type: "progress", taskId, progress },
    ]);
    expect(view.steps).toEqual(["read"]);
    expect(view.tools).toEqual([{ id: "t1", name: "search", state: "confirmed" }]);
    expect(view.task?.progress).toEqual(progress);
  });
});
