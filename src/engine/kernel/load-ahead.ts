import type { Scope } from "../../core/scope.ts";
import type { LoadedScope } from "../../ports/store.ts";
import { loadStored } from "./load.ts";
import * as ask from "./store-op.ts";

/** Most scopes read at once: their bodies are in memory until their commands' turns. */
const scopesMax = 64;

/**
 * Reads scopes of one group together: when one is missing, the commands that stand behind its own need theirs as well.
 * One by one, each between two decisions, they take twice as long on SQLite, because the caches of the processor are
 * cold each time, and a round trip each on a server.
 */
export class LoadAhead {
  readonly #found = new Map<Scope, LoadedScope>();

  /** What is stored of the scope of `work[at]`, and with it of those behind it that `isKnown` denies. */
  *read(
    work: readonly { readonly scope: Scope }[],
    at: number,
    isKnown: (scope: Scope) => boolean,
  ): ask.Dispatch<LoadedScope | undefined> {
    const scope = work[at]?.scope;
    if (scope === undefined) return undefined;
    const before = this.#found.get(scope);
    this.#found.delete(scope);
    if (before !== undefined) return before;
    const scopes = new Set([scope]);
    for (let next = at + 1; next < work.length && scopes.size < scopesMax; next += 1) {
      const other = work[next]?.scope;
      if (other === undefined || this.#found.has(other) || isKnown(other)) continue;
      scopes.add(other);
    }
    if (scopes.size === 1) return yield* loadStored(scope);
    const [first, ...rest] = yield* ask.load([...scopes]);
    scopes.delete(scope);
    for (const [index, other] of [...scopes].entries()) {
      const loaded = rest[index];
      if (loaded !== undefined) this.#found.set(other, loaded);
    }
    return first;
  }
}
