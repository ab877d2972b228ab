import { expect, test } from "vitest";

import { given, START_MS, testContext } from "../../../test/given.ts";
import { spec } from "../../../test/task-facts.ts";
import { scheduleCatchUpMax, schedulesBytesMax, schedulesMax } from "../limits.ts";
import { taskScope, userScope } from "../scope.ts";
import { userDecider, type UserCommand, type UserEvent, type UserState } from "./decider.ts";
import type { MissedTicks, ScheduleSettings } from "./schedules.ts";

const ANN = userScope("ann");
const minuteMs = 60_000;
const dueMs = START_MS + minuteMs;
const again = (nowMs: number) => ({ "schedule:s": nowMs + 30_000 });
const tick: UserCommand = { type: "timer", name: "schedule:s" };

function settings(name = "s", missed: MissedTicks = "once"): ScheduleSettings {
  return { name, cron: "* * * * *", timeZone: "UTC", missed, spec: spec({ rootId: "" }) };
}

function isSet(missed: MissedTicks = "once"): UserEvent {
  return { type: "schedule.set", schedule: settings("s", missed), nextAtMs: dueMs };
}

function user(...facts: readonly UserEvent[]) {
  return given<UserState, UserCommand, UserEvent>(userDecider, ANN, facts);
}

const idAt = (nowMs: number): string => testContext({ nowMs }).id("task");
const submitOf = (taskId: string) => ({
  to: taskScope(taskId),
  body: { type: "submit", spec: spec({ rootId: taskId }) },
});
const ticked = (nowMs: number, changes: Partial<Extract<UserEvent, { type: "schedule.ticked" }>>) =>
  ({
    type: "schedule.ticked",
    name: "s",
    dueMs,
    taskId: idAt(nowMs),
    fromMs: nowMs,
    late: false,
    ...changes,
  }) as const;

test("[SCHED1] a schedule is made, and replaced by the same name", () => {
  const set: UserCommand = { type: "scheduleSet", schedule: settings(), nextAtMs: dueMs };
  const made = user().when(set);
  made.then(isSet()).timers({ "schedule:s": dueMs }).answers({ created: true });
  made.again().answers({ created: false });
  expect(made.state.schedules.get("s")).toMatchObject({ createdAtMs: START_MS, nextAtMs: dueMs });
});

test("[SCHED2] a tick submits one task and waits for the next one to be planned", () => {
  const run = user(isSet()).when(tick, { nowMs: dueMs });
  run
    .then(ticked(dueMs, {}))
    .sends(submitOf(idAt(dueMs)))
    .timers(again(dueMs));
  // The timer comes twice: the tick has been, and the next is only asked for.
  run.again().then({ type: "schedule.unplanned", name: "s" }).sends().timers(again(dueMs));
  const plan = {
    type: "schedulePlan",
    name: "s",
    fromMs: dueMs,
    nextAtMs: dueMs + minuteMs,
  } as const;
  const planned = run.when(plan);
  planned
    .then({ type: "schedule.planned", name: "s", nextAtMs: dueMs + minuteMs })
    .timers({ "schedule:s": dueMs + minuteMs });
  planned.again().nothing();
  run.when({ ...plan, fromMs: dueMs - 1 }).nothing();
});

test("[SCHED2] a timer that is older than the schedule's plan submits nothing", () => {
  const early = user(isSet()).when(tick, { nowMs: dueMs - 1 });
  early.then().sends().timers({ "schedule:s": dueMs });
  user().when(tick, { nowMs: dueMs }).nothing();
});

test("[SCHED3] a missed tick is skipped, made up for once, or made up for each time", () => {
  const nowMs = dueMs + 3_600_000;
  user(isSet("skip"))
    .when(tick, { nowMs })
    .then(ticked(nowMs, { taskId: null, late: true }))
    .sends();
  user(isSet("once"))
    .when(tick, { nowMs })
    .then(ticked(nowMs, { late: true }))
    .sends(submitOf(idAt(nowMs)));
  user(isSet("all"))
    .when(tick, { nowMs })
    .then(ticked(nowMs, { late: true, fromMs: dueMs }));
});

test("[SCHED3] a minute late is not missed", () => {
  const nowMs = dueMs + minuteMs;
  user(isSet("skip"))
    .when(tick, { nowMs })
    .sends(submitOf(idAt(nowMs)));
});

test("[SCHED3] making up for ticks ends, and the present goes on", () => {
  const nowMs = dueMs + 1_000 * minuteMs;
  const run: UserEvent = { ...ticked(nowMs, { late: true, fromMs: dueMs }) };
  const planned: UserEvent = { type: "schedule.planned", name: "s", nextAtMs: dueMs };
  const ran = Array.from({ length: scheduleCatchUpMax - 1 }, () => [run, planned]).flat();
  user(isSet("all"), ...ran)
    .when(tick, { nowMs })
    .then(ticked(nowMs, { late: true, fromMs: nowMs }));
});

test("[SCHED4] a paused schedule does not tick; resumed it ticks from then on, run by hand it runs at once", () => {
  const pause = { type: "schedulePause", name: "s", paused: true, nextAtMs: null } as const;
  const paused = user(isSet()).when(pause);
  paused
    .then({ type: "schedule.paused", name: "s", paused: true, nextAtMs: null })
    .timers({ "schedule:s": null });
  paused.again().nothing();
  paused.when(tick, { nowMs: dueMs }).nothing();
  const byHand = paused.when({ type: "scheduleRun", name: "s", taskId: "t1" });
  byHand
    .then({ type: "schedule.run", name: "s", taskId: "t1" })
    .sends(submitOf("t1"))
    .answers({ taskId: "t1" });
  paused
    .when({ ...pause, paused: false, nextAtMs: dueMs })
    .then({ type: "schedule.paused", name: "s", paused: false, nextAtMs: dueMs })
    .timers({ "schedule:s": dueMs });
  paused
    .when({ type: "scheduleSet", schedule: settings(), nextAtMs: dueMs })
    .timers({ "schedule:s": null });
});

test("[SCHED1] a removed schedule is gone with its timer", () => {
  const remove = { type: "scheduleRemove", name: "s" } as const;
  const removed = user(isSet()).when(remove);
  removed.then({ type: "schedule.removed", name: "s" }).timers({ "schedule:s": null });
  removed.again().refused("not_found");
});

test("[SCHED5] a schedule whose fields name no date never ticks", () => {
  const set: UserCommand = { type: "scheduleSet", schedule: settings(), nextAtMs: null };
  const never = user().when(set);
  never.timers({ "schedule:s": null });
  never.when(tick, { nowMs: dueMs }).nothing();
});

test("[LIMIT1] a user has a limited number of schedules", () => {
  const full = Array.from({ length: schedulesMax }, (_, n): UserEvent => ({
    type: "schedule.set",
    schedule: settings(`s${n}`),
    nextAtMs: dueMs,
  }));
  user(...full)
    .when({ type: "scheduleSet", schedule: settings("more"), nextAtMs: dueMs })
    .refused("limit_exceeded");
  user(...full)
    .when({ type: "scheduleSet", schedule: settings("s1"), nextAtMs: dueMs })
    .answers({ created: false });
});

test("[LIMIT1] and their inputs a limited size", () => {
  const input = "x".repeat(schedulesBytesMax / 4);
  const big = (name: string) => ({
    ...settings(name),
    spec: { ...settings(name).spec, input },
  });
  const set = (name: string): UserEvent => ({
    type: "schedule.set",
    schedule: big(name),
    nextAtMs: dueMs,
  });
  const two = user(set("s1"), set("s2"));
  two.when({ type: "scheduleSet", schedule: big("s3"), nextAtMs: dueMs }).refused("limit_exceeded");
  two
    .when({ type: "scheduleSet", schedule: big("s2"), nextAtMs: dueMs })
    .answers({ created: false });
});

test("[SCHED1] a snapshot brings the same schedules back, and one without any is read", () => {
  const state = user(isSet(), ticked(dueMs, {})).state();
  const saved: unknown = JSON.parse(JSON.stringify(userDecider.snapshot?.save(state)));
  expect(userDecider.snapshot?.load(ANN, saved)).toEqual(state);
  expect(userDecider.snapshot?.load(ANN, { lanes: [] })).toEqual(user().state());
});
