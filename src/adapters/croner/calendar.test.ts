import { expect, test } from "vitest";

import { cronCalendar } from "./calendar.ts";

function next(cron: string, timeZone: string, after: string, count = 1): string[] {
  return cronCalendar
    .next(cron, timeZone, Date.parse(after), count)
    .map((atMs) => new Date(atMs).toISOString());
}

test("[SCHED5] fields are read on the clock of their zone, also in the nights of summer time", () => {
  expect(next("30 8 * * 1-5", "America/New_York", "2026-11-27T20:00:00Z")).toEqual([
    "2026-11-30T13:30:00.000Z",
  ]);
  // 02:30 does not exist on 29 March in Berlin: it comes when the clock has jumped.
  expect(next("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2)).toEqual([
    "2026-03-29T01:00:00.000Z",
    "2026-03-30T00:30:00.000Z",
  ]);
  // 02:30 comes twice on 25 October: it runs once.
  expect(next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2)).toEqual([
    "2026-10-25T00:30:00.000Z",
    "2026-10-26T01:30:00.000Z",
  ]);
});

test("[SCHED5] a date that never comes has no next tick", () => {
  expect(next("0 0 30 2 *", "UTC", "2026-01-01T00:00:00Z")).toEqual([]);
});

test("[SCHED5] wrong fields and zones are told by name", () => {
  expect(cronCalendar.problem("@daily", "UTC")).toBeNull();
  for (const date of ["2026-12-01T00:00:00", "2026-12-01", "2026-12-01 00:00"])
    expect(cronCalendar.problem(date, "UTC")).toMatchObject({ field: "cron" });
  expect(cronCalendar.problem("* * * * * *", "UTC")).toMatchObject({ field: "cron" });
  expect(cronCalendar.problem("61 * * * *", "UTC")?.message).toContain('got "61 * * * *"');
  expect(cronCalendar.problem("* * * * *", "Mars/Olympus")).toMatchObject({ field: "timeZone" });
});
