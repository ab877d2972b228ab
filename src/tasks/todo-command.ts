import { unquoted } from "./quotes.ts";

/** Which todos are meant: by the number of the list, the newest one, all, or by (a part of) their text. */
export type TodoReference =
  | { readonly by: "number"; readonly number: number }
  | { readonly by: "last" }
  | { readonly by: "all" }
  | { readonly by: "text"; readonly text: string };

/** A wish about todos, understood. */
export type TodoWish =
  | { readonly name: "todoAdd"; readonly text: string }
  | { readonly name: "todoList" }
  | {
      readonly name: "todoDone" | "todoReopen" | "todoDrop" | "todoAccept";
      readonly which: TodoReference;
    }
  /** Takes back the todos that were proposed or made last. */
  | { readonly name: "todoUndo" };

const typedPattern =
  /^\/?(todos?|done|undone|reopen|drop|accept|dismiss|undo)(?:\s+|:\s*|$)([^]*)$/i;
const verbs = {
  done: "todoDone",
  undone: "todoReopen",
  reopen: "todoReopen",
  drop: "todoDrop",
  dismiss: "todoDrop",
  accept: "todoAccept",
} as const;

/**
 * Reads a typed wish about todos: `todo <text>`, `todos`, `done <n>`, `undone <n>`, `drop <n>`, `accept <n>`, `undo`.
 * A number is that of the list; `last`, `all` and a text in quotes will do too. `null` for anything else.
 */
export function parseTodo(message: string): TodoWish | null {
  const match = typedPattern.exec(message.trim());
  if (match === null) return null;
  const [, verb = "", behind = ""] = match;
  const rest = behind.trim();
  switch (verb.toLowerCase()) {
    case "todo":
      if (rest === "" || /^(?:list|all)$/i.test(rest)) return { name: "todoList" };
      return { name: "todoAdd", text: unquoted(rest) ?? rest };
    case "todos":
      return rest === "" ? { name: "todoList" } : null;
    case "undo":
      return rest === "" ? { name: "todoUndo" } : null;
    case "accept":
    case "dismiss":
      return wishOf(verb, rest === "" ? "all" : rest);
    default:
      return wishOf(verb, rest);
  }
}

function wishOf(verb: string, rest: string): TodoWish | null {
  const name = Object.entries(verbs).find(([word]) => word === verb.toLowerCase())?.[1];
  const which = readTodo(rest);
  return name === undefined || which === null ? null : { name, which };
}

/** Reads which todos are meant; `null` for words that do not say it. */
export function readTodo(words: string): TodoReference | null {
  const number = /^(?:todo |number |#|no\.? )?#?(\d{1,4})$/i.exec(words)?.[1];
  if (number !== undefined) return { by: "number", number: Number(number) };
  if (/^(?:the )?last(?: one| todo)?$/i.test(words)) return { by: "last" };
  if (/^(?:all|everything|all of them|them all)$/i.test(words)) return { by: "all" };
  const text = unquoted(words);
  return text === null ? null : { by: "text", text };
}

const noun = "to-?do";
const list = `(?:(?:the|my|your) )?(?:${noun}s|${noun}(?: |-)?list|list of ${noun}s|planner)`;
const one = `(?<which>(?:(?:the |my )?${noun} )?(?:number |#)?\\d{1,4}|(?:the |my )?last ${noun}|"[^"]+"|'(?:[^']|(?<=\\w)'(?=\\w))+')`;

function sentence(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, "i");
}

const listSentences: readonly RegExp[] = [
  sentence(
    `(?:what(?:'s| is| are)|show(?: me)?|list|give me|read(?: me)?|see|view) (?:on |in |all )?(?:of )?${list}`,
  ),
  sentence(`what do i (?:have|need) to do(?: today)?|what(?:'s| is) left to do`),
  sentence(`do i have(?: any)? (?:open )?${noun}s`),
];
const sentences: readonly (readonly [keyof typeof verbs, RegExp])[] = [
  [
    "done",
    sentence(`(?:mark|set|tick|check) (?:off )?${one} (?:off|as (?:done|completed?|finished))`),
  ],
  ["done", sentence(`(?:complete|finish|check off|tick off) ${one}`)],
  [
    "done",
    sentence(
      `(?:i(?:'m| am) |i(?:'ve| have) )?done with ${one}|i(?:'ve| have)? (?:did|done|finished|completed) ${one.replace("which", "other")}`,
    ),
  ],
  [
    "reopen",
    sentence(
      `(?:reopen|uncheck|untick) ${one}|${one.replace("which", "other")} is not done(?: yet)?`,
    ),
  ],
  ["reopen", sentence(`mark ${one} as (?:not done|open|undone)`)],
  [
    "drop",
    sentence(
      `(?:delete|remove|drop|forget)(?: the)? ${noun} (?<which>(?:number |#)?\\d{1,4})(?: from (?:${list}|(?:the |my )list))?`,
    ),
  ],
  ["drop", sentence(`(?:delete|remove|drop) ${one} from ${list}`)],
];
const addSentences: readonly RegExp[] = [
  sentence(`(?:add|put) (?<text>[^]+?) (?:to|on|in|onto) ${list}`),
  sentence(
    `(?:add|create|make)(?: a| another)?(?: new)? ${noun}(?: item)?(?:: | to | called | named )(?<text>[^]+)`,
  ),
  sentence(`(?:add|put) (?:to|on) ${list}: ?(?<text>[^]+)`),
];

/** Reads a common plain-English form of such a wish, as a whole sentence in straight quotes. */
export function todoSentence(line: string): TodoWish | null {
  if (listSentences.some((pattern) => pattern.test(line))) return { name: "todoList" };
  for (const [verb, pattern] of sentences) {
    const groups = pattern.exec(line)?.groups;
    const words = groups?.["which"] ?? groups?.["other"];
    if (words === undefined) continue;
    const bare = words.replace(
      new RegExp(`^(?:the |my )?(?:${noun} )?(?=[\\d#n])|^(?:the |my )(?=last)`, "i"),
      "",
    );
    const wish = wishOf(verb, bare);
    if (wish !== null) return wish;
  }
  for (const pattern of addSentences) {
    const text = pattern.exec(line)?.groups?.["text"]?.trim();
    // Two sentences are more than one wish.
    if (text !== undefined && !/[.!?]\s/.test(text))
      return { name: "todoAdd", text: unquoted(text) ?? text };
  }
  return null;
}
