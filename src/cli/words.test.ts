import { expect, test } from "vitest";

import type { Reason, Task } from "../client/index.ts";
import { stateWords, write } from "./words.ts";

const reason: Reason = {
  code: "slot",
  message: "waits for a free slot",
  untilAt: null,
  queue: "tasks",
  position: 2,
  estimate: null,
  cause: { code: "behind_others", untilAt: null, error: null },
  error: null,
};
const task: Task = {
  id: "task_1",
  userId: "local",
  chatId: null,
  type: "generate",
  status: "queued",
  reason,
  input: null,
  output: null,
  error: null,
  attempts: 0,
  retryCount: 0,
  progress: null,
  partial: null,
  messageId: null,
  parentId: null,
  rootId: null,
  priority: "interactive",
  queue: "tasks",
  title: null,
  cursor: null,
  createdAt: "2026-01-01T00:00:00Z",
  startedAt: null,
  completedAt: null,
};
const range = { p50Ms: 9_600, p90Ms: 26_000 };
const error = { code: "model_stalled", message: "no token for 60 s" };
const progress = { done: null, total: null, message: null, data: null };

test.each([
  [{}, "queued (waits for a free slot, number 2 in line)"],
  [
    { reason: { ...reason, cause: { code: "queue_paused", untilAt: null, error: null } } },
    "queued (waits for a free slot, number 2 in line, queue paused)",
  ],
  [
    { reason: { ...reason, estimate: { start: range, end: range, late: true } } },
    "queued (waits for a free slot, number 2 in line, starts in 10 to 26 s, later than promised)",
  ],
  [
    { status: "delayed", error, reason: { ...reason, position: null, cause: null, error } },
    "delayed (waits for a free slot, after: no token for 60 s)",
  ],
  [{ status: "running", reason: null, error }, "running"],
  [
    {
      status: "running",
      progress: { ...progress, done: 2, total: 5, message: "reading" },
      reason: { ...reason, message: "a call waits", position: null, cause: null, error },
    },
    "running 2/5 reading (a call waits, after: no token for 60 s)",
  ],
  [{ status: "failed", reason: null, error }, "failed: no token for 60 s"],
  [{ status: "running", reason: null, progress }, "running"],
  [
    {
      status: "running",
      reason: null,
      progress: { ...progress, done: 1, total: 2, message: "on it" },
    },
    "running 1/2 on it",
  ],
] as const)("[SSE4] the command line says where a task stands: %j", (fields, words) => {
  expect(stateWords({ ...task, ...fields })).toBe(words);
});

test("[CLI19] a terminal is shown no control characters of others; a pipe gets the text as it is", () => {
  const text = "a\u001b]52;c;ZXZpbA==\u0007b\u009b2Jc\td\r\ne";
  const shown = (isTTY: boolean): string => {
    let all = "";
    write({ isTTY, write: (piece) => (all += piece) }, text);
    return all;
  };
  expect(shown(true)).toBe("a]52;c;ZXZpbA==b2Jc\td\ne");
  expect(shown(false)).toBe(text);
});
