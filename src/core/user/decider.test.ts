import { expect, test } from "vitest";

import { given } from "../../../test/given.ts";
import { spec } from "../../../test/task-facts.ts";
import { laneTasksMax } from "../limits.ts";
import { taskScope, userScope } from "../scope.ts";
import { userDecider, type UserCommand, type UserEvent, type UserState } from "./decider.ts";

const ANN = userScope("ann");

function user(...facts: readonly UserEvent[]) {
  return given<UserState, UserCommand, UserEvent>(userDecider, ANN, facts);
}

function add(n: number): UserCommand {
  return { type: "laneAdd", lane: "today", taskId: `t${n}`, spec: spec() };
}

const added = (n: number): UserEvent => ({ type: "lane.added", lane: "today", taskId: `t${n}` });
const started = (n: number): UserEvent => ({
  type: "lane.started",
  lane: "today",
  taskId: `t${n}`,
});
const ended = (n: number): UserEvent => ({ type: "lane.ended", lane: "today", taskId: `t${n}` });
const auto: UserEvent = { type: "lane.switched", lane: "today", auto: true };
const work = { type: "laneWork", lane: "today" } as const;
const over = (n: number, ending = 1): UserCommand => ({
  type: "laneEnded",
  lane: "today",
  taskId: `t${n}`,
  ending,
});
const back = (n: number, ends = 1): UserCommand => ({
  type: "laneAgain",
  lane: "today",
  taskId: `t${n}`,
  ends,
});
const addedAgain = (n: number, ends = 1): UserEvent => ({ ...added(n), ends }) as UserEvent;
const submits = (n: number) => ({
  to: taskScope(`t${n}`),
  body: { type: "submit", spec: spec({ lane: "today", heldBy: "manual" }) },
});
const releases = (n: number, ends = 0) => ({
  to: taskScope(`t${n}`),
  body: { type: "release", by: "lane", ends },
});

test("[LANE1] a task is added to the end of its lane and held there", () => {
  user()
    .when(add(1))
    .then(added(1))
    .sends(submits(1))
    .answers({ taskId: "t1", position: 1, started: false })
    .when(add(2))
    .answers({ taskId: "t2", position: 2, started: false })
    .again()
    .nothing()
    .answers({ taskId: "t2" });
});

test("[LANE2] `work` starts the next task, and only when none is under way", () => {
  user().when(work).nothing().answers({ empty: true });
  const working = user(added(1), added(2)).when(work);
  working.then(started(1)).sends(releases(1)).answers({ started: "t1" });
  working.again().nothing().answers({ busy: "t1" });
  working.when(add(1)).nothing();
  working
    .when(over(1))
    .then(ended(1))
    .sends()
    .when(work)
    .then(started(2))
    .when(over(2))
    .when(work)
    .answers({ empty: true });
});

test("[LANE2] a named task may go before the others, and is started once", () => {
  const named: UserCommand = { ...work, taskId: "t2" };
  const lane = user(added(1), added(2)).when(named);
  lane.then(started(2)).sends(releases(2)).answers({ started: "t2" });
  lane.again().nothing().answers({ started: "t2" });
  lane
    .when({ ...work, taskId: "t1" })
    .nothing()
    .answers({ busy: "t2" });
  user(added(1))
    .when({ ...work, taskId: "t9" })
    .nothing()
    .answers({ gone: "t9" });
});

test("[LANE3] a lane on auto goes on by itself, one task after the other", () => {
  const switched = user(added(1), added(2)).when({ type: "laneAuto", lane: "today", auto: true });
  switched.then(auto, started(1)).sends(releases(1)).answers({ auto: true, started: "t1" });
  const second = switched.when(over(1));
  second.then(ended(1), started(2)).sends(releases(2));
  second.again().nothing();
  second.when(over(2)).then(ended(2)).sends();
  switched
    .when({ type: "laneAuto", lane: "today", auto: false })
    .answers({ auto: false, started: null })
    .when(over(1))
    .then(ended(1))
    .sends();
});

test("[LANE3] a task added to an idle lane on auto starts at once, a busy one keeps it waiting", () => {
  const first = user(auto).when(add(1));
  first
    .then(added(1), started(1))
    .sends(submits(1), releases(1))
    .answers({ taskId: "t1", position: 1, started: true });
  first.when(add(2)).then(added(2)).sends(submits(2));
});

test("[LANE3] a task that ends while it waits leaves the lane and lets nobody go before its turn", () => {
  const lane = user(auto, added(1), started(1), added(2), added(3));
  lane
    .when(over(2))
    .then(ended(2))
    .sends()
    .when(over(1))
    .then(ended(1), started(3))
    .sends(releases(3));
  lane.when(over(9)).nothing();
});

test("[LANE5] a task that is tried again goes to the end of its lane, and late copies of its end do not count", () => {
  const lane = user(added(1), started(1), ended(1), added(2)).when(back(1));
  lane.then(addedAgain(1)).sends();
  lane.again().nothing();
  lane.when(over(1)).nothing();
  const twice = lane.when(work).when(over(2)).when(work);
  twice.then(started(1)).sends(releases(1, 1));
  twice.when(over(1)).nothing();
  twice.when(over(1, 2)).then(ended(1)).when(back(1, 2)).then(addedAgain(1, 2));
});

test("[LANE5] a task that comes back starts at once in a free lane on auto, and one whose end is not known yet is over first", () => {
  user(auto, added(1), started(1), ended(1))
    .when(back(1))
    .then(addedAgain(1), started(1))
    .sends(releases(1, 1));
  const early = user(auto, added(1), started(1), added(2)).when(back(1));
  early.then(ended(1), addedAgain(1), started(2)).sends(releases(2));
  early.when(over(1)).nothing();
});

test("[LANE1] lanes of one user do not wait for each other", () => {
  const busy = user(added(1), started(1)).when({ ...work, lane: "later" });
  busy.nothing().answers({ empty: true });
});

test("[LIMIT1] a limited number of tasks waits in one lane", () => {
  const full = Array.from({ length: laneTasksMax }, (_, n) => added(n));
  user(...full)
    .when(add(99_999))
    .refused("queue_full");
});

test("[LANE1] a snapshot brings the same lanes back", () => {
  const state = user(auto, added(1), started(1), added(2)).state();
  const saved = JSON.parse(JSON.stringify(userDecider.snapshot?.save(state))) as unknown;
  expect(userDecider.snapshot?.load(ANN, saved)).toEqual(state);
  expect(userDecider.owner(state)).toBe("ann");
});
