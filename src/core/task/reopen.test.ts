import { expect, test } from "vitest";

import { START_MS } from "../../../test/given.ts";
import {
  TASK,
  asksToStart,
  calling,
  queued,
  running,
  settles,
  task,
} from "../../../test/task-facts.ts";
import type { TaskEvent } from "./events.ts";

const error = { code: "handler_failed", message: "it broke" } as const;
const failed: TaskEvent = { type: "task.failed", error };
const turn = { session: "session/ann/main", messageId: "msg_2" } as const;

test("[TASK14] its owner may open a task again that ended without success", () => {
  const ends: TaskEvent[] = [
    failed,
    { type: "task.cancelled", error },
    { type: "task.expired", error },
  ];
  for (const ending of ends) {
    const again = task(...running({ deadlineMs: 9 }), ending)
      .when({ type: "retry" })
      .then({ type: "task.reopened" }, { type: "task.queued", call: `${TASK}.2` })
      .sends(asksToStart(`${TASK}.2`))
      .timers({ deadline: START_MS + 9 })
      .rows({ status: "queued", endedAtMs: null })
      .answers({ status: "queued" });
    expect(again.state).toMatchObject({ phase: "queued", failures: 0, losses: 0, error: null });
    again.again().nothing();
  }
});

test("[LANE5] a task of a lane is held when it is opened again, and its lane is told", () => {
  const again = task(...running({ lane: "today" }), failed)
    .when({ type: "retry" })
    .then({ type: "task.reopened" }, { type: "task.held", by: "manual" })
    .sends({
      to: "user/ann",
      body: { type: "laneAgain", lane: "today", taskId: TASK, ends: 1 },
    })
    .answers({ status: "queued" });
  again.again().nothing();
  again
    .when({ type: "release", by: "lane", ends: 1 })
    .then({ type: "task.queued", call: `${TASK}.2` })
    .sends(asksToStart(`${TASK}.2`));
});

test("[LANE6] a task that ended and came back while its lane let it go stays held, until the lane lets it go again", () => {
  const again = task(...running({ lane: "today" }), failed).when({ type: "retry" });
  again.when({ type: "release", by: "lane", ends: 0 }).nothing();
  again.when({ type: "release", by: "lane" }).then({ type: "task.queued", call: `${TASK}.2` });
});

test("[LANE5] a lane that lets go a task which has ended is told so, anybody else is refused", () => {
  const ended = task(...running({ lane: "today" }), failed);
  ended
    .when({ type: "release", by: "lane" })
    .then()
    .sends({
      to: "user/ann",
      body: { type: "laneEnded", lane: "today", taskId: TASK, ending: 1 },
    });
  ended.when({ type: "release" }).refused("conflict");
});

test("[TASK14] a completed task stays completed, and an open one is not opened twice", () => {
  task(...running(), { type: "task.completed", output: 1 })
    .when({ type: "retry" })
    .refused("conflict");
  task(...running())
    .when({ type: "retry" })
    .nothing()
    .answers({ status: "running" });
});

test("[TASK14] attempts and epochs go on counting, so that an old worker stays fenced", () => {
  const again = task(...running(), failed)
    .when({ type: "retry" })
    .when({ type: "callGranted", call: `${TASK}.2`, queue: "tasks" })
    .then({ type: "task.started", attempt: 2, epoch: 2 });
  again.when({ type: "complete", epoch: 1, output: "late" }).refused("fenced");
});

test("[TASK14] a task that was never started has its ttl again", () => {
  task(...queued({ ttlMs: 50 }), { type: "task.expired", error })
    .when({ type: "retry" })
    .timers({ ttl: START_MS + 50 });
  task(...running({ ttlMs: 50 }), failed)
    .when({ type: "retry" })
    .timers({});
});

test("[TASK14] what succeeded is kept; what was open or failed begins anew", () => {
  const untilMs = START_MS + 9;
  const child = (op: string): TaskEvent => ({
    type: "child.spawned",
    op,
    child: `task_${op}`,
    taskType: "part",
  });
  const { state } = task(
    ...calling(),
    { type: "call.started", op: "c", call: `${TASK}.2` },
    { type: "call.failed", op: "c", error },
    { type: "step.completed", op: "step", result: 1 },
    { type: "sleep.started", op: "slept", untilMs },
    { type: "sleep.ended", op: "slept" },
    { type: "sleep.started", op: "asleep", untilMs },
    { type: "wait.started", op: "waits", name: "go" },
    { type: "tool.intended", op: "tool", id: "1", name: "mail", hash: "h" },
    child("good"),
    child("bad"),
    child("open"),
    { type: "child.ended", op: "good", end: { status: "completed", output: 1 } },
    { type: "child.ended", op: "bad", end: { status: "failed", error } },
    failed,
  ).when({ type: "retry" });
  expect([...state.operations.keys()]).toEqual(["c", "step", "slept", "tool", "good"]);
  expect(state.operations.get("c")).toMatchObject({ state: "idle", error: null });
});

test("[TASK14] a turn that waits behind others is held by its session", () => {
  task(...running(), failed)
    .when({ type: "retry", held: "session", turn })
    .then({ type: "task.reopened" }, { type: "task.held", by: "session" })
    .sends()
    .rows({ status: "queued" })
    .when({ type: "release" })
    .then({ type: "task.queued", call: `${TASK}.2` });
});

test("[SESSION6] a session that tries again a turn whose task is gone is told so", () => {
  const told = task().when({ type: "retry", turn });
  expect(told.batch.events).toEqual([]);
  expect(told.batch.messages).toMatchObject([
    {
      to: turn.session,
      body: {
        type: "turnEnded",
        taskId: TASK,
        messageId: "msg_2",
        end: { status: "failed", error: { code: "gone" } },
      },
    },
  ]);
  task().when({ type: "retry" }).refused("not_found");
});

test("[TASK10] a task that ends again tells so with the number of its end", () => {
  const told = { sessionId: "main", messageId: "msg_1" };
  const again = task(...running(told), failed)
    .when({ type: "retry" })
    .when({ type: "cancel" });
  expect(again.batch.messages).toMatchObject([
    settles("tasks", `${TASK}.2`),
    { to: "session/ann/main", body: { type: "turnEnded", ending: 2 } },
  ]);
});
