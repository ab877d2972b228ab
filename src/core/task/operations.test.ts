import { expect, test } from "vitest";

import { START_MS } from "../../../test/given.ts";
import { CALL_1, TASK, running, settles, spec, task } from "../../../test/task-facts.ts";
import { inboxBytesMax, inboxMax, operationsMax, spawnDepthMax, spawnWidthMax } from "../limits.ts";
import { taskScope } from "../scope.ts";
import type { TaskCommand } from "./commands.ts";
import type { TaskEvent } from "./events.ts";

const slotBack = settles("tasks", CALL_1);
const wake = (op: string) => ({ kind: "task.wake", taskId: TASK, op });
const untilMs = START_MS + 5_000;
const asleep: TaskEvent = { type: "sleep.started", op: "s", untilMs };
const waits: TaskEvent = { type: "wait.started", op: "w", name: "go" };
const { rootId: _root, ...childSpec } = spec({ type: "part" });

function spawned(op: string): TaskEvent {
  return { type: "child.spawned", op, child: `task_${op}`, taskType: "part" };
}

test("[TASK15] a finished step is kept, and its second result is not", () => {
  const step = task(...running()).when({ type: "step", epoch: 1, op: "a", result: { n: 1 } });
  step
    .then({ type: "step.completed", op: "a", result: { n: 1 } })
    .sends()
    .rows();
  step.when({ type: "step", epoch: 1, op: "a", result: "other" }).nothing();
  expect(step.state.operations.get("a")).toEqual({ kind: "step", result: { n: 1 } });
});

test("[TASK15] an operation that was something else before is nondeterministic", () => {
  const known = task(...running(), asleep, { type: "step.completed", op: "a", result: 1 });
  const others: TaskCommand[] = [
    { type: "step", epoch: 1, op: "s", result: 1 },
    { type: "sleep", epoch: 1, op: "a", ms: 1 },
    { type: "wait", epoch: 1, op: "a", name: "go" },
    { type: "spawn", epoch: 1, op: "a", spec: childSpec },
    { type: "join", epoch: 1, ops: ["a"] },
    { type: "call", epoch: 1, op: "a", queue: "model", role: "chat", hash: "h", cost: 1 },
    { type: "toolIntend", epoch: 1, op: "a", id: "1", name: "add", hash: "h" },
    { type: "toolSettle", epoch: 1, op: "a", state: "confirmed" },
  ];
  for (const command of others) known.when(command).refused("nondeterministic");
});

test("[TASK16] a task that sleeps gives its start slot back, and says until when", () => {
  const slept = task(...running())
    .when({ type: "sleep", epoch: 1, op: "s", ms: 5_000 })
    .then(asleep)
    .sends(slotBack)
    .timers({ "op:s": untilMs })
    .rows({ status: "waiting" });
  expect(slept.state).toMatchObject({
    status: "waiting",
    lease: null,
    reason: { code: "sleep", untilMs, op: "s" },
  });
  slept.again().nothing();
});

test("[TASK17] a sleep ends at its time, once, and never early", () => {
  const early = { nowMs: untilMs - 1 };
  task(...running(), asleep)
    .when({ type: "timer", name: "op:s" }, early)
    .then()
    .timers({ "op:s": untilMs });
  task(...running(), asleep)
    .when({ type: "timer", name: "op:s" }, { nowMs: untilMs })
    .then({ type: "sleep.ended", op: "s" })
    .signals(wake("s"))
    .rows({ status: "running" })
    .timers({})
    .again()
    .nothing();
});

test("[TASK17] what ends while no attempt owns the task is there for the next one", () => {
  const error = { code: "handler_failed", message: "no" } as const;
  const between = task(...running(), asleep, { type: "task.retrying", error, untilMs });
  const ended = between.when({ type: "timer", name: "op:s" }, { nowMs: untilMs });
  ended.then({ type: "sleep.ended", op: "s" }).signals().rows();
  expect(ended.state).toMatchObject({ phase: "delayed", status: "delayed" });
});

test("[TASK18] an event ends the wait for it", () => {
  const waiting = task(...running())
    .when({ type: "wait", epoch: 1, op: "w", name: "go", timeoutMs: 5_000 })
    .then({ type: "wait.started", op: "w", name: "go", untilMs })
    .sends(slotBack)
    .timers({ "op:w": untilMs })
    .rows({ status: "waiting" });
  waiting.again().nothing();
  const ended = waiting
    .when({ type: "event", name: "go", payload: { yes: true } })
    .then({ type: "wait.ended", op: "w", payload: { yes: true } })
    .timers({ "op:w": null })
    .signals(wake("w"))
    .rows({ status: "running" });
  expect(ended.state.operations.get("w")).toMatchObject({ done: true, payload: { yes: true } });
});

test("[TASK18] a wait ends without an event at its timeout", () => {
  const timed = task(...running(), { ...waits, untilMs })
    .when({ type: "timer", name: "op:w" }, { nowMs: untilMs })
    .then({ type: "wait.ended", op: "w", timedOut: true })
    .signals(wake("w"));
  expect(timed.state.operations.get("w")).toMatchObject({ done: true, timedOut: true });
  timed.again().nothing();
});

test("[TASK18] events that nothing waits for are kept, and taken oldest first", () => {
  const got = (payload: number): TaskEvent => ({ type: "event.received", name: "go", payload });
  task(...running())
    .when({ type: "event", name: "go", payload: 1 })
    .then(got(1))
    .sends()
    .rows();
  const taken = task(...running(), got(1), got(2))
    .when({ type: "wait", epoch: 1, op: "w", name: "go", timeoutMs: 9 })
    .then(
      { type: "wait.started", op: "w", name: "go", untilMs: START_MS + 9 },
      { type: "wait.ended", op: "w", payload: 1 },
    )
    .timers({})
    .signals(wake("w"))
    .sends(slotBack)
    .rows({ status: "running" });
  expect(taken.state.inbox).toEqual(new Map([["go", [2]]]));
  expect(taken.state.status).toBe("running");
});

test("[TASK18] the oldest of two waits for one event gets it", () => {
  task(...running(), waits, { ...waits, op: "v" })
    .when({ type: "event", name: "go", payload: 1 })
    .then({ type: "wait.ended", op: "w", payload: 1 })
    .when({ type: "event", name: "go", payload: 2 })
    .then({ type: "wait.ended", op: "v", payload: 2 });
});

test("[LIMIT1] a task keeps a limited number of events, over all names", () => {
  const names = Array.from({ length: inboxMax }, (_, at) => `n${at % 7}`);
  const full = names.map((name): TaskEvent => ({ type: "event.received", name, payload: 0 }));
  task(...running(), ...full)
    .when({ type: "event", name: "new", payload: 1 })
    .refused("limit_exceeded");
  task(...running(), ...full.slice(1))
    .when({ type: "event", name: "new", payload: 1 })
    .then({ type: "event.received", name: "new", payload: 1 });
});

test("[LIMIT1] and a limited size of them, but one whatever its size", () => {
  const payload = "x".repeat(inboxBytesMax / 4);
  const event = (name: string): TaskEvent => ({ type: "event.received", name, payload });
  const big: TaskCommand = { type: "event", name: "big", payload: `${payload}${payload}.` };
  const one = task(...running()).when(big);
  one.then({ ...event("big"), payload: `${payload}${payload}.` } as TaskEvent);
  one.when({ type: "event", name: "more", payload: 1 }).refused("limit_exceeded");
  task(...running(), event("a"))
    .when({ type: "event", name: "b", payload })
    .then(event("b"));
});

test("[TASK19] a child is submitted once, in the commit that names it", () => {
  const spawn = task(...running()).when({ type: "spawn", epoch: 1, op: "a", spec: childSpec });
  const child = spawn.state.operations.get("a");
  expect(child).toMatchObject({ kind: "child", end: null });
  const id = child?.kind === "child" ? child.child : "";
  spawn
    .then({ type: "child.spawned", op: "a", child: id, taskType: "part" })
    .sends({
      to: taskScope(id),
      body: { type: "submit", spec: { ...childSpec, rootId: TASK, parentId: TASK, depth: 1 } },
    })
    .answers({ child: id })
    .again()
    .nothing()
    .answers({ child: id });
});

test("[TASK19] a parent that waits for children holds no slot, and goes on when the last has ended", () => {
  const end = { status: "completed", output: 1 } as const;
  const joined = task(...running(), spawned("a"), spawned("b"))
    .when({ type: "join", epoch: 1, ops: ["a", "b"] })
    .then({ type: "child.awaited", ops: ["a", "b"] })
    .sends(slotBack)
    .rows({ status: "waiting" });
  joined.again().nothing();
  const first = joined
    .when({ type: "childEnded", child: "task_b", end })
    .then({ type: "child.ended", op: "b", end })
    .signals(wake("b"))
    .rows({ status: "running" });
  expect(first.state.status).toBe("waiting");
  const last = first
    .when({ type: "childEnded", child: "task_a", end })
    .then({ type: "child.ended", op: "a", end })
    .signals(wake("a"))
    .rows();
  expect(last.state.status).toBe("running");
  last.again().nothing();
  last.when({ type: "join", epoch: 1, ops: ["a", "b"] }).nothing();
});

test("[RECOVER2] what goes on beside a wait is found by its row, and goes on behind a crash in the same attempt", () => {
  const asks: TaskCommand = { type: "wait", epoch: 1, op: "w", name: "stop" };
  const step: TaskCommand = { type: "step", epoch: 1, op: "step:1", result: 1 };
  const beside = task(...running()).when({ ...asks, beside: true });
  beside
    .then({ type: "wait.started", op: "w", name: "stop", beside: true })
    .sends(slotBack)
    .rows({ status: "running" });
  const later = task(...running())
    .when(asks)
    .rows({ status: "waiting" })
    .when(step);
  later
    .rows({ status: "running" })
    .when({ ...step, op: "step:2" })
    .rows();
  for (const { state, lost } of [
    { state: beside.state, lost: beside.when({ type: "lost" }) },
    { state: later.state, lost: later.when({ type: "lost" }) },
  ]) {
    expect(state).toMatchObject({ status: "waiting", reason: { code: "event" }, beside: true });
    lost.then().signals(wake("w"));
    expect(lost.when({ type: "rehydrate" }).state).toMatchObject({ losses: 0, beside: false });
  }
  task(...running())
    .when(asks)
    .when({ type: "lost" })
    .nothing();
});

test("[TASK19] the end of a task that is no child of this one means nothing", () => {
  task(...running(), spawned("a"))
    .when({ type: "childEnded", child: "task_z", end: { status: "failed" } })
    .nothing();
});

test("[LIMIT1] children are limited in depth and number", () => {
  const spawn: TaskCommand = { type: "spawn", epoch: 1, op: "more", spec: childSpec };
  task(...running({ depth: spawnDepthMax }))
    .when(spawn)
    .refused("limit_exceeded");
  expect(task(...running({ depth: spawnDepthMax - 1 })).when(spawn).batch.reply.ok).toBe(true);
  const many = Array.from({ length: spawnWidthMax }, (_, at) => spawned(`c${at}`));
  task(...running(), ...many)
    .when(spawn)
    .refused("limit_exceeded");
  expect(task(...running(), ...many.slice(1)).when(spawn).batch.reply.ok).toBe(true);
});

test("[LIMIT1] a task has a limited number of operations; those it has still answer", () => {
  const steps = Array.from({ length: operationsMax }, (_, at): TaskEvent => ({
    type: "step.completed",
    op: `s${at}`,
    result: at,
  }));
  const full = task(...running(), ...steps);
  full.when({ type: "step", epoch: 1, op: "more", result: 1 }).refused("limit_exceeded");
  full.when({ type: "step", epoch: 1, op: "s0", result: 1 }).nothing();
});

test("[TASK21] a tool call is intended before it runs and settled after, each once", () => {
  const intended = task(...running())
    .when({ type: "toolIntend", epoch: 1, op: "t", id: "call_1", name: "mail", hash: "h" })
    .then({ type: "tool.intended", op: "t", id: "call_1", name: "mail", hash: "h" });
  intended.again().nothing();
  intended
    .when({ type: "toolIntend", epoch: 1, op: "t", id: "call_1", name: "mail", hash: "x" })
    .refused("nondeterministic");
  const settled = intended
    .when({ type: "toolSettle", epoch: 1, op: "t", state: "confirmed", output: "sent" })
    .then({ type: "tool.settled", op: "t", id: "call_1", state: "confirmed", output: "sent" });
  settled.when({ type: "toolSettle", epoch: 1, op: "t", state: "failed" }).nothing();
});

test("[TASK21] an unknown outcome may still become known, and a known one never changes", () => {
  const error = { code: "tool_unknown", message: "the worker died" } as const;
  const intended: TaskEvent = { type: "tool.intended", op: "t", id: "1", name: "mail", hash: "h" };
  const unknown = task(...running(), intended)
    .when({ type: "toolSettle", epoch: 1, op: "t", state: "unknown", error })
    .then({ type: "tool.settled", op: "t", id: "1", state: "unknown", error });
  unknown.again().nothing();
  unknown
    .when({ type: "toolSettle", epoch: 1, op: "t", state: "failed", error })
    .then({ type: "tool.settled", op: "t", id: "1", state: "failed", error })
    .when({ type: "toolSettle", epoch: 1, op: "t", state: "unknown" })
    .nothing();
});
