import type { OutboxRow, SyncStore } from "../../ports/store.ts";
import type { BodyParts } from "./body-parts.ts";
import { bytesOf, scopeOf, textOf } from "./columns.ts";
import type { Driver } from "./driver.ts";
import { deleteOutboxRow, insertOutboxRow, selectOutbox, selectOutboxRow } from "./statements.ts";

/** Messages that have not settled. */
export interface OutboxTable {
  /** Adds a message; one that is there already stays as it is. */
  put(row: OutboxRow): void;
  done(id: string): void;
  readonly oldest: SyncStore["outbox"];
}

/** Opens the table `outbox`. */
export function openOutboxTable(driver: Driver, parts: BodyParts): OutboxTable {
  const find = driver.prepare(selectOutboxRow);
  const insert = driver.prepare(insertOutboxRow);
  const remove = driver.prepare(deleteOutboxRow);
  const select = driver.prepare(selectOutbox);
  return {
    put({ id, to, body }) {
      if (find.get(id) === undefined) insert.run(id, to, parts.put(owner(id), 0, body));
    },
    done(id) {
      remove.run(id);
      parts.drop(owner(id));
    },
    oldest: (limit) =>
      select.all(limit).map((row) => {
        const id = textOf(row, "id");
        const body = parts.whole(owner(id), 0, bytesOf(row, "body"));
        return { id, to: scopeOf(row, "scope"), body };
      }),
  };
}

function owner(id: string): string {
  return `outbox/${id}`;
}
