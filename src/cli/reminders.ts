import { defineCommand, type CommandDef } from "citty";

import type { ErrandClient, Reminder } from "../client/index.ts";
import { jsonArg, urlArg, withClient } from "./connection.ts";
import { showTask } from "./follow.ts";
import { print, table } from "./words.ts";

/** How a time is shown: to the minute, in the terminal's own zone. */
const timeWords = new Intl.DateTimeFormat("sv", { dateStyle: "short", timeStyle: "short" });
const minuteMs = 60_000;

function when({ nextAt, last }: Reminder): string {
  if (nextAt !== null) return timeWords.format(new Date(nextAt));
  if (last === null) return "soon";
  return `${last.missed ? "missed" : "was"} ${timeWords.format(new Date(last.dueAt))}`;
}

async function find(client: ErrandClient, which: string): Promise<Reminder> {
  const reminders = await client.planner.reminders();
  const found = /^\d{1,3}$/.test(which)
    ? reminders[Number(which) - 1]
    : reminders.find(({ id }) => id.endsWith(which));
  if (found !== undefined) return found;
  throw new Error(`there is no reminder "${which}" (errand reminders shows them)`);
}

const list = defineCommand({
  meta: { name: "list", description: "Show your reminders, the next one first" },
  args: { url: urlArg, json: jsonArg },
  run: ({ args }) =>
    withClient(args.url, async (client) => {
      const reminders = await client.planner.reminders();
      if (args.json) return reminders.forEach(print);
      if (reminders.length === 0)
        return print('No reminders. Try: errand reminders add "call Ann tomorrow at 9"');
      print(
        table(
          reminders.map((reminder, index) => [
            String(index + 1),
            when(reminder),
            reminder.cron ?? "once",
            reminder.text.replaceAll(/\s+/g, " ").slice(0, 100),
          ]),
        ),
      );
    }),
});

const add = defineCommand({
  meta: { name: "add", description: "Set a reminder, in words that say what and when" },
  args: {
    text: {
      type: "positional",
      description: 'Such as "call Ann tomorrow at 9" or "water the plants every monday at 8"',
      required: true,
    },
    url: urlArg,
    json: jsonArg,
  },
  run: ({ args }) =>
    withClient(args.url, async (client) => {
      const wish = { type: "remind", input: { text: args.text }, priority: "interactive" } as const;
      const { task } = await client.tasks.submit(wish, { idempotencyKey: client.newId("call") });
      const ended = await showTask(client, task.id, { json: args.json === true });
      if (ended?.status !== "completed") process.exitCode = 1;
    }),
});

const whichArg = {
  type: "positional",
  description: "Its number in the list, or the end of its id",
  required: true,
} as const;

const remove = defineCommand({
  meta: { name: "remove", description: "Remove a reminder, or say that it is done" },
  args: { which: whichArg, url: urlArg },
  run: ({ args }) =>
    withClient(args.url, async (client) => {
      const reminder = await find(client, args.which);
      await client.planner.removeReminder(reminder.id);
      print(`gone: ${reminder.text}`);
    }),
});

const snooze = defineCommand({
  meta: { name: "snooze", description: "Let a reminder come once more" },
  args: {
    which: whichArg,
    minutes: { type: "string", description: "In so many minutes", default: "10" },
    url: urlArg,
  },
  run: ({ args }) =>
    withClient(args.url, async (client) => {
      const minutes = Number(args.minutes);
      if (!(minutes > 0)) throw new Error(`--minutes must be above 0, got "${args.minutes}"`);
      const { id } = await find(client, args.which);
      const until = new Date(Date.now() + minutes * minuteMs).toISOString();
      print(when(await client.planner.snooze(id, until)));
    }),
});

/** `errand reminders`: what is said at its time. */
export const reminders: CommandDef = defineCommand({
  meta: { name: "reminders", description: "Your reminders: list, add, snooze, remove" },
  default: "list",
  subCommands: { list, add, snooze, remove },
});

const day = defineCommand({
  meta: { name: "day", description: "Plan today" },
  args: { url: urlArg, json: jsonArg },
  run: ({ args }) =>
    withClient(args.url, async (client) => {
      const task = await client.planner.makePlan();
      const ended = await showTask(client, task.id, { json: args.json === true });
      if (ended?.status !== "completed") process.exitCode = 1;
    }),
});

/** `errand plan`: the day in order. */
export const plan: CommandDef = defineCommand({
  meta: { name: "plan", description: "Plan your day: order, date and propose todos" },
  default: "day",
  subCommands: { day },
});
