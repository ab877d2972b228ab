import type { ArgsDef, CommandDef, Resolvable } from "citty";

/** Flags that every command has. */
const everywhere: readonly string[] = ["help", "h", "version", "v"];

async function resolved<T>(value: Resolvable<T> | undefined): Promise<T | undefined> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- citty calls what is a function, and so do we
  return typeof value === "function" ? await (value as () => T | Promise<T>)() : await value;
}

/**
 * What is wrong with the flags and words of a command line; `null`: nothing. The parser takes any, so a typing error would
 * change what a command does without a word.
 */
export async function flagFault(main: CommandDef, argv: readonly string[]): Promise<string | null> {
  let command: CommandDef | undefined = main;
  let rest = argv;
  const path = ["errand"];
  while (command !== undefined) {
    const commands: Record<string, Resolvable<CommandDef>> | undefined = await resolved(
      command.subCommands,
    );
    const [first = ""] = rest;
    if (commands === undefined || !Object.hasOwn(commands, first)) break;
    command = await resolved(commands[first]);
    path.push(first);
    rest = rest.slice(1);
  }
  // What names no command is told by the parser.
  if (command === undefined || command === main) return null;
  return faultIn(rest, (await resolved(command.args)) ?? {}, path.join(" "));
}

function faultIn(rest: readonly string[], args: ArgsDef, command: string): string | null {
  const texts = new Set<string>();
  const switches = new Set(everywhere);
  const shown: string[] = [];
  let places = 0;
  let words = 0;
  for (const [name, definition] of Object.entries(args)) {
    const { type = "string" } = definition;
    if (type === "positional") {
      places += 1;
      continue;
    }
    const alias = "alias" in definition ? (definition.alias ?? []) : [];
    const names = [name, ...(typeof alias === "string" ? [alias] : alias)];
    for (const one of names) (type === "boolean" ? switches : texts).add(one);
    shown.push(`--${name}`);
  }
  for (let at = 0; at < rest.length; at += 1) {
    const word = rest[at] ?? "";
    if (word === "--") return null;
    const [, dashes, name = "", equals] = /^(--?)([^=\d-][^=]*)(=?)/.exec(word) ?? [];
    if (dashes === undefined) {
      words += 1;
      continue;
    }
    const plain = name.startsWith("no-") && switches.has(name.slice(3)) ? name.slice(3) : name;
    const names = dashes === "-" && !texts.has(plain) ? plain.split("") : [plain];
    if (!names.every((one) => texts.has(one) || switches.has(one))) {
      const known = shown.length === 0 ? "it takes none" : `there are: ${shown.join(", ")}`;
      return `${command} has no flag "${word.split("=")[0]}"; ${known}`;
    }
    // The next word is this one's value, whatever it looks like.
    if (texts.has(plain) && equals === "") at += 1;
  }
  // What is left over would be dropped without a word, and with it the end of a sentence.
  return words > places ? tooManyWords(command, places, words) : null;
}

function tooManyWords(command: string, places: number, words: number): string {
  const takes =
    places === 0 ? "no words" : places === 1 ? "one word or text" : `${places} words or texts`;
  return `${command} takes ${takes}, got ${words}; put a text of several words in quotes`;
}
