import { hashText, seededRandom } from "./seeded.ts";

const stopWords = new Set(
  "about after again also always answer because been before being between both cannot could does doing done down each every from give have having here hers into itself just like list make many more most much must only other ours over please same shall should some such task tell than that their them then there these they this those through under until very want were what when where which while will with within would write your".split(
    " ",
  ),
);

const openings: readonly string[] = [
  "Here is a short answer about {a}.",
  "Let us look at {a}.",
  "In short, {a} comes down to a few points.",
  "A good way to think about {a} is step by step.",
];
const middles: readonly string[] = [
  "First, decide what {a} has to do and for whom.",
  "Most people start with {b} and add {a} later.",
  "The cheapest way to learn about {b} is to try it on a small case.",
  "It helps to write down what is known about {a} and what is only guessed.",
  "When {a} and {b} pull in different directions, keep the simpler of the two.",
  "Measure {b} before and after, or the change is only an opinion.",
  "A common mistake is to plan {a} without asking who will look after it.",
  "If {b} fails, it should fail loudly and early.",
];
const endings: readonly string[] = [
  "That is what the demo model has to say; a real model would know more.",
  "These are only plausible sentences: this is the demo model.",
  "Connect a real model to get more than a demo of {a}.",
];

/** Up to five words that a text seems to be about, in their order; never none. */
export function keyWords(text: string): readonly string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}-]{3,30}/gu) ?? [];
  const found = new Set<string>();
  for (const word of words) {
    if (!stopWords.has(word)) found.add(word);
    if (found.size === 5) break;
  }
  return found.size > 0 ? [...found] : ["your question"];
}

/**
 * An answer of four to six sentences about the key words of `question`. The same seed text gives the same answer. It
 * says that it comes from a demo model.
 */
export function demoAnswer(question: string, seedText: string): string {
  const random = seededRandom(hashText(seedText));
  const words = keyWords(question);
  const pick = (from: readonly string[]): string =>
    from[Math.floor(random() * from.length)] ?? "{a}";
  const rest = [...middles];
  const sentences = [pick(openings)];
  for (let count = 2 + Math.floor(random() * 3); count > 0; count--) {
    const [sentence] = rest.splice(Math.floor(random() * rest.length), 1);
    if (sentence !== undefined) sentences.push(sentence);
  }
  sentences.push(pick(endings));
  return sentences
    .map((sentence) => sentence.replaceAll("{a}", pick(words)).replaceAll("{b}", pick(words)))
    .join(" ");
}

const aspects: readonly string[] = [
  "Collect the facts about",
  "Compare the options for",
  "Name the risks of",
  "Estimate the cost of",
  "Ask who is affected by",
  "Write the first steps for",
  "Look for earlier work on",
  "Describe the success of",
];

/** The `index`-th part of a plan for a question, as a sentence without its full stop. */
export function planPart(question: string, index: number): string {
  const words = keyWords(question);
  const round = Math.floor(index / aspects.length);
  const again = round === 0 ? "" : ` (part ${round + 1})`;
  return `${aspects[index % aspects.length] ?? "Look at"} ${words.slice(0, 3).join(" ")}${again}`;
}
