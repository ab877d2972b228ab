import { parsePlanner, type PlannerWish } from "./planner-command.ts";
import { unquoted } from "./quotes.ts";
import { readTaskId, type TaskReference } from "./task-reference.ts";
import { parseTodo, type TodoWish } from "./todo-command.ts";

/** A wish about the user's jobs or todos, understood. */
export type Command =
  | TodoWish
  | PlannerWish
  | { readonly name: "enqueue"; readonly text: string }
  /** Enqueues what the user said before: "add this job to the queue". */
  | { readonly name: "enqueueLast" }
  | { readonly name: "list" }
  /** Starts one note. */
  | { readonly name: "work" }
  /** Lets the notes run by themselves, or no longer. */
  | { readonly name: "workMode"; readonly auto: boolean }
  | { readonly name: "status" | "why"; readonly task: TaskReference | null }
  | { readonly name: "cancel"; readonly task: TaskReference }
  | { readonly name: "help" }
  /** The wish is clear but lacks what it is about: it is answered with a question. */
  | { readonly name: "ask"; readonly about: "enqueue" | "cancel" };

const typedPattern = /^\/?(enqueue|list|work|status|cancel|why|help)(?:\s+|:\s*|$)([^]*)$/i;
const listWords = /^(?:all|jobs|tasks|notes|queue)$/i;
const lastWords = /^(?:the )?last(?: one| job| task| note)?$/i;

/** "this job", "it": what the user said before. */
const thisPattern =
  /^(?:this|that|it|(?:(?:this|that|my last) (?:job|task|note|one|message|text))|what i (?:just )?said)$/i;

/** Where jobs are put, at the end of a sentence. */
const intoQueue =
  /\s(?:to|in|into|on|onto) (?:(?:the|my|your) )?(?:(?:job|task|work) )?(?:queue|list)$/i;

/**
 * Reads a typed command: `enqueue <text>`, `list`, `work`, `work auto`, `work manual` (or `stop`), `status [id]`,
 * `cancel <id|last>`, `why [id]`, `help`, and those about todos, each also with a slash before it. `null` for anything else, also for
 * sentences that begin with such a word ("work on my essay").
 */
export function parseTyped(message: string): Command | null {
  if (message.trim() === "?") return { name: "help" };
  const match = typedPattern.exec(message.trim());
  if (match === null) return parsePlanner(message) ?? parseTodo(message);
  const [, verb = "", behind = ""] = match;
  const rest = behind.trim();
  switch (verb.toLowerCase()) {
    case "enqueue":
      return enqueueOf(rest);
    case "list":
      return rest === "" || listWords.test(rest) ? { name: "list" } : null;
    case "work":
      return workOf(rest.toLowerCase());
    case "cancel": {
      const planner = parsePlanner(message);
      if (planner !== null) return planner;
      const task = readReference(rest);
      if (task !== null) return { name: "cancel", task };
      return rest === "" ? { name: "ask", about: "cancel" } : null;
    }
    case "status":
    case "why": {
      const name = verb.toLowerCase() === "why" ? "why" : "status";
      if (rest === "") return { name, task: null };
      const task = readReference(rest);
      return task === null ? null : { name, task };
    }
    default:
      return rest === "" ? { name: "help" } : null;
  }
}

/** What is to be enqueued, from the words behind the verb. */
export function enqueueOf(words: string): Command {
  const bare = words.replace(intoQueue, "").trimEnd();
  if (words === "" || bare === "") return { name: "ask", about: "enqueue" };
  if (thisPattern.test(bare)) return { name: "enqueueLast" };
  // Typed text is taken as it is; only quotes around all of it say where it ends.
  return { name: "enqueue", text: unquoted(bare) ?? unquoted(words) ?? words };
}

/** `last` or an id. */
export function readReference(words: string): TaskReference | null {
  return lastWords.test(words) ? { by: "last" } : readTaskId(words);
}

function workOf(rest: string): Command | null {
  switch (rest) {
    case "":
      return { name: "work" };
    case "auto":
      return { name: "workMode", auto: true };
    case "manual":
    case "stop":
      return { name: "workMode", auto: false };
    default:
      return null;
  }
}
