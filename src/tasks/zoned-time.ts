/** Times on the clock of a time zone, by the platform's own database. */

/** A time as a clock on a wall shows it. */
export interface WallTime {
  /** `YYYY-MM-DD` */
  readonly day: string;
  readonly hour: number;
  readonly minute: number;
}

/** What the clock of a zone shows at a moment. */
export function wallTimeOf(atMs: number, timeZone: string): WallTime {
  const parts = new Intl.DateTimeFormat("sv", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(atMs);
  const of = (type: string): string => parts.find((part) => part.type === type)?.value ?? "0";
  return {
    day: `${of("year")}-${of("month")}-${of("day")}`,
    hour: Number(of("hour")),
    minute: Number(of("minute")),
  };
}

/** The moment at which the clock of a zone shows a time; for one that summer time skips, as much later. */
export function momentOf({ day, hour, minute }: WallTime, timeZone: string): number {
  const wanted = Date.parse(`${day}T00:00:00Z`) + (hour * 60 + minute) * 60_000;
  const offset = (atMs: number): number => {
    const shown = wallTimeOf(atMs, timeZone);
    const asUtc = Date.parse(`${shown.day}T00:00:00Z`) + (shown.hour * 60 + shown.minute) * 60_000;
    return asUtc - Math.floor(atMs / 60_000) * 60_000;
  };
  const first = wanted - offset(wanted);
  // The offset may be another one at the moment that was found.
  return wanted - offset(first);
}

/** A moment in words, seen from another: "today at 17:30", "on Friday at 09:00", "on 2026-12-24 at 18:00". */
export function momentWords(
  atMs: number,
  nowMs: number,
  timeZone: string,
  dayWords: (day: string, today: string) => string,
): string {
  const { day, hour, minute } = wallTimeOf(atMs, timeZone);
  const today = wallTimeOf(nowMs, timeZone).day;
  const time = `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
  return `${dayWords(day, today)} at ${time}`;
}
