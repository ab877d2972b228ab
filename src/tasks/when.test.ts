import { expect, test } from "vitest";

import { readDue, readWhen } from "./when.ts";
import { momentOf, wallTimeOf } from "./zoned-time.ts";

/** A Thursday, 10:20 in Berlin. */
const nowMs = Date.parse("2026-11-26T09:20:00Z");
const here = { nowMs, timeZone: "Europe/Berlin" };

function read(sentence: string): string {
  const when = readWhen(sentence, here);
  if (when === null || when === "past") return String(when);
  if ("cron" in when) return `${when.cron} | ${when.rest}`;
  const { day, hour, minute } = wallTimeOf(when.atMs, here.timeZone);
  return `${day} ${hour}:${String(minute).padStart(2, "0")} | ${when.rest}`;
}

test.each([
  ["call Ann in 10 minutes", "2026-11-26 10:30 | call Ann"],
  ["in an hour check the oven", "2026-11-26 11:20 | check the oven"],
  ["stretch in half an hour", "2026-11-26 10:50 | stretch"],
  ["renew the pass in 2 weeks", "2026-12-10 10:20 | renew the pass"],
  ["call the bank at 5pm", "2026-11-26 17:00 | call the bank"],
  ["call the bank at 9", "2026-11-27 9:00 | call the bank"],
  ["call the bank at 17:30", "2026-11-26 17:30 | call the bank"],
  ["lunch at noon", "2026-11-26 12:00 | lunch"],
  ["tomorrow at 9 call Ann", "2026-11-27 9:00 | call Ann"],
  ["call Ann tomorrow", "2026-11-27 9:00 | call Ann"],
  ["take the bins out tonight", "2026-11-26 18:00 | take the bins out"],
  ["call Ann on Friday at 8:15 am", "2026-11-27 8:15 | call Ann"],
  ["call Ann next thursday", "2026-12-03 9:00 | call Ann"],
  ["buy gifts on 2026-12-20 at 18:00", "2026-12-20 18:00 | buy gifts"],
  ["buy gifts on 20 December", "2026-12-20 9:00 | buy gifts"],
  ["file taxes March 3rd", "2027-03-03 9:00 | file taxes"],
  ["call Ann at 8 pm tomorrow", "2026-11-27 20:00 | call Ann"],
  ["stand up every weekday at 9:30", "30 9 * * 1-5 | stand up"],
  ["every monday at 8 water the plants", "0 8 * * 1 | water the plants"],
  ["take a pill every day at 8pm", "0 20 * * * | take a pill"],
  ["drink water every hour", "0 * * * * | drink water"],
  ["weigh myself daily", "0 9 * * * | weigh myself"],
  ["call Ann", "null"],
  ["read chapter 5", "null"],
  ["buy 3 apples", "null"],
  ["call Ann on 2026-02-30", "null"],
  ["call Ann today at 8", "past"],
  ["call Ann on 2025-01-01", "past"],
])("[REMIND4] %j is read as %j", (sentence, meant) => {
  expect(read(sentence)).toBe(meant);
});

test("[REMIND4] moments are those of the zone's clock, also around a change to summer time", () => {
  const zone = "Europe/Berlin";
  expect(momentOf({ day: "2026-03-29", hour: 1, minute: 30 }, zone)).toBe(
    Date.parse("2026-03-29T00:30:00Z"),
  );
  expect(momentOf({ day: "2026-03-29", hour: 3, minute: 30 }, zone)).toBe(
    Date.parse("2026-03-29T01:30:00Z"),
  );
  expect(momentOf({ day: "2026-07-01", hour: 9, minute: 0 }, "America/New_York")).toBe(
    Date.parse("2026-07-01T13:00:00Z"),
  );
  expect(momentOf({ day: "2026-07-01", hour: 9, minute: 0 }, "Asia/Kathmandu")).toBe(
    Date.parse("2026-07-01T03:15:00Z"),
  );
});

test("[REMIND4] the day a todo is due stands at its end", () => {
  const today = "2026-11-26";
  expect(readDue("send the report by friday", today)).toEqual({
    dueDay: "2026-11-27",
    rest: "send the report",
  });
  expect(readDue("send the report, due 2026-12-01", today)).toEqual({
    dueDay: "2026-12-01",
    rest: "send the report",
  });
  expect(readDue("call Ann tomorrow", today)).toEqual({ dueDay: "2026-11-27", rest: "call Ann" });
  expect(readDue("buy milk", today)).toBeNull();
  expect(readDue("read the monday paper", today)).toBeNull();
});
