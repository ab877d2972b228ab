import { DamagedDataKey } from "../../ports/cipher.ts";
import type { Item, Touched } from "./group.ts";
import { PoisonedCommand } from "./poisoned-command.ts";
import * as ask from "./store-op.ts";

/**
 * Makes the data keys ready that seal what a group has changed. A key that does not open fails the first command that
 * came to one of its owner's scopes, by {@link PoisonedCommand}, and no other user's.
 */
export function* prepareOwners(scopes: Iterable<Touched>): ask.Dispatch<void> {
  const owners = new Map<string, Item>();
  for (const { entry, by } of scopes) {
    const owner = entry.decider.owner(entry.state);
    if (!owners.has(owner)) owners.set(owner, by);
  }
  try {
    yield* ask.prepare([...owners.keys()]);
  } catch (error) {
    if (!(error instanceof DamagedDataKey)) throw error;
    for (const [owner, by] of owners) yield* prepareOwner(owner, by);
  }
}

function* prepareOwner(owner: string, by: Item): ask.Dispatch<void> {
  try {
    yield* ask.prepare([owner]);
  } catch (error) {
    throw error instanceof DamagedDataKey ? new PoisonedCommand(by, error) : error;
  }
}
