import {
  nothing,
  ok,
  refuse,
  type Batch,
  type DecideContext,
  type Decider,
  type TimerChange,
} from "../decider.ts";
import { InvariantError, unreachable } from "../invariant.ts";
import type { WaitingCall } from "../schedule/call-pool.ts";
import { chooseFilling } from "../schedule/fill.ts";
import { chooseCut, cutSlotsMax, cutsUnderWay } from "../schedule/cut.ts";
import {
  addWaiting,
  capsAllow,
  choose,
  hasRoom,
  refreshAll,
  refreshKey,
  removeWaiting,
} from "../schedule/lanes.ts";
import { accountOf, placeFor } from "../schedule/ledger.ts";
import { countedAs } from "../schedule/running.ts";
import { isLineOpen, linesOpenAtMs, openingOf } from "../schedule/lines.ts";
import { closedBy, isProbing, newsOf, type CallEnd } from "../schedule/opening.ts";
import { tidyWeight } from "../schedule/rule.ts";
import { learntSpeed } from "../schedule/speeds.ts";
import { emptySchedule, pendingCount, slotsUsed, type Schedule } from "../schedule/state.ts";
import { scopeName, taskScope } from "../scope.ts";
import { sameSettings, settingsFault } from "./configure.ts";
import {
  atOnce,
  grant,
  granted,
  push,
  wait,
  waited,
  waitedAndFills,
  waitedAndOwed,
  waitedAndStays,
  type GrantHow,
  type QueueDraft,
  type Writable,
} from "./draft.ts";
import type { QueueEvent } from "./events.ts";
import { evolveQueue } from "./evolve.ts";
import type { Band, CallRequest, QueueCommand, QueueSettings, QueueToTask } from "./protocol.ts";
import { loadQueue, saveQueue } from "./snapshot.ts";
import type { QueueState } from "./state.ts";
import { wantedCall } from "./wanted.ts";

type QueueBatch = Batch<QueueEvent>;
type QueueConfigured = Extract<QueueEvent, { type: "queue.configured" }>;

/** Rough bytes of a queue with nothing in it, of a waiting call, a lease, an account and a root in memory. */
const bytes = { queue: 8_000, waiting: 96, lease: 400, account: 380, root: 200 };

/**
 * The queue scope: which waiting call gets the next free slot (SPEC QUEUE1). A decision folds its own
 * events, because each grant depends on the one before it.
 *
 * There is no memory of calls that are over. A `request` that comes again after its `settle` is granted once more,
 * and the task, which wants no such call, settles it again: one slot is lost for one message and back. A list of
 * settled calls would have to be kept, stored and bounded, and would still be too short one day.
 */
export const queueDecider: Decider<QueueState, QueueCommand, QueueEvent> = {
  zero: (scope) => ({ name: scopeName(scope), schedule: emptySchedule() }),
  evolve: evolveQueue,
  decide,
  owner: () => "",
  weigh({ schedule }) {
    const [interactive, background, batch] = schedule.bands;
    const accounts = interactive.accounts.size + background.accounts.size + batch.accounts.size;
    return (
      bytes.queue +
      bytes.waiting * schedule.pool.size +
      bytes.lease * schedule.leases.size +
      bytes.account * accounts +
      bytes.root * schedule.roots.size
    );
  },
  settled: () => false,
  snapshot: { save: saveQueue, load: loadQueue },
};

function decide(
  state: QueueState,
  command: QueueCommand,
  { nowMs, draining = false }: DecideContext,
): QueueBatch {
  checkRestored(state);
  const draft: QueueDraft = { state, nowMs, holds: draining, events: [], messages: [], rows: [] };
  switch (command.type) {
    case "request":
      return requestCall(draft, command.call, command.request);
    case "settle":
      return settleCall(draft, command.call, command.end);
    case "move":
      return moveCall(draft, command.call, command.band);
    case "over":
      return treeOver(draft, command.root, command.failed === true);
    case "configure":
      return configure(draft, command.settings, command.live === true);
    case "pause":
      if (state.schedule.paused === command.paused) return nothing();
      push(draft, { type: "queue.paused", paused: command.paused });
      return finish(draft);
    case "voidLeases":
      return voidLeases(draft);
    case "keep":
      if (state.schedule.leases.get(command.call)?.cutAtMs == null) return nothing();
      push(draft, { type: "call.uncut", call: command.call });
      return finish(draft);
    case "probed":
      if (state.schedule.resumes.get(command.target) === command.way) return nothing();
      push(draft, { type: "endpoint.probed", target: command.target, way: command.way });
      return finish(draft);
    case "timer":
      if (command.name === "cut") state.schedule.cutWakesAtMs = null;
      else state.schedule.wakesAtMs = null;
      return finish(draft);
    default:
      return unreachable(command, "command of a queue");
  }
}

function requestCall(draft: QueueDraft, call: string, asked: CallRequest): QueueBatch {
  const { schedule } = draft.state;
  const lease = schedule.leases.get(call);
  if (lease !== undefined) {
    const messages = [granted(draft, lease.task, call)];
    return { events: [], messages, reply: ok(), folded: true };
  }
  if (schedule.pool.find(call) !== undefined) return nothing();
  const known = schedule.roots.get(asked.root);
  const weight = tidyWeight(asked.weight);
  const wanted = wantedCall(schedule, call, asked);
  const counted = countedAs(asked.type, wanted.line);
  if (canPass(draft, wanted) && capsAllow(schedule, asked.key, counted, asked)) {
    grant(draft, wanted, weight === 1 ? atOnce : { weight });
    // Other calls of the key may wait behind a cap of their type, and the grant has moved its clock.
    refreshKey(schedule, wanted.band, wanted.key);
  } else {
    wait(draft, wanted, { weight, caps: asked, known });
  }
  return finish(draft);
}

/** True if there is room for it and nobody who waits may have it: after a stop in good order some may. */
function canPass(
  { holds, state: { schedule }, nowMs }: QueueDraft,
  { slots, model, line }: WaitingCall,
): boolean {
  if (holds || !hasFreeSlot(schedule) || closedBy(schedule.opening, nowMs) !== null) return false;
  if (!hasRoom(schedule, slots, model)) return false;
  if (line !== null && !isLineOpen(schedule, line, nowMs)) return false;
  return schedule.pool.size === 0 || choose(schedule, nowMs) === null;
}

/** The call has a lease, or waits, or is unknown because it is over. */
function settleCall(draft: QueueDraft, call: string, end: CallEnd | undefined): QueueBatch {
  const { schedule } = draft.state;
  const lease = schedule.leases.get(call);
  if (lease !== undefined) {
    const news = newsOf(openingOf(schedule, lease.line), end, schedule.opening.tokens);
    push(
      draft,
      news === null ? { type: "call.settled", call } : { type: "call.settled", call, end: news },
    );
    refreshKey(schedule, lease.band, lease.key);
    measure(draft, end);
    return finish(draft);
  }
  const slot = schedule.pool.find(call);
  const lane = slot === undefined ? undefined : schedule.pool.lane(slot);
  if (slot === undefined || lane === undefined) return nothing();
  const { key } = lane.account;
  const { band } = lane;
  push(draft, { type: "call.withdrawn", call, key, ...(band === 0 ? null : { band }) });
  removeWaiting(schedule, slot);
  refreshKey(schedule, band, key);
  draft.rows.push({ table: "readyGone", queue: draft.state.name, call });
  return finish(draft);
}

/** An answer shows how fast its model is. */
function measure(draft: QueueDraft, end: CallEnd | undefined): void {
  if (end?.speed === undefined || end.failed !== null) return;
  const { model } = end.speed;
  const learnt = learntSpeed(draft.state.schedule.speeds, end.speed);
  if (learnt !== null) push(draft, { type: "endpoint.measured", model, ...learnt });
}

/** A task was promoted or demoted: its waiting call goes on in another band, with the time it has waited. */
function moveCall(draft: QueueDraft, call: string, to: Band): QueueBatch {
  const { schedule, name: queue } = draft.state;
  const slot = schedule.pool.find(call);
  if (slot === undefined) return nothing();
  const before = schedule.pool.request(slot);
  const { band: from, key, weight } = before;
  if (from === to) return nothing();
  removeWaiting(schedule, slot);
  push(draft, { type: "call.moved", call, key, weight, from, to });
  refreshKey(schedule, from, key);
  const account = accountOf(schedule, to, key);
  const known = schedule.roots.get(before.root);
  const { task, type, root, cost } = before;
  const rootType = root === task ? type : "";
  const { tag, rest } = placeFor(schedule, account, known, { band: to, cost, rootType });
  const request = {
    ...before,
    band: to,
    tag,
    ...(before.role === undefined ? null : { rest }),
  };
  addWaiting(schedule, account, call, request);
  draft.rows.push({ table: "ready", queue, call, request });
  return finish(draft);
}

/** A tree that is not remembered, because it was small, may still have been promised something. */
function treeOver(draft: QueueDraft, root: string, failed: boolean): QueueBatch {
  const { roots, calibration } = draft.state.schedule;
  if (!roots.has(root) && !calibration.promises.has(root)) return nothing();
  push(draft, failed ? { type: "tree.over", root, failed } : { type: "tree.over", root });
  return finish(draft);
}

function configure(draft: QueueDraft, settings: QueueSettings, live: boolean): QueueBatch {
  const { schedule, name } = draft.state;
  const fault = settingsFault(name, settings);
  if (fault !== null) return refuse(fault);
  if (sameSettings(live ? schedule.settings : schedule.configured, settings)) return nothing();
  const { slots, slotsPerKey, requestsPerMinute, tokensPerMinute, swapMs } = settings;
  const event: Writable<QueueConfigured> = { type: "queue.configured", slots, slotsPerKey };
  if (typeof requestsPerMinute === "number") event.requestsPerMinute = requestsPerMinute;
  if (typeof tokensPerMinute === "number") event.tokensPerMinute = tokensPerMinute;
  if (typeof swapMs === "number") event.swapMs = swapMs;
  if (live) event.live = true;
  push(draft, event);
  refreshAll(schedule);
  return finish(draft);
}

function voidLeases(draft: QueueDraft): QueueBatch {
  const { schedule, name: queue } = draft.state;
  // What waited through a stop in good order is granted now.
  if (schedule.leases.size === 0) {
    const batch = finish(draft);
    return batch.events.length === 0 ? nothing() : batch;
  }
  for (const { task, call } of schedule.leases.values()) {
    const body: QueueToTask = { type: "callLost", call, queue };
    draft.messages.push({ to: taskScope(task), body });
  }
  push(draft, { type: "leases.voided" });
  refreshAll(schedule);
  return finish(draft);
}

/** Gives free slots to waiting calls, one by one, and ends the decision. */
function finish(draft: QueueDraft): QueueBatch {
  const { schedule } = draft.state;
  const timers: TimerChange[] = [];
  let isClosed = false;
  while (!draft.holds && schedule.pool.size > 0 && hasFreeSlot(schedule)) {
    const closed = closedBy(schedule.opening, draft.nowMs);
    if (closed !== null) {
      isClosed = true;
      wakeAt(schedule, closed.untilMs, timers);
      break;
    }
    const choice = choose(schedule, draft.nowMs);
    if (choice === null) break;
    const next = schedule.pool.read(choice.slot);
    if (hasRoom(schedule, next.slots, next.model)) {
      const how = choice.stays ? waitedAndStays : waited;
      grantWaiting(draft, choice.slot, choice.owed ? waitedAndOwed : how);
      continue;
    }
    // Slots come together for who is next: nobody goes past it who could keep it waiting (SPEC QUEUE25, QUEUE29).
    const filling = chooseFilling(schedule, next, draft.nowMs);
    if (filling === null) break;
    grantWaiting(draft, filling, waitedAndFills);
  }
  // There is one timer. While the whole queue is closed it is set for that: what a line waits for is seen then.
  const opensAtMs =
    isClosed || schedule.lines.size === 0 ? null : linesOpenAtMs(schedule, draft.nowMs);
  if (opensAtMs !== null && !draft.holds && !schedule.paused) wakeAt(schedule, opensAtMs, timers);
  cutForWaiting(draft, timers);
  const { events, messages, rows } = draft;
  if (timers.length > 0) return { events, messages, rows, timers, reply: ok(), folded: true };
  return { events, messages, rows, reply: ok(), folded: true };
}

function grantWaiting(draft: QueueDraft, slot: number, how: GrantHow): void {
  const { schedule, name: queue } = draft.state;
  const to = schedule.pool.read(slot);
  grant(draft, to, how);
  removeWaiting(schedule, slot);
  refreshKey(schedule, to.band, to.key);
  draft.rows.push({ table: "readyGone", queue, call: to.call });
}

/** Tells streams to stop for interactive calls that wait although every slot is taken (SPEC QUEUE23). */
function cutForWaiting({ holds, nowMs, ...draft }: QueueDraft, timers: TimerChange[]): void {
  const { schedule } = draft.state;
  const waits = schedule.bands[0].pending;
  if (waits === 0 || holds || schedule.paused || schedule.settings.slots > cutSlotsMax) return;
  if (isProbing(schedule.opening)) return;
  if (closedBy(schedule.opening, nowMs) !== null) return;
  for (let under = cutsUnderWay(schedule, nowMs); under < waits; under += 1) {
    const next = choose(schedule, nowMs);
    const lane = next === null || next.owed ? undefined : schedule.pool.lane(next.slot);
    if (lane?.band !== 0 || hasRoom(schedule, lane.gate.slots, lane.gate.model)) return;
    const { victim, atMs } = chooseCut(schedule, lane.account.key, nowMs);
    if (victim === null) {
      if (atMs === null || schedule.cutWakesAtMs === Math.ceil(atMs)) return;
      schedule.cutWakesAtMs = Math.ceil(atMs);
      timers.push({ name: "cut", atMs: schedule.cutWakesAtMs });
      return;
    }
    push({ holds, nowMs, ...draft }, { type: "call.cutting", call: victim.call });
    const body: QueueToTask = { type: "cutCall", call: victim.call, queue: draft.state.name };
    draft.messages.push({ to: taskScope(victim.task), body });
  }
}

/** Sets the queue's timer. Timers fire on whole milliseconds and never early. */
function wakeAt(schedule: Schedule, untilMs: number, timers: TimerChange[]): void {
  const atMs = Math.ceil(untilMs);
  if (schedule.wakesAtMs === atMs) return;
  schedule.wakesAtMs = atMs;
  timers.push({ name: "open", atMs });
}

/** An endpoint that was down is tried with one call before it has its slots again. */
function hasFreeSlot(schedule: Schedule): boolean {
  if (schedule.paused) return false;
  if (isProbing(schedule.opening)) return schedule.leases.size === 0;
  return slotsUsed(schedule) < schedule.settings.slots;
}

/** A decision without the waiting calls would grant past them. */
function checkRestored({ schedule, name }: QueueState): void {
  const waits = pendingCount(schedule);
  if (schedule.pool.size === waits) return;
  throw new InvariantError(
    `queue ${name} has ${schedule.pool.size} of its ${waits} waiting calls in memory; restore them before a decision`,
  );
}
