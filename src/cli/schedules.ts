import { defineCommand, type CommandDef } from "citty";

import type { ErrandClient, MissedTicks, Schedule } from "../client/index.ts";
import { jsonArg, urlArg, withClient } from "./connection.ts";
import { inputOf } from "./task-input.ts";
import { print, table } from "./words.ts";

const nameArg = {
  type: "positional",
  description: "Name of the schedule",
  required: true,
} as const;

const nameArgs = { name: nameArg, url: urlArg };

/** A time to the minute on the schedule's own clock, whose zone is said beside it. */
function when(iso: string | undefined, timeZone: string): string {
  if (iso === undefined) return "-";
  const words = new Intl.DateTimeFormat("sv", { dateStyle: "short", timeStyle: "short", timeZone });
  return words.format(new Date(iso));
}

function lastWords({ last, timeZone }: Schedule): string {
  return last === null ? "-" : `${when(last.at, timeZone)} ${last.status ?? ""}`.trimEnd();
}

function rowOf(schedule: Schedule): string[] {
  const { name, cron, timeZone, type, paused, nextRuns } = schedule;
  const next = paused ? "paused" : when(nextRuns[0], timeZone);
  return [name, cron, timeZone, type, next, lastWords(schedule)];
}

function sentence({ name, paused, nextRuns, timeZone }: Schedule): string {
  if (paused) return `${name} is paused`;
  return nextRuns.length === 0
    ? `${name} will never run: its fields name no date`
    : `${name} runs next ${nextRuns
        .slice(0, 3)
        .map((iso) => when(iso, timeZone))
        .join(", ")} (${timeZone})`;
}

const list = defineCommand({
  meta: { name: "list", description: "Show your schedules and when they run next" },
  args: { url: urlArg, json: jsonArg },
  run: ({ args }) =>
    withClient(args.url, async (client) => {
      const schedules = await client.schedules.list();
      if (args.json) return schedules.forEach(print);
      if (schedules.length === 0)
        return print(
          'No schedules yet. Try: errand schedules add morning "30 8 * * 1-5" "Plan my day"',
        );
      print(table([["NAME", "CRON", "ZONE", "TYPE", "NEXT", "LAST"], ...schedules.map(rowOf)]));
    }),
});

const add = defineCommand({
  meta: { name: "add", description: "Make a schedule, or replace the one of that name" },
  args: {
    name: nameArg,
    cron: {
      type: "positional",
      description: 'Minute, hour, day, month, weekday, such as "30 8 * * 1-5" (08:30 on weekdays)',
      required: true,
    },
    text: { type: "positional", description: "What to do each time", required: false },
    type: {
      type: "string",
      description: "generate, note, orchestrate, or a type of your own",
      default: "generate",
    },
    input: { type: "string", description: "Input as JSON, instead of the text" },
    zone: { type: "string", description: "IANA time zone (default: the server's)" },
    missed: { type: "string", description: "After a downtime: skip, once (default) or all" },
    url: urlArg,
    json: jsonArg,
  },
  run: ({ args }) =>
    withClient(args.url, async (client) => {
      const schedule = await client.schedules.set({
        name: args.name,
        cron: args.cron,
        type: args.type,
        input: inputOf(args),
        ...(args.zone === undefined ? {} : { timeZone: args.zone }),
        ...(args.missed === undefined ? {} : { missed: missedOf(args.missed) }),
      });
      print(args.json ? schedule : sentence(schedule));
    }),
});

function missedOf(word: string): MissedTicks {
  if (word === "skip" || word === "once" || word === "all") return word;
  throw new Error(`--missed must be skip, once or all, got "${word}"`);
}

function act(
  name: string,
  description: string,
  run: (client: ErrandClient, schedule: string) => Promise<string>,
): CommandDef<typeof nameArgs> {
  return defineCommand({
    meta: { name, description },
    args: nameArgs,
    run: ({ args }) => withClient(args.url, async (client) => print(await run(client, args.name))),
  });
}

/** `errand schedules`: tasks that are submitted again and again. */
export const schedules: CommandDef = defineCommand({
  meta: { name: "schedules", description: "Tasks that run again and again, by cron" },
  default: "list",
  subCommands: {
    list,
    add,
    run: act(
      "run",
      "Submit a run now",
      async (client, name) => (await client.schedules.run(name)).id,
    ),
    pause: act("pause", "Stop its ticks", async (client, name) =>
      sentence(await client.schedules.pause(name)),
    ),
    resume: act("resume", "Let its ticks come again", async (client, name) =>
      sentence(await client.schedules.resume(name)),
    ),
    remove: act("remove", "Remove it; what it has submitted goes on", async (client, name) => {
      await client.schedules.remove(name);
      return `${name} is gone`;
    }),
  },
});
