import { defineCommand, type CommandDef } from "citty";

import type { ErrandClient, Task } from "../client/index.ts";
import { connect, orExplain, jsonArg, serverUrl, urlArg } from "./connection.ts";
import { inputOf, type InputArgs } from "./task-input.ts";
import { showTask } from "./follow.ts";
import { age, print, stateWords, table, titleOf } from "./words.ts";

interface Text {
  readonly type: "string";
  readonly description: string;
  readonly default?: string;
}
interface Flag {
  readonly type: "boolean";
  readonly description: string;
  readonly alias?: string;
}
interface Word {
  readonly type: "positional";
  readonly description: string;
  readonly required: boolean;
}
interface ServerArgs {
  readonly [name: string]: Text | Flag | Word;
  readonly url: Text;
  readonly json: Flag;
}

const idArg: Word = {
  type: "positional",
  description: "Task id, or its last letters as ps shows them",
  required: true,
};
const idArgs: ServerArgs & { readonly id: Word } = { id: idArg, url: urlArg, json: jsonArg };
const submitArgs: ServerArgs & {
  readonly text: Word;
  readonly type: Text & { readonly default: string };
  readonly wait: Flag;
} & Record<"input" | "priority" | "key", Text> = {
  text: {
    type: "positional",
    description: "What to do: the prompt of a generate task, or the text of another type",
    required: false,
  },
  type: {
    type: "string",
    description: "generate, note, orchestrate, or a type of your own",
    default: "generate",
  },
  input: {
    type: "string",
    description: 'Input as JSON instead of the text, such as {"prompt":"..."}',
  },
  priority: {
    type: "string",
    description: "interactive, background or batch (default: that of the type)",
  },
  key: { type: "string", description: "Idempotency key: the same key again is the same task" },
  wait: {
    type: "boolean",
    description: "Follow the task and print its output; exit code 1 unless it completes",
  },
  url: urlArg,
  json: jsonArg,
};
const psArgs: ServerArgs & { readonly all: Flag; readonly watch: Flag } = {
  all: { type: "boolean", alias: "a", description: "Also those that have ended" },
  watch: {
    type: "boolean",
    alias: "w",
    description: "Keep showing them as they change (Ctrl-C ends)",
  },
  url: urlArg,
  json: jsonArg,
};
const followArgs: ServerArgs & { readonly id: Word; readonly after: Text } = {
  id: idArg,
  after: {
    type: "string",
    description: "Cursor to go on behind, as --json shows it (default: the beginning)",
  },
  url: urlArg,
  json: jsonArg,
};

/** Tasks looked through for the end of an id. */
const recentMax = 200;

/** The task an id, or the unique end of one, names. */
export async function findTask(client: ErrandClient, id: string): Promise<Task> {
  if (id.length === 31) return await client.tasks.get(id);
  const { tasks } = await client.tasks.list({ limit: recentMax });
  const found = tasks.filter((task) => task.id.endsWith(id));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new Error(
    found.length === 0
      ? `none of your last ${recentMax} tasks ends with "${id}"`
      : `${found.length} tasks end with "${id}"; give more of the id`,
  );
}

function act(
  name: string,
  description: string,
  run: (client: ErrandClient, task: Task) => Promise<string | object>,
): CommandDef<typeof idArgs> {
  return defineCommand({
    meta: { name, description },
    args: idArgs,
    async run({ args }) {
      await orExplain(serverUrl(args.url), async () => {
        const client = connect(args.url);
        const result = await run(client, await findTask(client, String(args.id)));
        print(
          args.json === true || typeof result === "string"
            ? result
            : JSON.stringify(result, null, 2),
        );
      });
    },
  });
}

/** `errand submit`. */
export const submit: CommandDef<typeof submitArgs> = defineCommand({
  meta: { name: "submit", description: "Submit a task; it runs whether you stay or not" },
  args: submitArgs,
  async run({ args }) {
    await orExplain(serverUrl(args.url), async () => {
      const client = connect(args.url);
      const task = await submitted(client, args);
      if (args.wait !== true)
        return print(args.json === true ? task : `${task.id}  ${stateWords(task)}`);
      if (args.json !== true) process.stderr.write(`${task.id}\n`);
      const ended = await showTask(client, task.id, { json: args.json === true });
      if (ended?.status !== "completed") process.exitCode = 1;
    });
  },
});

interface SubmitArgs extends InputArgs {
  readonly priority?: string | undefined;
  readonly key?: string | undefined;
}

async function submitted(client: ErrandClient, args: SubmitArgs): Promise<Task> {
  const input = inputOf(args);
  const { priority } = args;
  if (
    priority !== undefined &&
    priority !== "interactive" &&
    priority !== "background" &&
    priority !== "batch"
  ) {
    throw new Error(`--priority must be interactive, background or batch, got "${priority}"`);
  }
  const { task } = await client.tasks.submit(
    { type: args.type, input, ...(priority === undefined ? {} : { priority }) },
    { idempotencyKey: args.key ?? client.newId("call") },
  );
  return task;
}

async function listing(
  client: ErrandClient,
  all: boolean,
): Promise<{ tasks: readonly Task[]; text: string }> {
  const { tasks } = await client.tasks.list(all ? { limit: 50 } : { status: "active", limit: 50 });
  if (tasks.length === 0)
    return {
      tasks,
      text: all
        ? 'No tasks yet. Try: errand submit "Say hello" --wait'
        : "Nothing is queued or running. (errand ps --all shows what has ended)",
    };
  const rows = tasks.map((task) => [
    task.id.slice(-8),
    task.type,
    age(task.createdAt, Date.now()),
    stateWords(task).slice(0, 70),
    titleOf(task),
  ]);
  return { tasks, text: table([["ID", "TYPE", "AGE", "STATE", "WHAT"], ...rows]) };
}

/** `errand ps`. */
export const ps: CommandDef<typeof psArgs> = defineCommand({
  meta: { name: "ps", description: "Show your tasks, newest first, and why they wait" },
  args: psArgs,
  async run({ args }) {
    await orExplain(serverUrl(args.url), async () => {
      if (args.json === true && args.watch === true)
        throw new Error("--watch redraws a screen: leave --json out, or ask again and again");
      const client = connect(args.url);
      const once = await listing(client, args.all === true);
      if (args.json === true) return once.tasks.forEach(print);
      if (args.watch !== true) return print(once.text);
      await watch(client, args.all === true);
    });
  },
});

/** Redraws at most this often: a burst of events is one picture. */
const redrawMs = 200;

async function watch(client: ErrandClient, all: boolean): Promise<void> {
  let drawn = 0;
  for await (const item of client.events()) {
    const offline = item.kind === "connection" && item.connection.state === "retrying";
    if (item.kind === "connection" && !offline) continue;
    if (Date.now() - drawn < redrawMs)
      await new Promise((resolve) => setTimeout(resolve, redrawMs));
    drawn = Date.now();
    const text = offline ? "connection lost, trying again..." : (await listing(client, all)).text;
    process.stdout.write("\u001b[2J\u001b[H");
    print(text);
  }
}

/** `errand follow`. */
export const follow: CommandDef<typeof followArgs> = defineCommand({
  meta: {
    name: "follow",
    description: "Follow a task from its beginning, or go on behind a cursor",
  },
  args: followArgs,
  async run({ args }) {
    await orExplain(serverUrl(args.url), async () => {
      const client = connect(args.url);
      const task = await findTask(client, String(args.id));
      const ended = await showTask(client, task.id, {
        json: args.json === true,
        after: args.after ?? null,
      });
      if (ended?.status !== "completed") process.exitCode = 1;
    });
  },
});

/** `errand cancel`. */
export const cancel: CommandDef<typeof idArgs> = act(
  "cancel",
  "Cancel a task, wherever it stands; retry opens it again",
  async (client, { id }) => {
    const task = await client.tasks.cancel(id);
    return `${task.id}  ${stateWords(task)}`;
  },
);

/** `errand retry`. */
export const retry: CommandDef<typeof idArgs> = act(
  "retry",
  "Try a failed, cancelled or expired task again: the same task, under the same id",
  async (client, { id }) => {
    const task = await client.tasks.retry(id);
    return `${task.id}  ${stateWords(task)}`;
  },
);

const classes = ["batch", "background", "interactive"] as const;

function moved(by: 1 | -1): (client: ErrandClient, task: Task) => Promise<string> {
  return async (client, { id, priority }) => {
    const now = classes.findIndex((name) => name === priority);
    const next = classes[now + by];
    if (next === undefined) return `${id}  is ${priority} already`;
    return `${id}  ${(await client.tasks.prioritize(id, next)).priority}`;
  };
}

/** `errand promote`. */
export const promote: CommandDef<typeof idArgs> = act(
  "promote",
  "Move a task up one priority class: batch, background, interactive",
  moved(1),
);

/** `errand demote`. */
export const demote: CommandDef<typeof idArgs> = act(
  "demote",
  "Move a task down one priority class: interactive, background, batch",
  moved(-1),
);

/** `errand why`. */
export const why: CommandDef<typeof idArgs> = act(
  "why",
  "Say why a task is where it is: its place in line, what holds it, when it should start",
  async (client, { id }) => (await client.tasks.why(id)).message,
);
