import type { ChatMessage, ChatRequest } from "./chat-request.ts";
import { demoAnswer } from "./demo-text.ts";
import { type PromptScript, readPrompt, type ScriptedTool } from "./prompt-script.ts";
import { instanceOf } from "./schema-instance.ts";
import { hashText } from "./seeded.ts";

/** Tokens by number, so that a long answer need not exist as a whole. */
export interface TokenList {
  readonly count: number;
  at(index: number): string;
}

/** A tool call of an answer; `argumentsJson` is its JSON text. */
export interface PlannedCall {
  readonly id: string;
  readonly name: string;
  readonly argumentsJson: string;
}

/** Everything about an answer but its pace. The same request gives the same plan. */
export interface AnswerPlan {
  readonly script: PromptScript;
  /** Of all messages but a partial answer at the end. */
  readonly promptHash: number;
  readonly reasoning: TokenList;
  readonly text: TokenList;
  readonly calls: readonly PlannedCall[];
  readonly finishReason: "stop" | "length" | "tool_calls";
  readonly promptTokens: number;
}

const none: TokenList = { count: 0, at: () => "" };

/** Characters of a tool's result that its answer quotes. */
const quoteCharsMax = 400;

/**
 * Decides the answer to a request. Directives count in the last user message only, so that those of earlier turns are
 * not played again. An assistant message at the end is a partial answer: the plan goes on after it where it can.
 */
export function planAnswer(request: ChatRequest): AnswerPlan {
  const last = request.messages.at(-1);
  const isPartial = last?.role === "assistant" && last.toolCalls.length === 0;
  const prefill = isPartial && request.goesOn ? last.content : "";
  const messages =
    isPartial && last.content !== "" ? request.messages.slice(0, -1) : request.messages;
  const question = messages.findLast((message) => message.role === "user")?.content ?? "";
  const script = readPrompt(question);
  const seedText = messages.map(({ role, content }) => `${role}:${content}`).join("\n");
  const promptHash = hashText(seedText);
  const calls = planCalls(request, messages, script, promptHash);
  const text = calls.length > 0 ? none : planText(request, messages, script, seedText);
  const reasoning = script.think === undefined ? none : splitTokens(script.think);
  const rest = continuation(text, prefill);
  const room = (request.maxTokens ?? Infinity) - reasoning.count;
  const isCut = rest.count > room;
  return {
    script,
    promptHash,
    reasoning,
    text: isCut ? { ...rest, count: Math.max(room, 0) } : rest,
    calls,
    finishReason: calls.length > 0 ? "tool_calls" : isCut ? "length" : "stop",
    promptTokens: Math.ceil(seedText.length / 4),
  };
}

function planCalls(
  request: ChatRequest,
  messages: readonly ChatMessage[],
  script: PromptScript,
  promptHash: number,
): readonly PlannedCall[] {
  if (request.toolChoice === "none") return [];
  const isFirst = messages.at(-1)?.role !== "tool";
  const first = request.tools[0];
  let wanted: readonly ScriptedTool[] = isFirst ? script.tools : [];
  if (script.loop !== undefined) wanted = [...wanted, script.loop];
  if (wanted.length === 0 && isFirst && request.toolChoice === "required" && first !== undefined) {
    const input = instanceOf(first.parameters, { question: script.plain, subtasks: 3 });
    wanted = [{ name: first.name, input }];
  }
  return wanted
    .filter((tool) => request.tools.some((offered) => offered.name === tool.name))
    .map((tool, index) => ({
      id: `call_${promptHash.toString(36)}_${messages.length}_${index}`,
      name: tool.name,
      argumentsJson: JSON.stringify(tool.input),
    }));
}

function planText(
  request: ChatRequest,
  messages: readonly ChatMessage[],
  script: PromptScript,
  seedText: string,
): TokenList {
  const [mistake] = script.mistakes;
  if (mistake !== undefined) return splitTokens(`The fake model does not understand: ${mistake}.`);
  if (messages.at(-1)?.role === "tool") return splitTokens(quoteResults(messages));
  if (script.say !== undefined) return splitTokens(script.say);
  if (script.repeat !== undefined) return repeated(script.repeat.count, script.repeat.word);
  const { plain } = script;
  if (request.schema !== undefined) {
    const source = { question: plain, subtasks: script.subtasks ?? 3 };
    return splitTokens(JSON.stringify(instanceOf(request.schema, source)));
  }
  const counted = countedWords(plain);
  if (counted !== null) return splitTokens(counted);
  const missing = script.tools.filter(
    ({ name }) => !request.tools.some((tool) => tool.name === name),
  );
  if (missing.length > 0)
    return splitTokens(`I have no tool called ${missing.map(({ name }) => name).join(", ")}.`);
  return splitTokens(demoAnswer(plain, seedText));
}

const numbers = "one two three four five six seven eight nine ten".split(" ");

/** The answer to a plea to count up to ten, in words; `null`: the prompt is none. */
function countedWords(plain: string): string | null {
  const to = /^count from one to (\w+) in words/i.exec(plain)?.[1]?.toLowerCase() ?? "";
  const last = numbers.indexOf(to);
  return last === -1 ? null : numbers.slice(0, last + 1).join(", ");
}

/** Says what each tool answered since the last word of the assistant. */
function quoteResults(messages: readonly ChatMessage[]): string {
  const names = new Map(
    messages.flatMap(({ toolCalls }) => toolCalls.map(({ id, name }) => [id, name] as const)),
  );
  const start = messages.findLastIndex(({ role }) => role !== "tool") + 1;
  return messages
    .slice(start)
    .map(({ toolCallId, content }) => {
      const quote =
        content.length > quoteCharsMax ? `${content.slice(0, quoteCharsMax)}...` : content;
      return `The tool ${names.get(toolCallId ?? "") ?? "unknown"} answered: ${quote}`;
    })
    .join("\n");
}

function repeated(count: number, word: string): TokenList {
  return { count, at: (index) => (index === 0 ? word : ` ${word}`) };
}

/** Words with the space before them; their concatenation is the text. */
function splitTokens(text: string): TokenList {
  const tokens = text.match(/\s*\S+\s*$|\s*\S+/g) ?? (text === "" ? [] : [text]);
  return { count: tokens.length, at: (index) => tokens[index] ?? "" };
}

/** What is left to say after a partial answer; everything, if the answer does not begin like that. */
function continuation(text: TokenList, prefill: string): TokenList {
  let said = 0;
  for (let index = 0; index < text.count; index++) {
    const token = text.at(index);
    const piece = prefill.slice(said, said + token.length);
    if (!token.startsWith(piece)) return text;
    said += piece.length;
    if (piece.length < token.length) {
      const head = token.slice(piece.length);
      return {
        count: text.count - index,
        at: (at) => (at === 0 ? head : text.at(index + at)),
      };
    }
  }
  return said === prefill.length ? none : text;
}
