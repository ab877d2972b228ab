import type { DecideContext } from "../../core/decider.ts";
import type { Row, SessionRow, TaskRow } from "../../core/rows.ts";
import type { Scope } from "../../core/scope.ts";
import type { UserCommand } from "../../core/user/decider.ts";
import type { Cipher } from "../../ports/cipher.ts";
import type { OutboxRow } from "../../ports/store.ts";

/**
 * Messages that take rows of a group to users of other homes, with whom their lists stand: one a user, sealed with the
 * user's key. They are sent in the order of the commits, so that a list is behind at most, never wrong for good.
 */
export function rowsAway(
  rows: Iterable<Row>,
  ports: {
    readonly cipher: Cipher;
    readonly context: DecideContext;
    listsAt(userId: string): Scope | null;
  },
): OutboxRow[] {
  const away = new Map<Scope, { userId: string; rows: (TaskRow | SessionRow)[] }>();
  for (const row of rows) {
    if (row.table !== "task" && row.table !== "session") continue;
    const { userId } = row;
    const to = ports.listsAt(userId);
    if (to === null) continue;
    const known = away.get(to) ?? { userId, rows: [] };
    known.rows.push(row);
    away.set(to, known);
  }
  return [...away].map(([to, { userId, rows: sent }]) => {
    const id = `rows#${ports.context.id("call")}`;
    const body: UserCommand = { type: "rows", rows: sent };
    return { id, to, body: ports.cipher.seal(userId, `out:${id}`, JSON.stringify(body)) };
  });
}
