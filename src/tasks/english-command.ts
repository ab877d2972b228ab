import { enqueueOf, readReference, type Command } from "./command.ts";
import { plannerSentence } from "./planner-command.ts";
import { unquoted } from "./quotes.ts";
import type { TaskReference } from "./task-reference.ts";
import { todoSentence } from "./todo-command.ts";

/** Longer messages are prose: no wish about the queue needs more. Bounds what the patterns below can cost. */
const englishCharsMax = 2_000;

/** Words of courtesy stand in so many characters at the end, or are not understood. */
const politeCharsMax = 200;

const before =
  /^(?:(?:hey|hi|hello|ok|okay|so|now|then|and|errand|please|pls|kindly)[,!]?\s+)*(?:(?:(?:can|could|would|will) you|i(?:'d| would) like (?:you )?to|i (?:want|need) (?:you )?to|let's|go ahead and)\s+)?(?:(?:please|just|also|now)\s+)*/i;
const after =
  /(?:[\s,]+(?:please|pls|for me|now|right now|at the moment|currently|then|again|thanks|thank you))*[\s.!?]*$/i;

const queue = String.raw`(?:(?:the|my|your) )?(?:(?:job|task|work) )?(?:queue|list|backlog)`;
const noun = "(?:job|task|note|errand)";
const nouns = "(?:jobs|tasks|notes|errands)";
const adjective =
  "(?:(?:all|queued|pending|waiting|running|open|current|completed|finished|done)(?:,? and |, ?| ))*";
const id = "(?:task_)?[0-9a-z]{6,26}";
const thisOne = `(?:it|that|this|(?:that|this) ${noun})`;
const last = `(?:the|my) (?:last|latest|newest|most recent)(?: (?:one|${noun}))?`;
const one = `(?:${last}|(?:the |my )?${noun}(?: ${id})?|${id})`;

/** A whole sentence, without what stands before and after it. */
function sentence(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, "i");
}

const listSentences: readonly RegExp[] = [
  // what jobs are in the list; what's in the queue; which tasks are still on my list
  sentence(
    `(?:what|which)(?:'s| is| are)? (?:(?:other |the |my )?(?:${nouns}|items|things) )?(?:(?:are|is) )?(?:there )?(?:still )?(?:in|on) ${queue}`,
  ),
  // what do I have in the queue; what tasks do I have; what's queued; which jobs are pending
  sentence(`(?:what|which)(?: ${nouns})? (?:do i have|have i got|did i put) (?:in|on) ${queue}`),
  sentence(`(?:what|which) ${nouns} (?:do i have|have i got|are there)`),
  sentence(`(?:what|which)(?: ${nouns})?(?:'s| is| are| have i)? (?:queued|pending)`),
  // show me the queue; list all my tasks; show completed jobs
  sentence(
    `(?:show|list|display|print|see|view|give)(?: me)? (?:(?:all|the|my|all of) )*${adjective}(?:${nouns}|queue|(?:job|task) (?:queue|list)|list of ${nouns})(?: (?:in|on) ${queue})?`,
  ),
  sentence(`(?:show|give|read)(?: me)? (?:the|my) list`),
  sentence(
    `how many (?:${nouns}|items|things) (?:(?:are|do i have|have i got|is) )?(?:there )?(?:still )?(?:queued|pending|waiting|left|(?:in|on) ${queue})`,
  ),
  sentence(`is (?:there )?(?:anything|something)(?: left| waiting| queued)? (?:in|on) ${queue}`),
  sentence(`is ${queue} empty`),
  sentence(`what (?:did|have) you (?:finish|finished|done|do)|what(?:'s| is) (?:done|finished)`),
];

const workSentences: readonly RegExp[] = [
  // process a job; run the next task; work on one from the queue; do the next one
  sentence(
    `(?:process|run|do|start|execute|handle|begin|work on) (?:a|an|one|another|the|the next|my next|next|the first|one more|a single) (?:next |first |queued |waiting )?${noun}(?: (?:from|in|of|on|off) ${queue})?`,
  ),
  sentence(
    `(?:process|run|do|start|execute|handle|work on) (?:the next|another|the first|one more|one)(?: one)?(?: (?:from|in|of|on|off) ${queue})`,
  ),
  sentence(`(?:process|run|do|start|execute|handle|work on) (?:the next|the first) one`),
  sentence(`next (?:one|${noun})`),
  sentence(
    `get to work|start working|do some work|work on (?:the|my) queue|start (?:the|my) queue`,
  ),
];

const all = `(?:all|everything|every|all of)`;
const autoSentences: readonly RegExp[] = [
  sentence(
    `(?:process|run|do|execute|handle|work on|work through) ${all}(?: the| my)?(?: queued| waiting)? (?:${nouns}|${noun})(?: (?:in|on|from) ${queue})?`,
  ),
  sentence(`(?:process|run|do|execute|handle) everything (?:in|on|from) ${queue}`),
  sentence(`(?:process|run|work through|work off) (?:the|my) (?:whole |entire )?queue`),
  sentence(
    `work (?:automatically|continuously)|keep working|(?:turn|switch) (?:on auto|auto on|to auto)(?: mode)?`,
  ),
];

const manualSentences: readonly RegExp[] = [
  sentence(
    `(?:stop|pause|halt) (?:working|processing|(?:the|my) queue|processing (?:${nouns}|(?:the|my) queue)|working automatically)`,
  ),
  sentence(
    `(?:turn|switch) (?:off auto|auto off|to manual)(?: mode)?|(?:stop auto|auto off)(?: mode)?`,
  ),
];

const overviewSentences: readonly RegExp[] = [
  sentence(`(?:what(?:'s| is) )?(?:the |your |my )?(?:current )?status`),
  sentence(
    `(?:(?:what(?:'s| is) )?(?:the )?|(?:show|give|tell)(?: me)? the )status(?: of (?:${queue}|(?:the |my |all )*${nouns}|everything))?`,
  ),
  sentence(`how(?:'s| is| are) (?:my|the) (?:${nouns}|queue)(?: doing| going| coming along)?`),
  sentence(
    `what(?:'s| is| ${nouns} are) (?:running|in progress|being processed)|what are you working on`,
  ),
  sentence(`are you (?:busy|working(?: on (?:something|anything))?)`),
];

/** Sentences about one task: the named group says which. */
const statusSentences: readonly RegExp[] = [
  sentence(
    `(?:(?:what(?:'s| is) )?(?:the )?|(?:show|give|tell)(?: me)? the )status of (?<which>${one}|${thisOne})`,
  ),
  sentence(
    `(?:is|has) (?<which>${one}|${thisOne}) (?:been )?(?:done|finished|completed?|processed|running)(?: yet)?`,
  ),
  sentence(`did (?<which>${one}|${thisOne}) (?:finish|complete)(?: yet)?`),
  sentence(`how(?:'s| is) (?<which>${one}) (?:doing|going|coming along)`),
];

const cancelSentences: readonly RegExp[] = [
  sentence(`cancel (?<which>${one}|${thisOne})(?: from ${queue})?`),
  sentence(`(?:remove|delete|drop|discard|abort|stop|kill) (?<which>${one})(?: from ${queue})?`),
  sentence(`(?:remove|delete|drop|discard) (?<which>${thisOne}) from ${queue}`),
];

const cancelAllSentences: readonly RegExp[] = [
  sentence(`(?:cancel|remove|delete|stop) ${all}(?: the| my)?(?: queued| waiting)?(?: ${nouns})?`),
  sentence(`(?:cancel|clear|empty) (?:the|my) (?:queue|${noun} list)`),
];

const trouble =
  "(?:waiting|queued|pending|stuck|held|running|starting|started?|done|finished|finish(?:ing)?|fail(?:ed|ing)?|delayed|cancelled|taking so long|been (?:started|processed|done|cancelled))";
const whySentences: readonly RegExp[] = [
  sentence(
    `why (?:is|isn't|has|hasn't|was|wasn't|did|didn't|does|doesn't) (?<which>${one}|${thisOne}) (?:(?:still|not|just|always) )*${trouble}(?: yet)?`,
  ),
  sentence(`what(?:'s| is) (?<which>${one}|${thisOne}) waiting (?:for|on)`),
];

const whyAllSentences: readonly RegExp[] = [
  sentence(
    `why|why (?:is|are) (?:nothing|my ${nouns}|the ${nouns}|${queue}|you) (?:(?:still|not|just) )*(?:${trouble}|happening|moving)(?: yet)?|why are you waiting|what are you waiting (?:for|on)`,
  ),
];

const helpSentences: readonly RegExp[] = [
  sentence(
    `help|commands|what can you do|what (?:are|is) (?:the|your) commands?|what commands (?:are there|do you (?:know|have|understand))|how does (?:this|errand) work|how do i use (?:this|you|errand)|what can i (?:do|say|type|ask)(?: here)?|show(?: me)? (?:the )?(?:help|commands)`,
  ),
];

const thisJob = `(?:this|that|it|(?:this|that|my last) (?:${noun}|one|message|text)|what i (?:just )?said)`;
const add = "(?:add|put|place|append|enqueue|queue|insert|push)";
const into = "(?:to|in|into|on|onto)";
const vague = `(?:something|anything|another(?: one| ${noun})?|one more(?: ${noun})?|(?:a|some)(?: new)? (?:${noun}|${nouns}))`;

const enqueueLastSentences: readonly RegExp[] = [
  sentence(`${add} ${thisJob} ${into} (?:the end of )?${queue}`),
  sentence(`(?:add|queue|enqueue) (?:this|that|my last) (?:${noun}|message|text)`),
  sentence(`(?:queue|enqueue) (?:this|that|it)(?: up)?|queue up (?:this|that|it)`),
];

const askEnqueueSentences: readonly RegExp[] = [
  sentence(`(?:${add}|create|make) ${vague}(?: ${into} ${queue})?`),
  sentence(`(?:add|put|append) ${into} ${queue}`),
];

/** What is enqueued stands in the middle: nothing after it needs to be kept. */
const enqueueMiddle: readonly RegExp[] = [
  sentence(`(?:add|append|enqueue|queue) (?<text>[^]+) ${into} (?:the end of )?${queue}`),
  sentence(`(?:put|place|insert|push) (?<text>"[^"\\n]+"|'[^'\\n]+') ${into} (?:the|my|your) list`),
  sentence(
    `(?:put|place|insert|push) (?<text>[^]+) ${into} (?:the end of )?(?:(?:the|my|your) )?(?:(?:job|task|work) )?(?:queue|(?:job|task|work) list)`,
  ),
];

/** What is enqueued stands behind a colon: all of it, however long. */
const enqueueColon: readonly RegExp[] = [
  sentence(
    `(?:(?:${add}|create|make) (?:(?:a|the|this|another|one more|following) ){0,2}(?:new )?|new )${noun}(?: ${into} ${queue})? ?: ?(?<text>[^]+)`,
  ),
  sentence(`(?:add|put|append) (?:${thisJob} |the following )?${into} ${queue} ?: ?(?<text>[^]+)`),
];

/** What is enqueued stands at the end. "Add a task to my calendar" names a place, not a job. */
const enqueueEnd: readonly RegExp[] = [
  sentence(
    `(?:${add}|create|make) (?:a|an|another|one more) (?:new )?${noun}(?: ${into} ${queue})? (?:called|named|titled|that says|saying|to(?! (?:the|a|an|my|your|our|his|her|their|this|that)\\b)) (?<text>[^]+)`,
  ),
  sentence("(?:queue up|enqueue) (?<text>[^]+)"),
  sentence("queue (?<text>(?:\"[^\"]+\"|'[^']+'))"),
];

/**
 * Reads a common plain-English form of a command. A sentence counts only as a whole; anything with more in it, and
 * anything merely near, is `null`: prose for the assistant.
 */
export function parseEnglish(message: string): Command | null {
  if (message.length > englishCharsMax) return null;
  // Same length as the message, so that text can be cut from the message as it was written.
  const plain = message.replace(/[’‘]/g, "'").replace(/[“”]/g, '"').trimEnd();
  const start = plain.length - plain.trimStart().length;
  const begin = start + (before.exec(plain.slice(start))?.[0].length ?? 0);
  const whole = { text: plain.slice(begin), written: message.slice(begin, plain.length) };
  const tail = whole.text.slice(-politeCharsMax);
  const end = whole.text.length - tail.length + (after.exec(tail)?.index ?? tail.length);
  const core = { text: whole.text.slice(0, end), written: whole.written.slice(0, end) };
  const line = core.text.replace(/\s+/g, " ");
  return (
    plannerSentence(line) ??
    todoSentence(line) ??
    aboutQueue(line) ??
    aboutTask(line) ??
    enqueueFrom(line, core, whole)
  );
}

function fits(patterns: readonly RegExp[], line: string): boolean {
  return patterns.some((pattern) => pattern.test(line));
}

function aboutQueue(line: string): Command | null {
  if (fits(listSentences, line)) return { name: "list" };
  if (fits(autoSentences, line)) return { name: "workMode", auto: true };
  if (fits(manualSentences, line)) return { name: "workMode", auto: false };
  if (fits(workSentences, line)) return { name: "work" };
  if (fits(overviewSentences, line)) return { name: "status", task: null };
  if (fits(whyAllSentences, line)) return { name: "why", task: null };
  if (fits(cancelAllSentences, line)) return { name: "ask", about: "cancel" };
  if (fits(helpSentences, line)) return { name: "help" };
  return null;
}

const taskSentences = [
  ["status", statusSentences],
  ["cancel", cancelSentences],
  ["why", whySentences],
] as const;

function aboutTask(line: string): Command | null {
  for (const [name, patterns] of taskSentences) {
    for (const pattern of patterns) {
      const which = pattern.exec(line)?.groups?.["which"];
      const task = which === undefined ? null : referenceOf(which);
      if (task !== null) return { name, task };
    }
  }
  return null;
}

/** `null` for a word that only looks like an id. */
function referenceOf(which: string): TaskReference | null {
  const word = which.split(" ").at(-1) ?? "";
  const isId =
    new RegExp(`^${id}$`, "i").test(word) &&
    !new RegExp(`^(?:latest|newest|recent|${noun})$`, "i").test(word);
  return isId ? readReference(word) : { by: "last" };
}

interface Wording {
  /** With straight quotes. */
  readonly text: string;
  readonly written: string;
}

function enqueueFrom(line: string, core: Wording, whole: Wording): Command | null {
  if (fits(enqueueLastSentences, line)) return { name: "enqueueLast" };
  if (fits(askEnqueueSentences, line)) return { name: "ask", about: "enqueue" };
  return (
    captured(enqueueColon, whole, { long: true }) ??
    captured(enqueueEnd, whole) ??
    captured(enqueueMiddle, core)
  );
}

const named = new RegExp(
  `^(?:(?:the|this|a|an) )?(?:new )?${noun}(?: (?:called|named|titled))? (?=["'“‘\`])`,
  "i",
);

function captured(
  patterns: readonly RegExp[],
  wording: Wording,
  { long }: { readonly long: boolean } = { long: false },
): Command | null {
  for (const pattern of patterns) {
    const found = new RegExp(pattern, "di").exec(wording.text)?.indices?.groups?.["text"];
    if (found === undefined) continue;
    const text = wording.written
      .slice(...found)
      .trim()
      .replace(named, "");
    const inner = unquoted(text);
    if (inner !== null) return { name: "enqueue", text: inner };
    if (long) return { name: "enqueue", text };
    // Two sentences are more than one wish: the second one must not end up in a job.
    return /[.!?]\s|\n/.test(text) ? null : enqueueOf(text);
  }
  return null;
}
