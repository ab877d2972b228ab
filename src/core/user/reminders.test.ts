import { expect, test } from "vitest";

import { given, START_MS } from "../../../test/given.ts";
import { remindersMax } from "../limits.ts";
import { sessionScope, userScope } from "../scope.ts";
import { userDecider, type UserCommand, type UserEvent, type UserState } from "./decider.ts";
import { missedAfterMs } from "./schedules.ts";

const ANN = userScope("ann");
const PLANNER = sessionScope("ann", "planner");
const minuteMs = 60_000;
const dueMs = START_MS + 10 * minuteMs;

type Given = ReturnType<typeof given<UserState, UserCommand, UserEvent>>;

function user(...facts: readonly UserEvent[]): Given {
  return given(userDecider, ANN, facts);
}

const reminder = (cron: string | null = null, id = "rem_1") => ({
  id,
  text: "call Ann",
  cron,
  timeZone: "Europe/Berlin",
  sessionId: "planner",
});
const set = (cron: string | null = null, nextAtMs = dueMs): UserEvent => ({
  type: "reminder.set",
  reminder: reminder(cron),
  nextAtMs,
});
const timer: UserCommand = { type: "timer", name: "reminder:rem_1" };
const told = (text: string, missed = false) => ({
  to: PLANNER,
  body: {
    type: "tell",
    title: "Reminders and plans",
    parts: [
      { type: "text", text },
      { type: "data", name: "reminder", data: { id: "rem_1", missed } },
    ],
  },
});

test("[REMIND1] a reminder is set once, comes at its time, and is said in its session", () => {
  const one = user().when({ type: "reminderSet", reminder: reminder(), nextAtMs: dueMs });
  one.then(set()).answers({ id: "rem_1" }).timers({ "reminder:rem_1": dueMs });
  one.again().nothing();
  const rang = one.when(timer, { nowMs: dueMs });
  rang.then({ type: "reminder.rang", id: "rem_1", dueMs, missed: false });
  expect(rang.batch.messages).toMatchObject([told("Reminder: call Ann")]);
  rang.timers({ "reminder:rem_1": null });
  expect(rang.state.reminders.get("rem_1")).toMatchObject({
    nextAtMs: null,
    last: { dueMs, atMs: dueMs, missed: false },
  });
  rang.when(timer, { nowMs: dueMs + 1 }).nothing();
});

test("[REMIND1] a timer that fires early is set again", () => {
  user(set())
    .when(timer, { nowMs: dueMs - 1 })
    .then()
    .timers({ "reminder:rem_1": dueMs });
});

test("[REMIND2] what was due while nothing ran is said later, with that remark", () => {
  for (const [late, words] of [
    [missedAfterMs + 1, "a minute"],
    [40 * minuteMs, "40 minutes"],
    [5 * 60 * minuteMs, "5 hours"],
    [3 * 24 * 60 * minuteMs, "3 days"],
  ] as const) {
    const rang = user(set()).when(timer, { nowMs: dueMs + late });
    rang.then({ type: "reminder.rang", id: "rem_1", dueMs, missed: true });
    const remark = `(This was due ${words} ago, while Errand was not running.)`;
    expect(rang.batch.messages).toMatchObject([told(`Reminder: call Ann ${remark}`, true)]);
  }
});

test("[REMIND3] one that comes again is planned after it came, and asked about until it is", () => {
  const nowMs = dueMs + 5;
  const rang = user(set("0 9 * * *")).when(timer, { nowMs });
  rang.timers({ "reminder:rem_1": nowMs + 30_000 });
  const asked = rang.when(timer, { nowMs: nowMs + 30_000 });
  asked.then({ type: "reminder.unplanned", id: "rem_1" });
  const nextAtMs = dueMs + 24 * 60 * minuteMs;
  const plan: UserCommand = { type: "reminderPlan", id: "rem_1", fromMs: nowMs, nextAtMs };
  const planned = asked.when(plan, { nowMs: nowMs + 30_001 });
  planned
    .then({ type: "reminder.planned", id: "rem_1", nextAtMs })
    .timers({ "reminder:rem_1": nextAtMs });
  planned.again().nothing();
  user(set("0 9 * * *")).when(plan).nothing();
});

test("[REMIND3] days that were missed are said once", () => {
  const nowMs = dueMs + 5 * 24 * 60 * minuteMs;
  const rang = user(set("0 9 * * *")).when(timer, { nowMs });
  expect(rang.batch.messages).toHaveLength(1);
  expect(rang.state.reminders.get("rem_1")).toMatchObject({ nextAtMs: null, plannedFromMs: nowMs });
});

test("[REMIND3] one that was put off comes once more, and one that comes again keeps its own time", () => {
  const untilMs = dueMs + 10 * minuteMs;
  const rang = user(set()).when(timer, { nowMs: dueMs });
  const snoozed = rang.when({ type: "reminderSnooze", id: "rem_1", untilMs }, { nowMs: dueMs + 1 });
  snoozed
    .then({ type: "reminder.snoozed", id: "rem_1", untilMs })
    .timers({ "reminder:rem_1": untilMs });
  const again = snoozed.when(timer, { nowMs: untilMs });
  again.then({ type: "reminder.rang", id: "rem_1", dueMs: untilMs, missed: false });
  expect(again.state.reminders.get("rem_1")).toMatchObject({ nextAtMs: null, snoozedMs: null });
  const early: UserCommand = { type: "reminderSnooze", id: "rem_1", untilMs: dueMs - minuteMs };
  const both = user(set("0 9 * * *"))
    .when(early)
    .when(timer, { nowMs: dueMs - minuteMs });
  both.timers({ "reminder:rem_1": dueMs });
  expect(both.state.reminders.get("rem_1")).toMatchObject({ nextAtMs: dueMs, snoozedMs: null });
});

test("[REMIND5] the same wish to put one off, said again after its time, is answered and changes nothing", () => {
  const untilMs = dueMs + 10 * minuteMs;
  const wish: UserCommand = { type: "reminderSnooze", id: "rem_1", untilMs };
  const snoozed = user(set())
    .when(timer, { nowMs: dueMs })
    .when(wish, { nowMs: dueMs + 1 });
  const came = snoozed.when(timer, { nowMs: untilMs + 5 });
  came.then({ type: "reminder.rang", id: "rem_1", dueMs: untilMs, missed: false });
  for (const nowMs of [untilMs, untilMs + 5, untilMs + minuteMs]) {
    const again = came.when(wish, { nowMs });
    again.nothing().answers({ id: "rem_1" });
    expect(again.state.reminders.get("rem_1")).toMatchObject({ snoozedMs: null });
  }
});

test("[REMIND5] one put off to its own next time, which a crash has kept from being written, comes once for both", () => {
  const nextAtMs = dueMs + 24 * 60 * minuteMs;
  // The plan that follows this is lost.
  const rang = user(set("0 9 * * *")).when(timer, { nowMs: dueMs });
  const wish: UserCommand = { type: "reminderSnooze", id: "rem_1", untilMs: nextAtMs };
  const again = rang.when(wish, { nowMs: dueMs + 1 }).when(timer, { nowMs: nextAtMs });
  again.then({ type: "reminder.rang", id: "rem_1", dueMs: nextAtMs, missed: false });
  // Computed before it rang, and late: it would ring for the same time once more.
  const late: UserCommand = { type: "reminderPlan", id: "rem_1", fromMs: dueMs, nextAtMs };
  again.when(late, { nowMs: nextAtMs + 1 }).nothing();
  expect(again.state.reminders.get("rem_1")).toMatchObject({ plannedFromMs: nextAtMs });
  const dayAfter = nextAtMs + 24 * 60 * minuteMs;
  const plan: UserCommand = {
    type: "reminderPlan",
    id: "rem_1",
    fromMs: nextAtMs,
    nextAtMs: dayAfter,
  };
  again.when(plan, { nowMs: nextAtMs + 2 }).timers({ "reminder:rem_1": dayAfter });
});

test("[REMIND5] a time that is over when it is decided is refused, and one is never put off into the past", () => {
  const rang = user(set()).when(timer, { nowMs: dueMs });
  for (const untilMs of [dueMs + minuteMs, dueMs + minuteMs - 1, dueMs - 1])
    rang
      .when({ type: "reminderSnooze", id: "rem_1", untilMs }, { nowMs: dueMs + minuteMs })
      .refused("invalid_request");
});

test("[REMIND1] one that is removed never comes; one that is not there is refused", () => {
  const gone = user(set()).when({ type: "reminderRemove", id: "rem_1" });
  gone.then({ type: "reminder.removed", id: "rem_1" }).timers({ "reminder:rem_1": null });
  gone.when(timer, { nowMs: dueMs }).nothing();
  gone.when({ type: "reminderRemove", id: "rem_1" }).refused("not_found");
  gone.when({ type: "reminderSnooze", id: "rem_1", untilMs: dueMs }).refused("not_found");
});

test("[LIMIT1] a user has a limited number of reminders", () => {
  const facts = Array.from({ length: remindersMax }, (_, n): UserEvent => ({
    type: "reminder.set",
    reminder: reminder(null, `rem_${n}`),
    nextAtMs: dueMs,
  }));
  user(...facts)
    .when({ type: "reminderSet", reminder: reminder(null, "rem_x"), nextAtMs: dueMs })
    .refused("limit_exceeded");
});

test("[REMIND1] reminders and the zone come back from a snapshot", () => {
  const zoned = user(set()).when({ type: "setZone", timeZone: "Asia/Tokyo" });
  zoned.then({ type: "user.zoned", timeZone: "Asia/Tokyo" }).again().nothing();
  const saved = JSON.parse(JSON.stringify(userDecider.snapshot?.save(zoned.state))) as unknown;
  expect(userDecider.snapshot?.load(ANN, saved)).toEqual(zoned.state);
});

test("[REMIND3] one that comes again and was put off is asked about all the same until it is planned", () => {
  const untilMs = dueMs + 7 * 24 * 60 * minuteMs;
  const rang = user(set("0 9 * * *")).when(timer, { nowMs: dueMs });
  const wish: UserCommand = { type: "reminderSnooze", id: "rem_1", untilMs };
  const snoozed = rang.when(wish, { nowMs: dueMs + 1 });
  snoozed.timers({ "reminder:rem_1": dueMs + 30_001 });
  const asked = snoozed.when(timer, { nowMs: dueMs + 30_001 });
  asked
    .then({ type: "reminder.unplanned", id: "rem_1" })
    .timers({ "reminder:rem_1": dueMs + 60_001 });
  const nextAtMs = dueMs + 24 * 60 * minuteMs;
  asked
    .when({ type: "reminderPlan", id: "rem_1", fromMs: dueMs, nextAtMs }, { nowMs: dueMs + 60_001 })
    .timers({ "reminder:rem_1": nextAtMs });
});
