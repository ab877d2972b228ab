import { expect, test } from "vitest";

import { START_MS } from "../../../test/given.ts";
import { CALL_1, TASK, calling, queued, running, spec, task } from "../../../test/task-facts.ts";
import type { TaskCommand } from "./commands.ts";
import type { TaskEvent } from "./events.ts";

const error = { code: "handler_failed", message: "it broke" } as const;
const asleep: TaskEvent = { type: "sleep.started", op: "s", untilMs: START_MS };
const waits: TaskEvent = { type: "wait.started", op: "w", name: "go" };
const granted: TaskEvent = { type: "call.started", op: "c", call: `${TASK}.2` };
const completed: TaskEvent = {
  type: "call.completed",
  op: "c",
  result: { text: "", finish: "stop" },
};
const sleep: TaskCommand = { type: "sleep", epoch: 1, op: "s", ms: 0 };
const call: TaskCommand = {
  type: "call",
  epoch: 1,
  op: "c",
  queue: "model",
  role: "chat",
  hash: "h",
  cost: 2,
};
const grant: TaskCommand = { type: "callGranted", call: CALL_1, queue: "tasks" };

/** Which row each step of a life writes. `null`: none, and the row before it stays true. */
const transitions: readonly [string, TaskEvent[], TaskCommand, string | null][] = [
  ["is accepted", [], { type: "submit", spec: spec() }, "queued"],
  ["is accepted for later", [], { type: "submit", spec: spec({ delayMs: 1 }) }, "delayed"],
  ["starts from the queue", queued(), grant, null],
  ["finishes a step", running(), { type: "step", epoch: 1, op: "a", result: 1 }, null],
  ["reports progress", running(), { type: "progress", epoch: 1, progress: {} }, null],
  ["falls asleep", running(), sleep, "waiting"],
  ["wakes up", [...running(), asleep], { type: "timer", name: "op:s" }, "running"],
  ["falls asleep while a call waits", calling(), sleep, null],
  ["falls asleep while a call streams", [...calling(), granted], sleep, null],
  ["asks for its first model call", running(), call, "running"],
  ["asks for a call while it waits", [...running(), waits], call, "running"],
  ["gets its slot", calling(), { type: "callGranted", call: `${TASK}.2`, queue: "model" }, null],
  ["waits for an event after a call", [...calling(), granted, completed], wait(), "waiting"],
  ["waits for a second event", [...running(), waits], wait("v"), null],
  ["is given back", running(), { type: "handBack", epoch: 1 }, "queued"],
  ["fails and backs off", running(), { type: "fail", epoch: 1, error, retry: "policy" }, "delayed"],
  ["is taken over", [...running(), asleep], { type: "rehydrate" }, "running"],
  ["completes", running(), { type: "complete", epoch: 1, output: 1 }, "completed"],
  ["is opened again", [...running(), { type: "task.failed", error }], { type: "retry" }, "queued"],
];

function wait(op = "w"): TaskCommand {
  return { type: "wait", epoch: 1, op, name: "go" };
}

test.each(transitions)("[TASK23] the row of a task that %s", (_, facts, command, status) => {
  const { batch } = task(...facts).when(command);
  expect((batch.rows ?? []).map((row) => "status" in row && row.status)).toEqual(
    status === null ? [] : [status],
  );
});

test("[KERNEL9] the start of an attempt costs no row: it reads `queued` until it waits or ends", () => {
  task(...queued())
    .when(grant)
    .rows()
    .when({ type: "complete", epoch: 1, output: null })
    .rows({ status: "completed" });
});

test("[SEAL4] a task's row holds ids, names, status and times, and nothing that people wrote", () => {
  const wishes = { sessionId: "main", parentId: "task_p", title: "secret", input: "secret" };
  const { batch } = task().when({ type: "submit", spec: spec(wishes) });
  expect(batch.rows).toEqual([
    {
      table: "task",
      id: TASK,
      userId: "ann",
      type: "note",
      status: "queued",
      queue: "tasks",
      sessionId: "main",
      parentId: "task_p",
      createdAtMs: START_MS,
      endedAtMs: null,
    },
  ]);
});
