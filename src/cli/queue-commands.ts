import { defineCommand, type CommandDef } from "citty";

import type { ModelSpeed, QueueChange, QueueStatus } from "../client/index.ts";
import { connect, jsonArg, orExplain, serverUrl, urlArg } from "./connection.ts";
import { print, table } from "./words.ts";

interface Text {
  readonly type: "string";
  readonly description: string;
}
interface Flag {
  readonly type: "boolean";
  readonly description: string;
}
interface Word {
  readonly type: "positional";
  readonly description: string;
  readonly required: boolean;
}
interface QueueArgs {
  readonly [name: string]: Text | Flag | Word;
  readonly name: Word;
  readonly url: Text;
  readonly json: Flag;
}

const queuesArgs: QueueArgs & { readonly pause: Flag; readonly resume: Flag } = {
  name: {
    type: "positional",
    description: "Only this queue; needed to pause or resume",
    required: false,
  },
  pause: {
    type: "boolean",
    description: "Start nothing new; what runs goes on. Lasts over restarts",
  },
  resume: { type: "boolean", description: "Start what waits again" },
  url: urlArg,
  json: jsonArg,
};

const limitsArgs: QueueArgs & Record<keyof typeof limitFlags, Text> = {
  name: {
    type: "positional",
    description: "Only this queue; needed to change it",
    required: false,
  },
  slots: { type: "string", description: "Calls it runs at once, 1..10000" },
  "per-key": {
    type: "string",
    description: "Slots one user may hold while others wait, or none for no limit",
  },
  requests: { type: "string", description: "Calls a minute, or none for no limit" },
  tokens: { type: "string", description: "Tokens a minute, or none for no limit" },
  swap: {
    type: "string",
    description: "Milliseconds its endpoint takes to load another model, or none if it holds all",
  },
  url: urlArg,
  json: jsonArg,
};

const limitFlags = {
  slots: "slots",
  "per-key": "slotsPerKey",
  requests: "requestsPerMinute",
  tokens: "tokensPerMinute",
  swap: "swapMs",
} as const;

function show(queues: readonly QueueStatus[], json: boolean, columns: Columns): void {
  const lines = json
    ? queues.map((queue) => JSON.stringify(queue))
    : [table([columns.head, ...queues.map((queue) => columns.row(queue))])];
  print(lines.join("\n"));
}

interface Columns {
  readonly head: readonly string[];
  row(queue: QueueStatus): readonly string[];
}

const load: Columns = {
  head: ["QUEUE", "RUNNING", "WAITING", "STATE", "SPEED"],
  row: (queue) => [
    queue.name,
    `${queue.taken}/${queue.slots}`,
    String(queue.pending),
    stateOf(queue),
    queue.models.map((model) => speedOf(model, queue.loaded)).join(", "),
  ],
};

const limits: Columns = {
  head: ["QUEUE", "SLOTS", "PER KEY", "REQUESTS/MIN", "TOKENS/MIN", "SWAP MS"],
  row: ({ name, slots, slotsPerKey, requestsPerMinute, tokensPerMinute, swapMs }) => [
    name,
    String(slots),
    ...[slotsPerKey, requestsPerMinute, tokensPerMinute, swapMs].map((value) =>
      String(value ?? "none"),
    ),
  ],
};

/** Whether it grants slots. Of a device also which of its endpoints is held back while the others go on. */
function stateOf({ paused, closed, lines }: QueueStatus): string {
  if (paused) return "paused";
  if (closed !== null) return closedText(closed);
  if (lines.length === 0) return "open";
  return `open; ${lines.map((line) => `${line.line} ${closedText(line)}`).join("; ")}`;
}

function closedText({ code, error, untilAt }: NonNullable<QueueStatus["closed"]>): string {
  return `closed until ${untilAt} (${error === null ? code : `${code}: ${error}`})`;
}

/** Tokens a second that a model reads and writes, as learnt. */
function speedOf(
  { model, promptTokensPerSecond, decodeTokensPerSecond }: ModelSpeed,
  loaded: string | null,
): string {
  const where = model === loaded ? " (loaded)" : "";
  const rate = (value: number | null): string => (value === null ? "?" : String(Math.round(value)));
  return `${model}${where} reads ${rate(promptTokensPerSecond)}/s, writes ${rate(decodeTokensPerSecond)}/s`;
}

function named(queues: readonly QueueStatus[], name: unknown): readonly QueueStatus[] {
  if (typeof name !== "string") return queues;
  const found = queues.filter((queue) => queue.name === name);
  if (found.length > 0) return found;
  throw new Error(
    `there is no queue "${name}"; there are: ${queues.map((queue) => queue.name).join(", ")}`,
  );
}

/** `errand queues`: load of the queues; with a name and a flag it pauses or resumes one. */
export const queues: CommandDef<typeof queuesArgs> = defineCommand({
  meta: { name: "queues", description: "Show the queues, or pause and resume one" },
  args: queuesArgs,
  async run({ args }) {
    await orExplain(serverUrl(args.url), async () => {
      const { queues: api } = connect(args.url);
      const { name, pause, resume } = args;
      if (pause !== true && resume !== true) {
        return show(named(await api.list(), name), args.json === true, load);
      }
      if (typeof name !== "string" || pause === resume)
        throw new Error("say which queue to pause or to resume: errand queues NAME --pause");
      named(await api.list(), name);
      show([await (pause === true ? api.pause(name) : api.resume(name))], args.json === true, load);
    });
  },
});

/** `errand limits`: slots and limits of the queues; with flags it changes those of one. */
export const limitsCommand: CommandDef<typeof limitsArgs> = defineCommand({
  meta: { name: "limits", description: "Show slots and limits of the queues, or change one's" },
  args: limitsArgs,
  async run({ args }) {
    await orExplain(serverUrl(args.url), async () => {
      const { queues: api } = connect(args.url);
      const change = changeOf(args);
      if (Object.keys(change).length === 0)
        return show(named(await api.list(), args.name), args.json === true, limits);
      if (typeof args.name !== "string")
        throw new Error("say whose limits to change: errand limits NAME --slots 4");
      // Looked for first: the refusal of an unknown name does not say which there are.
      named(await api.list(), args.name);
      show([await api.change(args.name, change)], args.json === true, limits);
    });
  },
});

function changeOf(args: Readonly<Record<string, unknown>>): QueueChange {
  const change: Record<string, number | null> = {};
  for (const [flag, field] of Object.entries(limitFlags)) {
    const given = args[flag];
    if (typeof given !== "string") continue;
    const value = given === "none" && field !== "slots" ? null : Number(given);
    if (value !== null && !(Number.isInteger(value) && value >= 1)) {
      const range = field === "slots" ? "1..10000" : "from 1, or none";
      throw new Error(`--${flag} must be a whole number ${range}, got "${given}"`);
    }
    change[field] = value;
  }
  return change;
}
