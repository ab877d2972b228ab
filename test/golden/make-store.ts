/**
 * Makes a golden data folder: `node test/golden/make-store.ts store-2`, then `npm run format`. It is made once for a
 * form of the stored data and committed; every later program must read it. A new kind of fact needs a new folder
 * beside the old ones.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { databaseName, openNodeStore } from "../../src/adapters/node-sqlite/node-store.ts";
import type { QueueEvent } from "../../src/core/queue/events.ts";
import type { Scope } from "../../src/core/scope.ts";
import type { SessionEvent } from "../../src/core/session/state.ts";
import type { TaskEvent } from "../../src/core/task/events.ts";
import type { UserEvent } from "../../src/core/user/decider.ts";
import { dumpStore, goldenBench } from "./store-dump.ts";
import { tellStory } from "./store-story.ts";

type AnyEvent = TaskEvent | SessionEvent | UserEvent | QueueEvent;

/** Every kind of fact. The compiler says when one is missing here, and this program when one is not in the story. */
const everyFact: Record<AnyEvent["type"], true> = {
  "task.accepted": true,
  "task.prioritized": true,
  "task.delayed": true,
  "task.held": true,
  "task.queued": true,
  "task.started": true,
  "task.resumed": true,
  "task.progressed": true,
  "task.lost": true,
  "task.retrying": true,
  "task.reopened": true,
  "task.completed": true,
  "task.failed": true,
  "task.cancelled": true,
  "task.expired": true,
  "step.completed": true,
  "sleep.started": true,
  "sleep.ended": true,
  "wait.started": true,
  "wait.ended": true,
  "event.received": true,
  "child.spawned": true,
  "child.awaited": true,
  "child.ended": true,
  "call.requested": true,
  "call.started": true,
  "call.completed": true,
  "call.failed": true,
  "tool.intended": true,
  "tool.settled": true,
  "message.added": true,
  "turn.added": true,
  "turn.ended": true,
  "turn.reopened": true,
  "message.kept": true,
  "session.renamed": true,
  "session.deleted": true,
  "todo.added": true,
  "todo.changed": true,
  "todo.accepted": true,
  "todo.completed": true,
  "todo.reopened": true,
  "todo.removed": true,
  "todos.arranged": true,
  "session.summarized": true,
  "plan.made": true,
  "session.imported": true,
  "reminder.set": true,
  "reminder.rang": true,
  "reminder.planned": true,
  "reminder.unplanned": true,
  "reminder.snoozed": true,
  "reminder.removed": true,
  "user.zoned": true,
  "approval.asked": true,
  "approval.settled": true,
  "lane.added": true,
  "lane.started": true,
  "lane.ended": true,
  "lane.switched": true,
  "schedule.set": true,
  "schedule.removed": true,
  "schedule.paused": true,
  "schedule.ticked": true,
  "schedule.unplanned": true,
  "schedule.planned": true,
  "schedule.run": true,
  "queue.configured": true,
  "queue.paused": true,
  "call.granted": true,
  "call.settled": true,
  "call.withdrawn": true,
  "leases.voided": true,
  "tree.over": true,
  "call.promised": true,
  "call.moved": true,
  "call.cut": true,
  "call.cutting": true,
  "call.uncut": true,
  "endpoint.probed": true,
  "endpoint.measured": true,
};

const name = process.argv[2];
if (name === undefined) throw new Error("name the folder to make: store-1, store-2, ...");
const folder = join(import.meta.dirname, name);
const scratch = mkdtempSync(join(tmpdir(), "errand-golden-"));
try {
  const store = openNodeStore(scratch);
  const golden = goldenBench(store);
  const scopes = new Set<Scope>();
  const facts = new Set<string>();
  golden.bench.kernel.listen({
    committed({ scope, events }) {
      scopes.add(scope);
      for (const event of events) facts.add((event as AnyEvent).type);
    },
  });
  await tellStory(golden.bench);
  const missing = Object.keys(everyFact).filter((type) => !facts.has(type));
  if (missing.length > 0) throw new Error(`the story lacks ${missing.join(", ")}`);
  const expected = await dumpStore(golden, store, [...scopes].toSorted());
  store.close();
  mkdirSync(folder);
  copyFileSync(join(scratch, databaseName), join(folder, databaseName));
  writeFileSync(join(folder, "expected.json"), `${JSON.stringify(expected, null, 2)}\n`);
} finally {
  rmSync(scratch, { recursive: true });
}
