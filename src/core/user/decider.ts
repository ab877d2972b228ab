/* oxlint-disable typescript/no-unsafe-type-assertion -- A snapshot is this module's own JSON, sealed and versioned by the kernel. */
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
import { laneTasksMax } from "../limits.ts";
import type { SessionRow, TaskRow } from "../rows.ts";
import { scopeName, taskScope } from "../scope.ts";
import type { TaskCommand } from "../task/commands.ts";
import type { TaskSpec } from "../task/spec.ts";
import {
  decideApprovals,
  evolveApprovals,
  isApprovalEvent,
  type Approval,
  type ApprovalCommand,
  type ApprovalEvent,
} from "./approvals.ts";
import {
  decideReminders,
  evolveReminders,
  isReminderEvent,
  reminderOfTimer,
  ringReminder,
  type Reminder,
  type ReminderCommand,
  type ReminderEvent,
} from "./reminders.ts";
import {
  decideSchedules,
  evolveSchedules,
  scheduleOfTimer,
  tickSchedule,
  type Schedule,
  type ScheduleCommand,
  type ScheduleEvent,
} from "./schedules.ts";

/**
 * A lane is a user's own line of tasks that run one at a time, when the user says `work`, or by themselves while
 * `auto` is on. It holds tasks, not slots: a lane task that waits inside blocks no slot of any queue.
 */
export interface Lane {
  waiting: string[];
  current: string | null;
  auto: boolean;
  /** How often each task that came back had ended before: a late copy of such an end does not count. */
  back?: Record<string, number>;
}

/** Facts of a user scope. */
export type UserEvent =
  | LaneEvent
  | ScheduleEvent
  | ReminderEvent
  | ApprovalEvent
  /** The time zone of the person's own clock. */
  | { readonly type: "user.zoned"; readonly timeZone: string };

type LaneEvent =
  /** `ends`: it came back after so many ends. */
  | {
      readonly type: "lane.added";
      readonly lane: string;
      readonly taskId: string;
      readonly ends?: number;
    }
  | { readonly type: "lane.started"; readonly lane: string; readonly taskId: string }
  | { readonly type: "lane.ended"; readonly lane: string; readonly taskId: string }
  | { readonly type: "lane.switched"; readonly lane: string; readonly auto: boolean };

/** Commands of a user scope. */
export type UserCommand =
  | LaneCommand
  | ScheduleCommand
  | ReminderCommand
  | ApprovalCommand
  | { readonly type: "setZone"; readonly timeZone: string }
  /** From homes of this user's sessions, at least once and in their order: rows of lists, which stand with the user. */
  | { readonly type: "rows"; readonly rows: readonly (TaskRow | SessionRow)[] }
  /** A timer of this user is due. */
  | { readonly type: "timer"; readonly name: string };

type LaneCommand =
  | {
      readonly type: "laneAdd";
      readonly lane: string;
      readonly taskId: string;
      readonly spec: TaskSpec;
    }
  /**
   * Starts the next task of the lane, or the named one. Answers `{started}`, `{busy}`, `{empty: true}`, or `{gone}`
   * for a named task that the lane does not hold. The same named task again is started once.
   */
  | { readonly type: "laneWork"; readonly lane: string; readonly taskId?: string }
  | { readonly type: "laneAuto"; readonly lane: string; readonly auto: boolean }
  /** From a lane's task, at least once, however it ended and also if it never started. `ending` counts its ends. */
  | {
      readonly type: "laneEnded";
      readonly lane: string;
      readonly taskId: string;
      readonly ending: number;
    }
  /** From a lane's task that was opened again after so many ends and is held: it goes to the end of the lane. */
  | {
      readonly type: "laneAgain";
      readonly lane: string;
      readonly taskId: string;
      readonly ends: number;
    };

/** State of a user scope. */
export interface UserState {
  readonly userId: string;
  readonly lanes: Map<string, Lane>;
  /** By name. */
  readonly schedules: Map<string, Schedule>;
  /** By id. */
  readonly reminders: Map<string, Reminder>;
  /** Questions of tasks that wait for an answer, by id. */
  readonly approvals: Map<string, Approval>;
  /** IANA name; `null`: not told yet. */
  timeZone: string | null;
}

/** Rough bytes in memory of a schedule besides its input. */
const scheduleBytes = 1_000;

/** The user scope. */
export const userDecider: Decider<UserState, UserCommand, UserEvent> = {
  zero: (scope) => ({
    userId: scopeName(scope),
    lanes: new Map(),
    schedules: new Map(),
    reminders: new Map(),
    approvals: new Map(),
    timeZone: null,
  }),
  evolve,
  decide,
  owner: (state) => state.userId,
  weigh: (state) =>
    200 +
    [...state.lanes.values()].reduce((sum, lane) => sum + 100 + lane.waiting.length * 80, 0) +
    (state.schedules.size + state.reminders.size + state.approvals.size) * scheduleBytes,
  settled: () => false,
  snapshot: {
    save: (state) => ({
      lanes: [...state.lanes],
      schedules: [...state.schedules],
      reminders: [...state.reminders],
      approvals: [...state.approvals],
      timeZone: state.timeZone,
    }),
    load(scope, saved) {
      // A snapshot is our own sealed JSON of the shape `save` makes; the first ones had lanes only.
      const {
        lanes,
        schedules = [],
        reminders = [],
        approvals = [],
        timeZone = null,
      } = saved as {
        lanes: [string, Lane][];
        schedules?: [string, Schedule][];
        reminders?: [string, Reminder][];
        approvals?: [string, Approval][];
        timeZone?: string | null;
      };
      return {
        userId: scopeName(scope),
        lanes: new Map(lanes),
        schedules: new Map(schedules),
        reminders: new Map(reminders),
        approvals: new Map(approvals),
        timeZone,
      };
    },
  },
};

function laneOf(state: UserState, name: string): Lane {
  return state.lanes.get(name) ?? { waiting: [], current: null, auto: false };
}

function evolve(state: UserState, event: UserEvent, atMs: number): UserState {
  if (event.type === "user.zoned") {
    state.timeZone = event.timeZone;
    return state;
  }
  if (isApprovalEvent(event)) {
    evolveApprovals(state.approvals, event, atMs);
    return state;
  }
  if (isReminderEvent(event)) {
    evolveReminders(state.reminders, event, atMs);
    return state;
  }
  if (!isLaneEvent(event)) {
    evolveSchedules(state.schedules, event, atMs);
    return state;
  }
  const lane = laneOf(state, event.lane);
  state.lanes.set(event.lane, lane);
  switch (event.type) {
    case "lane.added":
      lane.waiting.push(event.taskId);
      if (event.ends !== undefined) lane.back = { ...lane.back, [event.taskId]: event.ends };
      return state;
    case "lane.started":
      lane.waiting = lane.waiting.filter((id) => id !== event.taskId);
      lane.current = event.taskId;
      return state;
    case "lane.ended":
      lane.waiting = lane.waiting.filter((id) => id !== event.taskId);
      if (lane.current === event.taskId) lane.current = null;
      if (lane.back !== undefined) forget(lane, event.taskId);
      return state;
    case "lane.switched":
      lane.auto = event.auto;
      return state;
    default: {
      const never: never = event;
      return never;
    }
  }
}

function isLaneEvent(event: UserEvent): event is LaneEvent {
  return event.type.startsWith("lane.");
}

function decide(state: UserState, command: UserCommand, ctx: DecideContext): Batch<UserEvent> {
  switch (command.type) {
    case "timer": {
      const reminder = reminderOfTimer(command.name);
      if (reminder !== null) return ringReminder(state, reminder, ctx);
      const schedule = scheduleOfTimer(command.name);
      return schedule === null ? nothing() : tickSchedule(state.schedules, schedule, ctx);
    }
    case "setZone": {
      const { timeZone } = command;
      if (state.timeZone === timeZone) return nothing();
      return { events: [{ type: "user.zoned", timeZone }], reply: ok() };
    }
    case "approvalAsked":
    case "approvalSettled":
      return decideApprovals(state.approvals, command);
    case "reminderSet":
    case "reminderSnooze":
    case "reminderRemove":
    case "reminderPlan":
      return decideReminders(state.reminders, command, ctx.nowMs);
    case "rows":
      return { events: [], rows: command.rows, reply: ok() };
    case "scheduleSet":
    case "scheduleRemove":
    case "schedulePause":
    case "scheduleRun":
    case "schedulePlan":
      return decideSchedules(state.schedules, command);
    default:
      return decideLane(state, command);
  }
}

function decideLane(state: UserState, command: LaneCommand): Batch<UserEvent> {
  const lane = laneOf(state, command.lane);
  switch (command.type) {
    case "laneAdd":
      return add(lane, command);
    case "laneWork": {
      if (lane.current !== null)
        return nothing(
          lane.current === command.taskId ? { started: lane.current } : { busy: lane.current },
        );
      const next = command.taskId ?? lane.waiting[0];
      if (next === undefined) return nothing({ empty: true });
      if (!lane.waiting.includes(next)) return nothing({ gone: next });
      return { ...start(command.lane, next, endsOf(lane, next)), reply: ok({ started: next }) };
    }
    case "laneAuto": {
      const switched: UserEvent = { type: "lane.switched", lane: command.lane, auto: command.auto };
      const next = lane.waiting[0];
      const begun =
        command.auto && lane.current === null && next !== undefined
          ? start(command.lane, next, endsOf(lane, next))
          : null;
      return {
        events: [switched, ...(begun?.events ?? [])],
        messages: begun?.messages ?? [],
        reply: ok({ auto: command.auto, started: begun === null ? null : (next ?? null) }),
      };
    }
    case "laneEnded": {
      if (!holds(lane, command.taskId) || command.ending <= endsOf(lane, command.taskId))
        return nothing();
      const ended: UserEvent = { type: "lane.ended", lane: command.lane, taskId: command.taskId };
      const next = lane.waiting.find((id) => id !== command.taskId);
      const free = lane.current === null || lane.current === command.taskId;
      const begun =
        lane.auto && free && next !== undefined
          ? start(command.lane, next, endsOf(lane, next))
          : null;
      return {
        events: [ended, ...(begun?.events ?? [])],
        messages: begun?.messages ?? [],
        reply: ok(),
      };
    }
    case "laneAgain":
      return again(lane, command);
    default: {
      const never: never = command;
      return never;
    }
  }
}

function add(lane: Lane, command: Extract<UserCommand, { type: "laneAdd" }>): Batch<UserEvent> {
  const { taskId } = command;
  if (lane.current === taskId || lane.waiting.includes(taskId)) return nothing({ taskId });
  if (lane.waiting.length >= laneTasksMax) {
    return refuse(
      errorData(
        "queue_full",
        `lane "${command.lane}" holds ${laneTasksMax} tasks, the most it takes`,
        60_000,
      ),
    );
  }
  const spec: TaskSpec = { ...command.spec, lane: command.lane, heldBy: "manual" };
  const submit: TaskCommand = { type: "submit", spec };
  const begun =
    lane.auto && lane.current === null && lane.waiting.length === 0
      ? start(command.lane, taskId, 0)
      : null;
  return {
    events: [{ type: "lane.added", lane: command.lane, taskId }, ...(begun?.events ?? [])],
    messages: [{ to: taskScope(taskId), body: submit }, ...(begun?.messages ?? [])],
    reply: ok({ taskId, position: lane.waiting.length + 1, started: begun !== null }),
  };
}

/** A task that comes back is never refused: it was in the lane before, and is held until the lane lets it go. */
function again(lane: Lane, command: Extract<UserCommand, { type: "laneAgain" }>): Batch<UserEvent> {
  const { lane: name, taskId, ends } = command;
  const isHeld = holds(lane, taskId);
  if (isHeld && ends <= endsOf(lane, taskId)) return nothing();
  const events: UserEvent[] = [];
  // Its end is on its way still.
  if (isHeld) events.push({ type: "lane.ended", lane: name, taskId });
  events.push({ type: "lane.added", lane: name, taskId, ends });
  const next = lane.waiting.find((id) => id !== taskId) ?? taskId;
  const isFree = lane.current === null || lane.current === taskId;
  const begun =
    lane.auto && isFree ? start(name, next, next === taskId ? ends : endsOf(lane, next)) : null;
  return {
    events: [...events, ...(begun?.events ?? [])],
    messages: begun?.messages ?? [],
    reply: ok(),
  };
}

function holds(lane: Lane, taskId: string): boolean {
  return lane.current === taskId || lane.waiting.includes(taskId);
}

function endsOf(lane: Lane, taskId: string): number {
  return lane.back?.[taskId] ?? 0;
}

function forget(lane: Lane, taskId: string): void {
  const { [taskId]: _gone, ...back } = lane.back ?? {};
  if (Object.keys(back).length > 0) lane.back = back;
  else delete lane.back;
}

/** Lets a task go that has ended so often before: one that ends and comes back meanwhile has to wait again. */
function start(
  lane: string,
  taskId: string,
  ends: number,
): { events: UserEvent[]; messages: Message[] } {
  const body: TaskCommand = { type: "release", by: "lane", ends };
  return {
    events: [{ type: "lane.started", lane, taskId }],
    messages: [{ to: taskScope(taskId), body }],
  };
}
