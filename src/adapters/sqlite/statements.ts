/**
 * Every statement of the store, each with the b-tree it walks. A test asks SQLite for the plan of each: none scans a
 * table, and none sorts but the two that say so. Limits are written `+?`: of a bare `?` SQLite looks at the value when it
 * plans, and so compiles the statement anew for every run, which costs five times what the run itself does.
 */

/** Key of meta. */
export const selectMeta: string = "SELECT value FROM meta WHERE name = ?";

/** Key of meta. */
export const upsertMeta: string =
  "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/** Key of log. A row whose number exists fails; the store has looked before. */
export const insertLogRow: string =
  "INSERT INTO log (scope, seq, count, at_ms, body) VALUES (?, ?, ?, ?, ?)";

/** Key of log, in its order. */
export const selectLogRows: string =
  "SELECT seq, count, at_ms, body FROM log WHERE scope = ? AND seq > ? ORDER BY seq";

/** Key of log, from its end; else key of snapshot, because a log may be cut at one. */
export const selectLogEnd: string = `
SELECT coalesce(
  (SELECT seq + count - 1 FROM log WHERE scope = ?1 ORDER BY seq DESC LIMIT 1),
  (SELECT seq FROM snapshot WHERE scope = ?1),
  0) AS last_seq`;

/** Key of log. */
export const deleteLog: string = "DELETE FROM log WHERE scope = ?";

/** Key of log: the next scope by name. Asked again from each answer, it visits one row per scope. */
export const selectNextLog: string =
  "SELECT scope FROM log WHERE scope > ? AND scope < ? ORDER BY scope LIMIT 1";

/** Key of snapshot: the next scope by name. */
export const selectNextSnapshot: string =
  "SELECT scope FROM snapshot WHERE scope > ? AND scope < ? ORDER BY scope LIMIT 1";

/** Key of snapshot. */
export const selectSnapshot: string = "SELECT seq, body FROM snapshot WHERE scope = ?";

/** Key of snapshot. */
export const upsertSnapshot: string = `
INSERT INTO snapshot (scope, seq, body) VALUES (?, ?, ?)
ON CONFLICT (scope) DO UPDATE SET seq = excluded.seq, body = excluded.body`;

/** Key of snapshot. */
export const deleteSnapshot: string = "DELETE FROM snapshot WHERE scope = ?";

/** Key of part. */
export const insertPart: string = "INSERT INTO part (owner, seq, n, body) VALUES (?, ?, ?, ?)";

/** Key of part, in its order. */
export const selectParts: string = "SELECT body FROM part WHERE owner = ? AND seq = ? ORDER BY n";

/** Key of part: everything of one owner. */
export const deleteParts: string = "DELETE FROM part WHERE owner = ?";

/** Key of part: every owner whose name lies between two names. */
export const deletePartsBetween: string = "DELETE FROM part WHERE owner > ? AND owner < ?";

/** Key of task, once per class of ends: the row of a task that is opened again. */
export const deleteEndedTask: string =
  "DELETE FROM task WHERE user_id = ? AND class IN (1, 2) AND id = ?";

/** Key of task. An open task stays where it is in the key; of the index only a changed status is moved. */
export const upsertOpenTask: string = `
INSERT INTO task (user_id, class, id, type, status, queue, session_id, parent_id, created_at_ms, ended_at_ms)
VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, NULL)
ON CONFLICT (user_id, class, id) DO UPDATE SET
  type = excluded.type, status = excluded.status, queue = excluded.queue, session_id = excluded.session_id,
  parent_id = excluded.parent_id, created_at_ms = excluded.created_at_ms`;

/** Key of task: the row of an open task moves to the class of its end. */
export const endTask: string = `
UPDATE task SET class = ?, status = ?, ended_at_ms = ? WHERE user_id = ? AND class = 0 AND id = ?`;

/** Key of task. For the few that {@link endTask} has no open row of: opened and ended in one commit. */
export const upsertEndedTask: string = `
INSERT INTO task (user_id, class, id, type, status, queue, session_id, parent_id, created_at_ms, ended_at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (user_id, class, id) DO UPDATE SET
  type = excluded.type, status = excluded.status, queue = excluded.queue, session_id = excluded.session_id,
  parent_id = excluded.parent_id, created_at_ms = excluded.created_at_ms, ended_at_ms = excluded.ended_at_ms
WHERE (type, status, queue, session_id, parent_id, created_at_ms, ended_at_ms) IS NOT
  (excluded.type, excluded.status, excluded.queue, excluded.session_id, excluded.parent_id, excluded.created_at_ms,
   excluded.ended_at_ms)`;

/** Key of task. */
export const deleteTask: string = "DELETE FROM task WHERE user_id = ? AND class = ? AND id = ?";

const taskColumns =
  "user_id, id, type, status, queue, session_id, parent_id, created_at_ms, ended_at_ms";

/** Index task_by_status, once per status. */
export const selectTask: string = `
SELECT ${taskColumns} FROM task INDEXED BY task_by_status
WHERE status IN ('delayed', 'queued', 'running', 'waiting', 'completed', 'failed', 'cancelled', 'expired') AND id = ?
LIMIT 1`;

const taskFilters = `
  AND id >= ?2 AND id < ?3
  AND (?4 IS NULL OR instr(?4, ',' || type || ',') > 0) AND (?5 IS NULL OR session_id = ?5) AND (?6 IS NULL OR parent_id = ?6)
  AND created_at_ms >= ?7 AND created_at_ms < ?8
  AND (?10 = 0 OR parent_id IS NULL)
ORDER BY id DESC LIMIT +?9`;

/** Key of task, from its end: one user's tasks of one class. */
export const selectTasksOfUser: string = `
SELECT ${taskColumns} FROM task WHERE user_id = ?1 AND class = ?11 ${taskFilters}`;

/** Key of task, from its end: the id that many rows of one user and class below another. */
export const selectTaskReach: string = `
SELECT id FROM task WHERE user_id = ? AND class = ? AND id < ? ORDER BY id DESC LIMIT 1 OFFSET ?`;

/** Index task_by_status, from its end: every user's tasks of one status. */
export const selectTasksOfStatus: string = `
SELECT ${taskColumns} FROM task INDEXED BY task_by_status WHERE status = ?1 ${taskFilters}`;

/** Index task_by_status, in its order. */
export const selectTaskIds: string = `
SELECT id FROM task INDEXED BY task_by_status WHERE status = ? AND id > ? ORDER BY id LIMIT +?`;

/** Index task_by_status, in its order. A task is older than its end, so the walk stops at the ids of that time. */
export const selectEndedTasks: string = `
SELECT user_id, class, id FROM task INDEXED BY task_by_status
WHERE status = ? AND id < ? AND ended_at_ms < ? ORDER BY id LIMIT +?`;

/** Key of session. */
export const upsertSession: string = `
INSERT INTO session (user_id, chat_id, title, created_at_ms, updated_at_ms, active_task_id)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (user_id, chat_id) DO UPDATE SET
  title = excluded.title, created_at_ms = excluded.created_at_ms, updated_at_ms = excluded.updated_at_ms,
  active_task_id = excluded.active_task_id`;

/** Key of session. */
export const deleteSession: string = "DELETE FROM session WHERE user_id = ? AND chat_id = ?";

/** Key of session, then a sort: one person's sessions are few, and an index by time would be written at every turn. */
export const selectSessions: string = `
SELECT user_id, chat_id, title, created_at_ms, updated_at_ms, active_task_id FROM session
WHERE user_id = ? AND updated_at_ms < ? ORDER BY updated_at_ms DESC, chat_id LIMIT +?`;

/** Index ready_by_call. A number that another call of the queue has fails: it would be lost silently. */
export const upsertReady: string = `
INSERT INTO ready (queue, seq, call, request) VALUES (?, ?, ?, ?)
ON CONFLICT (queue, call) DO UPDATE SET seq = excluded.seq, request = excluded.request`;

/** Index ready_by_call. */
export const deleteReady: string = "DELETE FROM ready WHERE queue = ? AND call = ?";

/** Key of ready, in its order. */
export const selectReady: string =
  "SELECT call, request FROM ready WHERE queue = ? AND seq > ? ORDER BY seq LIMIT +?";

/** Key of timer. */
export const upsertTimer: string = `
INSERT INTO timer (scope, name, at_ms) VALUES (?, ?, ?)
ON CONFLICT (scope, name) DO UPDATE SET at_ms = excluded.at_ms`;

/** Key of timer. */
export const deleteTimer: string = "DELETE FROM timer WHERE scope = ? AND name = ?";

/** Key of timer. */
export const deleteTimers: string = "DELETE FROM timer WHERE scope = ?";

/** Index timer_by_time, in its order: it ends with the key. */
export const selectTimersDue: string =
  "SELECT scope, name, at_ms FROM timer WHERE at_ms <= ? ORDER BY at_ms, scope, name LIMIT +?";

/** Index timer_by_time. */
export const selectTimerNext: string = "SELECT at_ms FROM timer ORDER BY at_ms LIMIT 1";

/** Unique index of outbox. */
export const selectOutboxRow: string = "SELECT n FROM outbox WHERE id = ?";

/** Key of outbox; the number is the next. */
export const insertOutboxRow: string = "INSERT INTO outbox (id, scope, body) VALUES (?, ?, ?)";

/** Unique index of outbox. */
export const deleteOutboxRow: string = "DELETE FROM outbox WHERE id = ?";

/** Key of outbox, in its order. */
export const selectOutbox: string = "SELECT id, scope, body FROM outbox ORDER BY n LIMIT +?";

/** Key of idem_key. */
export const selectIdemKey: string =
  "SELECT user_id, key, hash, ref, expires_at_ms FROM idem_key WHERE user_id = ? AND key = ?";

/** Key of idem_key. The store has looked before: what is replaced has expired. */
export const upsertIdemKey: string = `
INSERT INTO idem_key (user_id, key, hash, ref, expires_at_ms) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (user_id, key) DO UPDATE SET
  hash = excluded.hash, ref = excluded.ref, expires_at_ms = excluded.expires_at_ms`;

/** Index idem_key_by_expiry. */
export const selectExpiredKeys: string =
  "SELECT user_id, key FROM idem_key WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT +?";

/** Key of idem_key. */
export const deleteIdemKey: string = "DELETE FROM idem_key WHERE user_id = ? AND key = ?";

/** Key of stream: the head of a closed stream. */
export const selectClosedStream: string =
  "SELECT epoch, tail FROM stream WHERE closed = 1 AND stream = ?";

/** Key of stream: all open ones. */
export const selectOpenStreams: string =
  "SELECT stream, epoch, first_id FROM stream WHERE closed = 0";

/** Key of stream. A stream that is taken over keeps its rows, and so its first id. */
export const upsertOpenStream: string = `
INSERT INTO stream (closed, stream, epoch, tail, first_id) VALUES (0, ?, ?, 0, ?)
ON CONFLICT (closed, stream) DO UPDATE SET epoch = excluded.epoch`;

/** Key of stream. */
export const insertClosedStream: string =
  "INSERT INTO stream (closed, stream, epoch, tail, first_id) VALUES (1, ?, ?, ?, 0)";

/** Key of stream. */
export const deleteOpenStream: string = "DELETE FROM stream WHERE closed = 0 AND stream = ?";

/** Key of stream: those between two names, of one kind. */
export const deleteStreamsBetween: string =
  "DELETE FROM stream WHERE closed = ? AND stream > ? AND stream < ?";

/** Key of stream_row, in its order: all of it is walked once, page by page, when the store opens. */
export const selectStreamRows: string =
  "SELECT id, stream, n, count FROM stream_row WHERE id > ? ORDER BY id LIMIT +?";

/** Key of stream_row. */
export const insertStreamRow: string =
  "INSERT INTO stream_row (id, stream, n, count, body, carrier) VALUES (?, ?, ?, ?, ?, ?)";

/** Key of stream_row. */
export const selectStreamRow: string =
  "SELECT n, count, body, carrier FROM stream_row WHERE id = ?";

/** Key of stream_row: moves a row to a newer id. It takes a copy of a shared body along, for its carrier may go. */
export const moveStreamRow: string = `
UPDATE stream_row SET
  id = ?1,
  body = coalesce((SELECT held.body FROM stream_row AS held WHERE held.id = stream_row.carrier), body),
  carrier = CASE WHEN carrier IS NULL THEN NULL ELSE ?1 END
WHERE id = ?2`;

/** Key of stream_row. */
export const deleteOldStreamRows: string = "DELETE FROM stream_row WHERE id <= ?";

/** No b-tree is walked: SQLite frees the whole table at once. */
export const deleteStreamRows: string = "DELETE FROM stream_row";

/** Key of stream_block. */
export const insertStreamBlock: string =
  "INSERT INTO stream_block (stream, n, count, body) VALUES (?, ?, ?, ?)";

/** Key of stream_block, from the last block that begins at or before an entry. */
export const selectStreamBlocks: string = `
SELECT n, count, body FROM stream_block
WHERE stream = ?1 AND n >= (SELECT max(n) FROM stream_block WHERE stream = ?1 AND n <= ?2) ORDER BY n LIMIT +?3`;

/** Key of stream_block: those of streams between two names. */
export const deleteBlocksBetween: string =
  "DELETE FROM stream_block WHERE stream > ? AND stream < ?";

/** Unique index of data_key. */
export const selectDataKey: string = "SELECT id, wrapped FROM data_key WHERE user_id = ?";

/** Key of data_key. */
export const selectDataKeyById: string = "SELECT user_id, wrapped FROM data_key WHERE id = ?";

/** Unique index of data_key. */
export const insertDataKey: string =
  "INSERT INTO data_key (user_id, wrapped) VALUES (?, ?) ON CONFLICT (user_id) DO NOTHING";
