import * as fc from "fast-check";
import { expect, test } from "vitest";

import { START_MS } from "../../../test/given.ts";
import { TASK, callRequested, calling, queued, running, task } from "../../../test/task-facts.ts";
import type { TaskEvent } from "./events.ts";
import { isoTime, reasonView, taskView } from "./view.ts";

const YEAR_1_MS = Date.UTC(2000, 0, 1) - 1_999 * 365.25 * 86_400_000;

test("[TASK25] times are the same ISO text that `Date` gives", () => {
  const last = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
  fc.assert(
    fc.property(fc.integer({ min: Math.floor(YEAR_1_MS), max: last }), (atMs) => {
      expect(isoTime(atMs)).toBe(new Date(atMs).toISOString());
    }),
    { numRuns: 3_000 },
  );
  const days = ["1970-01-01", "2000-02-29", "2100-02-28", "2100-03-01", "1900-03-01", "2024-12-31"];
  for (const day of days) {
    const text = `${day}T23:59:59.999Z`;
    expect(isoTime(Date.parse(text))).toBe(text);
  }
});

test("[TASK25] every day of 800 years begins when `Date` says so", () => {
  for (let day = Date.UTC(1700, 0, 1); day < Date.UTC(2500, 0, 1); day += 86_400_000) {
    if (isoTime(day) !== new Date(day).toISOString()) expect(isoTime(day)).toBe(day);
  }
  expect(isoTime(0)).toBe("1970-01-01T00:00:00.000Z");
});

test("[TASK25] a view shows where a task stands, with the reason in words", () => {
  const view = taskView(task(...queued({ title: "T", sessionId: "main", messageId: "m" })).state());
  expect(view).toEqual({
    id: TASK,
    userId: "ann",
    chatId: "main",
    type: "note",
    status: "queued",
    reason: { code: "slot", message: "waits for a free slot", queue: "tasks" },
    input: { note: "hello" },
    output: null,
    error: null,
    attempts: 0,
    retryCount: 0,
    progress: null,
    partial: null,
    messageId: "m",
    parentId: null,
    rootId: TASK,
    priority: "background",
    queue: "tasks",
    title: "T",
    createdAt: isoTime(START_MS),
    startedAt: null,
    completedAt: null,
  });
});

test("[TASK25] a view counts attempts, and its times are those of the log", () => {
  const error = { code: "handler_failed", message: "no" } as const;
  const facts: TaskEvent[] = [
    ...running(),
    { type: "task.retrying", error, untilMs: START_MS },
    { type: "task.queued", call: `${TASK}.2` },
    { type: "task.started", attempt: 2, epoch: 2 },
    { type: "task.progressed", progress: { done: 1 } },
  ];
  const end = { event: { type: "task.completed", output: 7 } as const, atMs: START_MS + 1_500 };
  expect(taskView(task(...facts).state(), "so far")).toMatchObject({
    status: "running",
    attempts: 2,
    retryCount: 1,
    partial: "so far",
    progress: { done: 1 },
    error,
    startedAt: isoTime(START_MS),
  });
  expect(taskView(task(...facts, end).state(), "so far")).toMatchObject({
    status: "completed",
    output: 7,
    partial: null,
    error: null,
    completedAt: isoTime(START_MS + 1_500),
  });
});

test("[TASK25] what a task that did not complete has said so far stays visible", () => {
  const error = { code: "cancelled", message: "no" } as const;
  const view = taskView(task(...running(), { type: "task.cancelled", error }).state(), "half an");
  expect(view).toMatchObject({ status: "cancelled", partial: "half an", error });
});

test("[TASK25] every open task says why it does not run", () => {
  const untilMs = START_MS + 9;
  expect(reasonView(null)).toBeNull();
  expect(taskView(task(...calling()).state()).reason).toMatchObject({
    code: "slot",
    queue: "model",
  });
  const asleep = task(...running(), { type: "sleep.started", op: "s", untilMs }).state();
  expect(taskView(asleep)).toMatchObject({
    status: "waiting",
    reason: { code: "sleep", message: "sleeps", untilAt: isoTime(untilMs) },
  });
});

test("[TASK25] a task that is tried again says what failed before", () => {
  const untilMs = START_MS + 9;
  const error = { code: "model_unavailable", message: "no answer", retryAfterMs: 9 } as const;
  const shown = { code: error.code, message: error.message };
  const retrying = task(...running(), { type: "task.retrying", error, untilMs }).state();
  expect(taskView(retrying).reason).toMatchObject({ code: "backoff", error: shown });
  const calls = task(
    ...calling(),
    { type: "call.started", op: "c", call: `${TASK}.2` },
    { type: "call.failed", op: "c", error, untilMs },
  ).state();
  expect(taskView(calls).reason).toMatchObject({ code: "backoff", error: shown });
  expect(taskView(task(...calling()).state()).reason).not.toHaveProperty("error");
});

test("[TASK30] a view says of a running task which of its calls is tried again, and why", () => {
  const untilMs = START_MS + 9;
  const error = { code: "model_stalled", message: "no token" } as const;
  const view = taskView(
    task(
      ...calling(),
      callRequested("d", 3),
      { type: "call.started", op: "c", call: `${TASK}.2` },
      { type: "call.started", op: "d", call: `${TASK}.3` },
      { type: "call.failed", op: "c", error, untilMs },
    ).state(),
  );
  expect(view).toMatchObject({
    status: "running",
    reason: {
      code: "backoff",
      message: "a call of it waits before it is tried again",
      untilAt: isoTime(untilMs),
      error,
    },
  });
});
