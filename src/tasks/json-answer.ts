import { ErrandError } from "../core/errors.ts";
import { FatalError, type TaskContext } from "../engine/index.ts";
import type { PromptMessage } from "../ports/models.ts";
import { fencedIn } from "./text-edges.ts";

/** What is asked of a model that shall answer in JSON. */
export interface JsonQuestion<T> {
  /** Name of the operation. */
  readonly name: string;
  readonly role: string;
  readonly messages: readonly PromptMessage[];
  readonly jsonSchema: unknown;
  /** Reads the answer: what it says, or what is wrong with it in words for the model. */
  read(value: unknown): { readonly value: T } | { readonly problem: string };
}

/** Answers that may be wrong before the task fails. */
const triesMax = 3;
/** Characters of a bad answer that are shown to the model again. */
const badCharsMax = 4_000;

/**
 * Asks a model for JSON and checks it: a wrong answer goes back with the reason, three tries. An endpoint that takes no
 * schema is asked without one. Throws `FatalError` after three wrong answers, and the errors of a model call.
 */
export async function askForJson<T>(ctx: TaskContext, question: JsonQuestion<T>): Promise<T> {
  const { name, role, jsonSchema } = question;
  let messages = question.messages;
  let problem = "";
  for (let tries = 1; tries <= triesMax; tries += 1) {
    // One after the other: each shows the model what was wrong with the one before.
    // oxlint-disable-next-line no-await-in-loop
    const { text } = await generate(ctx, { name: `${name}-${tries}`, role, messages, jsonSchema });
    const read = parsed(text, question);
    if ("value" in read) return read.value;
    problem = read.problem;
    messages = [
      ...question.messages,
      { role: "assistant", content: text.slice(0, badCharsMax) },
      { role: "user", content: `That cannot be used: ${problem} Answer with the JSON alone.` },
    ];
  }
  throw new FatalError(`the model gave no usable answer in ${triesMax} tries: ${problem}`);
}

async function generate(
  ctx: TaskContext,
  call: { name: string; role: string; messages: readonly PromptMessage[]; jsonSchema: unknown },
): Promise<{ readonly text: string }> {
  const { name, role, messages } = call;
  try {
    const jsonSchema = { name: "answer", schema: call.jsonSchema };
    return await ctx.generate(role, { name, messages, jsonSchema, show: false });
  } catch (error) {
    if (!(error instanceof ErrandError) || error.code !== "model_rejected") throw error;
    return await ctx.generate(role, { name: `${name}-plain`, messages, show: false });
  }
}

function parsed<T>(
  text: string,
  question: JsonQuestion<T>,
): { readonly value: T } | { readonly problem: string } {
  // Models like to put a fence around it, or a word before it.
  const inner = fencedIn(text) ?? text;
  const start = inner.search(/[[{]/);
  try {
    return question.read(JSON.parse(start < 0 ? inner : inner.slice(start)) as unknown);
  } catch {
    return { problem: "it is not JSON." };
  }
}
