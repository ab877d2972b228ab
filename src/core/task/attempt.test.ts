import { expect, test } from "vitest";

import { START_MS } from "../../../test/given.ts";
import {
  CALL_1,
  TASK,
  asksToStart,
  calling,
  callRequested,
  queued,
  running,
  settles,
  task,
} from "../../../test/task-facts.ts";
import { lossesMax } from "../limits.ts";
import type { TaskCommand } from "./commands.ts";
import type { TaskEvent } from "./events.ts";

const grant: TaskCommand = { type: "callGranted", call: CALL_1, queue: "tasks" };
const error = { code: "handler_failed", message: "it broke" } as const;
const retry = { attemptsMax: 3, minDelayMs: 1_000, maxDelayMs: 60_000, factor: 2, jitter: 0 };
const lost: TaskEvent[] = [{ type: "task.lost" }];

test("[TASK4] a granted slot starts the attempt, and its handler runs when that is stored", () => {
  task(...queued())
    .when(grant)
    .then({ type: "task.started", attempt: 1, epoch: 1 })
    .signals({ kind: "task.start", taskId: TASK, attempt: 1, epoch: 1 } as never)
    .sends()
    .rows()
    .again()
    .nothing();
});

test("[TASK22] a grant that nobody wants any more is given back", () => {
  const stray = { type: "callGranted", call: `${TASK}.9`, queue: "model" } as const;
  const back = settles("model", stray.call);
  task(...queued())
    .when(stray)
    .then()
    .sends(back);
  task(...running())
    .when(stray)
    .then()
    .sends(back);
  task().when(stray).then().sends(back);
  const ended: TaskEvent[] = [...running(), { type: "task.completed", output: 1 }];
  task(...ended)
    .when(grant)
    .then()
    .sends(settles("tasks", CALL_1));
});

test("[TASK5] a worker of an older epoch changes nothing", () => {
  const newer: TaskEvent[] = [...running(), { type: "task.resumed", epoch: 2 }];
  const late: TaskCommand[] = [
    { type: "complete", epoch: 1, output: "late" },
    { type: "fail", epoch: 1, error, retry: "policy" },
    { type: "progress", epoch: 1, progress: { done: 1 } },
    { type: "step", epoch: 1, op: "a", result: 1 },
    { type: "sleep", epoch: 1, op: "b", ms: 1 },
    { type: "handBack", epoch: 1 },
  ];
  for (const command of late)
    task(...newer)
      .when(command)
      .refused("fenced");
});

test("[TASK5] a worker changes nothing before its start, after its attempt and after the end", () => {
  const step: TaskCommand = { type: "step", epoch: 1, op: "a", result: 1 };
  task(...queued())
    .when(step)
    .refused("fenced");
  const retrying: TaskEvent = { type: "task.retrying", error, untilMs: START_MS };
  task(...running(), retrying)
    .when(step)
    .refused("fenced");
  task(...running(), { type: "task.completed", output: 1 })
    .when(step)
    .refused("fenced");
});

test("[TASK4] a finished handler completes the task and gives its slot back", () => {
  task(...running())
    .when({ type: "complete", epoch: 1, output: { text: "done" } })
    .then({ type: "task.completed", output: { text: "done" } })
    .sends(settles("tasks", CALL_1))
    .rows({ status: "completed", endedAtMs: START_MS })
    .signals()
    .timers({});
});

test("[TASK4] progress is a fact and nothing else; the last report counts", () => {
  const reports = task(...running())
    .when({ type: "progress", epoch: 1, progress: { done: 1, total: 3 } })
    .then({ type: "task.progressed", progress: { done: 1, total: 3 } })
    .sends()
    .rows()
    .when({ type: "progress", epoch: 1, progress: { message: "nearly" } });
  expect(reports.state.progress).toEqual({ message: "nearly" });
});

test("[TASK6] a failed attempt gives its slots back and is tried again after its backoff", () => {
  const untilMs = START_MS + 1_000;
  task(...running({ retry }))
    .when({ type: "fail", epoch: 1, error, retry: "policy" })
    .then({ type: "task.retrying", error, untilMs })
    .sends(settles("tasks", CALL_1))
    .timers({ due: untilMs })
    .rows({ status: "delayed" })
    .answers({ end: "retrying", untilMs })
    .when({ type: "timer", name: "due" }, { nowMs: untilMs })
    .then({ type: "task.queued", call: `${TASK}.2` })
    .sends(asksToStart(`${TASK}.2`))
    .when({ type: "callGranted", call: `${TASK}.2`, queue: "tasks" })
    .then({ type: "task.started", attempt: 2, epoch: 2 });
});

test("[TASK6] the last allowed attempt, and one that must not be tried again, fail for good", () => {
  const fatal = { code: "fatal", message: "no use" } as const;
  task(...running({ retry }))
    .when({ type: "fail", epoch: 1, error: fatal, retry: "never" })
    .then({ type: "task.failed", error: fatal })
    .rows({ status: "failed" })
    .answers({ end: "failed" });
  task(...running({ retry: { ...retry, attemptsMax: 1 } }))
    .when({ type: "fail", epoch: 1, error, retry: "policy" })
    .then({ type: "task.failed", error });
});

test("[TASK6] a handler may say itself how long to wait", () => {
  task(...running({ retry }))
    .when({ type: "fail", epoch: 1, error, retry: { afterMs: 30 } })
    .then({ type: "task.retrying", error, untilMs: START_MS + 30 });
});

test("[TASK6] an attempt that fails takes its open model calls back", () => {
  task(...calling())
    .when({ type: "fail", epoch: 1, error, retry: "policy" })
    .sends(settles("model", `${TASK}.2`));
  const started: TaskEvent = { type: "call.started", op: "c", call: `${TASK}.2` };
  task(...calling(), started)
    .when({ type: "fail", epoch: 1, error, retry: "policy" })
    .sends(settles("model", `${TASK}.2`));
  const untilMs = START_MS + 50;
  task(...calling(), started, { type: "call.failed", op: "c", error, untilMs })
    .when({ type: "fail", epoch: 1, error, retry: { afterMs: 5 } })
    .sends()
    .timers({ "op:c": null, due: START_MS + 5 });
});

test("[TASK7] a lost attempt is queued again and is no failure of the handler", () => {
  const after = task(...running())
    .when({ type: "callLost", call: CALL_1, queue: "tasks" })
    .then({ type: "task.lost" }, { type: "task.queued", call: `${TASK}.2` })
    .sends(settles("tasks", CALL_1), asksToStart(`${TASK}.2`))
    .rows({ status: "queued" });
  expect(after.state).toMatchObject({ failures: 0, losses: 1, attempt: 1 });
  after.again().nothing();
  task(...running())
    .when({ type: "lost" })
    .then({ type: "task.lost" }, { type: "task.queued", call: `${TASK}.2` })
    .again()
    .nothing();
});

test("[TASK7] a lost model call is a lost attempt too, because its worker held it", () => {
  task(...calling(), { type: "call.started", op: "c", call: `${TASK}.2` })
    .when({ type: "callLost", call: `${TASK}.2`, queue: "model" })
    .then({ type: "task.lost" }, { type: "task.queued", call: `${TASK}.3` })
    .sends(settles("model", `${TASK}.2`), asksToStart(`${TASK}.3`));
});

test("[TASK26] a call that its queue has voided before the grant came is asked for anew", () => {
  const voided = (call: string, queue: string) => ({ type: "callLost", call, queue }) as const;
  const asked = task(...queued()).when(voided(CALL_1, "tasks"));
  asked.then({ type: "task.queued", call: `${TASK}.2` }).sends(asksToStart(`${TASK}.2`));
  asked.again().nothing();
  // The grant of the voided call may still be on its way: it starts nothing.
  asked.when(grant).then().sends(settles("tasks", CALL_1));
  const model = task(...calling()).when(voided(`${TASK}.2`, "model"));
  model.then(callRequested("c", 3)).again().nothing();
});

test("[TASK7] recovery speaks of the epoch it has seen, and a newer one is not lost", () => {
  task(...running(), { type: "task.resumed", epoch: 2 })
    .when({ type: "lost", epoch: 1 })
    .nothing();
  task(...running())
    .when({ type: "lost", epoch: 1 })
    .then({ type: "task.lost" }, { type: "task.queued", call: `${TASK}.2` });
});

test("[TASK7] only a running attempt can be lost: one that waits has lost nothing", () => {
  const sleeping: TaskEvent = { type: "sleep.started", op: "s", untilMs: START_MS + 9 };
  for (const facts of [queued(), [...running(), sleeping], calling()]) {
    task(...facts)
      .when({ type: "lost" })
      .nothing();
  }
  task(...running())
    .when({ type: "callLost", call: `${TASK}.7`, queue: "tasks" })
    .nothing();
});

test(`[TASK7] a task whose worker dies ${lossesMax} times is given up`, () => {
  let facts = running();
  for (let loss = 1; loss < lossesMax; loss += 1) {
    const call = `${TASK}.${loss + 1}`;
    const started = { attempt: loss + 1, epoch: loss + 1 };
    facts = [
      ...facts,
      ...lost,
      { type: "task.queued", call },
      { type: "task.started", ...started },
    ];
  }
  const given = task(...facts).when({ type: "lost" });
  expect(given.batch.events).toMatchObject([
    { type: "task.lost" },
    { type: "task.failed", error: { code: "worker_lost" } },
  ]);
  given.sends(settles("tasks", `${TASK}.${lossesMax}`)).rows({ status: "failed" });
});

test("[TASK7] what gets on between its losses is not given up, however many there are", () => {
  let facts = running();
  for (let loss = 1; loss < 4 * lossesMax; loss += 1) {
    facts = [
      ...facts,
      { type: "step.completed", op: `step:${loss}`, result: null },
      ...lost,
      { type: "task.queued", call: `${TASK}.${loss + 1}` },
      { type: "task.started", attempt: loss + 1, epoch: loss + 1 },
    ];
  }
  const again = task(...facts).when({ type: "lost" });
  expect(again.batch.events).toMatchObject([{ type: "task.lost" }, { type: "task.queued" }]);
  expect(again.state.losses).toBe(2);
});

test("[TASK8] a worker that stops in good order hands the task back, and no loss is counted", () => {
  const back = task(...running())
    .when({ type: "handBack", epoch: 1 })
    .then({ type: "task.lost", graceful: true }, { type: "task.queued", call: `${TASK}.2` })
    .sends(settles("tasks", CALL_1), asksToStart(`${TASK}.2`))
    .rows({ status: "queued" });
  expect(back.state).toMatchObject({ failures: 0, losses: 0 });
  back.again().refused("fenced");
});

test("[TASK5] a new owner takes a suspended attempt over with a higher epoch", () => {
  const asleep: TaskEvent[] = [
    ...running(),
    { type: "sleep.started", op: "s", untilMs: START_MS + 9 },
  ];
  task(...asleep)
    .when({ type: "rehydrate" })
    .then({ type: "task.resumed", epoch: 2 })
    .answers({ epoch: 2, attempt: 1 })
    .rows({ status: "running" })
    .when({ type: "step", epoch: 1, op: "x", result: 1 })
    .refused("fenced");
  task(...queued())
    .when({ type: "rehydrate" })
    .refused("fenced");
});

test("[TASK7] what was in flight is asked for again by the next attempt, what is done is kept", () => {
  const result = { text: "hi", finish: "stop" } as const;
  const { state } = task(
    ...calling(),
    { type: "call.started", op: "c", call: `${TASK}.2` },
    { type: "call.completed", op: "c", result },
    { type: "step.completed", op: "s", result: 1 },
    callRequested("d", 3),
  ).when({ type: "handBack", epoch: 1 });
  expect(state.operations.get("c")).toMatchObject({ state: "done", result });
  expect(state.operations.get("s")).toEqual({ kind: "step", result: 1 });
  expect(state.operations.get("d")).toMatchObject({ state: "idle", call: "", tries: 0 });
});
