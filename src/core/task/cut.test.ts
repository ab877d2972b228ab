import { expect, test } from "vitest";

import { CALL_1, TASK, calling, settles, task } from "../../../test/task-facts.ts";
import type { TaskCommand } from "./commands.ts";
import type { TaskEvent } from "./events.ts";
import { reasonView } from "./view.ts";

const CALL_2 = `${TASK}.2`;
const CALL_3 = `${TASK}.3`;
const partial = { text: "so far", tokens: 3, ran: 1.5 };
const started: TaskEvent = { type: "call.started", op: "c", call: CALL_2 };
const streaming = task(...calling(), started);
const wish: TaskCommand = { type: "cutCall", call: CALL_2, queue: "model" };
const wasCut: TaskCommand = {
  type: "callCut",
  epoch: 1,
  op: "c",
  call: CALL_2,
  partial,
  inputTokens: 100,
  cost: 3,
  lead: 0.3,
};
const paused: readonly TaskEvent[] = [
  { type: "call.cut", op: "c", partial },
  {
    type: "call.requested",
    op: "c",
    call: CALL_3,
    queue: "model",
    role: "chat",
    hash: "h",
    cost: 3,
    lead: 0.3,
  },
];

test("[TASK29] a wish of the queue reaches the worker of a streaming call, and nobody else", () => {
  streaming
    .when(wish)
    .then()
    .signals({ kind: "task.cut", taskId: TASK, queue: "model", call: CALL_2 } as never);
  task(...calling())
    .when(wish)
    .nothing();
  task(...calling(), started, ...paused)
    .when(wish)
    .nothing();
});

test("[TASK29] a call that made room keeps its text, waits for its slot again and says why", () => {
  const cut = streaming.when(wasCut).then(...paused);
  expect(cut.batch.messages).toMatchObject([
    settles("model", CALL_2, { failed: null, tokens: 103, cut: 103 }),
    { to: "queue/model", body: { type: "request", call: CALL_3, request: { cuts: 1, ran: 1.5 } } },
  ]);
  expect(cut.state).toMatchObject({ status: "waiting", reason: { code: "cut", op: "c" } });
  expect(reasonView(cut.state.reason)?.message).toBe("is paused for a quick question");
  expect(cut.state.operations.get("c")).toMatchObject({ state: "pending", partial, cuts: 1 });
  cut.again().nothing();
});

test("[TASK29] it goes on from its text, and a cut costs no try", () => {
  const on = task(...calling(), started, ...paused).when({
    type: "callGranted",
    call: CALL_3,
    queue: "model",
  });
  on.then({ type: "call.started", op: "c", call: CALL_3 });
  expect(on.state.operations.get("c")).toMatchObject({ state: "granted", partial, tries: 1 });
  expect(on.state.status).toBe("running");
});

test("[TASK29] an end while it is paused takes its request back", () => {
  const cancelled = task(...calling(), started, ...paused).when({ type: "cancel" });
  expect(cancelled.batch.messages).toContainEqual(settles("model", CALL_3));
  expect(cancelled.state.status).toBe("cancelled");
});

test("[TASK29] a lost attempt begins its calls anew", () => {
  const lost = task(...calling(), started, ...paused, {
    type: "call.started",
    op: "c",
    call: CALL_3,
  }).when({ type: "callLost", call: CALL_3, queue: "model" });
  expect(lost.state.operations.get("c")).toMatchObject({ state: "idle", partial: null, cuts: 0 });
  expect(lost.state.lease).not.toBe(CALL_1);
});

test("[TASK29] a failure may keep, change or drop what a call goes on from", () => {
  const error = { code: "model_broken", message: "it broke off" } as const;
  const failed = {
    type: "callFailed",
    epoch: 1,
    op: "c",
    call: CALL_2,
    error,
    triesMax: 3,
  } as const;
  const after = (parts: object) =>
    streaming.when({ ...failed, ...parts }).state.operations.get("c");
  expect(after({})).toMatchObject({ state: "backoff", partial: null });
  expect(after({ partial })).toMatchObject({ state: "backoff", partial });
  const again = task(...calling(), started, ...paused, {
    type: "call.started",
    op: "c",
    call: CALL_3,
  });
  const refused = again.when({ ...failed, call: CALL_3, partial: null });
  expect(refused.state.operations.get("c")).toMatchObject({ state: "backoff", partial: null });
});

test("[TASK29, TASK30] a paused call is still paused when something else ends", () => {
  const asleep: TaskEvent = { type: "sleep.started", op: "s", untilMs: 1 };
  const on = task(...calling(), started, ...paused, asleep, { type: "sleep.ended", op: "s" });
  expect(on.state()).toMatchObject({ status: "waiting", reason: { code: "cut", op: "c" } });
});
