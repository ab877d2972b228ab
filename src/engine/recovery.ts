import { asTask } from "./erased-types.ts";
import { queueScope, taskScope } from "../core/scope.ts";
import type { Log } from "../ports/host.ts";
import type { AsyncStore, SyncStore } from "../ports/store.ts";
import type { Homes } from "./homes.ts";
import type { Kernel } from "./kernel/kernel.ts";

/** Open tasks looked at in one page. */
const page = 1_000;

/** What recovery found and did. */
export interface Recovered {
  readonly queues: number;
  readonly running: number;
  readonly streams: number;
}

/**
 * Brings a store back to life in a host whose workers died with its process (SPEC RECOVER1..4): every lease is
 * void, and whoever held one is told; tasks that ran without a lease are found by their rows; streams of attempts
 * that are over are closed. Each is a command like any other, so a crash in here is recovered the same way.
 */
export async function recover(
  kernel: Kernel,
  store: SyncStore | AsyncStore,
  log: Log,
  homes?: Homes,
): Promise<Recovered> {
  // Who holds a lease of a queue that lives by itself has not died with it.
  const queues = homes === undefined ? await store.queues() : [];
  // Looked for first: what goes on, or starts again, because a lease became void has a live worker here.
  const orphans = await findOrphans(kernel, store, homes);
  await Promise.all(
    queues.map((name) => kernel.dispatch(queueScope(name), { type: "voidLeases" })),
  );
  await Promise.all(
    orphans.map(({ id, epoch }) => kernel.dispatch(taskScope(id), { type: "lost", epoch })),
  );
  const running = orphans.length;
  const streams = await closeDeadStreams(kernel, store);
  if (queues.length + running + streams > 0)
    log.info("recovered", { queues: queues.length, running, streams });
  return { queues: queues.length, running, streams };
}

interface Orphan {
  readonly id: string;
  readonly epoch: number;
}

/**
 * Tasks that run, and the epoch of the worker that is gone. One that started straight from its queue still reads
 * `queued` (SPEC KERNEL9): its queue's void lease tells it, where the queue lives here, and otherwise its own log.
 */
async function findOrphans(
  kernel: Kernel,
  store: SyncStore | AsyncStore,
  homes: Homes | undefined,
): Promise<readonly Orphan[]> {
  const running = await orphansOf("running", kernel, store, homes);
  if (homes === undefined) return running;
  return [...running, ...(await orphansOf("queued", kernel, store, homes))];
}

async function orphansOf(
  status: "running" | "queued",
  kernel: Kernel,
  store: SyncStore | AsyncStore,
  homes: Homes | undefined,
): Promise<Orphan[]> {
  const orphans: Orphan[] = [];
  for (let after = ""; ;) {
    const ids = await store.tasksOpen(status, after, page);
    for (const id of ids) {
      if (homes?.isLocal(taskScope(id)) === false) continue;
      const epoch = await kernel.read(taskScope(id), (state) => {
        const task = asTask(state);
        return task.status === "running" || task.beside ? task.epoch : null;
      });
      if (epoch !== null) orphans.push({ id, epoch });
    }
    const last = ids.at(-1);
    if (last === undefined || ids.length < page) return orphans;
    after = last;
  }
}

async function closeDeadStreams(kernel: Kernel, store: SyncStore | AsyncStore): Promise<number> {
  let closed = 0;
  for (const stream of await store.streamsOpen()) {
    const slash = stream.lastIndexOf("/");
    const taskId = stream.slice(0, slash);
    const attempt = Number(stream.slice(slash + 1));
    const owner = await kernel.read(taskScope(taskId), (state) => {
      const task = asTask(state);
      return {
        live: task.phase === "active" && task.attempt === attempt,
        user: task.spec?.userId ?? "",
      };
    });
    if (owner.live) continue;
    await kernel.closeStored(taskId, stream, owner.user);
    closed += 1;
  }
  return closed;
}
