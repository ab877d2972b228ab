import { daysBetween, weekday } from "../../core/day.ts";

const names = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const dates = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", timeZone: "UTC" });

/** The day it is for the person before the page: `YYYY-MM-DD`. */
export function todayOf(nowMs: number): string {
  return new Intl.DateTimeFormat("sv", { dateStyle: "short" }).format(nowMs);
}

/** A day as people say it, seen from `today`: Today, Tomorrow, Friday, 3 Dec. */
export function wordsOfDay(day: string, today: string): string {
  const days = daysBetween(today, day);
  if (days === 0) return "Today";
  if (days === 1) return "Tomorrow";
  if (days === -1) return "Yesterday";
  if (days > 1 && days < 7) return names[weekday(day)] ?? day;
  return dates.format(Date.parse(`${day}T00:00:00Z`));
}

/** True if the day is over. */
export function isOver(day: string, today: string): boolean {
  return daysBetween(today, day) < 0;
}
