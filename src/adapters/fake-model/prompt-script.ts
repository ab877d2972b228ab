import { isRecord } from "../../core/json.ts";
import { type Fault, readFault } from "./faults.ts";

/** A tool call that a prompt asks for. */
export interface ScriptedTool {
  readonly name: string;
  readonly input: unknown;
}

/** What the directives of a prompt ask for; what is left out is up to the server. */
export interface PromptScript {
  /** The prompt without its directives. */
  readonly plain: string;
  readonly say?: string;
  readonly repeat?: { readonly count: number; readonly word: string };
  readonly think?: string;
  readonly tools: readonly ScriptedTool[];
  /** Called again after every result, for ever. */
  readonly loop?: ScriptedTool;
  readonly subtasks?: number;
  readonly pace?: { readonly ttftMs?: number; readonly tokensPerSecond?: number };
  readonly fault?: Fault;
  /** Directives that could not be read, each with the reason: the answer says them. */
  readonly mistakes: readonly string[];
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Draft = Writable<PromptScript> & { tools: ScriptedTool[]; mistakes: string[] };

/** Tokens that `[[repeat N word]]` may ask for. */
const repeatMax = 10_000_000;
const subtasksMax = 64;

/**
 * Reads the directives of a prompt. They stand between `[[` and `]]`, anywhere, in any number:
 *
 * - `[[say TEXT]]` answers exactly the text.
 * - `[[repeat N WORD]]` answers exactly N times the word, one token each, with single spaces between them.
 * - `[[think TEXT]]` sends the text as reasoning first.
 * - `[[tool NAME {json}]]` calls a tool, if it is offered; several are called at once.
 * - `[[loop NAME {json}]]` calls a tool again and again, whatever it answers.
 * - `[[subtasks N]]` is the length of an array called `subtasks` when a JSON schema is asked for.
 * - `[[pace ttftMs=N tokensPerSecond=N]]` overrides the server's pace; 0 tokens per second are as fast as possible.
 * - `[[fault KIND afterTokens=N times=N ...]]` plays a fault (see faults.ts) on the first `times` requests with exactly
 *   these messages.
 */
export function readPrompt(prompt: string): PromptScript {
  const draft: Draft = { plain: "", tools: [], mistakes: [] };
  let plainFrom = 0;
  for (;;) {
    const start = prompt.indexOf("[[", plainFrom);
    const end = start === -1 ? -1 : directiveEnd(prompt, start + 2);
    if (end === -1) break;
    draft.plain += prompt.slice(plainFrom, start);
    const mistake = readDirective(draft, prompt.slice(start + 2, end).trim());
    if (mistake !== undefined) draft.mistakes.push(mistake);
    plainFrom = end + 2;
  }
  draft.plain = (draft.plain + prompt.slice(plainFrom)).trim();
  return draft;
}

/** JSON holds "]]" too: a directive ends where its JSON is whole, or else at the first "]]". */
function directiveEnd(prompt: string, start: number): number {
  const first = prompt.indexOf("]]", start);
  const brace = prompt.indexOf("{", start);
  if (first === -1 || brace === -1 || brace > first) return first;
  for (let end = first; end !== -1; end = prompt.indexOf("]]", end + 1))
    if (parseJson(prompt.slice(brace, end)) !== undefined) return end;
  return first;
}

/** Answers what is wrong, if something is. */
function readDirective(draft: Draft, directive: string): string | undefined {
  const verb = /^\S+/.exec(directive)?.[0] ?? "";
  const rest = directive.slice(verb.length).trim();
  switch (verb) {
    case "say":
      draft.say = rest;
      return undefined;
    case "think":
      draft.think = rest;
      return undefined;
    case "repeat":
      return readRepeat(draft, rest);
    case "tool":
    case "loop":
      return readTool(draft, verb, rest);
    case "subtasks": {
      const count = wholeNumber(rest, subtasksMax);
      if (count === undefined) return `[[subtasks N]] takes a number up to ${subtasksMax}`;
      draft.subtasks = count;
      return undefined;
    }
    case "pace":
      return readPace(draft, rest);
    case "fault":
      return readFaultDirective(draft, rest);
    default:
      return `there is no directive "${verb.slice(0, 40)}"`;
  }
}

function readRepeat(draft: Draft, rest: string): string | undefined {
  const [number = "", ...words] = rest.split(/\s+/);
  const count = wholeNumber(number, repeatMax);
  if (count === undefined || words.length === 0)
    return `[[repeat N WORD]] takes a number up to ${repeatMax} and a word`;
  draft.repeat = { count, word: words.join(" ") };
  return undefined;
}

function readTool(draft: Draft, verb: "tool" | "loop", rest: string): string | undefined {
  const name = /^\S+/.exec(rest)?.[0] ?? "";
  const json = rest.slice(name.length).trim();
  const parsed = json === "" ? { value: {} } : parseJson(json);
  if (name === "" || parsed === undefined)
    return `[[${verb} NAME {json}]] takes a name and an object`;
  const tool = { name, input: parsed.value };
  if (verb === "loop") draft.loop = tool;
  else draft.tools.push(tool);
  return undefined;
}

function readPace(draft: Draft, rest: string): string | undefined {
  const settings = readSettings(rest);
  const pace: Writable<NonNullable<PromptScript["pace"]>> = {};
  for (const [name, value] of Object.entries(settings)) {
    const number = wholeNumber(value, 1_000_000);
    if (number === undefined || (name !== "ttftMs" && name !== "tokensPerSecond"))
      return "[[pace ...]] takes ttftMs=N and tokensPerSecond=N";
    pace[name] = number;
  }
  draft.pace = pace;
  return undefined;
}

function readFaultDirective(draft: Draft, rest: string): string | undefined {
  const kind = /^\S*/.exec(rest)?.[0] ?? "";
  const fault = readFault(kind, readSettings(rest.slice(kind.length)));
  if (typeof fault === "string") return fault;
  draft.fault = fault;
  return undefined;
}

/** `a=1 b=2`; a word without "=" has an empty value, which nobody accepts. */
function readSettings(text: string): Readonly<Record<string, string>> {
  const words = text.trim().split(/\s+/).filter(Boolean);
  return Object.fromEntries(
    words.map((word) => {
      const [name = "", value = ""] = word.split("=", 2);
      return [name, value];
    }),
  );
}

function wholeNumber(text: string, max: number): number | undefined {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return number <= max ? number : undefined;
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? { value } : undefined;
  } catch {
    return undefined;
  }
}
