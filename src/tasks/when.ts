import { dayAfter, isDay, weekday } from "../core/day.ts";
import { momentOf, wallTimeOf, type WallTime } from "./zoned-time.ts";
import { withoutEdges, withoutEnd } from "./text-edges.ts";

/** What the words of a time mean: one moment, or cron fields; and the rest of the sentence. */
export type When =
  | { readonly atMs: number; readonly rest: string }
  | { readonly cron: string; readonly rest: string };

/** The clock that words of time are read by. */
export interface Here {
  readonly nowMs: number;
  readonly timeZone: string;
}

/** When a day without a time is meant. */
const morningHour = 9;
const dayNames = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const monthNames = [
  "jan",
  "feb",
  "mar",
  "apr",
  "may",
  "jun",
  "jul",
  "aug",
  "sep",
  "oct",
  "nov",
  "dec",
];

const dayName = `(?:sun|mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?)(?:day)?`;
const clock = String.raw`(?:at |@ ?)?(?:(?<hour>\d{1,2})(?:[:.](?<minute>\d{2}))?(?: ?(?<half>[ap])\.?m\.?)?|(?<named>noon|midday|midnight))(?: o'clock)?`;
const at = String.raw`(?:at |@ ?)(?:(?<hour>\d{1,2})(?:[:.](?<minute>\d{2}))?(?: ?(?<half>[ap])\.?m\.?)?|(?<named>noon|midday|midnight))(?: o'clock)?|(?<hour2>\d{1,2})(?:[:.](?<minute2>\d{2}) ?(?:(?<half2>[ap])\.?m\.?)?| ?(?<half3>[ap])\.?m\.?)`;
const dateWords = `(?<iso>\\d{4}-\\d{2}-\\d{2})|(?<date>\\d{1,2})(?:st|nd|rd|th|\\.)? (?:of )?(?<month>(?:${monthNames.join("|")})[a-z]*)|(?<month2>(?:${monthNames.join("|")})[a-z]*) (?<date2>\\d{1,2})(?:st|nd|rd|th)?`;
const dayPart = `(?:(?<rel>today|tonight|tomorrow|the day after tomorrow|this evening|this afternoon|tomorrow (?:morning|afternoon|evening))|(?:on |next |this )?(?<weekday>${dayName})|(?:on )?(?:${dateWords}))`;

/** Whole phrases of time, most telling first. Names of groups say what stands where. */
const phrases: readonly RegExp[] = [
  new RegExp(
    `in (?<count>\\d{1,4}|an?|half an|a couple of|a few) ?(?<unit>min(?:ute)?s?|h(?:ou)?rs?|hours?|h|days?|weeks?)`,
    "i",
  ),
  new RegExp(
    `(?:every|each) (?<every>day|morning|evening|weekday|work(?:ing )?day|hour|week|month|${dayName})(?:s)?(?:,? ${clock})?`,
    "i",
  ),
  new RegExp(`(?<every>daily|weekly|hourly)(?:,? ${clock})?`, "i"),
  new RegExp(`(?:${at}),? (?:on )?(?:(?<rel>today|tomorrow|tonight)|(?<weekday>${dayName}))`, "i"),
  new RegExp(`${dayPart}(?:,? ${clock})?`, "i"),
  new RegExp(at, "i"),
];

/**
 * Finds the words of time at the beginning or the end of a sentence: "in 10 minutes", "tomorrow at 9", "on Friday",
 * "every weekday at 8:30", "on 2026-12-24 at 18:00". A time of day that is over today means tomorrow. `null` if there are
 * none; `past` for a moment that is over.
 */
export function readWhen(sentence: string, here: Here): When | "past" | null {
  const words = withoutEnd(sentence.trim(), /[.!?]/);
  for (const pattern of phrases) {
    for (const anchored of [
      new RegExp(`(?:^|[\\s,])(?:${pattern.source})$`, "i"),
      new RegExp(`^(?:${pattern.source})(?=[\\s,]|$)`, "i"),
    ]) {
      const match = anchored.exec(words);
      if (match === null) continue;
      const others = words.slice(0, match.index) + words.slice(match.index + match[0].length);
      const rest = withoutEdges(others, /[\s,]/);
      const meant = meaning(match.groups ?? {}, here);
      if (meant === "past") return "past";
      if (meant !== null) return { ...meant, rest };
    }
  }
  return null;
}

type Groups = Readonly<Record<string, string | undefined>>;

function meaning(groups: Groups, here: Here): { atMs: number } | { cron: string } | "past" | null {
  if (groups["unit"] !== undefined) return { atMs: here.nowMs + spanOf(groups) };
  if (groups["every"] !== undefined) return cronOf(groups["every"].toLowerCase(), groups);
  return dayMeant(groups, here);
}

function spanOf({ count = "1", unit = "m" }: Groups): number {
  const words = count.toLowerCase();
  const number =
    { a: 1, an: 1, "half an": 0.5, "a couple of": 2, "a few": 3 }[words] ?? Number(words);
  const short = unit.toLowerCase().charAt(0);
  const minutes = { m: 1, h: 60, d: 1_440, w: 10_080 }[short] ?? 1;
  return Math.round(number * minutes * 60_000);
}

function cronOf(every: string, groups: Groups): { cron: string } | null {
  const time = timeOf(groups) ?? { hour: every === "evening" ? 18 : morningHour, minute: 0 };
  const clockFields = `${time.minute} ${time.hour}`;
  if (every === "hour" || every === "hourly") return { cron: "0 * * * *" };
  if (every === "week" || every === "weekly") return { cron: `${clockFields} * * 1` };
  if (every === "month") return { cron: `${clockFields} 1 * *` };
  if (every.startsWith("work") || every === "weekday") return { cron: `${clockFields} * * 1-5` };
  const named = dayNames.findIndex((name) => name.startsWith(every.slice(0, 3)));
  return { cron: `${clockFields} * * ${named >= 0 && every !== "day" ? named : "*"}` };
}

function dayMeant(groups: Groups, here: Here): { atMs: number } | "past" | null {
  const today = wallTimeOf(here.nowMs, here.timeZone).day;
  const day = dayOf(groups, today);
  if (day === null) return null;
  const time = timeOf(groups) ?? { hour: hourOf(groups["rel"]), minute: 0 };
  if (time.hour > 23 || time.minute > 59) return null;
  const moment = (of: string): number => momentOf({ day: of, ...time }, here.timeZone);
  if (day !== "") return moment(day) > here.nowMs ? { atMs: moment(day) } : "past";
  // Only a time of day: the next one.
  const atMs = moment(today);
  return { atMs: atMs > here.nowMs ? atMs : moment(dayAfter(today, 1)) };
}

/** The day that is named; "" for none, `null` for one that does not exist. */
function dayOf(groups: Groups, today: string): string | null {
  const { rel, weekday: name, iso } = groups;
  if (rel !== undefined) {
    const words = rel.toLowerCase();
    if (words === "the day after tomorrow") return dayAfter(today, 2);
    return words.startsWith("tomorrow") ? dayAfter(today, 1) : today;
  }
  if (name !== undefined) {
    const wanted = dayNames.findIndex((known) => known.startsWith(name.toLowerCase().slice(0, 3)));
    return dayAfter(today, ((wanted - weekday(today) + 6) % 7) + 1);
  }
  if (iso !== undefined) return isDay(iso) ? iso : null;
  const [date = groups["date2"], month = groups["month2"]] = [groups["date"], groups["month"]];
  if (date === undefined || month === undefined) return "";
  const number = monthNames.indexOf(month.toLowerCase().slice(0, 3)) + 1;
  const inYear = (year: string): string =>
    `${year}-${String(number).padStart(2, "0")}-${date.padStart(2, "0")}`;
  const year = today.slice(0, 4);
  const thisYear = inYear(year);
  const day = thisYear >= today ? thisYear : inYear(String(Number(year) + 1));
  return isDay(day) ? day : null;
}

function hourOf(rel: string | undefined): number {
  if (rel === undefined) return morningHour;
  if (/evening|tonight/i.test(rel)) return 18;
  return /afternoon/i.test(rel) ? 14 : morningHour;
}

/** The time of day that is named; `null` if none is. */
function timeOf(groups: Groups): Pick<WallTime, "hour" | "minute"> | null {
  const named = groups["named"]?.toLowerCase();
  if (named !== undefined) return { hour: named === "midnight" ? 0 : 12, minute: 0 };
  const hourText = groups["hour"] ?? groups["hour2"];
  if (hourText === undefined) return null;
  const half = (groups["half"] ?? groups["half2"] ?? groups["half3"])?.toLowerCase();
  const hour = Number(hourText);
  const minute = Number(groups["minute"] ?? groups["minute2"] ?? "0");
  if (half === undefined) return { hour, minute };
  return { hour: (hour % 12) + (half === "p" ? 12 : 0), minute };
}

/** The day that a todo's text ends with: "by Friday", "until tomorrow", "due 2026-12-01". `null` if it names none. */
export function readDue(
  text: string,
  today: string,
): { readonly dueDay: string; readonly rest: string } | null {
  const match = new RegExp(
    `[\\s,](?:by|until|till|due(?: on| by)?|on|for)? ?(?:${dayPart})$`,
    "i",
  ).exec(withoutEnd(text, /[.!?]/));
  if (match === null) return null;
  const dueDay = dayOf(match.groups ?? {}, today);
  const rest = withoutEnd(text.slice(0, match.index), /[\s,]/).trimStart();
  return dueDay === null || dueDay === "" || rest === "" ? null : { dueDay, rest };
}
