import { stripVTControlCharacters } from "node:util";

import { renderUsage, type ArgsDef, type CommandDef } from "citty";

/** Prints the help of a command, in colour on a terminal only; one of a group is shown as it is typed, from `errand` on. */
export async function showUsage<T extends ArgsDef>(
  command: CommandDef<T>,
  parent?: CommandDef<T>,
): Promise<void> {
  const meta = typeof parent?.meta === "function" ? await parent.meta() : await parent?.meta;
  const name = meta?.name ?? "errand";
  const group: CommandDef<T> | undefined =
    parent === undefined || name === "errand"
      ? parent
      : { ...parent, meta: { ...meta, name: `errand ${name}` } };
  const usage = await renderUsage(command, group);
  const isPlain = !process.stdout.isTTY || (process.env["NO_COLOR"] ?? "") !== "";
  process.stdout.write(`${isPlain ? stripVTControlCharacters(usage) : usage}\n`);
}
