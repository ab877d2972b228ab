import type { WaitingCall } from "../schedule/call-pool.ts";
import { bandFor } from "../schedule/ledger.ts";
import { predictedCost } from "../schedule/predict.ts";
import { tidyCost, tidyTokens } from "../schedule/rule.ts";
import { foreseen } from "../schedule/speeds.ts";
import type { Schedule } from "../schedule/state.ts";
import { slotsMax, type CallRequest } from "./protocol.ts";

/** A requested call as the schedule knows it: in its band, with what it is predicted to take. */
export function wantedCall(schedule: Schedule, call: string, asked: CallRequest): WaitingCall {
  const { role = null, line = null } = asked;
  const slots = tidySlots(asked.slots);
  const seen = foreseen(schedule.speeds, asked);
  const seconds = predictedCost(schedule.costs, { ...asked, ...seen, taskType: asked.type, role });
  return {
    call,
    task: asked.task,
    taskType: asked.type,
    key: asked.key,
    user: asked.user,
    root: asked.root,
    band: bandFor(asked.band, schedule.roots.get(asked.root)),
    // A start of a task says itself what it costs in all its slots.
    cost: tidyCost(role === null ? seconds : seconds * slots),
    role,
    lead: role === null ? 0 : tidyCost(seen.lead),
    tokens: role === null ? 0 : tidyTokens(asked.tokens),
    cuttable: role !== null && asked.cuttable === true,
    cuts: role === null ? 0 : tidyTokens(asked.cuts),
    ran: role === null || asked.ran === undefined ? 0 : tidyCost(asked.ran),
    capped: asked.capTotal !== null || asked.capPerKey !== null,
    slots,
    // Which model it asks matters only where one is in memory at a time: else calls of all models share a lane.
    model: (schedule.settings.swapMs ?? null) === null ? null : (asked.model ?? null),
    line,
  };
}

function tidySlots(slots: number | undefined): number {
  if (slots === undefined || !(slots > 1)) return 1;
  return slots < slotsMax ? Math.round(slots) : slotsMax;
}
