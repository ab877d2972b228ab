/** Days of a calendar as `YYYY-MM-DD`. What day it is somewhere is a time zone's matter, and comes from outside. */

const dayPattern = /^(\d{4})-(\d{2})-(\d{2})$/;

/** True for a day that exists. */
export function isDay(day: string): boolean {
  return numberOf(day) !== null;
}

/** The day so many days later, or earlier if `days` is negative. */
export function dayAfter(day: string, days: number): string {
  const number = numberOf(day);
  return number === null ? day : textOf(number + days);
}

/** Day of the week, 0 is Sunday. */
export function weekday(day: string): number {
  // Day 0 was a Wednesday.
  return ((((numberOf(day) ?? 0) + 3) % 7) + 7) % 7;
}

/** Days from `from` to `to`; negative if `to` is earlier. */
export function daysBetween(from: string, to: string): number {
  return (numberOf(to) ?? 0) - (numberOf(from) ?? 0);
}

/** Days of a year that begins in March, before each month: the day that leap years have more is then the last. */
const daysBefore = [0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337];

/** Number of a day, counted from the 1st of March of year 0; `null` for a day that does not exist. */
function numberOf(day: string): number | null {
  const [, yearText = "", monthText = "", dateText = ""] = dayPattern.exec(day) ?? [];
  if (yearText === "" || Number(monthText) < 1 || Number(monthText) > 12) return null;
  const month = (Number(monthText) + 9) % 12;
  const year = Number(yearText) - (month > 9 ? 1 : 0);
  const number = daysUntil(year) + (daysBefore[month] ?? 0) + Number(dateText) - 1;
  return textOf(number) === day ? number : null;
}

/** Days before a year that begins in March. */
function daysUntil(year: number): number {
  return year * 365 + Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400);
}

function textOf(number: number): string {
  let year = Math.floor((number + 1) / 365.2425);
  while (daysUntil(year + 1) <= number) year += 1;
  while (daysUntil(year) > number) year -= 1;
  const inYear = number - daysUntil(year);
  const month = daysBefore.findLastIndex((before) => before <= inYear);
  const date = inYear - (daysBefore[month] ?? 0) + 1;
  const civilYear = year + (month > 9 ? 1 : 0);
  return `${padded(civilYear, 4)}-${padded(((month + 2) % 12) + 1, 2)}-${padded(date, 2)}`;
}

function padded(value: number, length: number): string {
  return String(value).padStart(length, "0");
}
