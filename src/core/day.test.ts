import { expect, test } from "vitest";

import { dayAfter, daysBetween, isDay, weekday } from "./day.ts";

const dayMs = 86_400_000;

test("[TODO6] days are those of the calendar, over eight hundred years", () => {
  for (let atMs = Date.UTC(1600, 0, 1); atMs < Date.UTC(2400, 0, 1); atMs += dayMs * 17) {
    const day = new Date(atMs).toISOString().slice(0, 10);
    const later = new Date(atMs + 400 * dayMs).toISOString().slice(0, 10);
    const known = [isDay(day), weekday(day), dayAfter(day, 400), daysBetween(later, day)];
    expect([day, ...known]).toEqual([day, true, new Date(atMs).getUTCDay(), later, -400]);
  }
});

test("[TODO6] what is no day is none", () => {
  for (const day of [
    "2026-02-29",
    "2026-13-01",
    "2026-00-10",
    "2026-04-31",
    "26-01-01",
    "",
    "2026-1-1",
    "2026-01-00",
  ])
    expect([day, isDay(day)]).toEqual([day, false]);
  expect(isDay("2028-02-29")).toBe(true);
  expect(dayAfter("2026-02-28", 1)).toBe("2026-03-01");
});
