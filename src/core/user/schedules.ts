import { nothing, ok, refuse, type Batch, type DecideContext, type Message } from "../decider.ts";
import { errorData } from "../errors.ts";
import { scheduleCatchUpMax, schedulesBytesMax, schedulesMax } from "../limits.ts";
import { taskScope } from "../scope.ts";
import type { TaskCommand } from "../task/commands.ts";
import { roughBytes } from "../task/fold.ts";
import type { TaskSpec } from "../task/spec.ts";

/**
 * What happens to ticks that came while nothing ran: none of them runs, one run stands for all of them, or each runs
 * (the last {@link scheduleCatchUpMax} at most).
 */
export type MissedTicks = "skip" | "once" | "all";

/** What a person sets of a schedule. */
export interface ScheduleSettings {
  /** Unique among the schedules of its user. */
  readonly name: string;
  /** Five fields: minute, hour, day of month, month, day of week. */
  readonly cron: string;
  /** IANA name. The cron fields are read on this zone's clock. */
  readonly timeZone: string;
  readonly missed: MissedTicks;
  /** What each run is submitted with; its `rootId` is the run's own. */
  readonly spec: TaskSpec;
}

/** A schedule: a task that is submitted again and again. */
export interface Schedule extends ScheduleSettings {
  readonly createdAtMs: number;
  paused: boolean;
  /** The next tick; `null` while it is being computed, or when there will be none. */
  nextAtMs: number | null;
  /** Of what comes after this time the next tick is computed. */
  plannedFromMs: number;
  /** True if the fields name no time after `plannedFromMs`, as the 30th of February. */
  over: boolean;
  /** Ticks in a row that came late and were run all the same. */
  caughtUp: number;
  last: { readonly taskId: string; readonly atMs: number } | null;
}

/** Facts of schedules, in the log of their user. */
export type ScheduleEvent =
  | {
      readonly type: "schedule.set";
      readonly schedule: ScheduleSettings;
      readonly nextAtMs: number | null;
    }
  | { readonly type: "schedule.removed"; readonly name: string }
  | {
      readonly type: "schedule.paused";
      readonly name: string;
      readonly paused: boolean;
      readonly nextAtMs: number | null;
    }
  /** A tick came. `taskId: null`: it was missed and is not run. The next one is after `fromMs`. */
  | {
      readonly type: "schedule.ticked";
      readonly name: string;
      readonly dueMs: number;
      readonly taskId: string | null;
      readonly fromMs: number;
      readonly late: boolean;
    }
  /** The next tick is still not known: who computes it is asked once more. */
  | { readonly type: "schedule.unplanned"; readonly name: string }
  | { readonly type: "schedule.planned"; readonly name: string; readonly nextAtMs: number | null }
  /** Somebody wanted a run now; the ticks are not changed by it. */
  | { readonly type: "schedule.run"; readonly name: string; readonly taskId: string };

/** Commands about schedules. Next ticks come from outside, because time zones are not pure. */
export type ScheduleCommand =
  /** Makes a schedule, or replaces the one of that name. Answers `{created}`. */
  | {
      readonly type: "scheduleSet";
      readonly schedule: ScheduleSettings;
      readonly nextAtMs: number | null;
    }
  | { readonly type: "scheduleRemove"; readonly name: string }
  | {
      readonly type: "schedulePause";
      readonly name: string;
      readonly paused: boolean;
      readonly nextAtMs: number | null;
    }
  /** Submits a run now, as task `taskId`. */
  | { readonly type: "scheduleRun"; readonly name: string; readonly taskId: string }
  /** The tick that follows `fromMs`. Changes nothing if the schedule has moved on. */
  | {
      readonly type: "schedulePlan";
      readonly name: string;
      readonly fromMs: number;
      readonly nextAtMs: number | null;
    };

/** A tick that is handled later than this after its time was missed. */
export const missedAfterMs = 60_000;

/** How soon the next tick is asked for again when nobody has computed it: a crash came in between. */
const askAgainMs = 30_000;

const timerPrefix = "schedule:";

/** The schedule whose timer this is; `null`: another timer. */
export function scheduleOfTimer(name: string): string | null {
  return name.startsWith(timerPrefix) ? name.slice(timerPrefix.length) : null;
}

/** Folds a fact. */
export function evolveSchedules(
  schedules: Map<string, Schedule>,
  event: ScheduleEvent,
  atMs: number,
): void {
  if (event.type === "schedule.set") {
    const before = schedules.get(event.schedule.name);
    schedules.set(event.schedule.name, {
      ...event.schedule,
      createdAtMs: before?.createdAtMs ?? atMs,
      paused: before?.paused ?? false,
      nextAtMs: event.nextAtMs,
      plannedFromMs: atMs,
      over: event.nextAtMs === null,
      caughtUp: 0,
      last: before?.last ?? null,
    });
    return;
  }
  const schedule = schedules.get(event.name);
  if (schedule === undefined) return;
  switch (event.type) {
    case "schedule.removed":
      schedules.delete(event.name);
      return;
    case "schedule.paused":
      schedule.paused = event.paused;
      schedule.nextAtMs = event.nextAtMs;
      schedule.plannedFromMs = atMs;
      schedule.over = !event.paused && event.nextAtMs === null;
      schedule.caughtUp = 0;
      return;
    case "schedule.ticked":
      if (event.taskId !== null) schedule.last = { taskId: event.taskId, atMs };
      schedule.nextAtMs = null;
      schedule.plannedFromMs = event.fromMs;
      schedule.caughtUp = event.late ? schedule.caughtUp + 1 : 0;
      return;
    case "schedule.unplanned":
      return;
    case "schedule.planned":
      schedule.nextAtMs = event.nextAtMs;
      schedule.over = event.nextAtMs === null;
      return;
    case "schedule.run":
      schedule.last = { taskId: event.taskId, atMs };
      return;
    default: {
      const never: never = event;
      return never;
    }
  }
}

/** What a command does to the schedules of a user. */
export function decideSchedules(
  schedules: ReadonlyMap<string, Schedule>,
  command: ScheduleCommand,
): Batch<ScheduleEvent> {
  if (command.type === "scheduleSet") return set(schedules, command);
  const { name } = command;
  const schedule = schedules.get(name);
  if (schedule === undefined) {
    if (command.type === "schedulePlan") return nothing();
    return refuse(errorData("not_found", `there is no schedule "${name}"`));
  }
  switch (command.type) {
    case "scheduleRemove":
      return {
        events: [{ type: "schedule.removed", name }],
        timers: [timer(name, null)],
        reply: ok(),
      };
    case "schedulePause": {
      const { paused } = command;
      if (schedule.paused === paused) return nothing();
      const nextAtMs = paused ? null : command.nextAtMs;
      return {
        events: [{ type: "schedule.paused", name, paused, nextAtMs }],
        timers: [timer(name, nextAtMs)],
        reply: ok(),
      };
    }
    case "scheduleRun": {
      const { taskId } = command;
      return {
        events: [{ type: "schedule.run", name, taskId }],
        messages: [submission(schedule, taskId)],
        reply: ok({ taskId }),
      };
    }
    case "schedulePlan": {
      const waits = schedule.nextAtMs === null && !schedule.paused && !schedule.over;
      if (!waits || schedule.plannedFromMs !== command.fromMs) return nothing();
      const { nextAtMs } = command;
      return {
        events: [{ type: "schedule.planned", name, nextAtMs }],
        timers: [timer(name, nextAtMs)],
        reply: ok(),
      };
    }
    default: {
      const never: never = command;
      return never;
    }
  }
}

function set(
  schedules: ReadonlyMap<string, Schedule>,
  { schedule, nextAtMs }: Extract<ScheduleCommand, { type: "scheduleSet" }>,
): Batch<ScheduleEvent> {
  const before = schedules.get(schedule.name);
  if (before === undefined && schedules.size >= schedulesMax) {
    const message = `a user has at most ${schedulesMax} schedules; remove one first`;
    return refuse(errorData("limit_exceeded", message));
  }
  let bytes = roughBytes(schedule.spec.input);
  for (const { name, spec } of schedules.values())
    if (name !== schedule.name) bytes += roughBytes(spec.input);
  if (bytes > schedulesBytesMax) {
    const message = `inputs of a user's schedules have at most about ${schedulesBytesMax} bytes together; give this one a smaller input, or remove another`;
    return refuse(errorData("limit_exceeded", message));
  }
  // A paused schedule that is changed stays paused.
  const next = before?.paused === true ? null : nextAtMs;
  return {
    events: [{ type: "schedule.set", schedule, nextAtMs: next }],
    timers: [timer(schedule.name, next)],
    reply: ok({ created: before === undefined }),
  };
}

/**
 * The timer of a schedule fired: its tick has come, or the next tick is still unknown. The submit of a tick and the
 * fact that it came are one commit, so a tick runs once (SPEC SCHED2).
 */
export function tickSchedule(
  schedules: ReadonlyMap<string, Schedule>,
  name: string,
  { nowMs, id }: Pick<DecideContext, "nowMs" | "id">,
): Batch<ScheduleEvent> {
  const schedule = schedules.get(name);
  if (schedule === undefined || schedule.paused || schedule.over) return nothing();
  const { nextAtMs: dueMs } = schedule;
  const again = timer(name, nowMs + askAgainMs);
  if (dueMs === null)
    return { events: [{ type: "schedule.unplanned", name }], timers: [again], reply: ok() };
  // An old timer of a schedule that was changed.
  if (dueMs > nowMs) return { events: [], timers: [timer(name, dueMs)], reply: ok() };
  const late = nowMs - dueMs > missedAfterMs;
  const each = late && schedule.missed === "all" && schedule.caughtUp + 1 < scheduleCatchUpMax;
  const taskId = late && schedule.missed === "skip" ? null : id("task");
  return {
    events: [{ type: "schedule.ticked", name, dueMs, taskId, fromMs: each ? dueMs : nowMs, late }],
    messages: taskId === null ? [] : [submission(schedule, taskId)],
    timers: [again],
    reply: ok(),
  };
}

function submission({ spec }: Schedule, taskId: string): Message {
  const body: TaskCommand = { type: "submit", spec: { ...spec, rootId: taskId } };
  return { to: taskScope(taskId), body };
}

function timer(name: string, atMs: number | null): { name: string; atMs: number | null } {
  return { name: `${timerPrefix}${name}`, atMs };
}
