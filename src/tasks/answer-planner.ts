import { ErrandError } from "../core/errors.ts";
import { isRecord } from "../core/json.ts";
import { todoCharsMax } from "../core/limits.ts";
import type { Reminder } from "../core/user/reminders.ts";
import type { Clerk } from "./answer-command.ts";
import type { Desk } from "./desk.ts";
import type { PlannerWish } from "./planner-command.ts";
import { oneLine } from "./task-words.ts";
import { dayWords } from "./todo-report.ts";
import { readWhen, type When } from "./when.ts";
import { momentWords } from "./zoned-time.ts";

/** How long a reminder is put off unless its person says. */
const snoozeMsDefault = 600_000;

/** Does what a wish about reminders, plans or summaries says, and answers in words. */
export async function answerPlanner(clerk: Clerk, wish: PlannerWish): Promise<string> {
  switch (wish.name) {
    case "remind":
      return await remind(clerk, wish.words);
    case "reminders":
      return await reminderReport(clerk);
    case "reminderDrop":
      return await drop(clerk, wish.number);
    case "snooze":
      return await snooze(clerk, wish);
    case "plan":
      return await child(clerk, "daily_plan", { tell: false });
    case "summary":
      return await ofThisChat(clerk, "summary");
    case "extract":
      return await ofThisChat(clerk, "extract_todos");
    default: {
      const never: never = wish;
      return never;
    }
  }
}

async function ofThisChat(clerk: Clerk, type: string): Promise<string> {
  const { sessionId } = clerk.ctx;
  return sessionId === null
    ? "That works inside a chat only."
    : await child(clerk, type, { sessionId });
}

/** Work of a task of its own: this turn waits for it and holds no slot meanwhile. */
async function child({ ctx, prefix }: Clerk, type: string, input: object): Promise<string> {
  const task = await ctx.spawn<{ text: string }>(type, input, { name: `${prefix}.${type}` });
  const { status, output, error } = await task.settled();
  if (status === "completed" && isRecord(output)) return output.text;
  return `That did not work: ${error?.message ?? status}.`;
}

/** The words of a reminder, read on its person's clock. */
export type ReadReminder =
  | { readonly text: string; readonly when: Exclude<When, never>; readonly timeZone: string }
  | { readonly question: string };

/** Reads what and when; a question where one of them is missing or over. */
export function readReminder(
  words: string,
  here: { nowMs: number; timeZone: string },
): ReadReminder {
  const when = readWhen(words, here);
  if (when === "past") return { question: "That time is over. When shall I remind you?" };
  if (when === null) {
    return {
      question: `When shall I remind you? For example \`remind me ${oneLine(words, 60)} tomorrow at 9\`.`,
    };
  }
  const text = when.rest.replace(/^(?:remind me )?(?:to |that |about )/i, "").trim();
  if (text === "") return { question: "What shall I remind you of?" };
  if (text.length > todoCharsMax)
    return { question: `That has ${text.length} characters; the most is ${todoCharsMax}.` };
  return { text, when, timeZone: here.timeZone };
}

async function remind({ ctx, desk, prefix }: Clerk, words: string): Promise<string> {
  const { userId, sessionId } = ctx;
  // Read once: "in ten minutes" must not mean another time when this turn is tried again.
  const meant = await ctx.step(`${prefix}.when`, async () =>
    readReminder(words, { nowMs: desk.nowMs(), timeZone: await desk.zoneOf(userId) }),
  );
  if ("question" in meant) return meant.question;
  return await ctx.step(`${prefix}.remind`, ({ key }) =>
    setReminder(desk, { userId, sessionId, key, ...meant }),
  );
}

/** Sets a reminder that was read, and says so; what cannot be set is said in words. */
export async function setReminder(
  desk: Desk,
  wanted: Extract<ReadReminder, { text: string }> & {
    readonly userId: string;
    readonly sessionId: string | null;
    readonly key: string;
  },
): Promise<string> {
  const { userId, sessionId, key, text, when, timeZone } = wanted;
  try {
    const reminder = await desk.addReminder(userId, {
      text,
      timeZone,
      actionId: key,
      ...("cron" in when ? { cron: when.cron } : { atMs: when.atMs }),
      ...(sessionId === null ? {} : { sessionId }),
    });
    const next =
      reminder.nextAtMs === null ? "" : ` ${whenWords(desk, reminder.nextAtMs, timeZone)}`;
    return reminder.cron === null
      ? `I will remind you${next}: ${oneLine(text, 120)}`
      : `I will remind you again and again, next${next}: ${oneLine(text, 120)}`;
  } catch (error) {
    if (error instanceof ErrandError && error.code !== "internal" && error.code !== "storage_full")
      return `That did not work: ${error.message}.`;
    throw error;
  }
}

function whenWords(desk: Desk, atMs: number, timeZone: string): string {
  return momentWords(atMs, desk.nowMs(), timeZone, dayWords);
}

async function reminderReport({ ctx, desk }: Clerk): Promise<string> {
  const reminders = await desk.reminders(ctx.userId);
  if (reminders.length === 0)
    return "No reminders. Type `remind me <what> <when>`, for example `remind me to call Ann tomorrow at 9`.";
  const lines = reminders.map(
    (reminder, index) =>
      `${index + 1}. ${oneLine(reminder.text, 100)} (${stateWords(desk, reminder)})`,
  );
  return [
    "Reminders:",
    lines.join("\n"),
    "`drop reminder <number>` removes one, `snooze` puts the last one off.",
  ].join("\n\n");
}

function stateWords(desk: Desk, { nextAtMs, snoozedMs, last, cron, timeZone }: Reminder): string {
  const again = cron === null ? "" : ", comes again";
  const nextMs = Math.min(nextAtMs ?? Infinity, snoozedMs ?? Infinity);
  if (Number.isFinite(nextMs)) return `${whenWords(desk, nextMs, timeZone)}${again}`;
  if (last === null) return "comes soon";
  const missed = last.missed ? ", missed while Errand was not running" : "";
  return `it was ${whenWords(desk, last.dueMs, timeZone)}${missed}`;
}

async function drop({ ctx, desk, prefix }: Clerk, number: number): Promise<string> {
  const { userId } = ctx;
  const meant = await ctx.step(`${prefix}.find`, async () => {
    const found = (await desk.reminders(userId))[number - 1];
    return found === undefined ? null : { id: found.id, text: found.text };
  });
  if (meant === null) return `There is no reminder number ${number}. \`reminders\` shows them.`;
  await ctx.step(`${prefix}.drop`, () => desk.removeReminder(userId, meant.id));
  return `Removed the reminder: ${oneLine(meant.text, 120)}`;
}

async function snooze(
  { ctx, desk, prefix }: Clerk,
  { number, words }: Extract<PlannerWish, { name: "snooze" }>,
): Promise<string> {
  const { userId } = ctx;
  const meant = await ctx.step(`${prefix}.find`, async () => {
    const reminders = await desk.reminders(userId);
    const found = number === null ? lastRung(reminders) : reminders[number - 1];
    if (found === undefined) {
      const none =
        number === null ? "No reminder has come yet." : `There is no reminder number ${number}.`;
      return { question: `${none} \`reminders\` shows them.` };
    }
    const { id, text } = found;
    const timeZone = await desk.zoneOf(userId);
    if (words === "") return { id, text, timeZone, untilMs: desk.nowMs() + snoozeMsDefault };
    const when = readWhen(words, { nowMs: desk.nowMs(), timeZone });
    if (when === "past") return { question: "That time is over. Until when shall I put it off?" };
    if (when === null || "cron" in when)
      return { question: "Until when? For example `snooze until tomorrow at 9`." };
    return { id, text, timeZone, untilMs: when.atMs };
  });
  if ("question" in meant) return meant.question;
  const { id, text, untilMs, timeZone } = meant;
  const isThere = await ctx.step(`${prefix}.snooze`, () =>
    desk.snoozeReminder(userId, id, untilMs),
  );
  if (!isThere) return `That reminder is gone: ${oneLine(text, 120)}`;
  return `I will remind you ${whenWords(desk, untilMs, timeZone)}: ${oneLine(text, 120)}`;
}

function lastRung(reminders: readonly Reminder[]): Reminder | undefined {
  return reminders
    .filter(({ last }) => last !== null)
    .toSorted((a, b) => (b.last?.atMs ?? 0) - (a.last?.atMs ?? 0))[0];
}
