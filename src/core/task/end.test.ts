import { expect, test } from "vitest";

import { START_MS } from "../../../test/given.ts";
import {
  CALL_1,
  TASK,
  calling,
  queued,
  running,
  settles,
  spec,
  task,
} from "../../../test/task-facts.ts";
import { taskScope } from "../scope.ts";
import type { TaskCommand } from "./commands.ts";
import type { TaskEvent } from "./events.ts";

const error = { code: "cancelled", message: "cancelled by its user" } as const;
const cancelled: TaskEvent = { type: "task.cancelled", error };
const end = { status: "cancelled", error } as const;
const asleep: TaskEvent = { type: "sleep.started", op: "s", untilMs: START_MS + 60_000 };
const granted: TaskEvent = { type: "call.started", op: "c", call: `${TASK}.2` };

/** A task in each phase, with what a cancel sends, clears and signals there. */
const gone = { to: "queue/model", body: { type: "over", root: TASK, failed: true } } as const;
const phases: Readonly<
  Record<
    string,
    { facts: TaskEvent[]; sends?: string[]; timers?: string[]; aborts?: string[] | null }
  >
> = {
  delayed: {
    facts: [accepted({ delayMs: 9 }), { type: "task.delayed", untilMs: START_MS + 9 }],
    timers: ["due"],
  },
  held: { facts: [accepted({ heldBy: "manual" }), { type: "task.held", by: "manual" }] },
  queued: { facts: queued({ ttlMs: 5 }), sends: [CALL_1], timers: ["ttl"] },
  running: { facts: running(), aborts: [CALL_1] },
  sleeping: { facts: [...running(), asleep], timers: ["op:s"], aborts: [] },
  "waiting for a slot": { facts: calling(), sends: [`${TASK}.2`], aborts: [] },
  streaming: { facts: [...calling(), granted], aborts: [`${TASK}.2`] },
  "between two attempts": {
    facts: [...running(), { type: "task.retrying", error, untilMs: START_MS + 9 }],
    timers: ["due"],
  },
};

function accepted(changes: Parameters<typeof spec>[0]): TaskEvent {
  return { type: "task.accepted", spec: spec(changes) };
}

test.each(Object.entries(phases))("[TASK9] a cancel reaches a task that is %s", (_, phase) => {
  const { facts, sends = [], timers = [], aborts = null } = phase;
  const call = (id: string) => ({ queue: id === CALL_1 ? "tasks" : "model", call: id });
  const signal = { kind: "task.abort", taskId: TASK, calls: (aborts ?? []).map(call) };
  task(...facts)
    .when({ type: "cancel" })
    .then(cancelled)
    .sends(
      ...sends.map((id) => settles(call(id).queue, id)),
      ...(facts.some(({ type }) => type === "call.requested") ? [gone] : []),
    )
    .timers(Object.fromEntries(timers.map((name) => [name, null])))
    .rows({ status: "cancelled", endedAtMs: START_MS })
    .signals(...(aborts === null ? [] : [signal]))
    .answers({ status: "cancelled" })
    .again()
    .nothing()
    .answers({ status: "cancelled" });
});

test("[TASK9] a cancel names its reason, or who asked for it", () => {
  const by = (command: Omit<Extract<TaskCommand, { type: "cancel" }>, "type">) =>
    task(...queued()).when({ type: "cancel", ...command }).batch.events;
  expect(by({ reason: "enough" })).toMatchObject([{ error: { message: "enough" } }]);
  expect(by({ by: "parent" })).toMatchObject([{ error: { message: "cancelled by its parent" } }]);
});

const ends: readonly TaskEvent[] = [
  { type: "task.completed", output: 1 },
  { type: "task.failed", error },
  { type: "task.cancelled", error },
  { type: "task.expired", error },
];

/** Every command but the owner's `retry`. */
const commands: readonly TaskCommand[] = [
  { type: "submit", spec: spec() },
  { type: "callLost", call: CALL_1, queue: "tasks" },
  { type: "rehydrate" },
  { type: "lost" },
  { type: "cancel" },
  { type: "release" },
  { type: "event", name: "go", payload: 1 },
  { type: "childEnded", child: "task_x", end },
  { type: "timer", name: "due" },
  { type: "timer", name: "ttl" },
  { type: "timer", name: "deadline" },
  { type: "timer", name: "op:s" },
  { type: "complete", epoch: 1, output: 2 },
  { type: "fail", epoch: 1, error, retry: "policy" },
  { type: "progress", epoch: 1, progress: {} },
  { type: "handBack", epoch: 1 },
  { type: "step", epoch: 1, op: "new", result: 1 },
  { type: "toolSettle", epoch: 1, op: "new", state: "confirmed" },
];

test.each(ends)("[TASK2] after $type no command changes anything", (ending) => {
  for (const command of commands) {
    const { batch } = task(...running({ deadlineMs: 5 }), asleep, ending).when(command);
    expect([batch.events, batch.rows ?? []], command.type).toEqual([[], []]);
  }
});

test("[TASK10] an end takes back what waits, and clears every timer", () => {
  const untilMs = START_MS + 5_000;
  task(
    ...running({ deadlineMs: 9_000, ttlMs: 1 }),
    { type: "sleep.started", op: "done", untilMs },
    { type: "sleep.ended", op: "done" },
    { type: "sleep.started", op: "open", untilMs },
    { type: "wait.started", op: "timed", name: "go", untilMs },
    { type: "wait.started", op: "untimed", name: "go" },
  )
    .when({ type: "complete", epoch: 1, output: null })
    .timers({ ttl: null, deadline: null, "op:open": null, "op:timed": null });
});

test("[TASK10] an end cancels the children that are still open", () => {
  const spawned = (op: string): TaskEvent => ({
    type: "child.spawned",
    op,
    child: `task_${op}`,
    taskType: "note",
  });
  task(...running(), spawned("a"), spawned("b"), { type: "child.ended", op: "a", end })
    .when({ type: "complete", epoch: 1, output: null })
    .sends(settles("tasks", CALL_1), {
      to: taskScope("task_b"),
      body: { type: "cancel", by: "parent" },
    });
});

test("[TASK10] its parent, its session and its lane are told of every end", () => {
  const told = { parentId: "task_p", sessionId: "main", messageId: "msg_1", lane: "today" };
  task(...queued(told))
    .when({ type: "cancel" })
    .sends(
      settles("tasks", CALL_1),
      { to: taskScope("task_p"), body: { type: "childEnded", child: TASK, end } },
      {
        to: "session/ann/main",
        body: { type: "turnEnded", taskId: TASK, messageId: "msg_1", ending: 1, end },
      },
      { to: "user/ann", body: { type: "laneEnded", lane: "today", taskId: TASK, ending: 1 } },
    );
});

const over = { to: "queue/model", body: { type: "over", root: TASK } } as const;

test("[TASK11] a slot that a live worker may still use stays taken until the worker has stopped", () => {
  const stopped = task(...calling({ deadlineMs: 50 }), granted).when(
    { type: "timer", name: "deadline" },
    { nowMs: START_MS + 50 },
  );
  stopped.sends(gone).signals({
    kind: "task.abort",
    taskId: TASK,
    calls: [{ queue: "model", call: `${TASK}.2` }],
  } as never);
  // The handler itself ended, so nothing of it is live any more: its slots are free at once.
  task(...calling(), granted)
    .when({ type: "complete", epoch: 1, output: null })
    .sends(settles("model", `${TASK}.2`), over)
    .signals();
});

test("[QUEUE18] a root task that has ended tells the endpoints it called that its tree is over, and whether it completed", () => {
  task(...calling(), granted)
    .when({ type: "complete", epoch: 1, output: null })
    .sends(settles("model", `${TASK}.2`), over);
  task(...calling(), granted)
    .when({ type: "fail", epoch: 1, error: { code: "internal", message: "m" }, retry: "never" })
    .sends(settles("model", `${TASK}.2`), gone);
});
