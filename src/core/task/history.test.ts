import * as fc from "fast-check";
import { expect, test } from "vitest";

import { START_MS, testContext } from "../../../test/given.ts";
import { TASK, spec } from "../../../test/task-facts.ts";
import type { QueueCommand } from "../queue/protocol.ts";
import { taskScope } from "../scope.ts";
import type { TaskCommand, TaskSignal } from "./commands.ts";
import { taskDecider } from "./decider.ts";
import type { TaskEvent } from "./events.ts";
import type { TaskSpec } from "./spec.ts";
import type { TaskState } from "./state.ts";
import { isEnd } from "./status.ts";

const error = { code: "handler_failed", message: "it broke" } as const;
const result = { text: "hi", finish: "stop" } as const;
const { rootId: _root, ...childSpec } = spec();

/** One step of a random life: what happens, to which operation, how much later, and whether its worker is an old one. */
const step = fc.record({
  what: fc.constantFrom<What>(
    ...(["grant", "grant", "grant", "timer", "timer", "worker", "worker", "worker"] as const),
    ...(["worker", "worker", "childEnded", "event", "lost", "callLost", "rehydrate"] as const),
    ...(["cancel", "retry", "release", "submit"] as const),
  ),
  of: fc.nat(40),
  unit: fc.double({ min: 0, max: 0.99, noNaN: true }),
  laterMs: fc.constantFrom(0, 1, 700, 5_000),
  old: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type What =
  | "grant"
  | "timer"
  | "worker"
  | "childEnded"
  | "event"
  | "lost"
  | "callLost"
  | "rehydrate"
  | "cancel"
  | "retry"
  | "release"
  | "submit";

/** Messages that the world may repeat: the second changes nothing. A person's event is a new one each time. */
const repeatable = new Set<What>([
  "grant",
  "timer",
  "childEnded",
  "lost",
  "callLost",
  "cancel",
  "retry",
  "release",
  "submit",
]);

const specs: Partial<TaskSpec>[] = [
  {},
  { ttlMs: 3_000, deadlineMs: 60_000 },
  { delayMs: 2_000, heldBy: "manual" },
  { delayMs: 2_000, ttlMs: 500 },
  { retry: { attemptsMax: 5, minDelayMs: 10, maxDelayMs: 1_000, factor: 3, jitter: 0.5 } },
];

/** A task with everything around it that its messages, timers, rows and signals have made. */
class Life {
  state: TaskState = taskDecider.zero(taskScope(TASK));
  nowMs = START_MS;
  readonly log: { event: TaskEvent; atMs: number }[] = [];
  /** Calls whose slot or place in line some queue keeps for the task. */
  readonly calls = new Map<string, string>();
  readonly timers = new Map<string, number>();
  row: string | null = null;
  #epochs = 0;
  #ids = 0;

  /** Decides, folds, and takes in what the batch says to the world. Answers the number of facts. */
  give(command: TaskCommand, unit: number): number {
    const before = { status: this.state.status, epoch: this.state.epoch };
    // A queue that says so has forgotten the call already.
    if (command.type === "callLost") this.calls.delete(command.call);
    const context = testContext({ nowMs: this.nowMs, unit });
    const batch = taskDecider.decide(this.state, command, {
      ...context,
      id: () => `task_${++this.#ids}`,
    });
    for (const event of batch.events) {
      this.state = taskDecider.evolve(this.state, event, this.nowMs);
      this.log.push({ event, atMs: this.nowMs });
    }
    for (const { to, body } of batch.messages ?? []) if (to.startsWith("queue/")) this.#queue(body);
    if (command.type === "timer") this.timers.delete(command.name);
    for (const { name, atMs } of batch.timers ?? []) {
      if (atMs === null) this.timers.delete(name);
      else this.timers.set(name, atMs);
    }
    for (const row of batch.rows ?? []) if (row.table === "task") this.row = row.status;
    for (const signal of batch.signals ?? []) this.#abort(signal as TaskSignal);
    // I1 and I4.
    if (isEnd(before.status) && batch.events.length > 0) {
      expect(batch.events[0]?.type).toBe("task.reopened");
    }
    expect(this.state.epoch).toBeGreaterThanOrEqual(before.epoch);
    expect(this.state.epoch).toBe(this.#epochs);
    return batch.events.length;
  }

  #queue(body: unknown): void {
    const command = body as QueueCommand;
    if (command.type === "settle") this.calls.delete(command.call);
    else if (command.type === "request") this.calls.set(command.call, command.request.task);
  }

  #abort(signal: TaskSignal): void {
    if (signal.kind === "task.start") this.#epochs = signal.epoch;
    if (signal.kind === "task.abort") for (const { call } of signal.calls) this.calls.delete(call);
  }

  resumed(): void {
    this.#epochs += 1;
  }
}

/** The command a step means to a task in this state. */
function commandFor({ what, of, old }: Step, life: Life): TaskCommand {
  const { state } = life;
  const some = <T>(list: readonly T[]): T | undefined => list[of % Math.max(1, list.length)];
  // Now and then a grant of a call that is over comes late.
  const call =
    (of % 8 === 0 ? undefined : some([...life.calls.keys()])) ?? `${TASK}.${1 + (of % 3)}`;
  const children = [...state.operations.values()].filter((operation) => operation.kind === "child");
  switch (what) {
    case "grant":
    case "callLost": {
      const type = what === "grant" ? "callGranted" : "callLost";
      return { type, call, queue: call === state.lease ? "tasks" : "model" };
    }
    case "timer":
      return { type: "timer", name: dueTimer(life, of) };
    case "worker":
      return workerCommand(of, state, state.epoch - old);
    case "childEnded":
      return {
        type: "childEnded",
        child: some(children)?.child ?? "task_none",
        end: of % 2 === 0 ? { status: "completed", output: of } : { status: "failed", error },
      };
    case "event":
      return { type: "event", name: `go${of % 2}`, payload: of };
    case "submit":
      return { type: "submit", spec: spec() };
    case "retry":
      return of % 3 === 0 ? { type: "retry", held: "session" } : { type: "retry" };
    default:
      return { type: what };
  }
}

/** The earliest timer, after the clock has gone to it: timers never fire early. */
function dueTimer(life: Life, of: number): string {
  const timers = [...life.timers].toSorted((a, b) => a[1] - b[1]);
  const [name, atMs] = timers[of % 2 === 0 ? 0 : timers.length - 1] ?? ["none", life.nowMs];
  life.nowMs = Math.max(life.nowMs, atMs);
  return name;
}

function workerCommand(of: number, state: TaskState, epoch: number): TaskCommand {
  const n = of % 3;
  const beside = of % 2 === 0 ? null : { beside: true as const };
  const live = state.operations.get(`call${n}`);
  const call = live?.kind === "call" ? live.call : "";
  const op = `call${n}`;
  const children = [...state.operations].filter(([, operation]) => operation.kind === "child");
  const commands: TaskCommand[] = [
    { type: "step", epoch, op: `step${n}`, result: { n } },
    { type: "sleep", epoch, op: `sleep${n}`, ms: 1_000 * n, ...beside },
    {
      type: "wait",
      epoch,
      op: `wait${n}`,
      name: `go${n}`,
      ...(n === 0 ? {} : { timeoutMs: 4_000 }),
      ...beside,
    },
    { type: "spawn", epoch, op: `child${n}`, spec: childSpec },
    { type: "join", epoch, ops: children.map(([name]) => name).slice(0, 1 + n), ...beside },
    { type: "call", epoch, op, queue: "model", role: "chat", hash: "h", cost: 1 },
    { type: "call", epoch, op, queue: "model", role: "chat", hash: "h", cost: 1 },
    { type: "callDone", epoch, op, call, result },
    { type: "callFailed", epoch, op, call, error, triesMax: 1 + n },
    { type: "toolIntend", epoch, op: `tool${n}`, id: `${n}`, name: "mail", hash: "h" },
    { type: "toolSettle", epoch, op: `tool${n}`, state: n === 0 ? "unknown" : "confirmed" },
    { type: "progress", epoch, progress: { done: n } },
    { type: "fail", epoch, error, retry: n === 0 ? "never" : "policy" },
    { type: "handBack", epoch },
    { type: "complete", epoch, output: { text: "done" } },
  ];
  // The commands that end an attempt stand last and come seldom, so that lives are long.
  return commands[of > 38 ? 14 : of > 36 ? 12 : of > 34 ? 13 : of % 12]!;
}

/** Invariants I2 and I3, and what the world around the task must look like between two commands. */
function check(life: Life): void {
  const { state } = life;
  expect(state.lease !== null, "I2 in a queue").toBe(
    state.phase === "queued" || (state.phase === "active" && life.calls.has(state.lease ?? "")),
  );
  expect(new Set(life.calls.keys()), "slots that queues keep").toEqual(new Set(openCalls(state)));
  expect(state.phase === "ended").toBe(isEnd(state.status));
  if (state.phase !== "active") {
    const outside = { none: "queued", delayed: "delayed", held: "queued", queued: "queued" };
    if (state.phase !== "ended") expect(state.status, "I3").toBe(outside[state.phase]);
  }
  expect(life.row).toBe(rowOf(life));
  expect(new Set(life.timers.keys()), "timers").toEqual(new Set(openTimers(life)));
}

function openCalls(state: TaskState): string[] {
  if (state.phase === "ended") return [];
  const calls = state.lease === null ? [] : [state.lease];
  for (const operation of state.operations.values()) {
    if (operation.kind !== "call") continue;
    if (operation.state === "pending" || operation.state === "granted") calls.push(operation.call);
  }
  return calls;
}

/** SPEC RECOVER2: what the row must say so that recovery finds what a dead process was running. */
function rowOf({ state, row }: Life): string | null {
  if (state.phase === "none") return null;
  if (state.phase !== "active") return state.status;
  if (state.lease !== null) return row === "running" ? "running" : "queued";
  const calls = [...state.operations.values()].filter((operation) => operation.kind === "call");
  const open = calls.some(
    ({ state: at }) => at === "pending" || at === "granted" || at === "backoff",
  );
  return state.status === "waiting" && !open && !state.beside ? "waiting" : "running";
}

function openTimers({ state, timers }: Life): string[] {
  if (state.phase === "ended" || state.phase === "none") return [];
  const names = state.phase === "delayed" ? ["due"] : [];
  if (state.spec?.deadlineMs !== undefined) names.push("deadline");
  if (state.attempt === 0 && timers.has("ttl")) names.push("ttl");
  for (const [op, operation] of state.operations) {
    const { kind } = operation;
    const open =
      (kind === "sleep" && !operation.done) ||
      (kind === "wait" && !operation.done && operation.untilMs !== null) ||
      (kind === "call" && operation.state === "backoff");
    if (open) names.push(`op:${op}`);
  }
  return names;
}

test("[TASK24, RECOVER2] every life keeps the invariants, and its log tells it again", () => {
  const lives = fc.record({
    wishes: fc.constantFrom(...specs),
    steps: fc.array(step, { maxLength: 80, size: "max" }),
  });
  const seen = new Set<string>();
  fc.assert(
    fc.property(lives, ({ wishes, steps }) => {
      const life = new Life();
      life.give({ type: "submit", spec: spec(wishes) }, 0);
      check(life);
      for (const next of steps) {
        life.nowMs += next.laterMs;
        const command = commandFor(next, life);
        if (command.type === "rehydrate" && life.state.phase === "active") life.resumed();
        const facts = life.give(command, next.unit);
        check(life);
        if (repeatable.has(next.what)) expect(life.give(command, next.unit)).toBe(0);
        if (facts > 0) seen.add(life.log.at(-1)!.event.type);
      }
      let again = taskDecider.zero(taskScope(TASK));
      for (const { event, atMs } of life.log) {
        again = taskDecider.evolve(again, JSON.parse(JSON.stringify(event)) as TaskEvent, atMs);
      }
      expect(again).toStrictEqual(life.state);
    }),
    { numRuns: 400 },
  );
  // The lives must be rich enough to mean something: every kind of fact happened in one of them.
  expect(seen.size).toBeGreaterThan(18);
});
