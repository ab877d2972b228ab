import { Cron } from "croner";

import type { Calendar } from "../../ports/calendar.ts";

/**
 * Cron by the library croner: five fields (`*`, lists, ranges, steps, names, `L`, `#`) and nicknames like `@daily`. A
 * time that a change to summer time skips comes at the moment of the change; one that comes twice runs once.
 */
export const cronCalendar: Calendar = {
  problem(cron, timeZone) {
    if (!isTimeZone(timeZone)) {
      const message = `an IANA time zone such as Europe/Berlin or UTC, got "${timeZone.slice(0, 60)}"`;
      return { field: "timeZone", message };
    }
    try {
      // The library also takes a date, which would come once and never again.
      if (!isNickname.test(cron.trim()) && cron.trim().split(/\s+/).length !== 5)
        throw new TypeError("it has another number of fields");
      pattern(cron, timeZone);
      return null;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const message = `five cron fields such as "30 8 * * 1-5", got "${cron.slice(0, 60)}" (${why})`;
      return { field: "cron", message };
    }
  },
  next: (cron, timeZone, afterMs, count) =>
    pattern(cron, timeZone)
      .nextRuns(count, new Date(afterMs))
      .map((date) => date.getTime()),
  timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
};

const isNickname = /^@\w+$/;

/** Paused, so that the library sets no timer: ours are in the store. */
function pattern(cron: string, timeZone: string): Cron {
  return new Cron(cron, { timezone: timeZone, mode: "5-part", paused: true });
}

function isTimeZone(name: string): boolean {
  try {
    return Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
