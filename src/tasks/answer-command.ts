import { ErrandError } from "../core/errors.ts";
import { messageText } from "../core/session/state.ts";
import type { TaskContext } from "../engine/index.ts";
import { answerPlanner } from "./answer-planner.ts";
import { answerTodo } from "./answer-todo.ts";
import { parseTyped, type Command } from "./command.ts";
import type { Desk } from "./desk.ts";
import { parseEnglish } from "./english-command.ts";
import { findTask } from "./find-task.ts";
import { earlierMessages } from "./memory.ts";
import { noteCharsMax } from "./note.ts";
import {
  listReport,
  modelWords,
  overviewReport,
  taskReport,
  whyAllReport,
  whyReport,
} from "./queue-report.ts";
import { nameOf, oneLine } from "./task-words.ts";

/** Who carries a command out: a task, its desk, and a prefix that makes its step names unique in the task. */
export interface Clerk {
  readonly ctx: TaskContext;
  readonly desk: Desk;
  readonly prefix: string;
}

/**
 * Does what a command says and answers in words, from facts of the log only. What it changes is done in steps, so a
 * crash at any instant neither loses nor repeats it. A wish that cannot be met is answered, not thrown.
 */
export async function answerCommand(clerk: Clerk, command: Command): Promise<string> {
  const { desk, ctx } = clerk;
  switch (command.name) {
    case "enqueue":
      return await enqueue(clerk, command.text);
    case "enqueueLast":
      return await enqueueLast(clerk);
    case "list":
      return await listReport(desk, ctx.userId);
    case "work":
      return await work(clerk);
    case "workMode":
      return await setMode(clerk, command.auto);
    case "status": {
      if (command.task === null) return await overviewReport(desk, ctx.userId);
      const found = await findTask(desk, ctx.userId, command.task, "any");
      return found.why ?? (await taskReport(desk, found.task));
    }
    case "why": {
      if (command.task === null) return await whyAllReport(desk, ctx.userId);
      const found = await findTask(desk, ctx.userId, command.task, "any");
      return found.why ?? (await whyReport(desk, found.task));
    }
    case "cancel":
      return await cancel(clerk, command);
    case "help":
      return `${commandHelp}\n\n${modelWords(desk.chatModel())}`;
    case "ask":
      return questions[command.about];
    case "todoAdd":
    case "todoList":
    case "todoDone":
    case "todoReopen":
    case "todoDrop":
    case "todoAccept":
    case "todoUndo":
      return await answerTodo(clerk, command);
    default:
      return await answerPlanner(clerk, command);
  }
}

const questions: Readonly<Record<"enqueue" | "cancel", string>> = {
  enqueue: "What should I add? Type `enqueue` and the job, for example `enqueue water the plants`.",
  cancel:
    "Which job should I cancel? Jobs are cancelled one at a time: type `cancel last`, or `cancel` and an id from `list`.",
};

/** What can be typed. */
export const commandHelp: string = [
  "I keep a queue of jobs and your todos for you. You can type:",
  "- `enqueue <text>` adds a job",
  "- `list` shows what is queued, running and finished",
  "- `work` starts the next job; `work auto` runs all of them, one after another, until `work manual`",
  "- `status` or `status <id>` says how things stand",
  "- `why` or `why <id>` says what a job waits for",
  "- `cancel <id>`, `cancel <its words>` or `cancel last` stops a job",
  "- `todo <text>` adds to your todos, `todos` shows them, `done <number>` completes one; `undone`, `drop` and `undo` take back",
  "- `remind me <what> <when>` and `reminders`; `snooze` puts one off; `plan` plans your day, `summary` sums this chat up, `extract` finds todos in it",
  'Plain words do as well: "add \'hello\' to the queue", "what jobs are in the list", "process a job".',
].join("\n");

async function enqueue({ ctx, desk, prefix }: Clerk, text: string): Promise<string> {
  if (text.length > noteCharsMax) {
    return `That job has ${text.length} characters; the most a job takes is ${noteCharsMax}.`;
  }
  const { userId, sessionId } = ctx;
  try {
    const added = await ctx.step(`${prefix}.enqueue`, ({ key }) =>
      desk.addNote({ userId, sessionId, text, key }),
    );
    const note = await desk.task(userId, added.taskId);
    const name = note === null ? `"${oneLine(text, 60)}"` : nameOf(note);
    if (added.started) return `Added ${name} to your queue. It is being worked on.`;
    const place = added.position === null ? "" : ` It is number ${added.position} in line.`;
    return `Added ${name} to your queue.${place} Type \`work\` to start the next job.`;
  } catch (error) {
    // A full line is an answer; anything else is a failure of this turn.
    if (error instanceof ErrandError && error.code === "queue_full")
      return `That did not work: ${error.message}.`;
    throw error;
  }
}

async function enqueueLast(clerk: Clerk): Promise<string> {
  const text = await lastOwnText(clerk);
  return text === null ? questions.enqueue : await enqueue(clerk, text);
}

/** What the user said last that was no command: "this" in "add this job". */
export async function lastOwnText({
  ctx,
  desk,
}: Pick<Clerk, "ctx" | "desk">): Promise<string | null> {
  if (ctx.sessionId === null) return null;
  const messages = earlierMessages(await desk.messages(ctx.userId, ctx.sessionId), ctx.taskId);
  const said = messages
    .filter(({ role }) => role === "user")
    .map((message) => messageText(message).trim());
  return (
    said.findLast(
      (text) => text !== "" && parseTyped(text) === null && parseEnglish(text) === null,
    ) ?? null
  );
}

/**
 * The note is chosen in one step and started in another, so that a crash between them starts that one and no other.
 */
async function work({ ctx, desk, prefix }: Clerk): Promise<string> {
  const { userId } = ctx;
  const chosen = await ctx.step(`${prefix}.choose`, async () => {
    const { current, waiting } = await desk.notes(userId);
    return { current, next: waiting[0] ?? null };
  });
  if (chosen.current !== null) return await alreadyWorking(desk, userId, chosen.current);
  const { next } = chosen;
  if (next === null) return "Nothing queued. Type `enqueue <text>` to add a job.";
  const start = await ctx.step(`${prefix}.start`, () => desk.startNote(userId, next));
  if (start.is === "busy") return await alreadyWorking(desk, userId, start.taskId);
  const note = await desk.task(userId, next);
  const name = note === null ? "a job" : nameOf(note);
  // Gone without ever having been started: somebody cancelled it between the two steps.
  if (start.is !== "started" && (note === null || note.startedAt === null)) {
    return `${name} was cancelled just now. Type \`work\` again for the next one.`;
  }
  return `Working on ${name}. \`list\` shows the result when it is done.`;
}

async function alreadyWorking(desk: Desk, userId: string, taskId: string): Promise<string> {
  const note = await desk.task(userId, taskId);
  return `Already working on ${note === null ? "a job" : nameOf(note)}.`;
}

async function setMode({ ctx, desk, prefix }: Clerk, auto: boolean): Promise<string> {
  const { userId } = ctx;
  const started = await ctx.step(`${prefix}.mode`, () => desk.setAuto(userId, auto));
  if (!auto) {
    const { current } = await desk.notes(userId);
    const rest = current === null ? "" : " The one that is running goes on to its end.";
    return `Jobs now run one at a time, when you type \`work\`.${rest}`;
  }
  const note = started === null ? null : await desk.task(userId, started);
  const begun = note === null ? "" : ` Working on ${nameOf(note)}.`;
  return `Jobs now run by themselves, one after another, until you type \`work manual\`.${begun}`;
}

async function cancel(
  { ctx, desk, prefix }: Clerk,
  command: Extract<Command, { name: "cancel" }>,
): Promise<string> {
  const { userId } = ctx;
  // Which one "last" is must not change between two tries of this turn.
  const meant = await ctx.step(`${prefix}.find`, async () => {
    const found = await findTask(desk, userId, command.task, "open");
    return found.why === undefined ? { taskId: found.task.id } : { answer: found.why };
  });
  if (meant.taskId === undefined) return meant.answer;
  const { taskId } = meant;
  if (taskId === ctx.taskId) return "That is this very message; stop it instead.";
  const refused = await ctx.step(`${prefix}.cancel`, () => desk.cancel(userId, taskId));
  const task = await desk.task(userId, taskId);
  const name = task === null ? `\`${taskId}\`` : nameOf(task);
  if (refused === null) return `Cancelled ${name}.`;
  return `${name} cannot be cancelled: it is ${task?.status ?? "gone"} already.`;
}
