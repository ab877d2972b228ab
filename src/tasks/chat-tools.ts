import { isRecord } from "../core/json.ts";
import type { ToolDefinition } from "../engine/index.ts";
import { answerCommand, type Clerk } from "./answer-command.ts";
import { parseTyped, type Command } from "./command.ts";

/** Tool calls carried out in one turn: a model that asks for more is told to stop. */
const toolCallsMax = 40;

const task = {
  type: "string",
  description: 'The id of a job as `list` shows it, or "last" for the newest one.',
} as const;

const todo = {
  type: "string",
  description: "The number of a todo as `todos` shows it, or words of its text.",
} as const;

interface QueueTool {
  readonly description: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  /** The argument that stands behind the command's name when it is typed. */
  readonly argument: string | null;
}

/** The tools a model has: the typed commands, one by one. */
const queueTools: Readonly<Record<string, QueueTool>> = {
  enqueue: {
    description: "Adds a job to the end of the user's queue.",
    properties: { text: { type: "string", description: "The job, in the user's own words." } },
    required: ["text"],
    argument: "text",
  },
  list: {
    description:
      "The user's jobs: queued, running and the last 20 finished, with ids, states and ages.",
    properties: {},
    argument: null,
  },
  work: {
    description:
      'Starts the next queued job. With mode "auto" all jobs run one after another from now on; with "manual" no longer.',
    properties: { mode: { type: "string", enum: ["one", "auto", "manual"] } },
    argument: "mode",
  },
  status: {
    description: "How things stand: one job if a task is given, else all of them.",
    properties: { task },
    argument: "task",
  },
  why: {
    description: "Why a job waits or failed; without a task, why all that wait do.",
    properties: { task },
    argument: "task",
  },
  cancel: {
    description: "Cancels one job for good. Only when the user asked for it.",
    properties: { task },
    required: ["task"],
    argument: "task",
  },
  todo: {
    description: "Adds to the user's own todos: something the user wants to do.",
    properties: { text: { type: "string", description: "What is to be done." } },
    required: ["text"],
    argument: "text",
  },
  todos: {
    description: "The user's todos with their numbers.",
    properties: {},
    argument: null,
  },
  done: {
    description: "Marks one of the user's todos as done.",
    properties: { todo },
    required: ["todo"],
    argument: "todo",
  },
  remind: {
    description:
      "Sets a reminder. The text says what and when, in words as `call Ann tomorrow at 9`, `stretch in 20 minutes`, `water the plants every monday at 8`.",
    properties: { text: { type: "string", description: "What to remind of, and when." } },
    required: ["text"],
    argument: "text",
  },
  reminders: { description: "The user's reminders.", properties: {}, argument: null },
  plan: {
    description: "Plans the user's day: orders and dates their todos.",
    properties: {},
    argument: null,
  },
  summary: { description: "Sums this chat up and keeps it.", properties: {}, argument: null },
  extract: {
    description: "Looks for todos in what the user said in this chat and proposes them.",
    properties: {},
    argument: null,
  },
  undone: {
    description: "Opens a todo again that is not done after all.",
    properties: { todo },
    required: ["todo"],
    argument: "todo",
  },
  drop: {
    description: "Deletes one of the user's todos. Only when the user asked for it.",
    properties: { todo },
    required: ["todo"],
    argument: "todo",
  },
};

/** Tools whose argument names a todo. */
const aboutTodo: readonly string[] = ["done", "undone", "drop"];

/**
 * The command that a tool call means, read by the parser of typed commands: a model can do nothing that its user
 * could not have typed. `null` if it means none.
 */
export function commandOfTool(name: string, input: unknown): Command | null {
  const tool = Object.hasOwn(queueTools, name) ? queueTools[name] : undefined;
  if (tool === undefined) return null;
  const given = tool.argument !== null && isRecord(input) ? input[tool.argument] : undefined;
  if (given !== undefined && given !== null && typeof given !== "string") return null;
  const word = (given ?? "").trim();
  const behind = name === "work" && word === "one" ? "" : word;
  const isText = aboutTodo.includes(name) && !/^(?:\d+|last)$/i.test(behind);
  const command = parseTyped(`${name} ${isText ? `"${behind.replaceAll('"', "")}"` : behind}`);
  return command?.name === "ask" ? null : command;
}

/**
 * The queue as ledgered tools. A call that means no command comes back as a question for the user; a repeated call
 * after a crash does nothing twice, because commands change things in steps of their own.
 */
export function chatTools(
  clerk: Omit<Clerk, "prefix">,
): Readonly<Record<string, ToolDefinition<unknown, string>>> {
  let calls = 0;
  const run = async (name: string, input: unknown): Promise<string> => {
    calls += 1;
    if (calls > toolCallsMax)
      throw new Error(`a turn may use ${toolCallsMax} tools; answer the user now`);
    const prefix = `tool${calls}`;
    const command = commandOfTool(name, input);
    if (command !== null) return await answerCommand({ ...clerk, prefix }, command);
    const { required } = queueTools[name] ?? {};
    if (required?.includes("todo") === true)
      return "question: which todo is meant? Ask the user; numbers are in `todos`.";
    return `question: which ${required?.includes("text") === true ? "text should be added" : "job is meant"}? Ask the user; ids are in \`list\`.`;
  };
  return Object.fromEntries(
    Object.entries(queueTools).map(([name, { description, properties, required }]) => [
      name,
      {
        description,
        inputSchema: {
          type: "object",
          properties,
          required: required ?? [],
          additionalProperties: false,
        },
        idempotent: true,
        run: (input: unknown) => run(name, input),
      },
    ]),
  );
}
