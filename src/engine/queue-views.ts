import { depth } from "../core/queue/views.ts";
import type { QueueWhy } from "../core/queue/protocol.ts";
import type { QueueState } from "../core/queue/state.ts";
import { latePromises, type Estimate } from "../core/schedule/estimate.ts";
import { lineClosedBy } from "../core/schedule/lines.ts";
import { closedBy, type Closed } from "../core/schedule/opening.ts";
import { isoTime, type TaskView } from "../core/task/view.ts";

/** Why a task is where it is, from the log's facts. */
export interface WhyView {
  readonly taskId: string;
  readonly status: TaskView["status"];
  readonly reason: TaskView["reason"];
  readonly queue:
    | (Omit<QueueWhy, "untilMs" | "estimate"> & {
        readonly estimate: EstimateView | null;
        readonly name: string;
        readonly untilAt?: string;
      })
    | null;
  readonly message: string;
}

/** When a waiting task may start and end, in milliseconds from now. */
export interface EstimateView {
  readonly start: { readonly p50Ms: number; readonly p90Ms: number };
  readonly end: { readonly p50Ms: number; readonly p90Ms: number };
  /** It takes longer than was promised when it came. */
  readonly late: boolean;
}

/** Where a waiting task stands. */
export interface Place {
  readonly position: number;
  readonly estimate: EstimateView | null;
  /** What must change first: `slot_busy`, `behind_others`, `queue_paused`, `endpoint_down`, ... */
  readonly cause: {
    readonly code: QueueWhy["code"];
    readonly untilAt?: string;
    /** Of an endpoint that is down: code of its last failure. */
    readonly error?: string;
  };
}

/** Where a waiting call stands, as people see it. */
export function placeView({ position, estimate, code, untilMs, error }: QueueWhy): Place {
  return {
    position,
    estimate: estimateView(estimate),
    cause: {
      code,
      ...(untilMs === undefined ? {} : { untilAt: isoTime(untilMs) }),
      ...(error === undefined ? {} : { error }),
    },
  };
}

/** A queue as people see it. */
export interface QueueView {
  readonly name: string;
  /** Waiting tasks that were promised an earlier start, nine times in ten. */
  readonly late: number;
  readonly slots: number;
  /** Calls that hold slots, and how many slots they hold. */
  readonly running: number;
  readonly taken: number;
  readonly pending: number;
  readonly perBand: readonly [number, number, number];
  readonly paused: boolean;
  readonly slotsPerKey: number | null;
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  /** How long its endpoint takes to load another model; null: models cost nothing to change. */
  readonly swapMs: number | null;
  /** Model in memory, where one is at a time. */
  readonly loaded: string | null;
  /** Endpoints that share it as their device and are held back now. */
  readonly lines: readonly (ClosedView & { readonly line: string })[];
  /** Calls that were stopped for a quick question, and tokens that had to be read again for it, since it was made. */
  readonly cuts: { readonly count: number; readonly tokens: number };
  /** Why it grants nothing although it has slots, and until when (ISO 8601); null: nothing holds it back. */
  readonly closed: ClosedView | null;
  /** How fast its models are, as far as that was learnt from their answers. */
  readonly models: readonly ModelSpeedView[];
}

/** Why a queue grants nothing, and until when (ISO 8601). `error`: of an endpoint that is down, how its last call failed. */
export interface ClosedView {
  readonly code: string;
  readonly untilAt: string;
  readonly error?: string;
}

/** Tokens a second that a model reads and writes; null: nobody knows yet. */
export interface ModelSpeedView {
  readonly model: string;
  readonly promptTokensPerSecond: number | null;
  readonly decodeTokensPerSecond: number | null;
}

/** A queue as people see it now. */
export function queueView(state: QueueState, nowMs: number): QueueView {
  const { settings, opening, cutting } = state.schedule;
  const { slotsPerKey, requestsPerMinute = null, tokensPerMinute = null } = settings;
  const { swapMs = null } = settings;
  const closed = closedBy(opening, nowMs);
  return {
    name: state.name,
    late: latePromises(state.schedule, nowMs),
    ...depth(state),
    slotsPerKey,
    requestsPerMinute,
    tokensPerMinute,
    swapMs,
    loaded: state.schedule.swap.model,
    lines: linesView(state, nowMs),
    cuts: { count: cutting.count, tokens: cutting.tokens },
    closed: closed === null ? null : closedView(closed),
    models: Array.from(state.schedule.speeds, ([model, { prompt, decode }]) => ({
      model,
      promptTokensPerSecond: prompt,
      decodeTokensPerSecond: decode,
    })),
  };
}

function linesView({ schedule }: QueueState, nowMs: number): QueueView["lines"] {
  return [...schedule.lines.keys()].flatMap((line) => {
    const closed = lineClosedBy(schedule, line, nowMs);
    return closed === null ? [] : [{ line, ...closedView(closed) }];
  });
}

function closedView({ code, untilMs, error }: Closed): ClosedView {
  return { code, untilAt: isoTime(untilMs), ...(error === undefined ? null : { error }) };
}

/** An estimate in whole tenths of a second: more would say more than is known. */
export function estimateView(estimate: Estimate | null): EstimateView | null {
  if (estimate === null) return null;
  const tidy = (seconds: number): number => Math.round(seconds * 10) * 100;
  const range = ({ p50, p90 }: Estimate["start"]) => ({ p50Ms: tidy(p50), p90Ms: tidy(p90) });
  return { start: range(estimate.start), end: range(estimate.end), late: estimate.late };
}

/** Why a call waits, as people see it. */
export function whyQueue(
  name: string,
  { untilMs, estimate, ...queue }: QueueWhy,
): WhyView["queue"] {
  return {
    name,
    ...queue,
    estimate: estimateView(estimate),
    ...(untilMs === undefined ? null : { untilAt: isoTime(untilMs) }),
  };
}

/** What holds a queue back, in words that go on after its name. */
const closedWords: Readonly<Record<string, string>> = {
  rate_window: "has used up its rate",
  endpoint_asked: "was asked by its endpoint to wait",
  endpoint_loading: "has an endpoint that is loading its model",
  endpoint_down: "has an endpoint that does not answer",
};

/** What may be expected, as a sentence. */
function expected(estimate: Estimate | null): string {
  if (estimate === null) return "";
  const { p50, p90 } = estimate.start;
  const late = estimate.late ? " That is later than promised." : "";
  return ` It should start in ${roughly(p50)} to ${roughly(p90)}.${late}`;
}

function roughly(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

/** Why a task is where it is, as a sentence. */
export function whyMessage(
  view: TaskView,
  queueName: string | null,
  queue: QueueWhy | null,
): string {
  if (queue !== null) {
    const place = queue.position === 1 ? "next in line" : `number ${queue.position} in line`;
    if (queue.code === "queue_paused")
      return `The task is ${place}, but queue "${queueName}" is paused.`;
    const closed = closedWords[queue.code];
    if (closed !== undefined)
      return `The task is ${place}, but queue "${queueName}" ${closed}${queue.error === undefined ? "" : ` (${queue.error})`}: it goes on at ${isoTime(queue.untilMs ?? 0)}.`;
    const gathers =
      queue.code === "behind_others" && queue.position === 1
        ? " A call that takes several slots goes first, and waits for the last of them."
        : "";
    return `The task is ${place} for queue "${queueName}": ${queue.running} of ${queue.slots} slots are taken and ${queue.pending} calls wait.${gathers}${expected(queue.estimate)}`;
  }
  if (view.reason !== null) {
    const { message, untilAt, error } = view.reason;
    const until = untilAt === undefined ? "" : ` until ${untilAt}`;
    const after = error === undefined ? "" : `, after: ${error.message.replace(/[.\s]+$/, "")}`;
    const runs = view.status === "running" ? "is running, and " : "";
    return `The task ${runs}${message}${until}${after}.`;
  }
  if (view.status === "running") return "The task is running.";
  const error = view.error === null ? "" : `: ${view.error.message}`;
  return `The task is ${view.status}${error}.`;
}
