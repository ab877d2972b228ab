import type { Message } from "../decider.ts";
import type { ReadyRequest, Row } from "../rows.ts";
import type { WaitingCall } from "../schedule/call-pool.ts";
import { cutParts, isTaskOfCall, shapeParts } from "../schedule/request-parts.ts";
import { isSampled, pointsOf } from "../schedule/estimate.ts";
import { loadSeconds } from "../schedule/swap.ts";
import { addWaiting, slotsOf, type Caps } from "../schedule/lanes.ts";
import { accountOf, placeFor } from "../schedule/ledger.ts";
import { tidyCost } from "../schedule/rule.ts";
import type { RootService } from "../schedule/state.ts";
import { taskScope } from "../scope.ts";
import type { QueueEvent } from "./events.ts";
import { foldEvent } from "./evolve.ts";
import type { QueueToTask } from "./protocol.ts";
import type { QueueState } from "./state.ts";

type CallGranted = Extract<QueueEvent, { type: "call.granted" }>;
type CallRequested = Extract<QueueEvent, { type: "call.requested" }>;
/** An event while its optional fields are filled in: spreading them is several times slower. */
export type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A decision of a queue as it grows. Every event that is pushed has been folded. */
export interface QueueDraft {
  readonly state: QueueState;
  readonly nowMs: number;
  /** No call is granted in this decision. */
  readonly holds: boolean;
  readonly events: QueueEvent[];
  readonly messages: Message[];
  readonly rows: Row[];
}

/** The fields of a grant that tell how it came about. */
export type GrantHow = Pick<CallGranted, "weight" | "waited" | "owed" | "stays" | "fills">;

/** A call that gets its slot as it arrives. */
export const atOnce: GrantHow = {};
/** A call that has waited. */
export const waited: GrantHow = { waited: true };
/** A waiting call of a lower band whose turn is owed to it. */
export const waitedAndOwed: GrantHow = { waited: true, owed: true };

/** A waiting call that goes before one of another model, because its own is in memory. */
export const waitedAndStays: GrantHow = { waited: true, stays: true };

/** A waiting call that is over before the slots of a wide one have come together. */
export const waitedAndFills: GrantHow = { waited: true, fills: true };

/** Grants a call: its event without what can be told from the rest, and the message to its task. */
export function grant(draft: QueueDraft, to: WaitingCall, how: GrantHow): void {
  const { call, taskType, key, task, root, user, band } = to;
  const { schedule } = draft.state;
  const slots = slotsOf(schedule, to.slots);
  const loads = loadSeconds(schedule, to.model);
  const cost = loads === 0 ? to.cost : tidyCost(to.cost + loads * slots);
  // Assigned one by one: the event is written for each call, and spreading is several times slower.
  const event: Writable<CallGranted> = { type: "call.granted", call, taskType, key, cost };
  if (!isTaskOfCall(task, call)) event.task = task;
  if (root !== task) event.root = root;
  if (user !== key) event.user = user;
  if (band !== 0) event.band = band;
  if (to.role !== null) {
    event.role = to.role;
    event.lead = loads === 0 ? to.lead : tidyCost(to.lead + loads);
  }
  if (schedule.opening.tokens.perMinute !== null) event.tokens = to.tokens;
  if (to.capped) event.capped = true;
  if (to.cuttable) event.cuttable = true;
  if (to.cuts > 0) {
    event.cuts = to.cuts;
    event.ran = to.ran;
  }
  if (slots !== 1) event.slots = slots;
  if (to.model !== null) event.model = to.model;
  if (to.line !== null) event.line = to.line;
  if (how.stays) event.stays = true;
  if (how.fills) event.fills = true;
  if (how.weight !== undefined) event.weight = how.weight;
  if (how.waited) event.waited = true;
  if (how.owed) event.owed = true;
  push(draft, event);
  draft.messages.push(granted(draft, task, call));
}

/** Puts a call among those that wait, and in the ready rows. */
export function wait(
  draft: QueueDraft,
  wanted: WaitingCall,
  { weight, caps, known }: { weight: number; caps: Caps; known: RootService | undefined },
): void {
  const { schedule, name: queue } = draft.state;
  const { call, key, band, task, taskType, user, root, cost, role, lead, tokens } = wanted;
  const { capTotal, capPerKey } = caps;
  const seq = schedule.nextSeq;
  const event: Writable<CallRequested> = { type: "call.requested", call, key };
  if (band !== 0) event.band = band;
  if (weight !== 1) event.weight = weight;
  push(draft, event);
  const account = accountOf(schedule, band, key);
  const rootType = root === task ? taskType : "";
  const { tag, rest } = placeFor(schedule, account, known, { band, cost, rootType });
  const request: ReadyRequest = {
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
    readyAtMs: draft.nowMs,
    tag,
    ...shapeParts(wanted.slots, wanted.model, wanted.line),
    ...(role === null ? null : { role, lead, tokens, rest }),
    ...cutParts(wanted.cuttable, wanted.cuts, wanted.ran),
  };
  addWaiting(schedule, account, call, request);
  draft.rows.push({ table: "ready", queue, call, request });
  if (role === null || root !== task || known !== undefined) return;
  // A tree is promised something once, for its first call: its other calls may wait for quite another time.
  if (!schedule.calibration.promises.has(root)) promise(draft, call, root);
}

/** Tells the log what a tree that begins to wait may expect, so that what comes of it can be learnt from. */
function promise(draft: QueueDraft, call: string, root: string): void {
  const { schedule } = draft.state;
  const slot = schedule.pool.find(call);
  const lane = slot === undefined ? undefined : schedule.pool.lane(slot);
  if (slot === undefined || lane === undefined) return;
  const { band } = lane;
  if (!isSampled(schedule, band, schedule.pool.seq(slot))) return;
  const { start, end } = pointsOf(schedule, slot, lane, draft.nowMs);
  const points = { start: tidyCost(start), end: tidyCost(end) };
  push(draft, { type: "call.promised", call, root, ...(band === 0 ? null : { band }), ...points });
}

/** Adds a fact to a decision and folds it, so that what is decided next knows of it. */
export function push(draft: QueueDraft, event: QueueEvent): void {
  foldEvent(draft.state.schedule, event, draft.nowMs);
  draft.events.push(event);
}

/** Tells a task that its call has a slot. */
export function granted(draft: QueueDraft, task: string, call: string): Message {
  const body: QueueToTask = { type: "callGranted", call, queue: draft.state.name };
  return { to: taskScope(task), body };
}
