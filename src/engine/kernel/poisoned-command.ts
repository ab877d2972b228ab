import type { Scope } from "../../core/scope.ts";
import type { Item } from "./group.ts";

/**
 * A decider threw, or a scope cannot be read back: the command from outside that led there is poison, and the group
 * runs again without it.
 */
export class PoisonedCommand extends Error {
  /** The command from outside. */
  readonly item: Item;
  /** Where it happened. */
  readonly scope: Scope;
  constructor(item: Item, cause: unknown) {
    super("a decider threw", { cause });
    this.item = item.origin ?? item;
    this.scope = item.scope;
  }
}
