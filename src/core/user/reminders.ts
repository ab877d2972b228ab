import { nothing, ok, refuse, type Batch, type DecideContext, type Message } from "../decider.ts";
import { errorData, type ErrorData } from "../errors.ts";
import { remindersMax } from "../limits.ts";
import { sessionScope } from "../scope.ts";
import type { SessionCommand } from "../session/decider.ts";
import { missedAfterMs } from "./schedules.ts";

/** What a person sets of a reminder. */
export interface ReminderSettings {
  readonly id: string;
  readonly text: string;
  /** Cron fields of one that comes again and again, read on its zone's clock; `null`: it comes once. */
  readonly cron: string | null;
  /** IANA name. */
  readonly timeZone: string;
  /** The session it is said in. */
  readonly sessionId: string;
}

/** A reminder: something that is said at its time, once or again and again. */
export interface Reminder extends ReminderSettings {
  readonly createdAtMs: number;
  /** When it comes next by its own; `null`: it has come, or the next time is being computed. */
  nextAtMs: number | null;
  /** Of what comes after this time the next one is computed. */
  plannedFromMs: number;
  /** When it comes once more because its person put it off. */
  snoozedMs: number | null;
  /** The last time it came. `missed`: nothing ran then, and it was said later. */
  last: { readonly dueMs: number; readonly atMs: number; readonly missed: boolean } | null;
}

/** Facts of reminders, in the log of their user. */
export type ReminderEvent =
  | {
      readonly type: "reminder.set";
      readonly reminder: ReminderSettings;
      readonly nextAtMs: number;
    }
  | {
      readonly type: "reminder.rang";
      readonly id: string;
      readonly dueMs: number;
      readonly missed: boolean;
    }
  | { readonly type: "reminder.planned"; readonly id: string; readonly nextAtMs: number | null }
  /** The next time is still not known: who computes it is asked once more. */
  | { readonly type: "reminder.unplanned"; readonly id: string }
  | { readonly type: "reminder.snoozed"; readonly id: string; readonly untilMs: number }
  | { readonly type: "reminder.removed"; readonly id: string };

/** Commands about reminders. Next times come from outside, because time zones are not pure. */
export type ReminderCommand =
  /** The same id again changes nothing. Answers `{id}`. */
  | {
      readonly type: "reminderSet";
      readonly reminder: ReminderSettings;
      readonly nextAtMs: number;
    }
  /** Puts one off that has come, or one that would come, until later. The same wish again changes nothing (SPEC REMIND5). */
  | { readonly type: "reminderSnooze"; readonly id: string; readonly untilMs: number }
  | { readonly type: "reminderRemove"; readonly id: string }
  /** The time that follows `fromMs`. Changes nothing if the reminder has moved on. */
  | {
      readonly type: "reminderPlan";
      readonly id: string;
      readonly fromMs: number;
      readonly nextAtMs: number | null;
    };

/** How soon the next time is asked for again when nobody has computed it: a crash came in between. */
const askAgainMs = 30_000;

const timerPrefix = "reminder:";

/** The reminder whose timer this is; `null`: another timer. */
export function reminderOfTimer(name: string): string | null {
  return name.startsWith(timerPrefix) ? name.slice(timerPrefix.length) : null;
}

/** True for a fact of reminders. */
export function isReminderEvent(event: { readonly type: string }): event is ReminderEvent {
  return event.type.startsWith("reminder.");
}

/** Folds a fact. */
export function evolveReminders(
  reminders: Map<string, Reminder>,
  event: ReminderEvent,
  atMs: number,
): void {
  if (event.type === "reminder.set") {
    const { reminder, nextAtMs } = event;
    reminders.set(reminder.id, {
      ...reminder,
      createdAtMs: atMs,
      nextAtMs,
      plannedFromMs: atMs,
      snoozedMs: null,
      last: null,
    });
    return;
  }
  const reminder = reminders.get(event.id);
  if (reminder === undefined) return;
  switch (event.type) {
    case "reminder.rang":
      // Put off, or its own time: the one that was due is over, and so is one that would have come before now.
      if (reminder.snoozedMs !== null && reminder.snoozedMs <= atMs) reminder.snoozedMs = null;
      // Its next time may still be unknown; whatever it turns out to be, it is not one that this has said already.
      if (isOver(reminder, atMs)) {
        reminder.nextAtMs = null;
        reminder.plannedFromMs = atMs;
      }
      reminder.last = { dueMs: event.dueMs, atMs, missed: event.missed };
      return;
    case "reminder.planned":
      reminder.nextAtMs = event.nextAtMs;
      return;
    case "reminder.unplanned":
      return;
    case "reminder.snoozed":
      reminder.snoozedMs = event.untilMs;
      return;
    case "reminder.removed":
      reminders.delete(event.id);
      return;
    default: {
      const never: never = event;
      return never;
    }
  }
}

/** What a command does to the reminders of a user. */
export function decideReminders(
  reminders: ReadonlyMap<string, Reminder>,
  command: ReminderCommand,
  nowMs: number,
): Batch<ReminderEvent> {
  if (command.type === "reminderSet") return set(reminders, command, nowMs);
  const { id } = command;
  const reminder = reminders.get(id);
  if (reminder === undefined) {
    if (command.type === "reminderPlan") return nothing();
    return refuse(errorData("not_found", `there is no reminder ${id}`));
  }
  switch (command.type) {
    case "reminderSnooze": {
      const { untilMs } = command;
      if (reminder.snoozedMs === untilMs || hasComeFor(reminder, untilMs)) return nothing({ id });
      // Here and not only before: by now it may be over, and then it would come a second time.
      if (untilMs <= nowMs) return refuse(notAhead("until"));
      return {
        events: [{ type: "reminder.snoozed", id, untilMs }],
        // While its next time is not known, it is asked for all the same (SPEC REMIND3).
        timers: [timer(id, earliest(reminder.nextAtMs ?? asksAgainAt(reminder, nowMs), untilMs))],
        reply: ok({ id }),
      };
    }
    case "reminderRemove":
      return {
        events: [{ type: "reminder.removed", id }],
        timers: [timer(id, null)],
        reply: ok({ id }),
      };
    case "reminderPlan": {
      const waits = reminder.cron !== null && reminder.nextAtMs === null;
      if (!waits || reminder.plannedFromMs !== command.fromMs) return nothing();
      const { nextAtMs } = command;
      return {
        events: [{ type: "reminder.planned", id, nextAtMs }],
        timers: [timer(id, earliest(nextAtMs, reminder.snoozedMs))],
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
  reminders: ReadonlyMap<string, Reminder>,
  { reminder, nextAtMs }: Extract<ReminderCommand, { type: "reminderSet" }>,
  nowMs: number,
): Batch<ReminderEvent> {
  const { id } = reminder;
  if (reminders.has(id)) return nothing({ id });
  // Here and not before: the same wish sent again is answered although its time is over by then.
  if (nextAtMs <= nowMs) return refuse(notAhead("at"));
  if (reminders.size >= remindersMax) {
    const message = `a user has at most ${remindersMax} reminders; remove some that have come first`;
    return refuse(errorData("limit_exceeded", message));
  }
  return {
    events: [{ type: "reminder.set", reminder, nextAtMs }],
    timers: [timer(id, nextAtMs)],
    reply: ok({ id }),
  };
}

/**
 * The timer of a reminder fired: it has come, or the next time is still unknown. What is said and the fact that it came
 * are one commit, so it is said once; what was due while nothing ran says so (SPEC REMIND2).
 */
export function ringReminder(
  {
    userId,
    reminders,
  }: { readonly userId: string; readonly reminders: ReadonlyMap<string, Reminder> },
  id: string,
  ctx: Pick<DecideContext, "nowMs" | "id">,
): Batch<ReminderEvent> {
  const reminder = reminders.get(id);
  if (reminder === undefined) return nothing();
  const { nowMs } = ctx;
  const dueMs = earliest(reminder.nextAtMs, reminder.snoozedMs);
  const isRecurring = reminder.cron !== null;
  if (dueMs === null && !isRecurring) return nothing();
  // Also of one that was put off: else it would not come by its own before that time is over.
  if (dueMs === null || (dueMs > nowMs && isRecurring && reminder.nextAtMs === null)) {
    return {
      events: [{ type: "reminder.unplanned", id }],
      timers: [timer(id, earliest(dueMs, nowMs + askAgainMs))],
      reply: ok(),
    };
  }
  // An old timer of a reminder that was put off.
  if (dueMs > nowMs) return { events: [], timers: [timer(id, dueMs)], reply: ok() };
  const missed = nowMs - dueMs > missedAfterMs;
  const ownIsOver = reminder.nextAtMs === null || reminder.nextAtMs <= nowMs;
  const later = [reminder.nextAtMs, reminder.snoozedMs].filter(
    (atMs): atMs is number => atMs !== null && atMs > nowMs,
  );
  // Who computes the next time is asked by the fact; if that is lost, by this timer.
  const again = isRecurring && ownIsOver ? [...later, nowMs + askAgainMs] : later;
  return {
    events: [{ type: "reminder.rang", id, dueMs, missed }],
    messages: [said(userId, reminder, { missed, lateMs: nowMs - dueMs, messageId: ctx.id("msg") })],
    timers: [timer(id, again.length === 0 ? null : Math.min(...again))],
    reply: ok(),
  };
}

function said(
  userId: string,
  { text, sessionId, id }: Reminder,
  { missed, lateMs, messageId }: { missed: boolean; lateMs: number; messageId: string },
): Message {
  const late = missed
    ? ` (This was due ${agoWords(lateMs)} ago, while Errand was not running.)`
    : "";
  const body: SessionCommand = {
    type: "tell",
    messageId,
    title: "Reminders and plans",
    parts: [
      { type: "text", text: `Reminder: ${text}${late}` },
      { type: "data", name: "reminder", data: { id, missed } },
    ],
  };
  return { to: sessionScope(userId, sessionId), body };
}

function agoWords(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  if (minutes < 90) return minutes === 1 ? "a minute" : `${minutes} minutes`;
  const hours = Math.round(minutes / 60);
  return hours < 36 ? `${hours} hours` : `${Math.round(hours / 24)} days`;
}

/** True when its own time has come, or is not known although there will be one. */
function isOver({ cron, nextAtMs }: Reminder, atMs: number): boolean {
  return nextAtMs === null ? cron !== null : nextAtMs <= atMs;
}

/** True if it last came for this time: what is said late is said for all that was due until then. */
function hasComeFor({ last }: Reminder, atMs: number): boolean {
  return last !== null && last.dueMs <= atMs && atMs <= last.atMs;
}

/** When the next time of one that comes again is asked for; `null`: it comes once. */
function asksAgainAt({ cron }: Reminder, nowMs: number): number | null {
  return cron === null ? null : nowMs + askAgainMs;
}

function notAhead(field: string): ErrorData {
  const message = "must be a time in the future, at most ten years from now";
  return { ...errorData("invalid_request", `${field} ${message}`), fields: [{ field, message }] };
}

function earliest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

function timer(id: string, atMs: number | null): { name: string; atMs: number | null } {
  return { name: `${timerPrefix}${id}`, atMs };
}
