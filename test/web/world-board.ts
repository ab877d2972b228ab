/** The stand-in's queues and schedules. */
export interface WorldBoard {
  readonly queues: WorldQueue[];
  readonly schedules: WorldSchedule[];
  readonly alerts: WorldAlert[];
}

/** An alert as the wire carries it. */
export interface WorldAlert {
  readonly rule: string;
  readonly subject: string;
  readonly message: string;
  readonly firedAt: string;
  clearedAt: string | null;
}

/** A queue as the wire carries it. */
export interface WorldQueue {
  name: string;
  slots: number;
  running: number;
  pending: number;
  paused: boolean;
  perBand: readonly number[];
  slotsPerKey: number | null;
  requestsPerMinute: number | null;
  tokensPerMinute: number | null;
  cuts: { readonly count: number; readonly tokens: number };
  closed: { readonly code: string; readonly untilAt: string } | null;
  models: readonly unknown[];
  swapMs: number | null;
  taken: number;
  loaded: string | null;
  lines: readonly unknown[];
}

/** A schedule as the wire carries it. */
export interface WorldSchedule {
  name: string;
  cron: string;
  timeZone: string;
  missed: string;
  paused: boolean;
  type: string;
  input: unknown;
  priority: string;
  title: string | null;
  nextRuns: string[];
  last: { readonly taskId: string; readonly at: string } | null;
  createdAt: string;
}

/** A queue that rests. */
export function aQueue(name: string, fields: Partial<WorldQueue> = {}): WorldQueue {
  return {
    name,
    slots: 1,
    running: 0,
    pending: 0,
    paused: false,
    perBand: [0, 0, 0],
    slotsPerKey: null,
    requestsPerMinute: null,
    tokensPerMinute: null,
    cuts: { count: 0, tokens: 0 },
    closed: null,
    models: [],
    swapMs: null,
    taken: 0,
    loaded: null,
    lines: [],
    ...fields,
  };
}

/** A schedule that runs in two hours. */
export function aSchedule(name: string, fields: Partial<WorldSchedule> = {}): WorldSchedule {
  return {
    name,
    cron: "30 8 * * 1-5",
    timeZone: "Europe/Berlin",
    missed: "once",
    paused: false,
    type: "generate",
    input: { prompt: "Plan my day" },
    priority: "background",
    title: null,
    nextRuns: [new Date(Date.now() + 7_300_000).toISOString()],
    last: null,
    createdAt: new Date().toISOString(),
    ...fields,
  };
}

/** Answer of a call: status and body; null if there is no such thing. */
export interface BoardAnswer {
  readonly status: number;
  readonly body: object | null;
}

/** What the server answers about queues. */
export function ofQueues({ queues }: WorldBoard, name: string, verb: string): BoardAnswer | null {
  if (name === "") return { status: 200, body: { queues } };
  const queue = queues.find((known) => known.name === decodeURIComponent(name));
  if (queue === undefined) return null;
  if (verb === "pause" || verb === "resume") queue.paused = verb === "pause";
  return { status: 200, body: queue };
}

/** What the server answers about schedules, but for a run. */
export function ofSchedules(
  { schedules }: WorldBoard,
  { name, verb, method }: { readonly name: string; readonly verb: string; readonly method: string },
): BoardAnswer | null {
  if (name === "") return { status: 200, body: { schedules } };
  const at = schedules.findIndex((known) => known.name === decodeURIComponent(name));
  const schedule = schedules[at];
  if (schedule === undefined) return null;
  if (method === "DELETE") {
    schedules.splice(at, 1);
    return { status: 204, body: null };
  }
  if (verb === "pause" || verb === "resume") {
    schedule.paused = verb === "pause";
    schedule.nextRuns = schedule.paused ? [] : [new Date(Date.now() + 7_300_000).toISOString()];
  }
  return { status: 200, body: schedule };
}
