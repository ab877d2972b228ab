import { pendingCount } from "../../src/core/schedule/state.ts";
import type { QueueState } from "../../src/core/queue/state.ts";
import { scopeKind } from "../../src/core/scope.ts";
import type { Home } from "./home.ts";
import { stateText, type Shadow } from "./shadow.ts";
import { must } from "./trace.ts";
import type { World } from "./world.ts";

/** What must be true when nothing can happen any more: every promise is kept, nothing is left behind. */
export async function finalAudit(world: World): Promise<void> {
  auditScopes(world.shadow);
  for (const [id, { handBacks }] of world.shadow.lives) {
    const asked = world.worker.handBacks.get(id) ?? 0;
    must(
      handBacks <= asked,
      "a loss is counted",
      () => `${id} was handed back ${handBacks} times, its workers asked for ${asked}`,
    );
  }
  for (const home of world.homes) auditRows(home, world.shadow);
  await auditLogs(world);
  await world.readers.audit();
  world.clients.audit();
  world.planners.audit();
}

function auditScopes(shadow: Shadow): void {
  for (const task of shadow.tasks()) {
    must(
      task.phase === "ended",
      "every accepted task ends",
      () => `${task.id} is ${task.status} for ${JSON.stringify(task.reason)}`,
    );
  }
  for (const { scope, state } of shadow.scopes.values()) {
    if (scopeKind(scope) === "queue") {
      const { schedule } = state as QueueState;
      must(
        schedule.leases.size === 0,
        "no slot is lost",
        () => `${scope} holds ${[...schedule.leases.keys()].join(", ")}`,
      );
      must(
        pendingCount(schedule) === 0,
        "no call is left behind",
        () => `${scope} has ${pendingCount(schedule)} pending calls`,
      );
    }
    if (scopeKind(scope) === "session") {
      const { turns } = state as { turns: readonly unknown[] };
      must(turns.length === 0, "every turn ends", () => `${scope} has ${turns.length} turns`);
    }
  }
}

function auditRows({ disk, name }: Home, shadow: Shadow): void {
  for (const queue of disk.queues()) {
    must(
      disk.ready(queue, 0, 1).length === 0,
      "no call is left behind",
      () => `queue ${queue} has ready rows`,
    );
  }
  const messages = disk.outbox(3).map(({ id }) => id);
  must(
    messages.length === 0,
    "every message arrives",
    () => `${messages.join(", ")} in the outbox of ${name}`,
  );
  const timers = disk
    .timersDue(Number.MAX_SAFE_INTEGER, 3)
    .map((timer) => `${timer.scope} ${timer.name}`);
  must(timers.length === 0, "no timer is left behind", () => timers.join(", "));
  for (const row of disk.tasks({ userId: null, limit: 1_000_000 })) {
    const status = shadow.task(row.id)?.status;
    must(
      row.status === status,
      "a row knows the end",
      () => `${row.id} is ${status ?? "unknown"}, its row says ${row.status}`,
    );
  }
}

/** A process that starts now folds from disk, snapshots included, exactly what was followed all along. */
async function auditLogs({ homes, shadow }: World): Promise<void> {
  for (const home of homes) {
    const observer = home.observer();
    for (const { scope, state, seq } of shadow.scopes.values()) {
      if (!home.owns(scope)) continue;
      const expected = stateText(scope, state, true);
      const [loaded, loadedSeq] = await observer.read(
        scope,
        (read, at) => [stateText(scope, read, true), at] as const,
      );
      must(
        loadedSeq === seq,
        "seq is gapless",
        () => `${scope} is loaded up to ${loadedSeq} of ${seq}`,
      );
      must(
        loaded === expected,
        "snapshot and tail are the full fold",
        () => `${scope}\n  loaded ${loaded}\n  folded ${expected}`,
      );
    }
  }
}
