import { describe, expect, test } from "vitest";
import { decodeTask } from "../../client/decode.ts";
import type { Task, TaskEvent } from "../../client/index.ts";
import { initialState, knownTasksMax } from "./page-state.ts";
import type { PageState } from "./page-state.ts";
import { reduceTask } from "./reduce-task.ts";
import { pageShell } from "../../../test/page-shell.ts";

const start = initialState({ sessionId: null, taskId: null }, pageShell, false);

function task(id: string, fields: Partial<Task> = {}): Task {
  const createdAt = `2026-01-01T00:00:00.${id.padStart(6, "0")}Z`;
  return { ...decodeTask({ id, type: "note", status: "running", createdAt }), ...fields };
}

function state(id: string, fields: Partial<Task> = {}): TaskEvent {
  return { type: "state", taskId: id, task: task(id, fields) };
}

function fold(from: PageState, events: readonly TaskEvent[], followed = false): PageState {
  return reduceTask(from, { type: "taskEvents", events, followed });
}

describe("tasks of the page", () => {
  test("[WEB20] many events at once are folded in their order", () => {
    const progress = { done: 1, total: 2, message: null, data: null };
    const next = fold(start, [
      state("1"),
      { type: "progress", taskId: "1", progress },
      state("2"),
      state("1", { status: "completed", progress }),
    ]);
    expect(next.tasks["1"]?.status).toBe("completed");
    expect(next.tasks["1"]?.progress).toEqual(progress);
    expect(next.tasks["2"]?.status).toBe("running");
  });

  test("[WEB5] only the feed of one task brings text into its view: two feeds are not in step", () => {
    const token: TaskEvent = { type: "token", taskId: "1", text: "hi", offset: 0 };
    expect(fold(start, [state("1"), token]).views).toEqual({});
    expect(fold(start, [state("1"), token], true).views["1"]?.stream.text).toBe("hi");
  });

  test("[WEB20] what a state leaves out stays known: the input, and the text of the same attempt", () => {
    const whole = { input: { text: "x" }, partial: "half", attempts: 1 };
    const loaded = reduceTask(start, { type: "taskLoaded", task: task("1", whole) });
    const next = fold(loaded, [state("1", { attempts: 1 })]);
    expect(next.tasks["1"]).toMatchObject({ input: { text: "x" }, partial: "half" });
    expect(fold(loaded, [state("1", { attempts: 2 })]).tasks["1"]?.partial).toBe(null);
  });

  test("[WEB4] the wish to stop is settled by the end of its task, another wish is not", () => {
    const wishing = (["cancel", "retry"] as const).reduce(
      (from, wish, index) => reduceTask(from, { type: "wished", taskId: String(index + 1), wish }),
      start,
    );
    const ended = { status: "cancelled" } as const;
    const next = fold(wishing, [state("1", ended), state("2", ended)]);
    expect(next.wishes).toEqual({ "2": "retry" });
  });

  test("[WEB25] asking again for the first page does not shorten a list that goes further", () => {
    const page = { tasks: [], nextCursor: "b" };
    const first = reduceTask(start, { type: "listLoaded", filter: "all", page, refresh: true });
    const second = reduceTask(first, {
      type: "listLoaded",
      filter: "all",
      page: { tasks: [], nextCursor: null },
      refresh: false,
    });
    const again = reduceTask(second, { type: "listLoaded", filter: "all", page, refresh: true });
    expect([first, second, again].map((each) => each.lists.all.nextCursor)).toEqual([
      "b",
      null,
      null,
    ]);
  });

  test("[WEB25] over the limit the oldest ended tasks are forgotten, never active ones", () => {
    const many = Array.from({ length: knownTasksMax }, (_, index) =>
      state(String(index + 1), { status: index === 0 ? "running" : "completed" }),
    );
    const next = fold(fold(start, many), [state("9998"), state("9999")]);
    expect(Object.keys(next.tasks)).toHaveLength(knownTasksMax);
    expect(["1", "2", "3", "4"].map((id) => id in next.tasks)).toEqual([true, false, false, true]);
  });

  test("[WEB24] details of a task that is no longer open are dropped, and facts come once", () => {
    const fact = (seq: number) => ({ seq, type: "task.queued", timestamp: "", payload: null });
    const opened = reduceTask(start, { type: "detailOpened", taskId: "1", takesFocus: true });
    const load = (from: PageState, taskId: string, seqs: readonly number[]): PageState =>
      reduceTask(from, {
        type: "detailLoaded",
        taskId,
        why: null,
        log: { events: seqs.map(fact), nextAfter: null },
      });
    expect(load(opened, "2", [1])).toBe(opened);
    const next = load(load(opened, "1", [1, 2]), "1", [2, 3]);
    expect(next.detail?.log.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });
});
