import { messageCharsMax } from "../core/limits.ts";
import { defineTask, type TaskContext, type TaskType } from "../engine/index.ts";
import { answerCommand, type Clerk } from "./answer-command.ts";
import { plainAnswer } from "./assistant.ts";
import { converse } from "./chat-conversation.ts";
import { parseTyped } from "./command.ts";
import type { Desk } from "./desk.ts";
import { parseEnglish } from "./english-command.ts";
import { aboutNamedJob } from "./named-job.ts";
import { object, schema, text } from "./input-schema.ts";

/** Text of a session that a turn remembers unless told otherwise, in UTF-16 units: about 4,000 tokens. */
export const memoryCharsDefault = 16_000;

/** What a user says. */
export interface ChatInput {
  readonly text: string;
}

/** What the assistant answers: exactly what it streamed. */
export interface ChatOutput {
  readonly text: string;
}

/**
 * A chat turn. Typed commands are done without any model; everything else goes to the model of the role `chat`, with
 * the queue as tools, or, when none is connected, to the rules: plain-English commands and an honest answer.
 */
export function chatTask(
  desk: Desk,
  options: { readonly memoryCharsMax?: number } = {},
): TaskType<ChatInput, ChatOutput> {
  const memoryCharsMax = options.memoryCharsMax ?? memoryCharsDefault;
  return defineTask(
    "chat",
    {
      queue: "chat_tasks",
      priority: "interactive",
      // Model calls have tries of their own; a person who waits is better told than kept waiting.
      retry: { attemptsMax: 2 },
      input: schema(object({ text: text({ min: 1, max: messageCharsMax }) })),
    },
    async (input, ctx) => ({
      text: await answer({ ctx, desk, prefix: "command" }, input.text, memoryCharsMax),
    }),
  );
}

async function answer(clerk: Clerk, message: string, memoryCharsMax: number): Promise<string> {
  const { ctx } = clerk;
  const typed = parseTyped(message);
  if (typed !== null) return await say(ctx, await answerCommand(clerk, typed));
  // Decided once: a turn that began with a model is not finished by the rules, and the other way round.
  const hasModel = await ctx.step("has-model", () => ctx.hasModel("chat"));
  if (hasModel) return await converse(clerk, message, memoryCharsMax);
  const wish = parseEnglish(message) ?? (await aboutNamedJob(clerk, message));
  if (wish === null) return await say(ctx, plainAnswer(message));
  return await say(ctx, typeof wish === "string" ? wish : await answerCommand(clerk, wish));
}

/** Pieces that an answer of the rules is streamed in, at most. */
const piecesMax = 8;

/** Streams an answer line by line, in a few pieces, and answers it whole. */
async function say(ctx: TaskContext, whole: string): Promise<string> {
  const lines = whole.match(/[^\n]*\n|[^\n]+/g) ?? [];
  const perPiece = Math.ceil(lines.length / piecesMax);
  for (let from = 0; from < lines.length; from += perPiece) {
    await ctx.write(lines.slice(from, from + perPiece).join(""));
  }
  return whole;
}
