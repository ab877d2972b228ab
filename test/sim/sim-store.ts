import { ErrandError } from "../../src/core/errors.ts";
import type { AsyncStore, CommitResult, Group, SyncStore } from "../../src/ports/store.ts";

/** Thrown out of a commit at which the process dies. Nobody who catches it may go on. */
export class ProcessDied extends Error {
  override readonly name = "ProcessDied";
}

/** What happens at one commit. `diesBefore` and `diesAfter` end the process; `full` refuses the group. */
export type CommitFate = "commits" | "diesBefore" | "diesAfter" | "full";

/** How the world takes part in a store's commits. */
export interface StoreHooks {
  /** Decides what happens at this commit. */
  fate(group: Group): CommitFate;
  /** The group is on disk. */
  committed(group: Group): void;
  /** The store has refused the group. */
  refused(result: CommitResult): void;
  /** The process dies here. */
  died(): void;
}

/** A store whose commits meet the fates the world deals out, and whose groups the world follows. */
export function simStore(inner: SyncStore, hooks: StoreHooks): SyncStore {
  return {
    ...inner,
    commit(group) {
      const fate = hooks.fate(group);
      if (fate === "full") throw new ErrandError("storage_full", "the simulated disk is full");
      if (fate === "diesBefore") {
        hooks.died();
        throw new ProcessDied("before a commit");
      }
      const result = inner.commit(group);
      if (result.ok) hooks.committed(group);
      else hooks.refused(result);
      if (fate === "diesAfter") {
        hooks.died();
        throw new ProcessDied("after a commit");
      }
      return result;
    },
  };
}

/**
 * The same store behind a connection: each question is asked in one turn of the world and answered in that turn or,
 * for a commit, in a later one. A process that dies in between never learns what became of it.
 */
export function behindConnection(store: SyncStore, later: (task: () => void) => void): AsyncStore {
  const methods = Object.entries(store).map(([name, method]: [string, Method]) => {
    const ask = (...asked: unknown[]): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const answer = name === "commit" ? later : atOnce;
        later(() => {
          try {
            const answered = method(...asked);
            answer(() => resolve(answered));
          } catch (error) {
            answer(() => reject(error));
          }
        });
      });
    return [name, ask] as const;
  });
  // Every method of the port, each answered with a promise of the same.
  return Object.fromEntries(methods) as unknown as AsyncStore;
}

type Method = (...asked: unknown[]) => unknown;

function atOnce(task: () => void): void {
  task();
}
