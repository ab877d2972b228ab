import type { AnswerPlan, PlannedCall, TokenList } from "./answer-plan.ts";
import { nowMs } from "./request-log.ts";

/** Characters of one piece of a tool call's arguments. */
const argumentPieceChars = 12;

/** The chunks of one streamed answer, as text of server-sent events. */
export interface ChatChunks {
  /** Chunks that carry something: reasoning, text, tool calls, in this order. */
  readonly count: number;
  /** The `index`-th of them, as an event. */
  event(index: number): string;
  /** The beginning and the end of an event whose content is the caller's. */
  readonly contentStart: string;
  readonly contentEnd: string;
  /** What follows the last one: finish_reason, usage if it was asked for, `[DONE]`. */
  ending(): string;
}

/** Prepares all that is equal in every chunk once, because the rest is paid for each token. */
export function chatChunks(
  plan: AnswerPlan,
  options: {
    readonly id: string;
    readonly model: string;
    readonly withUsage: boolean;
    /** Adds `"t"`: when the chunk was written, as {@link nowMs}. */
    readonly timestamps: boolean;
  },
): ChatChunks {
  const created = Math.floor(Date.now() / 1_000);
  const identity = `{"id":${JSON.stringify(options.id)},"object":"chat.completion.chunk","created":${created},"model":${JSON.stringify(options.model)}`;
  const head = `data: ${identity},"choices":[{"index":0,"delta":`;
  const tail = `,"finish_reason":null}]`;
  const stamp = options.timestamps ? () => `,"t":${nowMs()}}\n\n` : () => "}\n\n";
  const pieces = plan.calls.flatMap(callPieces);
  const texts = plan.reasoning.count + plan.text.count;
  const deltaAt = (index: number): string => {
    if (index < plan.reasoning.count)
      return `{"reasoning_content":${JSON.stringify(plan.reasoning.at(index))}}`;
    if (index < texts)
      return `{"content":${JSON.stringify(plan.text.at(index - plan.reasoning.count))}}`;
    return pieces[index - texts] ?? "{}";
  };
  const count = texts + pieces.length;
  return {
    count,
    event: (index) => {
      const role = index === 0 ? `${head}{"role":"assistant","content":""}${tail}}\n\n` : "";
      return `${role}${head}${deltaAt(index)}${tail}${stamp()}`;
    },
    contentStart: `${head}{"content":"`,
    contentEnd: `"}${tail}}\n\n`,
    ending: () => {
      const finish = `${head}{},"finish_reason":"${plan.finishReason}"}]}\n\n`;
      const usage = `data: ${identity},"choices":[],"usage":${JSON.stringify(usageOf(plan))}}\n\n`;
      return `${finish}${options.withUsage ? usage : ""}data: [DONE]\n\n`;
    },
  };
}

/** The same answer as one `chat.completion` object. */
export function wholeAnswer(plan: AnswerPlan, id: string, model: string): object {
  const reasoning = allTokens(plan.reasoning);
  const calls = plan.calls.map((call) => ({
    id: call.id,
    type: "function",
    function: { name: call.name, arguments: call.argumentsJson },
  }));
  const message = {
    role: "assistant",
    content: calls.length > 0 ? null : allTokens(plan.text),
    refusal: null,
    ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  return {
    id,
    object: "chat.completion",
    created: Math.floor(Date.now() / 1_000),
    model,
    choices: [{ index: 0, message, finish_reason: plan.finishReason, logprobs: null }],
    usage: usageOf(plan),
  };
}

function allTokens(list: TokenList): string {
  return Array.from({ length: list.count }, (_, index) => list.at(index)).join("");
}

function usageOf(plan: AnswerPlan): object {
  const callChars = plan.calls.reduce((sum, call) => sum + call.argumentsJson.length, 0);
  const output = plan.reasoning.count + plan.text.count + Math.ceil(callChars / 4);
  return {
    prompt_tokens: plan.promptTokens,
    completion_tokens: output,
    total_tokens: plan.promptTokens + output,
  };
}

/** As OpenAI does it: id and name first, then the arguments in pieces. */
function callPieces(call: PlannedCall, index: number): readonly string[] {
  const start = {
    index,
    id: call.id,
    type: "function",
    function: { name: call.name, arguments: "" },
  };
  const pieces = [start, ...argumentPieces(call, index)];
  return pieces.map((piece) => JSON.stringify({ tool_calls: [piece] }));
}

function argumentPieces(call: PlannedCall, index: number): readonly object[] {
  const count = Math.ceil(call.argumentsJson.length / argumentPieceChars);
  return Array.from({ length: count }, (_, at) => {
    const start = at * argumentPieceChars;
    const piece = call.argumentsJson.slice(start, start + argumentPieceChars);
    return { index, function: { arguments: piece } };
  });
}
