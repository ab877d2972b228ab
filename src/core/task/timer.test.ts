import { test } from "vitest";

import { START_MS } from "../../../test/given.ts";
import { TASK, calling, queued, running, spec, task } from "../../../test/task-facts.ts";
import type { TaskSpec } from "./spec.ts";
import type { TaskEvent } from "./events.ts";

const error = { code: "handler_failed", message: "it broke" } as const;
const untilMs = START_MS + 5_000;
const failed: TaskEvent = { type: "task.failed", error };
const accepted = (changes: Partial<TaskSpec>): TaskEvent => ({
  type: "task.accepted",
  spec: spec(changes),
});

/** What a task waits for, and the timer that ends it. */
const waits: readonly [string, string, TaskEvent[]][] = [
  ["its start", "due", [accepted({ delayMs: 5_000 }), { type: "task.delayed", untilMs }]],
  ["its next try", "due", [...running(), { type: "task.retrying", error, untilMs }]],
  ["its ttl", "ttl", queued({ ttlMs: 5_000 })],
  ["its deadline", "deadline", running({ deadlineMs: 5_000 })],
  ["a sleep", "op:s", [...running(), { type: "sleep.started", op: "s", untilMs }]],
  ["an event", "op:w", [...running(), { type: "wait.started", op: "w", name: "go", untilMs }]],
  [
    "the next try of a model call",
    "op:c",
    [
      ...calling(),
      { type: "call.started", op: "c", call: `${TASK}.2` },
      { type: "call.failed", op: "c", error, untilMs },
    ],
  ],
];

test.each(waits)("[TASK27] nothing that waits for %s ends early", (_, name, facts) => {
  task(...facts)
    .when({ type: "timer", name }, { nowMs: untilMs - 1 })
    .then()
    .timers({ [name]: untilMs })
    .sends()
    .rows()
    .signals();
});

test("[TASK27] a deadline, and the ttl of a task that never started, count anew when it is opened again", () => {
  const laterMs = START_MS + 60_000;
  task(...running({ deadlineMs: 5_000 }), failed)
    .when({ type: "retry" }, { nowMs: laterMs })
    .timers({ deadline: laterMs + 5_000 })
    .when({ type: "timer", name: "deadline" }, { nowMs: laterMs })
    .then()
    .timers({ deadline: laterMs + 5_000 });
  const expired: TaskEvent = { type: "task.expired", error };
  task(...queued({ ttlMs: 5_000 }), expired)
    .when({ type: "retry" }, { nowMs: laterMs })
    .timers({ ttl: laterMs + 5_000 })
    .when({ type: "timer", name: "ttl" }, { nowMs: laterMs })
    .then()
    .timers({ ttl: laterMs + 5_000 });
});

test("[TASK27] a timer that nothing waits for means nothing", () => {
  for (const name of ["due", "ttl", "deadline", "op:s", "from-an-older-version"]) {
    task(...running())
      .when({ type: "timer", name })
      .nothing();
  }
  task(...running(), { type: "wait.started", op: "w", name: "go" })
    .when({ type: "timer", name: "op:w" })
    .nothing();
});
