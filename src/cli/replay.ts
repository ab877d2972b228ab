import { defineCommand, type CommandDef } from "citty";

import type { ErrandClient, LogFact, Task } from "../client/index.ts";
import { taskScope } from "../core/scope.ts";
import { taskDecider } from "../core/task/decider.ts";
import type { TaskEvent } from "../core/task/events.ts";
import { findTask } from "./commands.ts";
import { connect, jsonArg, orExplain, serverUrl, urlArg } from "./connection.ts";
import { print, write } from "./words.ts";

const replayArgs: {
  readonly id: {
    readonly type: "positional";
    readonly description: string;
    readonly required: true;
  };
  readonly at: { readonly type: "string"; readonly description: string };
  readonly url: typeof urlArg;
  readonly json: typeof jsonArg;
} = {
  id: {
    type: "positional",
    description: "Task id, or its last letters as ps shows them",
    required: true,
  },
  at: {
    type: "string",
    description: "Number of a fact: stop behind it and print the state of then",
  },
  url: urlArg,
  json: jsonArg,
};

/** One fact with the state it led to. */
interface Frame {
  readonly fact: LogFact;
  readonly status: string;
  readonly reason: string | null;
  readonly attempt: number;
}

/**
 * `errand replay ID`: folds a task's log again, fact by fact, with the very function the server folds it with, and says
 * whether that gives the state the server shows. Ends with 1 if it does not.
 */
export const replay: CommandDef<typeof replayArgs> = defineCommand({
  meta: {
    name: "replay",
    description: "Go through a task's life fact by fact, and check that its log explains its state",
  },
  args: replayArgs,
  async run({ args }) {
    await orExplain(serverUrl(args.url), async () => {
      const client = connect(args.url);
      const { id } = await findTask(client, args.id);
      const facts = await allFacts(client, id);
      const until = args.at === undefined ? Number.POSITIVE_INFINITY : Number(args.at);
      if (Number.isNaN(until))
        throw new Error(`--at must be the number of a fact, got "${args.at}"`);
      const frames = fold(
        id,
        facts.filter(({ seq }) => seq <= until),
      );
      const startMs = Date.parse(facts[0]?.timestamp ?? "");
      for (const frame of frames)
        write(
          process.stdout,
          args.json === true ? `${JSON.stringify(frame)}\n` : line(frame, startMs),
        );
      if (args.json === true || args.at !== undefined) return;
      // Asked for behind the log: an open task may have gone on.
      const task = await client.tasks.get(id);
      print(verdict(frames.at(-1), task));
      if (task.completedAt !== null && frames.at(-1)?.status !== task.status) process.exitCode = 1;
    });
  },
});

async function allFacts(client: ErrandClient, id: string): Promise<readonly LogFact[]> {
  const facts: LogFact[] = [];
  let after: number | null = 0;
  while (after !== null) {
    const page = await client.tasks.log(id, { after });
    facts.push(...page.events);
    after = page.nextAfter;
  }
  return facts;
}

function fold(id: string, facts: readonly LogFact[]): readonly Frame[] {
  let state = taskDecider.zero(taskScope(id));
  return facts.map((fact) => {
    // The log's payload is the fact less its type, as the server wrote it.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const event = { ...(fact.payload as object), type: fact.type } as TaskEvent;
    state = taskDecider.evolve(state, event, Date.parse(fact.timestamp));
    const { status, reason, attempt } = state;
    return { fact, status, reason: reason?.code ?? null, attempt };
  });
}

/** Longest payload shown in a line. */
const payloadCharsShown = 100;

function line({ fact, status, reason, attempt }: Frame, startMs: number): string {
  const seconds = ((Date.parse(fact.timestamp) - startMs) / 1_000).toFixed(3);
  const payload = JSON.stringify(fact.payload);
  const shown =
    payload.length > payloadCharsShown ? `${payload.slice(0, payloadCharsShown)}...` : payload;
  const now = `${status}${reason === null ? "" : ` (${reason})`}${attempt > 0 ? `, attempt ${attempt}` : ""}`;
  return `${String(fact.seq).padStart(4)}  +${seconds.padStart(8)} s  ${fact.type.padEnd(18)} -> ${now}\n      ${shown}\n`;
}

function verdict(last: Frame | undefined, task: Task): string {
  if (last?.status === task.status) return `The log explains the state: ${task.status}.`;
  if (task.completedAt === null)
    return `The task has gone on since: it is ${task.status}. Replay it again.`;
  return `The log leads to ${last?.status ?? "nothing"}, but the server shows ${task.status}: please report this.`;
}
