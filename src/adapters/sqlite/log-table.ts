import type { Scope } from "../../core/scope.ts";
import type { Group, LoadedScope, LogRow, SyncStore } from "../../ports/store.ts";
import type { BodyParts } from "./body-parts.ts";
import { bytesOf, numberOf, textOf } from "./columns.ts";
import type { Driver, SqlRow } from "./driver.ts";
import { createRecentMap } from "./recent-map.ts";
import { openSnapshotTable } from "./snapshot-table.ts";
import {
  deleteLog,
  insertLogRow,
  selectLogEnd,
  selectLogRows,
  selectNextLog,
  selectNextSnapshot,
} from "./statements.ts";

/** Scopes whose last number is kept in memory, so that an append asks the disk nothing. About 100 bytes each. */
const hotScopesMax = 8_192;

/** Logs and snapshots of all scopes. */
export interface LogTable {
  load(scope: Scope): LoadedScope;
  /** Scopes whose log does not end where the group's rows or snapshots expect it, each once. */
  conflicts(group: Group): readonly Scope[];
  /** Writes the group's rows and snapshots; call {@link committed} when the transaction is through. */
  write(group: Group): void;
  committed(group: Group): void;
  /** Removes everything of a scope. */
  remove(scope: Scope): void;
  readonly queues: SyncStore["queues"];
  /** Drops what is kept in memory, because another handle may have written. */
  forget(): void;
}

/** Opens the tables `log` and `snapshot`. */
export function openLogTable(driver: Driver, parts: BodyParts): LogTable {
  const insert = driver.prepare(insertLogRow);
  const select = driver.prepare(selectLogRows);
  const selectEnd = driver.prepare(selectLogEnd);
  const removeAll = driver.prepare(deleteLog);
  const snapshots = openSnapshotTable(driver, parts);
  const lastSeqs = createRecentMap<number>(hotScopesMax);

  function lastSeq(scope: Scope): number {
    const known = lastSeqs.get(scope);
    if (known !== undefined) return known;
    const end = selectEnd.get(scope);
    const last = end === undefined ? 0 : numberOf(end, "last_seq");
    lastSeqs.set(scope, last);
    return last;
  }

  function rowOf(scope: Scope, row: SqlRow): LogRow {
    const seq = numberOf(row, "seq");
    const body = parts.whole(owner(scope), seq, bytesOf(row, "body"));
    return { seq, count: numberOf(row, "count"), atMs: numberOf(row, "at_ms"), body };
  }

  return {
    load(scope) {
      const snapshot = snapshots.load(scope);
      const rows = select.all(scope, snapshot?.seq ?? 0).map((row) => rowOf(scope, row));
      const last = rows.at(-1);
      lastSeqs.set(scope, last === undefined ? (snapshot?.seq ?? 0) : last.seq + last.count - 1);
      return { snapshot, rows };
    },
    conflicts(group) {
      const conflicts = new Set<Scope>();
      const ends = new Map<Scope, number>();
      for (const { scope, seq, count } of group.appends) {
        if (seq !== (ends.get(scope) ?? lastSeq(scope)) + 1) conflicts.add(scope);
        ends.set(scope, seq + count - 1);
      }
      for (const { scope, seq } of group.snapshots) {
        if (seq !== (ends.get(scope) ?? lastSeq(scope))) conflicts.add(scope);
      }
      return [...conflicts];
    },
    write(group) {
      for (const { scope, seq, count, atMs, body } of group.appends) {
        insert.run(scope, seq, count, atMs, parts.put(owner(scope), seq, body));
      }
      for (const snapshot of group.snapshots) {
        snapshots.put(snapshot);
        if (!snapshot.trim) continue;
        // A snapshot stands at the scope's last event, so a trim removes every row.
        removeAll.run(snapshot.scope);
        parts.drop(owner(snapshot.scope));
      }
    },
    committed(group) {
      for (const { scope, seq, count } of group.appends) lastSeqs.set(scope, seq + count - 1);
    },
    remove(scope) {
      removeAll.run(scope);
      snapshots.remove(scope);
      // Owners of a scope's bodies begin with "<scope>#", and "$" is the character after "#".
      parts.dropBetween(`${scope}#`, `${scope}$`);
      lastSeqs.delete(scope);
    },
    queues: () => queueNames(driver),
    forget: () => lastSeqs.clear(),
  };
}

function owner(scope: Scope): string {
  return `${scope}#log`;
}

/** A queue's log may be trimmed to its snapshot, so both tables are asked. "0" is the character after "/". */
function queueNames(driver: Driver): readonly string[] {
  const names = new Set<string>();
  for (const next of [driver.prepare(selectNextLog), driver.prepare(selectNextSnapshot)]) {
    let row = next.get("queue/", "queue0");
    while (row !== undefined) {
      const scope = textOf(row, "scope");
      names.add(scope.slice("queue/".length));
      row = next.get(scope, "queue0");
    }
  }
  return [...names].toSorted();
}
