import type { Scope } from "../../core/scope.ts";
import type { LoadedScope, SnapshotPut } from "../../ports/store.ts";
import type { BodyParts } from "./body-parts.ts";
import { bytesOf, numberOf } from "./columns.ts";
import type { Driver } from "./driver.ts";
import { deleteSnapshot, selectSnapshot, upsertSnapshot } from "./statements.ts";

/** The newest snapshot of each scope that has one. */
export interface SnapshotTable {
  load(scope: Scope): LoadedScope["snapshot"];
  put(snapshot: SnapshotPut): void;
  /** Removes a scope's snapshot, but not the parts of its body. */
  remove(scope: Scope): void;
}

/** Opens the table `snapshot`. */
export function openSnapshotTable(driver: Driver, parts: BodyParts): SnapshotTable {
  const select = driver.prepare(selectSnapshot);
  const upsert = driver.prepare(upsertSnapshot);
  const remove = driver.prepare(deleteSnapshot);
  return {
    load(scope) {
      const row = select.get(scope);
      if (row === undefined) return null;
      return {
        seq: numberOf(row, "seq"),
        body: parts.whole(owner(scope), 0, bytesOf(row, "body")),
      };
    },
    put({ scope, seq, body }) {
      parts.drop(owner(scope));
      upsert.run(scope, seq, parts.put(owner(scope), 0, body));
    },
    remove: (scope) => remove.run(scope),
  };
}

function owner(scope: Scope): string {
  return `${scope}#snapshot`;
}
