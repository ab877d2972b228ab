import {
  nothing,
  ok,
  refuse,
  type Batch,
  type DecideContext,
  type Decider,
  type Message,
} from "../decider.ts";
import { errorData } from "../errors.ts";
import { invariant, unreachable } from "../invariant.ts";
import type { Row } from "../rows.ts";
import { taskOfCall, type WaitingCall } from "../schedule/call-pool.ts";
import {
  addWaiting,
  capsAllow,
  choose,
  refreshAll,
  refreshKey,
  removeWaiting,
} from "../schedule/lanes.ts";
import { bandFor, tagFor } from "../schedule/ledger.ts";
import { tidyCost, tidyWeight } from "../schedule/rule.ts";
import { emptySchedule, pendingCount, slotsUsed, type Schedule } from "../schedule/state.ts";
import { scopeName, taskScope } from "../scope.ts";
import type { QueueEvent } from "./events.ts";
import { evolveQueue, foldEvent } from "./evolve.ts";
import {
  slotsMax,
  type CallRequest,
  type QueueCommand,
  type QueueSettings,
  type QueueToTask,
} from "./protocol.ts";
import { loadQueue, saveQueue } from "./snapshot.ts";
import type { QueueState } from "./state.ts";

type QueueBatch = Batch<QueueEvent>;

/** Rough bytes of a queue with nothing in it, of a waiting call, a lease, an account and a root in memory. */
const bytes = { queue: 8_000, waiting: 160, lease: 400, account: 250, root: 200 };

/**
 * The queue scope: which waiting call gets the next free slot (SPEC QUEUE1 and on). A decision folds its own
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

/** A decision as it grows. Every event that is pushed has been folded. */
interface Draft {
  readonly state: QueueState;
  readonly nowMs: number;
  readonly events: QueueEvent[];
  readonly messages: Message[];
  readonly rows: Row[];
}

function decide(state: QueueState, command: QueueCommand, { nowMs }: DecideContext): QueueBatch {
  const waits = pendingCount(state.schedule);
  invariant(
    state.schedule.pool.size === waits,
    `queue ${state.name} has ${state.schedule.pool.size} of its ${waits} waiting calls in memory; restore them before a decision`,
  );
  const draft: Draft = { state, nowMs, events: [], messages: [], rows: [] };
  switch (command.type) {
    case "request":
      return request(draft, command.call, command.request);
    case "settle":
      return settle(draft, command.call);
    case "configure":
      return configure(draft, command.settings);
    case "pause":
      if (state.schedule.paused === command.paused) return nothing();
      push(draft, { type: "queue.paused", paused: command.paused });
      return finish(draft);
    case "voidLeases":
      return voidLeases(draft);
    case "timer":
      // No timer is set yet; a limit that opens at a known time will set one, and what it opens is granted here.
      return finish(draft);
    default:
      return unreachable(command, "command of a queue");
  }
}

function request(draft: Draft, call: string, asked: CallRequest): QueueBatch {
  const { schedule } = draft.state;
  const lease = schedule.leases.get(call);
  if (lease !== undefined) {
    draft.messages.push(granted(draft, lease.task, call));
    return finish(draft);
  }
  if (schedule.pool.find(call) !== undefined) return nothing();
  const wanted = {
    ...asked,
    cost: tidyCost(asked.cost),
    weight: tidyWeight(asked.weight),
    band: bandFor(schedule, asked.band, asked.root),
  };
  if (hasFreeSlot(schedule) && capsAllow(schedule, wanted.key, wanted.type, wanted)) {
    grant(draft, { ...wanted, taskType: wanted.type, call }, weightField(wanted.weight));
  } else {
    wait(draft, call, wanted);
  }
  return finish(draft);
}

/** The call has a lease, or waits, or is unknown because it is over. */
function settle(draft: Draft, call: string): QueueBatch {
  const { schedule } = draft.state;
  const lease = schedule.leases.get(call);
  if (lease !== undefined) {
    push(draft, { type: "call.settled", call });
    refreshKey(schedule, lease.key);
    return finish(draft);
  }
  const slot = schedule.pool.find(call);
  const lane = slot === undefined ? undefined : schedule.pool.lane(slot);
  if (slot === undefined || lane === undefined) return nothing();
  const { key } = lane.account;
  push(draft, { type: "call.withdrawn", call, key, ...bandField(lane.band) });
  removeWaiting(schedule, slot);
  draft.rows.push({ table: "readyGone", queue: draft.state.name, call });
  return finish(draft);
}

function configure(draft: Draft, { slots, slotsPerKey }: QueueSettings): QueueBatch {
  const { schedule, name } = draft.state;
  for (const [field, value] of [
    ["slots", slots],
    ["slotsPerKey", slotsPerKey ?? 1],
  ] as const) {
    if (Number.isInteger(value) && value >= 1 && value <= slotsMax) continue;
    return refuse(
      errorData(
        "invalid_request",
        `${field} of queue ${name} is ${value}, but must be a whole number from 1 to ${slotsMax}; configure the queue again`,
      ),
    );
  }
  const now = schedule.settings;
  if (now.slots === slots && now.slotsPerKey === slotsPerKey) return nothing();
  push(draft, { type: "queue.configured", slots, slotsPerKey });
  refreshAll(schedule);
  return finish(draft);
}

function voidLeases(draft: Draft): QueueBatch {
  const { schedule, name: queue } = draft.state;
  if (schedule.leases.size === 0) return nothing();
  for (const { task, call } of schedule.leases.values()) {
    const body: QueueToTask = { type: "callLost", call, queue };
    draft.messages.push({ to: taskScope(task), body });
  }
  push(draft, { type: "leases.voided" });
  refreshAll(schedule);
  return finish(draft);
}

/** Gives free slots to waiting calls, one by one, and ends the decision. */
function finish(draft: Draft): QueueBatch {
  const { schedule, name: queue } = draft.state;
  while (schedule.pool.size > 0 && hasFreeSlot(schedule)) {
    const choice = choose(schedule, draft.nowMs);
    if (choice === null) break;
    const lane = schedule.pool.lane(choice.slot);
    invariant(lane !== undefined, `queue ${queue} chose an empty slot of its pool`);
    const next = schedule.pool.read(choice.slot);
    const { key } = lane.account;
    grant(
      draft,
      { ...next, key, band: lane.band },
      choice.owed ? { waited: true, owed: true } : { waited: true },
    );
    removeWaiting(schedule, choice.slot);
    refreshKey(schedule, key);
    draft.rows.push({ table: "readyGone", queue, call: next.call });
  }
  const { events, messages, rows } = draft;
  return { events, messages, rows, reply: ok(), folded: true };
}

/** Grants a call: its event without what can be told from the rest, and the message to its task. */
function grant(
  draft: Draft,
  to: Omit<WaitingCall, "seq" | "tag" | "readyAtMs"> & {
    readonly key: string;
    readonly band: 0 | 1 | 2;
  },
  how: { readonly weight?: number; readonly waited?: true; readonly owed?: true } | null,
): void {
  const { call, taskType, key, cost, task, root, user, band } = to;
  push(draft, {
    type: "call.granted",
    call,
    taskType,
    key,
    cost,
    ...(task === taskOfCall(call) ? null : { task }),
    ...(root === task ? null : { root }),
    ...(user === key ? null : { user }),
    ...bandField(band),
    ...how,
  });
  draft.messages.push(granted(draft, task, call));
}

/** Puts a call among those that wait, and in the ready rows. */
function wait(draft: Draft, call: string, wanted: CallRequest): void {
  const { schedule, name: queue } = draft.state;
  const { key, band, weight, task, type: taskType, user, root, cost } = wanted;
  const seq = schedule.nextSeq;
  push(draft, {
    type: "call.requested",
    call,
    key,
    ...bandField(band),
    ...weightField(weight),
  });
  const readyAtMs = draft.nowMs;
  const tag = tagFor(schedule, wanted, root, cost);
  addWaiting(
    schedule,
    { band, key, caps: wanted },
    { call, task, taskType, user, root, cost, tag, seq, readyAtMs },
  );
  // A new weight ranks the key's other calls anew.
  refreshKey(schedule, key);
  const { capTotal, capPerKey } = wanted;
  draft.rows.push({
    table: "ready",
    queue,
    call,
    request: {
      task,
      type: taskType,
      key,
      user,
      weight,
      band,
      root,
      cost,
      capTotal,
      capPerKey,
      seq,
      readyAtMs,
      tag,
    },
  });
}

function push(draft: Draft, event: QueueEvent): void {
  foldEvent(draft.state.schedule, event, draft.nowMs);
  draft.events.push(event);
}

function granted(draft: Draft, task: string, call: string): Message {
  const body: QueueToTask = { type: "callGranted", call, queue: draft.state.name };
  return { to: taskScope(task), body };
}

function bandField(band: 0 | 1 | 2): { readonly band?: 1 | 2 } | null {
  return band === 0 ? null : { band };
}

function weightField(weight: number): { readonly weight: number } | null {
  return weight === 1 ? null : { weight };
}

function hasFreeSlot(schedule: Schedule): boolean {
  return !schedule.paused && slotsUsed(schedule) < schedule.settings.slots;
}
