import { renderUsage, type ArgsDef, type CommandDef } from "citty";

/** Prints the help of a command; one of a group is shown as it is typed, from `errand` on. */
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
  process.stdout.write(`${await renderUsage(command, group)}\n`);
}
