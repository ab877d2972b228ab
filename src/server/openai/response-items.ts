import { ErrandError } from "../../core/errors.ts";
import { isRecord } from "../../core/json.ts";
import { inputCharsMax } from "../../core/limits.ts";
import type { CallResult } from "../../engine/index.ts";
import type { PromptMessage, ToolCall } from "../../ports/models.ts";
import { argumentsText } from "./answer-output.ts";
import { argumentsOf, contentText, invalidValue } from "./request-fields.ts";

/** An item of a response's input or output, as OpenAI writes it. */
export type Item = Readonly<Record<string, unknown>>;

/** What may stand in a prompt before a name is asked for: an item that an earlier response has made. */
export type FindItem = (id: string) => Promise<Item | null>;

/** Items of one request. */
const itemsMax = 2_000;

const roles: ReadonlySet<unknown> = new Set(["user", "assistant", "system", "developer"]);

/**
 * The input of a request as items: text is one message of the user, and references stand for what they name. Throws
 * `invalid_request` with the place of what is not an item.
 */
export async function inputItems(input: unknown, find: FindItem): Promise<readonly Item[]> {
  if (typeof input === "string") return [messageItem("user", input)];
  if (!Array.isArray(input)) throw invalidValue("input", "input must be text or a list of items");
  if (input.length > itemsMax)
    throw invalidValue("input", `input has ${input.length} items, the most is ${itemsMax}`);
  const known = new Map<string, { readonly item: Item; readonly chars: number }>();
  const items: Item[] = [];
  let chars = 0;
  for (const [index, given] of input.entries()) {
    const item = isRecord(given) ? given : {};
    if (item["type"] !== "item_reference") {
      items.push(checkedItem(item, `input.${index}`));
      continue;
    }
    const id = String(item["id"]);
    // One after the other, each once: a short request may name long items, and often the same one.
    // oxlint-disable-next-line no-await-in-loop
    const found = known.get(id) ?? (await foundItem(id, find, `input.${index}.id`));
    known.set(id, found);
    chars += found.chars;
    if (chars > inputCharsMax)
      throw new ErrandError(
        "too_large",
        `the items that input refers to have more than ${inputCharsMax} characters of JSON in all`,
      );
    items.push(found.item);
  }
  return items;
}

async function foundItem(
  id: string,
  find: FindItem,
  param: string,
): Promise<{ readonly item: Item; readonly chars: number }> {
  const item = await find(id);
  if (item === null) throw invalidValue(param, "there is no such item, or it is not yours");
  return { item, chars: JSON.stringify(item).length };
}

function checkedItem(item: Item, param: string): Item {
  const { type = "message", role, content } = item;
  switch (type) {
    case "message":
      if (!roles.has(role))
        throw invalidValue(`${param}.role`, "a message is by user, assistant, system or developer");
      return messageItem(String(role), contentText(content, `${param}.content`));
    case "function_call":
      return {
        type,
        call_id: named(item, "call_id", param),
        name: named(item, "name", param),
        arguments: argumentsText(argumentsOf(item["arguments"], `${param}.arguments`)),
      };
    case "function_call_output":
      return {
        type,
        call_id: named(item, "call_id", param),
        output: contentText(item["output"], `${param}.output`),
      };
    case "reasoning":
      // What a model thought earlier is shown to people and not to models.
      return { type, summary: [] };
    default:
      throw invalidValue(
        `${param}.type`,
        `items of the type "${String(type).slice(0, 40)}" are not read here`,
      );
  }
}

function named(item: Item, field: string, param: string): string {
  const value = item[field];
  if (typeof value === "string" && value !== "" && value.length <= 256) return value;
  throw invalidValue(`${param}.${field}`, `${field} must be text of 1..256 characters`);
}

function messageItem(role: string, text: string): Item {
  const type = role === "assistant" ? "output_text" : "input_text";
  const more = role === "assistant" ? { annotations: [], logprobs: [] } : {};
  return { type: "message", role, content: [{ type, text, ...more }] };
}

/** Items as a prompt: calls belong to the assistant's message before them. */
export function promptOf(items: readonly Item[]): readonly PromptMessage[] {
  const messages: PromptMessage[] = [];
  for (const item of items) {
    const { type, role } = item;
    if (type === "message") {
      const content = contentText(item["content"], "content");
      if (role === "user" || role === "assistant") messages.push({ role, content });
      else messages.push({ role: "system", content });
    } else if (type === "function_call_output") {
      const toolCallId = String(item["call_id"]);
      messages.push({ role: "tool", toolCallId, content: String(item["output"]) });
    } else if (type === "function_call") {
      const call: ToolCall = {
        id: String(item["call_id"]),
        name: String(item["name"]),
        input: argumentsOf(item["arguments"], "arguments"),
      };
      const last = messages.at(-1);
      if (last?.role === "assistant")
        messages[messages.length - 1] = { ...last, toolCalls: [...(last.toolCalls ?? []), call] };
      else messages.push({ role: "assistant", content: "", toolCalls: [call] });
    }
  }
  return messages;
}

/** What tells one response's things from another's: the end of its id, and of its task's. */
export type Tail = string;

/** Id of a response's only message. */
export const messageId = (tail: Tail): string => `msg_${tail}`;
/** Id of a response's reasoning. */
export const reasoningId = (tail: Tail): string => `rs_${tail}`;
/** Id of a response's function call, by its place. */
export const callId = (tail: Tail, index: number): string => `fc_${tail}_${index}`;

/** The message of an answer. */
export function answerMessage(tail: Tail, text: string, status: string): Item {
  return {
    id: messageId(tail),
    type: "message",
    role: "assistant",
    status,
    content: [{ type: "output_text", text, annotations: [], logprobs: [] }],
  };
}

/** The reasoning of an answer. */
export function reasoningItem(tail: Tail, text: string, status: string): Item {
  return {
    id: reasoningId(tail),
    type: "reasoning",
    status,
    summary: [],
    content: [{ type: "reasoning_text", text }],
    encrypted_content: null,
  };
}

/** Function calls of an answer. */
export function callItems(tail: Tail, { toolCalls = [] }: CallResult): readonly Item[] {
  return toolCalls.map((call, index) => ({
    id: callId(tail, index),
    type: "function_call",
    call_id: call.id,
    name: call.name,
    arguments: argumentsText(call.input),
    status: "completed",
  }));
}

/** True if an answer has a message: always, unless it only calls functions. */
export function hasMessage({ text, toolCalls = [] }: CallResult): boolean {
  return text !== "" || toolCalls.length === 0;
}

/** Output of a whole answer. */
export function outputItems(tail: Tail, result: CallResult, status: string): readonly Item[] {
  const { text, reasoning = "" } = result;
  return [
    ...(reasoning === "" ? [] : [reasoningItem(tail, reasoning, "completed")]),
    ...(hasMessage(result) ? [answerMessage(tail, text, status)] : []),
    ...callItems(tail, result),
  ];
}

/** Items of a response's own input, with the ids they are found by. */
export function listedInput(tail: Tail, items: readonly Item[]): readonly Item[] {
  const prefixes: Readonly<Record<string, string>> = {
    message: "msg",
    reasoning: "rs",
    function_call: "fc",
    function_call_output: "fco",
  };
  return items.map((item, index) => ({
    ...item,
    id: `${prefixes[String(item["type"])] ?? "item"}_${tail}_i${index}`,
    status: "completed",
  }));
}

/** End of the id of the response that an item belongs to; null if it is no item's id. */
export function tailOfItem(id: string): Tail | null {
  return /^(?:msg|rs|fc|fco)_([0-9a-z]{26})(?:_i?\d{1,6})?$/.exec(id)?.[1] ?? null;
}
