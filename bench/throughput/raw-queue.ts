import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { scratch } from "../harness/machine.ts";
import { payload, type Subject } from "./subject.ts";

/** Calls handed out at once. */
const slots = 64;

/** Opens the table and its three statements. */
function openTable(file: string): {
  readonly db: DatabaseSync;
  insert(body: string): number;
  /** Claims the oldest that wait, one for each slot at most; answers their ids. */
  claim(): number[];
  complete(id: number): void;
  /** Tasks that have not ended. */
  open(): number;
} {
  const db = new DatabaseSync(file);
  db.exec(
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE task (id INTEGER PRIMARY KEY, state INTEGER, body TEXT); CREATE INDEX pending ON task (id) WHERE state = 0",
  );
  const insert = db.prepare("INSERT INTO task (state, body) VALUES (0, ?)");
  const claim = db.prepare(
    `UPDATE task SET state = 1 WHERE id IN (SELECT id FROM task WHERE state = 0 ORDER BY id LIMIT ${slots}) RETURNING id`,
  );
  const complete = db.prepare("UPDATE task SET state = 2 WHERE id = ?");
  const count = db.prepare("SELECT count(*) AS n FROM task WHERE state < 2");
  return {
    db,
    insert: (body) => Number(insert.run(body).lastInsertRowid),
    claim: () => claim.all().map((row) => Number(row["id"])),
    complete: (id) => void complete.run(id),
    open: () => Number(count.get()?.["n"]),
  };
}

/**
 * The raw limit: a queue that does nothing but insert, claim and complete on node:sqlite, WAL, synchronous=FULL, with
 * one commit per event-loop turn for everything that came in it. No log, retries, owners, cipher or scheduler.
 *
 * `turns: "three"` is how any queue has to work: a task is inserted and its caller told, claimed by a later
 * commit, completed by a third, as in any queue whose worker is somebody else. `turns: "two"` claims what it inserts
 * in the same commit, which only a queue that is its own worker can do, as Errand is.
 */
export function rawQueue(options: { readonly turns: "two" | "three" }): Subject {
  const dir = scratch("raw-queue");
  const table = openTable(join(dir.path, "queue.db"));
  const inserts: ((id: number) => void)[] = [];
  const completes: number[] = [];
  const waiting = new Map<number, { started(): void; ended(): void }>();
  let [scheduled, paused] = [false, false];
  const body = JSON.stringify(payload);
  const insertAll = (): number[] => inserts.map(() => table.insert(body));
  const turn = (): void => {
    scheduled = false;
    table.db.exec("BEGIN IMMEDIATE");
    for (const id of completes) table.complete(id);
    const early = options.turns === "two" ? insertAll() : [];
    const claimed = paused ? [] : table.claim();
    const ids = options.turns === "two" ? early : insertAll();
    table.db.exec("COMMIT");
    for (const id of completes.splice(0)) waiting.get(id)?.ended();
    for (const [index, settle] of inserts.splice(0).entries()) settle(ids[index] ?? 0);
    for (const id of claimed) {
      queueMicrotask(() => {
        waiting.get(id)?.started();
        completes.push(id);
        schedule();
      });
    }
    // There may be more to claim: what was inserted behind the claim, and what did not fit in it.
    if (claimed.length === slots || (options.turns === "three" && ids.length > 0 && !paused))
      schedule();
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(turn);
  };
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
    submit: () =>
      new Promise((resolve) => {
        inserts.push(resolve);
        schedule();
      }),
    run: runTimed,
    runTimed,
    pause(wanted) {
      paused = wanted;
      schedule();
      return Promise.resolve();
    },
    async drain() {
      while (table.open() > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    },
    stop() {
      table.db.close();
      dir.remove();
      return Promise.resolve();
    },
  };
}
