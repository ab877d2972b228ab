import { expect, test } from "vitest";

import { isoTime, type TaskView } from "../core/task/view.ts";
import { agoWords, labelOf, lineOf, oneLine, spanWords, stateWords } from "./task-words.ts";

const nowMs = 1_800_000_000_000;

function task(fields: Partial<TaskView> = {}): TaskView {
  return {
    id: "task_01k9m2xq4r8s5t6v7w8x9yz4bc",
    userId: "ann",
    chatId: null,
    type: "note",
    status: "queued",
    reason: null,
    input: { text: "hello" },
    output: null,
    error: null,
    attempts: 0,
    retryCount: 0,
    progress: null,
    partial: null,
    messageId: null,
    parentId: null,
    rootId: "task_01k9m2xq4r8s5t6v7w8x9yz4bc",
    priority: "background",
    queue: "tasks",
    title: null,
    createdAt: isoTime(nowMs - 60_000),
    startedAt: null,
    completedAt: null,
    ...fields,
  };
}

test("[ASSIST14] spans are told in the unit that fits", () => {
  expect([0, 59_400, 60_000, 3_599_000, 7_200_000, 86_400_000, 200_000_000].map(spanWords)).toEqual(
    ["0 s", "59 s", "1 min", "59 min", "2 h", "1 day", "2 days"],
  );
  expect(agoWords(isoTime(nowMs - 1_000), nowMs)).toBe("just now");
  // A clock that went back is no reason for nonsense.
  expect(agoWords(isoTime(nowMs + 9_000), nowMs)).toBe("just now");
});

test("[ASSIST14] a job is named by its title, its text or its type, on one line", () => {
  expect(labelOf(task({ title: "Title" }))).toBe("Title");
  expect(labelOf(task({ input: { prompt: "a\n b" } }))).toBe("a b");
  expect(labelOf(task({ input: { text: 7 }, type: "backup" }))).toBe("backup");
  expect(oneLine(`${"x".repeat(9)}😀`, 11)).toBe(`${"x".repeat(9)}😀`);
  expect(oneLine(`${"x".repeat(8)}😀 more`, 10)).toBe(`${"x".repeat(8)}…`);
});

test("[ASSIST14] every state has its words", () => {
  const held = { code: "held", message: "is held" } as const;
  const backoff = { code: "backoff", message: "waits", untilAt: isoTime(nowMs + 5_000) } as const;
  const words: readonly (readonly [Partial<TaskView>, string])[] = [
    [{ status: "queued", reason: held }, "queued"],
    [
      { status: "queued", reason: { code: "slot", message: "waits for a free slot" } },
      "queued, waits for a free slot",
    ],
    [{ status: "delayed", reason: backoff }, "is tried again in 5 s"],
    [
      { status: "delayed", reason: { ...backoff, code: "delay", untilAt: isoTime(nowMs) } },
      "is due now",
    ],
    [{ status: "running" }, "running"],
    [
      { status: "running", progress: { done: 1, total: 3, message: "subtasks" } },
      "running (1 of 3, subtasks)",
    ],
    [
      { status: "waiting", reason: { code: "child", message: "waits for its subtasks" } },
      "waits for its subtasks",
    ],
    [{ status: "completed" }, "done"],
    [
      { status: "failed", error: { code: "handler_failed", message: "no\nluck" } },
      "failed: no luck",
    ],
    [{ status: "cancelled" }, "cancelled"],
    [{ status: "expired" }, "expired before it was started"],
  ];
  for (const [fields, said] of words) expect(stateWords(task(fields), nowMs)).toBe(said);
});

test("[ASSIST14] a line of a list holds the id, the text, the state, the age and the result", () => {
  expect(lineOf(task({ type: "generate" }), nowMs)).toBe(
    '`9yz4bc` "hello" (generate), queued, waits for a free slot, 1 min ago',
  );
  const done = task({
    status: "completed",
    output: { text: "well\ndone" },
    completedAt: isoTime(nowMs),
  });
  expect(lineOf(done, nowMs)).toBe('`9yz4bc` "hello", done, just now: well done');
});
