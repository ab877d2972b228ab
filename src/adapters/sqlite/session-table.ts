import type { StoredSessionRow, SyncStore } from "../../ports/store.ts";
import { bytesOf, numberOf, textOf, textOrNull } from "./columns.ts";
import type { Driver } from "./driver.ts";
import { deleteSession, selectSessions, upsertSession } from "./statements.ts";

/** Rows of sessions. */
export interface SessionTable {
  /** Adds or replaces a row, or removes that of a deleted session. */
  put(row: StoredSessionRow): void;
  readonly list: SyncStore["sessions"];
}

/** Opens the table `session`. */
export function openSessionTable(driver: Driver): SessionTable {
  const upsert = driver.prepare(upsertSession);
  const remove = driver.prepare(deleteSession);
  const select = driver.prepare(selectSessions);
  return {
    put({ userId, chatId, title, createdAtMs, updatedAtMs, activeTaskId, deleted }) {
      if (deleted) remove.run(userId, chatId);
      else upsert.run(userId, chatId, title, createdAtMs, updatedAtMs, activeTaskId);
    },
    list: (userId, before, limit) =>
      select.all(userId, before ?? Number.MAX_SAFE_INTEGER, limit).map((row) => ({
        table: "session",
        userId: textOf(row, "user_id"),
        chatId: textOf(row, "chat_id"),
        title: bytesOf(row, "title"),
        createdAtMs: numberOf(row, "created_at_ms"),
        updatedAtMs: numberOf(row, "updated_at_ms"),
        activeTaskId: textOrNull(row, "active_task_id"),
        deleted: false,
      })),
  };
}
