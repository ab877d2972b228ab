import { isoTime } from "../../core/task/view.ts";
import type { Reminder } from "../../core/user/reminders.ts";
import type { ReminderChange } from "../../engine/index.ts";

/** A reminder as the own API shows it. */
export interface WireReminder {
  readonly id: string;
  readonly text: string;
  readonly cron: string | null;
  readonly timeZone: string;
  readonly sessionId: string;
  readonly nextAt: string | null;
  readonly last: { readonly dueAt: string; readonly at: string; readonly missed: boolean } | null;
  readonly createdAt: string;
}

/** A reminder. `nextAt`: when it comes, by its own or because it was put off. */
export function reminderJson(reminder: Reminder): WireReminder {
  const { id, text, cron, timeZone, sessionId, nextAtMs, snoozedMs, last, createdAtMs } = reminder;
  const next = Math.min(nextAtMs ?? Infinity, snoozedMs ?? Infinity);
  return {
    id,
    text,
    cron,
    timeZone,
    sessionId,
    nextAt: Number.isFinite(next) ? isoTime(next) : null,
    last:
      last === null
        ? null
        : { dueAt: isoTime(last.dueMs), at: isoTime(last.atMs), missed: last.missed },
    createdAt: isoTime(createdAtMs),
  };
}

/** One fact of a reminder, as a feed tells it. */
export function reminderChangeJson(change: ReminderChange): object {
  const { seq, fact, reminderId, reminder } = change;
  return {
    type: fact,
    seq,
    reminderId,
    reminder: reminder === null ? null : reminderJson(reminder),
  };
}
