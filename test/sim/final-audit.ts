import { pendingCount } from "../../src/core/schedule/state.ts";
import type { QueueState } from "../../src/core/queue/state.ts";
import { scopeKind, scopeName } from "../../src/core/scope.ts";
import { stateText } from "./shadow.ts";
import { must } from "./trace.ts";
import type { World } from "./world.ts";

/** What must be true when nothing can happen any more: every promise is kept, nothing is left behind. */
export async function finalAudit(world: World): Promise<void> {
  const { shadow, disk } = world;
  for (const task of shadow.tasks()) must(task.phase === "ended", "every accepted task ends", () => `${task.id} is ${task.status} for ${JSON.stringify(task.reason)}`);
  for (const { scope, state } of shadow.scopes.values()) {
    if (scopeKind(scope) !== "queue") continue;
    const { schedule } = state as QueueState;
    must(schedule.leases.size === 0, "no slot is lost", () => `${scope} holds ${[...schedule.leases.keys()].join(", ")}`);
    must(pendingCount(schedule) === 0, "no call is left behind", () => `${scope} has ${pendingCount(schedule)} pending calls`);
    must(disk.ready(scopeName(scope), 0, 1).length === 0, "no call is left behind", () => `${scope} has ready rows`);
  }
  for (const { scope, state } of shadow.scopes.values()) {
    if (scopeKind(scope) !== "session") continue;
    const { turns } = state as { turns: readonly unknown[] };
    must(turns.length === 0, "every turn ends", () => `${scope} has ${turns.length} turns`);
  }
  must(disk.outbox(1).length === 0, "every message arrives", () => disk.outbox(3).map(({ id }) => id).join(", "));
  const timers = disk.timersDue(Number.MAX_SAFE_INTEGER, 3);
  must(timers.length === 0, "no timer is left behind", () => timers.map(({ scope, name }) => `${scope} ${name}`).join(", "));
  for (const row of disk.tasks({ userId: null, limit: 1_000_000 })) {
    const status = shadow.task(row.id)?.status;
    must(row.status === status, "a row knows the end", () => `${row.id} is ${status ?? "unknown"}, its row says ${row.status}`);
  }
  await auditDisk(world);
  await world.readers.audit();
  world.clients.audit();
}

/** A process that starts now folds from disk, snapshots included, exactly what was followed all along. */
async function auditDisk(world: World): Promise<void> {
  const observer = world.observer();
  for (const { scope, state, seq } of world.shadow.scopes.values()) {
    const expected = stateText(scope, state);
    const [loaded, loadedSeq] = await observer.read(scope, (read, at) => [stateText(scope, read), at] as const);
    must(loadedSeq === seq, "seq is gapless", () => `${scope} is loaded up to ${loadedSeq} of ${seq}`);
    must(loaded === expected, "snapshot and tail are the full fold", () => `${scope}\n  loaded ${loaded}\n  folded ${expected}`);
  }
}
