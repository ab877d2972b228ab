import { readWhen } from "./when.ts";
import { withoutEnd } from "./text-edges.ts";

/** A wish about reminders, plans and summaries, understood. */
export type PlannerWish =
  /** The words say what and when. */
  | { readonly name: "remind"; readonly words: string }
  | { readonly name: "reminders" }
  | { readonly name: "reminderDrop"; readonly number: number }
  /** `words` say until when; "" means ten minutes. `number: null`: the one that came last. */
  | { readonly name: "snooze"; readonly number: number | null; readonly words: string }
  | { readonly name: "plan" }
  | { readonly name: "summary" }
  /** Looks for todos in this chat, and asks before they are added. */
  | { readonly name: "extract" };

const remindPattern = /^\/?remind(?: me)?(?: to| that| about|:)?\s+([^]+)$/i;
const snoozePattern =
  /^\/?snooze(?: (?:reminder )?#?(\d{1,3})(?= |$)(?! ?(?:min|h|d|w)))?(?: (?:for |until )?(.+))?$/i;
const dropPattern = /^\/?(?:drop|forget|delete|remove|cancel) reminder #?(\d{1,3})$/i;
/** Any clock: only whether there are words of time is asked. */
const anyClock = { nowMs: 0, timeZone: "UTC" };

/** Reads a typed wish: `remind me <what> <when>`, `reminders`, `snooze`, `plan`, `summary`, `extract`. `null` for others. */
export function parsePlanner(message: string): PlannerWish | null {
  const line = message.trim();
  const bare = withoutEnd(line.replace(/^\//, ""), /[.!?]/).toLowerCase();
  if (/^(?:reminders|list reminders)$/.test(bare)) return { name: "reminders" };
  if (/^plan(?: (?:my |the )?day| today)?$/.test(bare)) return { name: "plan" };
  if (/^(?:summary|summari[sz]e)(?: (?:this|the|this chat|the chat))?$/.test(bare))
    return { name: "summary" };
  if (/^extract(?: (?:my )?(?:to-?dos|tasks))?$/.test(bare)) return { name: "extract" };
  const drop = dropPattern.exec(line)?.[1];
  if (drop !== undefined) return { name: "reminderDrop", number: Number(drop) };
  const snooze = snoozePattern.exec(line);
  if (snooze !== null) {
    const [, number, words = ""] = snooze;
    const until = untilWords(words);
    return until === null
      ? null
      : { name: "snooze", number: number === undefined ? null : Number(number), words: until };
  }
  const words = remindPattern.exec(line)?.[1]?.trim();
  const hasTime = words !== undefined && readWhen(words, anyClock) !== null;
  return hasTime ? { name: "remind", words } : null;
}

/** "10 minutes" is a time as "in 10 minutes" is. */
function untilWords(words: string): string | null {
  if (words === "") return "";
  for (const tried of [words, `in ${words}`, `at ${words}`])
    if (readWhen(tried, anyClock) !== null) return tried;
  return null;
}

function sentence(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, "i");
}

const sentences: readonly (readonly [RegExp, PlannerWish])[] = [
  [
    sentence(
      "(?:show|list|what are)(?: me)?(?: all)?(?: of)? my reminders|what reminders (?:do i have|are there)|do i have(?: any)? reminders",
    ),
    { name: "reminders" },
  ],
  [
    sentence(
      "plan (?:my|the|this) day(?: for me)?|make (?:me )?a (?:day ?)?plan(?: for (?:today|the day|my day))?|what should i do today",
    ),
    { name: "plan" },
  ],
  [
    sentence(
      "(?:summari[sz]e|sum up|give me a summary of) (?:this|the|our) (?:chat|conversation|session|talk)",
    ),
    { name: "summary" },
  ],
  [
    sentence(
      "(?:extract|find|collect|pull)(?: the| my| any)? (?:to-?dos|tasks|action items) (?:from|in|out of) (?:this|the|our) (?:chat|conversation|session|talk)",
    ),
    { name: "extract" },
  ],
];

/** Reads a common plain-English form of such a wish, as a whole sentence. */
export function plannerSentence(line: string): PlannerWish | null {
  for (const [pattern, wish] of sentences) if (pattern.test(line)) return wish;
  const words = /^(?:remind me|set (?:me )?a reminder)(?: to| that| about| for)? (.+)$/i.exec(
    line,
  )?.[1];
  return words === undefined ? null : { name: "remind", words };
}
