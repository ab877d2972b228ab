import { expect, test } from "vitest";

import { START_MS, testContext } from "../../../test/given.ts";
import { CALL_1, TASK, running, settles, task } from "../../../test/task-facts.ts";
import { userScope } from "../scope.ts";
import type { TaskCommand } from "./commands.ts";
import type { TaskEvent } from "./events.ts";

const id = testContext().id("appr");
const approval = { id, question: "Send it?", details: { to: "bob" } };
const untilMs = START_MS + 5_000;
const asked = (until?: number): TaskEvent => ({
  type: "wait.started",
  op: "approval#1",
  name: "approval#1",
  ...(until === undefined ? {} : { untilMs: until }),
  approval,
});
const ask: TaskCommand = {
  type: "wait",
  epoch: 1,
  op: "approval#1",
  name: "approval#1",
  approval: { question: "Send it?", details: { to: "bob" } },
};
const answer = (approved: boolean): TaskCommand => ({ type: "answer", id, answer: { approved } });
const settled = { to: userScope("ann"), body: { type: "approvalSettled", id } };
const waiting = task(...running(), asked(untilMs));

test("[APPROVE1] a task that asks its person gives its slot back, says what it waits for, and tells the list", () => {
  const made = task(...running()).when({ ...ask, timeoutMs: 5_000 });
  made
    .then(asked(untilMs))
    .sends(
      {
        to: userScope("ann"),
        body: {
          type: "approvalAsked",
          approval: { taskId: TASK, taskType: "note", ...approval, untilMs },
        },
      },
      settles("tasks", CALL_1),
    )
    .timers({ "op:approval#1": untilMs })
    .rows({ status: "waiting" });
  expect(made.state).toMatchObject({
    status: "waiting",
    reason: { code: "approval", op: "approval#1", approval: { id, question: "Send it?" } },
  });
  made.again().nothing();
});

test("[APPROVE1] the first answer counts: the same one again changes nothing, another is refused", () => {
  const yes = waiting.when(answer(true));
  yes
    .then({ type: "wait.ended", op: "approval#1", payload: { approved: true } })
    .sends(settled)
    .timers({ "op:approval#1": null })
    .signals({ kind: "task.wake", taskId: TASK, op: "approval#1" } as never);
  yes.again().nothing();
  yes.when(answer(false)).refused("conflict");
  waiting.when({ ...answer(true), id: "appr_x" } as TaskCommand).refused("not_found");
});

test("[APPROVE1] time that is over is a no, and an answer after it is refused", () => {
  const late = waiting.when({ type: "timer", name: "op:approval#1" }, { nowMs: untilMs });
  late.then({ type: "wait.ended", op: "approval#1", timedOut: true }).sends(settled);
  late.when(answer(true)).refused("conflict");
});

test("[APPROVE2] no event answers a question, neither one that comes nor one that is kept", () => {
  const event: TaskCommand = { type: "event", name: "approval#1", payload: { approved: true } };
  waiting
    .when(event)
    .then({ type: "event.received", name: "approval#1", payload: { approved: true } });
  const kept: TaskEvent = {
    type: "event.received",
    name: "approval#1",
    payload: { approved: true },
  };
  const made = task(...running(), kept).when(ask);
  made.then(asked());
  expect(made.when(answer(false)).state.inbox.get("approval#1")).toHaveLength(1);
});

test("[APPROVE2] a task that ends asks no more; a worker that dies changes nothing", () => {
  const cancelled = waiting.when({ type: "cancel" });
  expect(cancelled.batch.messages).toContainEqual(settled);
  const lost = waiting.when({ type: "lost" });
  expect(lost.batch.messages ?? []).not.toContainEqual(settled);
  expect(lost.state.operations.get("approval#1")).toMatchObject({ done: false });
});

test("[TASK2] an answer that comes when its task has ended is refused, and changes nothing", () => {
  waiting.when({ type: "cancel" }).when(answer(true)).refused("conflict");
  const answered = waiting.when(answer(true)).when({ type: "cancel" });
  answered.when(answer(true)).nothing();
});
