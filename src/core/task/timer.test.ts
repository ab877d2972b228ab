import { expect, test } from "vitest";

import { START_MS, type Past } from "../../../test/given.ts";
import { CALL_1, asksToStart, queued, running, spec, task } from "../../../test/task-facts.ts";
import { userScope } from "../scope.ts";
import type { TaskEvent } from "./events.ts";
import type { TaskSpec } from "./spec.ts";

const error = { code: "cancelled", message: "cancelled by its user" } as const;
const dueMs = START_MS + 500;

/** A life that was cancelled and opened again at `dueMs`. */
function reopened(changes: Partial<TaskSpec>): Past<TaskEvent>[] {
  const later: TaskEvent[] = [
    { type: "task.cancelled", error },
    { type: "task.reopened" },
    { type: "task.queued", call: CALL_1.replace(/1$/, "2") },
  ];
  return [...running(changes), ...later.map((event) => ({ event, atMs: dueMs }))];
}

test.each([
  [
    "a delay",
    "due",
    [
      { type: "task.accepted", spec: spec({ delayMs: 500 }) },
      { type: "task.delayed", untilMs: dueMs },
    ],
  ],
  ["a ttl", "ttl", queued({ ttlMs: 500 })],
  ["a deadline", "deadline", queued({ deadlineMs: 500 })],
  ["a sleep", "op:s", [...running(), { type: "sleep.started", op: "s", untilMs: dueMs }]],
  ["a wait", "op:w", [...running(), { type: "wait.started", op: "w", name: "go", untilMs: dueMs }]],
] as const)(
  "[TASK27] %s that is not over yet is waited for on, however often its timer fires",
  (_, name, facts) => {
    const early = task(...facts).when({ type: "timer", name }, { nowMs: dueMs - 1 });
    early
      .then()
      .timers({ [name]: dueMs })
      .sends()
      .signals();
    const due = task(...facts).when({ type: "timer", name }, { nowMs: dueMs });
    expect(due.batch.events.length).toBeGreaterThan(0);
  },
);

test("[TASK27] the deadline of a task that is opened again counts from then, also when the old timer fires late", () => {
  const late = task(...reopened({ deadlineMs: 500 })).when(
    { type: "timer", name: "deadline" },
    { nowMs: dueMs },
  );
  late.then().timers({ deadline: dueMs + 500 });
  expect(
    late.when({ type: "timer", name: "deadline" }, { nowMs: dueMs + 500 }).state.error?.code,
  ).toBe("deadline_exceeded");
});

test("[TASK27] a timer that nothing waits for changes nothing", () => {
  for (const name of ["due", "ttl", "deadline", "op:none", "made by an older version"]) {
    task(...queued())
      .when({ type: "timer", name }, { nowMs: dueMs })
      .nothing();
  }
});

test("[LANE4] a lane that adds a task again after its end is told of the end once more", () => {
  const ended = task(...queued({ lane: "today" }), { type: "task.cancelled", error });
  ended
    .when({ type: "submit", spec: spec({ lane: "today" }) })
    .then()
    .sends({
      to: userScope("ann"),
      body: { type: "laneEnded", lane: "today", taskId: ended.state().id, ending: 1 },
    });
  // A task without a lane, or one that is open, has nothing to tell.
  task(...queued(), { type: "task.cancelled", error })
    .when({ type: "submit", spec: spec() })
    .nothing();
  task(...queued({ lane: "today" }))
    .when({ type: "submit", spec: spec({ lane: "today" }) })
    .nothing();
});

test("[TASK27] a delay that is over leads to the line", () => {
  task(
    { type: "task.accepted", spec: spec({ delayMs: 500 }) },
    { type: "task.delayed", untilMs: dueMs },
  )
    .when({ type: "timer", name: "due" }, { nowMs: dueMs })
    .then({ type: "task.queued", call: CALL_1 })
    .sends(asksToStart(CALL_1));
});
