/* oxlint-disable typescript/no-unsafe-type-assertion -- An answer is what the same method gave in the other object: it
   is named by the type that is asserted, and carried as it was. */
import type { Scope } from "../../core/scope.ts";
import { readingNames, type Readings } from "../../engine/index.ts";
import type { Engine } from "../../engine/index.ts";
import { ErrandError } from "../../core/errors.ts";
import { askHome, type HomeRpc } from "./home-call.ts";

/** The reader of another home: each question is one call of its object. */
export function awayReader(homes: DurableObjectNamespace<HomeRpc>, home: Scope): Readings {
  const asking = readingNames.map((name) => [
    name,
    async (...args: readonly unknown[]): Promise<unknown> =>
      await askHome(homes, home, { is: "read", name, args }),
  ]);
  return Object.fromEntries(asking) as Readings;
}

/** Answers what another home asks of this one's reader. */
export async function answerRead(
  { reader }: Engine,
  name: string,
  args: readonly unknown[],
): Promise<unknown> {
  if (!(readingNames as readonly string[]).includes(name))
    throw new ErrandError("invalid_request", `no home answers "${name.slice(0, 100)}"`);
  const method = reader[name as keyof Readings] as (...given: unknown[]) => Promise<unknown>;
  return await method.apply(reader, [...args]);
}
