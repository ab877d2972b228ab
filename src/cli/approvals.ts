import { defineCommand, type CommandDef } from "citty";

import type { Approval, ErrandClient } from "../client/index.ts";
import { jsonArg, urlArg, withClient } from "./connection.ts";
import { age, print, stateWords, table } from "./words.ts";

const whichArg = {
  type: "positional",
  description: "Its number in the list, or the end of its id",
  required: true,
} as const;
const answerArgs = {
  which: whichArg,
  comment: { type: "string", description: "What the task is told with it" },
  url: urlArg,
} as const;

async function find(client: ErrandClient, which: string): Promise<Approval> {
  const approvals = await client.approvals.list();
  const found = /^\d{1,3}$/.test(which)
    ? approvals[Number(which) - 1]
    : approvals.find(({ id }) => id.endsWith(which));
  if (found !== undefined) return found;
  throw new Error(`nothing that waits for you is "${which}" (errand approvals shows it)`);
}

const list = defineCommand({
  meta: { name: "list", description: "Show what your tasks ask you" },
  args: { url: urlArg, json: jsonArg },
  run: ({ args }) =>
    withClient(args.url, async (client) => {
      const approvals = await client.approvals.list();
      if (args.json) return approvals.forEach(print);
      if (approvals.length === 0) return print("Nothing waits for your approval.");
      print(
        table(
          approvals.map(({ taskType, askedAt, question }, index) => [
            String(index + 1),
            taskType,
            age(askedAt, Date.now()),
            question.replaceAll(/\s+/g, " ").slice(0, 120),
          ]),
        ),
      );
    }),
});

function answer(
  name: string,
  description: string,
  approved: boolean,
): CommandDef<typeof answerArgs> {
  return defineCommand({
    meta: { name, description },
    args: answerArgs,
    run: ({ args }) =>
      withClient(args.url, async (client) => {
        const { id, question } = await find(client, args.which);
        const task = await client.approvals.answer(id, approved, args.comment);
        print(
          `${approved ? "approved" : "rejected"}: ${question}\n${task.id}  ${stateWords(task)}`,
        );
      }),
  });
}

/** `errand approvals`: what tasks ask their people. */
export const approvals: CommandDef = defineCommand({
  meta: { name: "approvals", description: "What your tasks ask you: list, approve, reject" },
  default: "list",
  subCommands: {
    list,
    approve: answer("approve", "Say yes: the task goes on", true),
    reject: answer("reject", "Say no: the task goes on with that", false),
  },
});
