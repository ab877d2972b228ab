import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { databaseName, openNodeStore } from "../../src/adapters/node-sqlite/node-store.ts";
import { loadQueue, saveQueue } from "../../src/core/queue/snapshot.ts";
import { queueScope, taskScope, type Scope } from "../../src/core/scope.ts";
import type { TaskState } from "../../src/core/task/state.ts";
import { recover } from "../../src/engine/recovery.ts";
import type { SyncStore } from "../../src/ports/store.ts";
import { dumpStore, goldenBench } from "../golden/store-dump.ts";
import type { KernelBench } from "./kernel-bench.ts";

/*
 * Data folders that earlier programs have written. They are never made again: what is stored once must be read for
 * ever. `test/golden/make-store.ts` makes a further one when there are new kinds of facts.
 */
const goldenRoot = join(import.meta.dirname, "../golden");
const folders = readdirSync(goldenRoot).filter((name) => /^store-\d+$/.test(name));

interface Expected {
  readonly scopes: Readonly<Record<Scope, unknown>>;
}

async function withCopy(folder: string, run: (store: SyncStore) => Promise<void>): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "errand-golden-"));
  copyFileSync(join(goldenRoot, folder, databaseName), join(dataDir, databaseName));
  const store = openNodeStore(dataDir);
  try {
    await run(store);
  } finally {
    store.close();
    rmSync(dataDir, { recursive: true });
  }
}

function expectedOf(folder: string): Expected & Record<string, unknown> {
  const text = readFileSync(join(goldenRoot, folder, "expected.json"), "utf8");
  const expected = JSON.parse(text) as Expected & Record<string, unknown>;
  return { ...expected, scopes: Object.fromEntries(Object.entries(expected.scopes).map(upcast)) };
}

/** A ledger as a later program saves it: its snapshot of that time must still load, and say what the log says. */
function upcast([scope, saved]: [string, unknown]): [string, unknown] {
  if (typeof saved !== "object" || saved === null) return [scope, saved];
  const known: unknown = expect.toSatisfy(() => true);
  const stored = withoutDerived(saved, known);
  if (!("ledger" in saved)) return [scope, stored];
  const ledger = { ...(saveQueue(loadQueue(scope as Scope, saved.ledger)) as object) };
  // Ledgers of version 1 did not tell a live change from the configuration, nor the load; their logs do.
  if (JSON.stringify(saved.ledger).startsWith('{"version":1,')) {
    const bands = (ledger as { bands: object[] }).bands.map((band) => ({ ...band, recent: known }));
    Object.assign(ledger, { configured: known, bands });
  }
  return [scope, { ...stored, ledger }];
}

/** Estimates and weights are no facts: a rule makes them of what is, and a later program may have a better one. */
function withoutDerived(saved: object, known: unknown): object {
  const derived = new Set(["estimate", "bytes"]);
  const read = (key: string, value: unknown) => (derived.has(key) ? known : value);
  return JSON.parse(JSON.stringify(saved), read) as object;
}

describe.each(folders)("golden data: %s", (folder) => {
  test("[KERNEL23] what an earlier program stored reads the same today", () =>
    withCopy(folder, async (store) => {
      const expected = expectedOf(folder);
      const scopes = Object.keys(expected.scopes) as Scope[];
      const dump = await dumpStore(goldenBench(store), store, scopes);
      expect(JSON.parse(JSON.stringify(dump))).toMatchObject(expected);
    }));

  test("[KERNEL23] and its work goes on to the end", () =>
    withCopy(folder, async (store) => {
      const { bench } = goldenBench(store);
      const { kernel } = bench;
      const quietly = { info: () => undefined, error: () => undefined };
      await recover(kernel, store, quietly);
      const settings = { slots: 100, slotsPerKey: null };
      for (const name of store.queues()) {
        await kernel.ask(queueScope(name), { type: "pause", paused: false });
        await kernel.ask(queueScope(name), { type: "configure", settings });
      }
      await kernel.start();
      for (let round = 0; round < 40; round += 1) await endWhatRuns(bench, store);
      const open = store.tasks({ userId: null, statusClass: "active", limit: 999 });
      const queues = new Set(open.map(({ queue }) => queue));
      // All that is left waits for a home that never answers.
      expect(queues).toEqual(new Set(["elsewhere"]));
      expect(bench.errors).toEqual([]);
      expect(store.streamsOpen()).toEqual([]);
    }));
});

/** Completes every task that runs, lets held ones go, and goes on to the next timer. */
async function endWhatRuns(bench: KernelBench, store: SyncStore): Promise<void> {
  const { kernel } = bench;
  for (const { id } of store.tasks({ userId: null, statusClass: "active", limit: 999 })) {
    const { phase, epoch, attempt } = await kernel.read(
      taskScope(id),
      (state) => state as TaskState,
    );
    if (phase === "held") await kernel.dispatch(taskScope(id), { type: "release" });
    if (phase !== "active") continue;
    await kernel.closeStored(id, `${id}/${attempt}`, "ann");
    await kernel.dispatch(taskScope(id), { type: "complete", epoch, output: { text: "done" } });
  }
  await bench.ringAt(Math.max(bench.nowMs, bench.alarmMs ?? 0));
}
