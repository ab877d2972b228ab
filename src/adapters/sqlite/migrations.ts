import { ErrandError } from "../../core/errors.ts";
import { numberOf } from "./columns.ts";
import type { Driver } from "./driver.ts";
import { selectMeta, upsertMeta } from "./statements.ts";

/**
 * The schema as numbered steps. A step that has shipped is never changed: a change is a new step at the end, and a
 * test holds the hashes of the old ones.
 *
 * Cost of writes, in b-trees touched: log, snapshot, stream, stream_row, stream_block and part have one each, because
 * every question about them goes by their primary key. `WITHOUT ROWID` keeps the row in the index of that key.
 */
export const migrations: readonly string[] = [
  `
CREATE TABLE log (
  scope TEXT NOT NULL,
  seq INTEGER NOT NULL,
  count INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (scope, seq)
) WITHOUT ROWID;

CREATE TABLE snapshot (
  scope TEXT NOT NULL PRIMARY KEY,
  seq INTEGER NOT NULL,
  body BLOB NOT NULL
) WITHOUT ROWID;

-- What of a body does not fit in its row: a row of a Durable Object ends at 2 MB. seq is the body's own number there.
CREATE TABLE part (
  owner TEXT NOT NULL,
  seq INTEGER NOT NULL,
  n INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (owner, seq, n)
) WITHOUT ROWID;

-- class: 0 active, 1 completed, 2 failed, so that each list of a user is one range of the key. A task moves once.
CREATE TABLE task (
  user_id TEXT NOT NULL,
  class INTEGER NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  status TEXT NOT NULL,
  queue TEXT NOT NULL,
  session_id TEXT,
  parent_id TEXT,
  created_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  PRIMARY KEY (user_id, class, id)
) WITHOUT ROWID;

-- The only second b-tree of a task: lists of all users, the open tasks of recovery, the ended ones of purge, and a
-- task by its id alone (one probe per status).
CREATE INDEX task_by_status ON task (status, id);

CREATE TABLE session (
  user_id TEXT NOT NULL,
  chat_id TEXT NOT NULL,
  title BLOB NOT NULL,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  active_task_id TEXT,
  PRIMARY KEY (user_id, chat_id)
) WITHOUT ROWID;

CREATE TABLE ready (
  queue TEXT NOT NULL,
  seq INTEGER NOT NULL,
  call TEXT NOT NULL,
  request TEXT NOT NULL,
  PRIMARY KEY (queue, seq)
) WITHOUT ROWID;

-- A grant names the call and not its number.
CREATE UNIQUE INDEX ready_by_call ON ready (queue, call);

CREATE TABLE timer (
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (scope, name)
) WITHOUT ROWID;

-- The earliest timer is asked for after every commit.
CREATE INDEX timer_by_time ON timer (at_ms);

-- n is the order of arrival; an id is written once however often it is sent.
CREATE TABLE outbox (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  scope TEXT NOT NULL,
  body BLOB NOT NULL
);

CREATE TABLE idem_key (
  user_id TEXT NOT NULL,
  key TEXT NOT NULL,
  hash TEXT NOT NULL,
  ref TEXT NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  PRIMARY KEY (user_id, key)
) WITHOUT ROWID;

-- Clean-up must not walk the keys that are still good.
CREATE INDEX idem_key_by_expiry ON idem_key (expires_at_ms);

-- Heads: closed is 0 or 1, so that the open streams are one range of the key. The tail of an open stream is not kept
-- here but counted from its rows when the store opens; rows below first_id are of an earlier stream of that name.
CREATE TABLE stream (
  closed INTEGER NOT NULL,
  stream TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  tail INTEGER NOT NULL,
  first_id INTEGER NOT NULL,
  PRIMARY KEY (closed, stream)
) WITHOUT ROWID;

-- Rows of open streams in order of arrival. With a key of (stream, n), 500 streams that grow together would dirty a
-- page each in every commit: 12 times the bytes written. Rows of closed streams stay until they are swept.
CREATE TABLE stream_row (
  id INTEGER PRIMARY KEY,
  stream TEXT NOT NULL,
  n INTEGER NOT NULL,
  count INTEGER NOT NULL,
  body BLOB NOT NULL
);

CREATE TABLE stream_block (
  stream TEXT NOT NULL,
  n INTEGER NOT NULL,
  count INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (stream, n)
) WITHOUT ROWID;

-- Numbers are never given twice: a row sealed with a deleted key must not meet another user's.
CREATE TABLE data_key (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id TEXT NOT NULL UNIQUE,
  wrapped BLOB NOT NULL
);
`,
  `
-- Rows of one commit may share a body: carrier is the id of the row that has it, the last of them, because rows go from
-- the old end. NULL: the body is the row's alone.
ALTER TABLE stream_row ADD COLUMN carrier INTEGER;
`,
];

/**
 * Brings the schema up to date, each step in a transaction of its own. Throws `unavailable` if the store was made
 * by a newer version, before anything is changed.
 */
export function migrate(driver: Driver): void {
  // Durable Objects do not allow PRAGMA user_version.
  driver.exec(
    "CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
  );
  const row = driver.prepare(selectMeta).get("schema");
  const version = row === undefined ? 0 : numberOf(row, "value");
  if (version > migrations.length) {
    throw new ErrandError(
      "unavailable",
      `the store has schema ${version}, this version of Errand knows schemas up to ${migrations.length}: start the newer version again`,
    );
  }
  for (let step = version; step < migrations.length; step += 1) {
    driver.transaction(() => {
      driver.exec(migrations[step] ?? "");
      driver.prepare(upsertMeta).run("schema", step + 1);
    });
  }
}
