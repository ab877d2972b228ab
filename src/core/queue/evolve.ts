import { InvariantError, unreachable } from "../invariant.ts";
import { taskOfCall } from "../schedule/request-parts.ts";
import { foldCutting, foldUncut } from "../schedule/cut.ts";
import { foldPromised, foldReleased, foldRunOut } from "../schedule/calibrate.ts";
import {
  foldGranted,
  foldMoved,
  foldRequested,
  foldSettled,
  foldTreeOver,
  foldVoided,
  foldWithdrawn,
  type Grant,
} from "../schedule/ledger.ts";
import { foldMeasured } from "../schedule/speeds.ts";
import type { ResumeWay, Schedule } from "../schedule/state.ts";
import type { QueueEvent } from "./events.ts";
import type { QueueState } from "./state.ts";

type Configured = Extract<QueueEvent, { type: "queue.configured" }>;

/**
 * Folds a fact into the ledger. For replay: the waiting calls must not be there yet, because the log alone does not
 * hold them; `restorePending` brings them when the whole log is folded.
 */
export function evolveQueue(state: QueueState, event: QueueEvent, atMs: number): QueueState {
  if (state.schedule.pool.size > 0) {
    throw new InvariantError(`queue ${state.name} is live and folds its events itself`);
  }
  foldEvent(state.schedule, event, atMs);
  return state;
}

/** Folds a fact into the ledger and leaves the waiting part to the caller. */
export function foldEvent(schedule: Schedule, event: QueueEvent, atMs: number): void {
  foldRunOut(schedule.calibration, atMs);
  switch (event.type) {
    case "call.requested": {
      const { key, band = 0, weight = 1 } = event;
      foldRequested(schedule, { key, band, weight }, atMs);
      return;
    }
    case "call.granted": {
      foldGranted(schedule, grantOf(event), atMs);
      return;
    }
    case "call.settled":
      foldSettled(schedule, event.call, atMs, event.end);
      return;
    case "call.cutting":
      foldCutting(schedule, event.call, atMs);
      return;
    case "call.uncut":
      foldUncut(schedule, event.call);
      return;
    case "endpoint.probed":
      foldProbed(schedule, event.target, event.way);
      return;
    case "endpoint.measured":
      foldMeasured(schedule.speeds, event.model, event);
      return;
    case "call.withdrawn":
      foldWithdrawn(schedule, { key: event.key, band: event.band ?? 0 });
      foldReleased(schedule.calibration, event.call);
      return;
    case "call.promised": {
      const { call, root, band = 0, start, end } = event;
      foldPromised(schedule.calibration, root, { call, band, points: { start, end } }, atMs);
      return;
    }
    case "queue.configured":
      foldConfigured(schedule, event);
      return;
    case "call.moved":
      foldMoved(schedule, event, atMs);
      return;
    case "queue.paused":
      schedule.paused = event.paused;
      return;
    case "tree.over":
      foldTreeOver(schedule, event.root, event.failed === true ? null : atMs);
      return;
    case "leases.voided":
      foldVoided(schedule, atMs);
      return;
    default:
      unreachable(event, "event of a queue");
  }
}

function foldConfigured(schedule: Schedule, event: Configured): void {
  const { slots, slotsPerKey, live } = event;
  const requestsPerMinute = event.requestsPerMinute ?? null;
  const tokensPerMinute = event.tokensPerMinute ?? null;
  const swapMs = event.swapMs ?? null;
  schedule.settings = { slots, slotsPerKey, requestsPerMinute, tokensPerMinute, swapMs };
  if (live !== true) schedule.configured = schedule.settings;
  schedule.opening.requests.perMinute = requestsPerMinute;
  schedule.opening.tokens.perMinute = tokensPerMinute;
}

/** Most models whose way of going on is remembered; the one tried out longest ago goes first. */
const resumesMax = 256;

function foldProbed({ resumes }: Schedule, target: string, way: ResumeWay | null): void {
  resumes.delete(target);
  resumes.set(target, way);
  if (resumes.size <= resumesMax) return;
  for (const oldest of resumes.keys()) {
    resumes.delete(oldest);
    return;
  }
}

function grantOf(event: Extract<QueueEvent, { type: "call.granted" }>): Grant {
  const task = event.task ?? taskOfCall(event.call);
  return {
    call: event.call,
    task,
    taskType: event.taskType,
    key: event.key,
    user: event.user ?? event.key,
    root: event.root ?? task,
    band: event.band ?? 0,
    cost: event.cost,
    role: event.role ?? null,
    lead: event.lead ?? 0,
    tokens: event.tokens ?? 0,
    capped: event.capped === true,
    cuttable: event.cuttable === true,
    cuts: event.cuts ?? 0,
    ran: event.ran ?? 0,
    owed: event.owed === true,
    slots: event.slots ?? 1,
    model: event.model ?? null,
    line: event.line ?? null,
    stays: event.stays === true,
    fills: event.fills === true,
    entersWith: event.waited === true ? null : (event.weight ?? 1),
  };
}
