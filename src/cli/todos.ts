import { defineCommand, type CommandDef } from "citty";

import type { ErrandClient, Todo, TodoDone } from "../client/index.ts";
import { jsonArg, urlArg, withClient } from "./connection.ts";
import { print, table } from "./words.ts";

const whichArg = {
  type: "positional",
  description: "Its number in the list, the end of its id, or words of its text",
  required: true,
} as const;
const whichArgs = { which: whichArg, url: urlArg, json: jsonArg };

/** Todos that are done and still listed. */
const doneShown = 5;

/** The todos in the order of their numbers, as the chat counts them. */
async function numbered(client: ErrandClient): Promise<readonly Todo[]> {
  const todos = (await client.todos.list())?.todos ?? [];
  const done = todos
    .filter(({ status }) => status === "done")
    .toSorted((a, b) => ((a.doneAt ?? "") < (b.doneAt ?? "") ? 1 : -1));
  return [...todos.filter(({ status }) => status !== "done"), ...done.slice(0, doneShown)];
}

async function find(client: ErrandClient, which: string): Promise<Todo> {
  const todos = await numbered(client);
  const byNumber = /^\d{1,4}$/.test(which) ? todos[Number(which) - 1] : undefined;
  if (byNumber !== undefined) return byNumber;
  const words = which.toLowerCase();
  const found = todos.filter(
    ({ id, text }) => id.endsWith(which) || text.toLowerCase().includes(words),
  );
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new Error(
    found.length === 0
      ? `none of your todos is "${which}" (errand todos shows them)`
      : `${found.length} todos fit "${which}"; use a number of errand todos`,
  );
}

const marks = { open: "[ ]", done: "[x]", proposed: "[?]" } as const;

const list = defineCommand({
  meta: { name: "list", description: "Show your todos with their numbers" },
  args: { url: urlArg, json: jsonArg },
  run: ({ args }) =>
    withClient(args.url, async (client) => {
      const todos = await numbered(client);
      if (args.json) return todos.forEach(print);
      if (todos.length === 0)
        return print('No todos yet. Try: errand todos add "water the plants"');
      print(
        table(
          todos.map(({ status, text, dueDay }, index) => [
            String(index + 1),
            marks[status],
            text.replaceAll(/\s+/g, " ").slice(0, 100),
            dueDay ?? "",
          ]),
        ),
      );
    }),
});

const add = defineCommand({
  meta: { name: "add", description: "Add a todo" },
  args: {
    text: { type: "positional", description: "What is to be done", required: true },
    due: { type: "string", description: "The day it is due, as 2026-11-30" },
    key: { type: "string", description: "Idempotency key: the same key again adds nothing" },
    url: urlArg,
    json: jsonArg,
  },
  run: ({ args }) =>
    withClient(args.url, async (client) => {
      const todo = { text: args.text, ...(args.due === undefined ? {} : { dueDay: args.due }) };
      const done = await client.todos.add(todo, args.key ?? client.newId("call"));
      print(args.json ? done : `added: ${args.text}`);
    }),
});

function act(
  name: string,
  description: string,
  word: string,
  run: (client: ErrandClient, todo: Todo, actionId: string) => Promise<TodoDone>,
): CommandDef<typeof whichArgs> {
  return defineCommand({
    meta: { name, description },
    args: whichArgs,
    run: ({ args }) =>
      withClient(args.url, async (client) => {
        const todo = await find(client, args.which);
        const done = await run(client, todo, client.newId("call"));
        print(args.json ? done : `${word}: ${todo.text}`);
      }),
  });
}

/** `errand todos`: a person's own list. */
export const todos: CommandDef = defineCommand({
  meta: { name: "todos", description: "Your todos: list, add, done, reopen, accept, remove" },
  default: "list",
  subCommands: {
    list,
    add,
    done: act("done", "Complete a todo", "done", (client, { id }, actionId) =>
      client.todos.change(id, { done: true }, actionId),
    ),
    reopen: act("reopen", "Open a todo again", "open again", (client, { id }, actionId) =>
      client.todos.change(id, { done: false }, actionId),
    ),
    accept: act(
      "accept",
      "Take a proposed todo as your own",
      "on your list",
      (client, { id }, actionId) => client.todos.change(id, { accepted: true }, actionId),
    ),
    remove: act("remove", "Delete a todo", "gone", (client, { id }, actionId) =>
      client.todos.remove(id, actionId),
    ),
  },
});
