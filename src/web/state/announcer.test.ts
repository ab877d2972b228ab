import { expect, test } from "vitest";
import { decodeMessage, decodeTask } from "../../client/decode.ts";
import { viewOf } from "../../client/index.ts";
import type { Task } from "../../client/index.ts";
import { createAnnouncer } from "./announcer.ts";
import { initialState } from "./page-state.ts";
import type { PageState } from "./page-state.ts";
import { pageShell } from "../../../test/page-shell.ts";

/** A page on a chat whose answer is being given by `task`, if by any. */
function page(sessionId: string, task: Task | null): PageState {
  const state = initialState({ sessionId, taskId: null }, pageShell, false);
  const taskId = task?.id ?? null;
  const message = decodeMessage({ id: "a", role: "assistant", status: "pending", taskId });
  const chat = {
    id: sessionId,
    title: "",
    messages: [message],
    load: { is: "ready" },
    activeTaskId: taskId,
    queuedTaskIds: [],
    etag: null,
    changes: 0,
  } as const;
  if (task === null) return { ...state, chats: { [sessionId]: chat } };
  return {
    ...state,
    chats: { [sessionId]: chat },
    tasks: { [task.id]: task },
    views: { [task.id]: viewOf(task) },
  };
}

function answer(status: string, partial: string, id = "task_1"): Task {
  return {
    ...decodeTask({ id, type: "chat", status, createdAt: "2026-01-01T00:00:00Z" }),
    partial,
  };
}

function said(states: readonly PageState[]): string[] {
  const words: string[] = [];
  const announce = createAnnouncer((news) => words.push(news));
  for (const state of states) announce(state);
  return words;
}

test("[WEB43] sentences are said as they become complete, and the last ones with the end", () => {
  const states = ["", "One. Tw", "One. Two. Th", "One. Two. Three"].map((text) =>
    page("c1", answer("running", text)),
  );
  const end = page("c1", answer("completed", "One. Two. Three. Four."));
  expect(said([...states, end, end])).toEqual([
    "One.",
    "Two.",
    "Three. Four. The answer is complete.",
  ]);
});

test("[WEB43] whoever opens another chat in mid-answer does not hear that it is complete", () => {
  const running = answer("running", "One. ");
  expect(said([page("c1", answer("running", "")), page("c1", running), page("c2", null)])).toEqual([
    "One.",
  ]);
});

test("[WEB43] an answer that ends behind its session's fact is said to have ended", () => {
  const begun = page("c1", answer("running", ""));
  const idle = page("c1", null);
  const stopped = { ...idle, tasks: { task_1: answer("cancelled", "") } };
  expect(said([begun, idle, stopped])).toEqual(["The answer was stopped."]);
});

test("[WEB43] the end of one answer is heard although the next has begun", () => {
  const next = answer("running", "", "task_2");
  const both = page("c1", next);
  const ended = { ...both, tasks: { ...both.tasks, task_1: answer("failed", "") } };
  expect(said([page("c1", answer("running", "")), ended])).toEqual(["The answer failed."]);
});
