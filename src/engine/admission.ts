import { ErrandError } from "../core/errors.ts";
import { bandOf, type Priority } from "../core/queue/protocol.ts";
import { nextFreeSeconds, pointsOfNew } from "../core/schedule/estimate.ts";
import { pendingOf } from "../core/schedule/position.ts";
import { predictedSpan, predictedTree } from "../core/schedule/predict.ts";
import { pendingCount, type Schedule } from "../core/schedule/state.ts";
import { queueScope } from "../core/scope.ts";
import type { TaskSpec } from "../core/task/spec.ts";
import { asQueue } from "./erased-types.ts";
import type { Kernel } from "./kernel/kernel.ts";

/** Least and most that a refused submit is told to wait, in ms. */
const waitMsMin = 1_000;
const waitMsMax = 3_600_000;
/** Slot-seconds of a start call that declares none. */
const startCost = 0.05;

/**
 * Refuses a submit before anything of it is accepted (SPEC LIMIT2, LIMIT3): its queue is full, or what is ahead of it
 * makes its ttl or its deadline vain in most cases. Throws `queue_full` with the time after which it may be taken.
 */
export function admit(
  kernel: Kernel,
  spec: TaskSpec,
  how: {
    readonly pendingMax: number;
    readonly pendingPerKeyMax: number;
    readonly endpoints: readonly string[];
    readonly nowMs: number;
  },
): void {
  const { pendingMax, pendingPerKeyMax, nowMs } = how;
  const key = spec.key ?? spec.userId;
  for (const name of new Set([spec.queue, ...how.endpoints])) {
    const line = scheduleOf(kernel, name);
    if (line === null || pendingOf(line, key) < pendingPerKeyMax) continue;
    throw full(
      `"${key}" has ${pendingPerKeyMax} calls waiting in queue "${name}", the most one may have; try again later`,
      nextFreeSeconds(line, nowMs),
    );
  }
  const pool = scheduleOf(kernel, spec.queue);
  if (pool === null) return;
  if (pendingCount(pool) >= pendingMax) {
    throw full(
      `queue "${spec.queue}" holds ${pendingMax} waiting calls, the most it takes; try again later`,
      nextFreeSeconds(pool, nowMs),
    );
  }
  if (spec.heldBy !== undefined || spec.delayMs !== undefined) return;
  if (spec.ttlMs === undefined && spec.deadlineMs === undefined) return;
  const asked = {
    band: bandOf(spec.priority),
    key,
    taskType: spec.type,
    cost: spec.cost ?? startCost,
  };
  const started = pool.paused ? null : pointsOfNew(pool, asked, nowMs).start;
  if (started !== null && spec.ttlMs !== undefined && started * 1_000 > spec.ttlMs)
    throw vain("start", "ttlMs", spec.ttlMs, started);
  if (started === null || spec.deadlineMs === undefined) return;
  let ended = started;
  for (const name of how.endpoints) {
    const endpoint = scheduleOf(kernel, name);
    if (endpoint === null || endpoint.paused) continue;
    // Only a type whose trees have been seen here is known to be served here.
    const cost = predictedSpan(endpoint.costs, spec.type);
    if (cost === 0) continue;
    const { end } = pointsOfNew(endpoint, { ...asked, cost }, nowMs);
    if (started + end > ended) ended = started + end;
  }
  if (ended * 1_000 > spec.deadlineMs) throw vain("end", "deadlineMs", spec.deadlineMs, ended);
}

/**
 * When a task's call would start that is not there yet, half of the cases, in seconds from now; `null`: nobody can say,
 * because the queue is paused.
 */
export function startOfNew(
  schedule: Schedule,
  asked: { readonly priority: Priority; readonly key: string; readonly type: string },
  nowMs: number,
): number | null {
  if (schedule.paused) return null;
  const { priority, key, type: taskType } = asked;
  const cost = predictedTree(schedule.costs, taskType) || startCost;
  return pointsOfNew(schedule, { band: bandOf(priority), key, taskType, cost }, nowMs).start;
}

function scheduleOf(kernel: Kernel, queue: string): Schedule | null {
  const cached = kernel.peek(queueScope(queue));
  return cached === undefined ? null : asQueue(cached.state).schedule;
}

function vain(what: "start" | "end", field: string, limitMs: number, seconds: number): ErrandError {
  const message = `the task would most likely ${what} in ${Math.ceil(seconds)} s, which is later than its ${field} of ${limitMs} allows; submit it later, or with a larger ${field}`;
  return full(message, seconds - limitMs / 1_000);
}

function full(message: string, seconds: number): ErrandError {
  const waitMs = Math.ceil(seconds) * 1_000;
  const retryAfterMs = Math.min(waitMsMax, Math.max(waitMsMin, waitMs));
  return new ErrandError("queue_full", message, { retryAfterMs });
}
