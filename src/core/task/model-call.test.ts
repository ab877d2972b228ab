import { expect, test } from "vitest";

import { START_MS } from "../../../test/given.ts";
import {
  CALL_1,
  TASK,
  callRequested,
  calling,
  queued,
  running,
  settles,
  task,
} from "../../../test/task-facts.ts";
import type { TaskCommand } from "./commands.ts";
import type { TaskEvent } from "./events.ts";

const CALL_2 = `${TASK}.2`;
const ask: TaskCommand = {
  type: "call",
  epoch: 1,
  op: "c",
  queue: "model",
  role: "chat",
  hash: "h",
  cost: 2,
};
const started: TaskEvent = { type: "call.started", op: "c", call: CALL_2 };
const result = { text: "hi", finish: "stop" } as const;
const error = { code: "model_broken", message: "it broke off" } as const;
const failed: TaskCommand = {
  type: "callFailed",
  epoch: 1,
  op: "c",
  call: CALL_2,
  error,
  triesMax: 3,
};

test("[TASK20] a model call waits for its own slot and gives the start slot back", () => {
  const asked = task(...running({ capTotal: 3, capPerKey: 1 })).when(ask);
  asked.then(callRequested("c", 2)).rows({ status: "running" });
  expect(asked.batch.messages).toMatchObject([
    {
      to: "queue/model",
      body: {
        type: "request",
        call: CALL_2,
        request: { cost: 2, capTotal: null, capPerKey: null },
      },
    },
    settles("tasks", CALL_1),
  ]);
  expect(asked.state).toMatchObject({
    status: "waiting",
    lease: null,
    reason: { code: "slot", queue: "model", op: "c" },
  });
  asked.again().nothing();
});

const firstCall = { op: "c", queue: "model", role: "chat", hash: "h", cost: 2 } as const;
const grant: TaskCommand = { type: "callGranted", call: CALL_1, queue: "tasks" };

test("[CALL16] a start asks for the call its task begins with, and gives its slot back", () => {
  const begun = task(...queued({ firstCall })).when(grant);
  begun
    .then({ type: "task.started", attempt: 1, epoch: 1 }, callRequested("c", 2))
    .signals({ kind: "task.start", taskId: TASK, attempt: 1, epoch: 1 } as never)
    .rows({ status: "running" });
  expect(begun.batch.messages).toMatchObject([
    { to: "queue/model", body: { type: "request", call: CALL_2, request: { cost: 2 } } },
    settles("tasks", CALL_1),
  ]);
  expect(begun.state).toMatchObject({ status: "waiting", lease: null, phase: "active" });
  begun.again().then().sends(settles("tasks", CALL_1));
  begun.when(ask).nothing();
});

test("[CALL16] a handler that wants another call than was foreseen gets that one, and the foreseen goes back", () => {
  const begun = task(...queued({ firstCall })).when(grant);
  const granted = begun.when({ type: "callGranted", call: CALL_2, queue: "model" });
  for (const changed of [{ hash: "other" }, { queue: "elsewhere" }]) {
    for (const past of [begun, granted]) {
      const other = past.when({ ...ask, ...changed });
      other.then({ ...callRequested("c", 3), ...changed });
      expect(other.batch).toMatchObject({
        messages: [
          settles("model", CALL_2),
          { to: `queue/${changed.queue ?? "model"}`, body: { type: "request", call: `${TASK}.3` } },
        ],
        reply: { ok: true, value: { call: `${TASK}.3` } },
      });
      expect(other.state.operations.get("c")).toMatchObject({ state: "pending", ...changed });
      other.when({ ...ask, ...changed }).nothing();
    }
  }
});

test("[CALL16] the next attempt asks for it again, unless it has been made", () => {
  const begun = task(...queued({ firstCall })).when(grant);
  const granted = begun.when({ type: "callGranted", call: CALL_2, queue: "model" });
  const lost = granted.when({ type: "lost" });
  lost
    .when({ type: "callGranted", call: `${TASK}.3`, queue: "tasks" })
    .then({ type: "task.started", attempt: 2, epoch: 2 }, callRequested("c", 4));
  const done = granted.when({ type: "callDone", epoch: 1, op: "c", call: CALL_2, result });
  done
    .when({ type: "lost" })
    .when({ type: "callGranted", call: `${TASK}.3`, queue: "tasks" })
    .then({ type: "task.started", attempt: 2, epoch: 2 });
  // What it said counts: another prompt is another program now.
  done.when({ ...ask, hash: "other" }).refused("nondeterministic");
});

test("[TASK20] a granted call streams, and what it said is kept", () => {
  const granted = task(...calling())
    .when({ type: "callGranted", call: CALL_2, queue: "model" })
    .then(started)
    .signals({ kind: "task.wake", taskId: TASK, op: "c" } as never)
    .rows();
  expect(granted.state.status).toBe("running");
  granted.again().nothing();
  const done = granted
    .when({ type: "callDone", epoch: 1, op: "c", call: CALL_2, result })
    .then({ type: "call.completed", op: "c", result })
    .sends(settles("model", CALL_2, { failed: null }))
    .rows();
  done.again().nothing();
  done.when(ask).nothing();
  done
    .when({ type: "callGranted", call: CALL_2, queue: "model" })
    .then()
    .sends(settles("model", CALL_2));
  expect(done.state.operations.get("c")).toMatchObject({ state: "done", result });
});

test("[TASK20] another prompt or role under the same name never runs", () => {
  task(...calling())
    .when({ ...ask, hash: "other" })
    .refused("nondeterministic");
  task(...calling())
    .when({ ...ask, role: "writer" })
    .refused("nondeterministic");
});

test("[TASK20] a failed call asks for a slot again after its backoff", () => {
  const untilMs = START_MS + 1_000;
  const again = task(...calling(), started)
    .when(failed)
    .then({ type: "call.failed", op: "c", error, untilMs })
    .sends(settles("model", CALL_2, { failed: "down", cause: "model_broken" }))
    .timers({ "op:c": untilMs })
    .answers({ again: true, untilMs });
  expect(again.state).toMatchObject({ status: "delayed", reason: { code: "backoff", untilMs } });
  again.again().nothing();
  const asked = again.when({ type: "timer", name: "op:c" }, { nowMs: untilMs });
  asked.then(callRequested("c", 3));
  asked.again().nothing();
  expect(asked.state.operations.get("c")).toMatchObject({ state: "pending", tries: 1 });
});

test("[TASK20] a call waits as long as its endpoint says", () => {
  task(...calling(), started)
    .when({ ...failed, retryAfterMs: 20 })
    .then({ type: "call.failed", op: "c", error, untilMs: START_MS + 20 });
});

test("[TASK20] a call that has had all its tries fails for its handler to see", () => {
  const given = task(...calling(), started)
    .when({ ...failed, triesMax: 1 })
    .then({ type: "call.failed", op: "c", error })
    .timers({})
    .answers({ again: false });
  expect(given.state).toMatchObject({ status: "running" });
  expect(given.state.operations.get("c")).toMatchObject({ state: "failed", error });
});

test("[TASK20] an outcome of a call that is not the live one changes nothing", () => {
  const done: TaskCommand = { type: "callDone", epoch: 1, op: "c", call: CALL_2, result };
  task(...calling())
    .when(done)
    .nothing();
  task(...calling(), started)
    .when({ ...done, call: `${TASK}.9` })
    .nothing();
  task(...calling())
    .when(failed)
    .nothing();
});

test("[TASK20] a task counts as running while one of its calls streams", () => {
  const asleep: TaskCommand = { type: "sleep", epoch: 1, op: "s", ms: 5 };
  const both = task(...calling(), started).when(asleep);
  expect(both.state.status).toBe("running");
  const slept = task(...calling()).when(asleep);
  expect(slept.state).toMatchObject({ status: "waiting", reason: { code: "sleep" } });
});

const other = (number: number): TaskEvent => callRequested("d", number);
const CALL_3 = `${TASK}.3`;
const untilMs = START_MS + 1_000;
const triedAgain: TaskEvent = { type: "call.failed", op: "c", error, untilMs };

test("[TASK30] a call that is tried again is told beside one that streams, and alone when that has ended", () => {
  const both = task(...calling(), other(3), started, {
    type: "call.started",
    op: "d",
    call: CALL_3,
  });
  expect(both.state()).toMatchObject({ status: "running", reason: null });
  const beside = both.when(failed);
  const reason = { code: "backoff", op: "c" };
  expect(beside.state).toMatchObject({ status: "running", reason });
  const alone = beside.when({ type: "callDone", epoch: 1, op: "d", call: CALL_3, result });
  expect(alone.state).toMatchObject({ status: "delayed", reason });
});

test("[TASK30] what else ends does not make a task run whose call waits for its slot or its next try", () => {
  const asleep: TaskEvent = { type: "sleep.started", op: "s", untilMs };
  const waits = task(...calling(), asleep, { type: "sleep.ended", op: "s" });
  const reason = { code: "slot", queue: "model", op: "c" };
  expect(waits.state()).toMatchObject({ status: "waiting", reason });
  const again = task(...calling(), started, triedAgain, asleep);
  expect(again.state()).toMatchObject({ status: "delayed", reason: { code: "backoff", untilMs } });
  const replayed = task(...calling(), started, triedAgain, {
    type: "task.resumed",
    epoch: 2,
  });
  expect(replayed.state()).toMatchObject({ status: "delayed", reason: { code: "backoff" } });
});

test("[TASK30] of several next tries the first one counts, and before any slot", () => {
  const soon = START_MS + 400;
  const two = task(...calling(), other(3), started, triedAgain);
  expect(two.state()).toMatchObject({ status: "delayed", reason: { code: "backoff", op: "c" } });
  const both = task(
    ...calling(),
    other(3),
    started,
    { type: "call.started", op: "d", call: CALL_3 },
    triedAgain,
    { type: "call.failed", op: "d", error, untilMs: soon },
  );
  expect(both.state()).toMatchObject({ reason: { code: "backoff", op: "d", untilMs: soon } });
  // Its time has come: it is back in line, and the other one is what people wait for.
  const back = both.when({ type: "timer", name: "op:d" }, { nowMs: soon });
  expect(back.state).toMatchObject({ status: "delayed", reason: { code: "backoff", op: "c" } });
});
