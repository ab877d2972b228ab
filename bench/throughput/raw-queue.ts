import { rmSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { payload, type Subject } from "./load.ts";

/**
 * The raw limit: insert, claim and complete on node:sqlite, WAL, synchronous=FULL, one commit per event-loop turn
 * for everything that came in it. No retries, leases, owners, log, cipher or scheduler.
 */
export function rawQueue(): Subject {
  const dir = mkdtempSync(join(process.env["BENCH_DIR"] ?? tmpdir(), "raw-queue-"));
  const db = new DatabaseSync(join(dir, "queue.db"));
  db.exec(
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE task (id INTEGER PRIMARY KEY, state INTEGER, body TEXT); CREATE INDEX pending ON task (id) WHERE state = 0",
  );
  const insert = db.prepare("INSERT INTO task (state, body) VALUES (0, ?)");
  const claim = db.prepare(
    "UPDATE task SET state = 1 WHERE id IN (SELECT id FROM task WHERE state = 0 ORDER BY id LIMIT 64) RETURNING id",
  );
  const complete = db.prepare("UPDATE task SET state = 2 WHERE id = ?");
  const inserts: ((id: number) => void)[] = [];
  const completes: number[] = [];
  const waiting = new Map<number, { started(): void; ended(): void }>();
  let scheduled = false;
  const body = JSON.stringify(payload);
  const turn = (): void => {
    scheduled = false;
    db.exec("BEGIN IMMEDIATE");
    const accepted = inserts.splice(0);
    const ids = accepted.map(() => Number(insert.run(body).lastInsertRowid));
    for (const id of completes) complete.run(id);
    const claimed = claim.all();
    db.exec("COMMIT");
    for (const id of completes.splice(0)) waiting.get(id)?.ended();
    for (const [index, settle] of accepted.entries()) settle(ids[index] ?? 0);
    for (const row of claimed) {
      const id = Number(row["id"]);
      queueMicrotask(() => {
        waiting.get(id)?.started();
        completes.push(id);
        schedule();
      });
    }
    if (inserts.length > 0 || claimed.length === 64) schedule();
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(turn);
  };
  const submit = (): Promise<number> =>
    new Promise((resolve) => {
      inserts.push(resolve);
      schedule();
    });
  const runTimed = (): Promise<number> =>
    new Promise((resolve) => {
      let startedMs = 0;
      inserts.push((id) =>
        waiting.set(id, {
          started: () => (startedMs = performance.now()),
          ended: () => (waiting.delete(id), resolve(startedMs)),
        }),
      );
      schedule();
    });
  return {
    submit,
    run: runTimed,
    runTimed,
    async drain() {
      while (Number(db.prepare("SELECT count(*) AS n FROM task WHERE state < 2").get()?.["n"]) > 0)
        await new Promise((resolve) => setTimeout(resolve, 20));
    },
    stop() {
      db.close();
      rmSync(dir, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}
