import { expect, test } from "vitest";

import { START_MS } from "../../../test/given.ts";
import {
  CALL_1,
  TASK,
  asksToStart,
  queued,
  running,
  spec,
  task,
} from "../../../test/task-facts.ts";
import type { TaskEvent } from "./events.ts";

const accepted = (changes: Parameters<typeof spec>[0] = {}): TaskEvent => ({
  type: "task.accepted",
  spec: spec(changes),
});

test("[TASK1] an accepted task asks its pool for a slot in the same commit", () => {
  task()
    .when({ type: "submit", spec: spec() })
    .then(accepted(), { type: "task.queued", call: CALL_1 })
    .sends(asksToStart(CALL_1))
    .timers({})
    .rows({ table: "task", id: TASK, userId: "ann", status: "queued", createdAtMs: START_MS })
    .answers({ taskId: TASK })
    .again()
    .nothing()
    .answers({ taskId: TASK });
});

test("[TASK1] a second submit changes nothing, whatever it says and wherever the task is", () => {
  const other = { type: "submit", spec: spec({ type: "other" }) } as const;
  for (const facts of [queued(), running(), [...running(), completed]]) {
    task(...facts)
      .when(other)
      .nothing()
      .answers({ taskId: TASK });
  }
});

const completed: TaskEvent = { type: "task.completed", output: null };

test("[LANE4] a lane that adds a task again after its end is told of the end once more", () => {
  task(...running({ lane: "today" }), completed)
    .when({ type: "submit", spec: spec({ lane: "today" }) })
    .then()
    .sends({ to: "user/ann", body: { type: "laneEnded", lane: "today", taskId: TASK, ending: 1 } });
});

test("[TASK1] what a task says to its pool is what its spec says", () => {
  const wishes = {
    key: "team",
    weight: 2,
    cost: 7,
    capTotal: 3,
    capPerKey: 1,
    rootId: "task_root",
  };
  const made = task().when({ type: "submit", spec: spec({ ...wishes, priority: "interactive" }) });
  expect(made.batch.messages?.[0]).toMatchObject({
    to: "queue/tasks",
    body: {
      request: {
        key: "team",
        user: "ann",
        weight: 2,
        cost: 7,
        capTotal: 3,
        capPerKey: 1,
        root: "task_root",
        band: 0,
      },
    },
  });
});

test("[TASK3] a delayed task asks for its slot when its time has come", () => {
  const dueMs = START_MS + 5_000;
  task()
    .when({ type: "submit", spec: spec({ delayMs: 5_000 }) })
    .then(accepted({ delayMs: 5_000 }), { type: "task.delayed", untilMs: dueMs })
    .sends()
    .timers({ due: dueMs })
    .rows({ status: "delayed" })
    .when({ type: "timer", name: "due" }, { nowMs: dueMs })
    .then({ type: "task.queued", call: CALL_1 })
    .sends(asksToStart(CALL_1))
    .rows({ status: "queued" })
    .again()
    .nothing();
});

test("[TASK3] a held task waits until it is let go, once", () => {
  task()
    .when({ type: "submit", spec: spec({ heldBy: "manual" }) })
    .then(accepted({ heldBy: "manual" }), { type: "task.held", by: "manual" })
    .sends()
    .rows({ status: "queued" })
    .when({ type: "release" })
    .then({ type: "task.queued", call: CALL_1 })
    .sends(asksToStart(CALL_1))
    .rows()
    .again()
    .nothing();
});

test("[TASK3] a task that is let go before its time still waits for it", () => {
  const wishes = { heldBy: "session", delayMs: 5_000 } as const;
  const dueMs = START_MS + 5_000;
  const held = task().when({ type: "submit", spec: spec(wishes) });
  held.then(accepted(wishes), { type: "task.held", by: "session" }).timers({});
  held
    .when({ type: "release" }, { nowMs: START_MS + 1_000 })
    .then({ type: "task.delayed", untilMs: dueMs })
    .timers({ due: dueMs })
    .rows({ status: "delayed" })
    .when({ type: "timer", name: "due" }, { nowMs: dueMs })
    .then({ type: "task.queued", call: CALL_1 });
  held.when({ type: "release" }, { nowMs: dueMs }).then({ type: "task.queued", call: CALL_1 });
});

test("[TASK3] only a held task can be let go; an ended one refuses", () => {
  task(...queued())
    .when({ type: "release" })
    .nothing();
  task(...running())
    .when({ type: "release" })
    .nothing();
  task(...running(), completed)
    .when({ type: "release" })
    .refused("conflict");
});

test("[TASK12] a task that was not started within its ttl expires, counted from when it is due", () => {
  const expiresMs = START_MS + 3_000;
  const message = `task ${TASK} was not started within its ttl of 2000 ms`;
  const end = { status: "expired", endedAtMs: expiresMs } as const;
  const waits = task().when({ type: "submit", spec: spec({ ttlMs: 2_000, delayMs: 1_000 }) });
  waits.timers({ due: START_MS + 1_000, ttl: expiresMs });
  waits
    .when({ type: "timer", name: "ttl" }, { nowMs: expiresMs })
    .then({ type: "task.expired", error: { code: "expired", message } })
    .timers({ due: null, ttl: null })
    .rows(end)
    .again()
    .nothing();
});

test("[TASK12] the first start ends the ttl, and a late ttl changes nothing", () => {
  task(...queued({ ttlMs: 2_000 }))
    .when({ type: "callGranted", call: CALL_1, queue: "tasks" })
    .then({ type: "task.started", attempt: 1, epoch: 1 })
    .timers({ ttl: null });
  task(...running({ ttlMs: 2_000 }))
    .when({ type: "timer", name: "ttl" })
    .nothing();
});

test("[TASK13] a task that has not ended at its deadline fails for good, wherever it stands", () => {
  const nowMs = START_MS + 9_000;
  task()
    .when({ type: "submit", spec: spec({ deadlineMs: 9_000 }) })
    .timers({ deadline: nowMs });
  for (const facts of [queued({ deadlineMs: 9_000 }), running({ deadlineMs: 9_000 })]) {
    const failed = task(...facts).when({ type: "timer", name: "deadline" }, { nowMs });
    expect(failed.batch.events).toMatchObject([
      { type: "task.failed", error: { code: "deadline_exceeded" } },
    ]);
    failed
      .timers({ deadline: null })
      .rows({ status: "failed", endedAtMs: nowMs })
      .again()
      .nothing();
  }
});

test("[TASK1] nobody can speak to a task that was never accepted, or is gone", () => {
  task().when({ type: "cancel" }).refused("not_found");
  task().when({ type: "event", name: "go", payload: 1 }).refused("not_found");
  task().when({ type: "lost" }).refused("not_found");
  task().when({ type: "complete", epoch: 1, output: null }).refused("not_found");
});
