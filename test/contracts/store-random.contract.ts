import * as fc from "fast-check";
import { expect, test } from "vitest";

import { createMemoryStore } from "../../src/adapters/memory/memory-store.ts";
import type { TaskRow } from "../../src/core/rows.ts";
import type { Scope } from "../../src/core/scope.ts";
import { isEnd, type TaskStatus } from "../../src/core/task/status.ts";
import type { CommitResult, Group, StreamOp, StreamRow, SyncStore } from "../../src/ports/store.ts";
import {
  START_MS,
  bytes,
  ended,
  entries,
  group,
  key,
  request,
  session,
  task,
  taskId,
  type AnyStore,
  type WithStore,
} from "./store-groups.ts";

const SCOPES: readonly Scope[] = [
  "queue/a",
  "queue/b",
  "session/ann/s",
  `task/${taskId(0)}`,
  `task/${taskId(1)}`,
];
const STREAMS = [0, 1].flatMap((minute) => [1, 2].map((attempt) => `${taskId(minute)}/${attempt}`));
const NAMES = ["x", "y", "z"];
const STATUSES: readonly TaskStatus[] = [
  "queued",
  "waiting",
  "running",
  "delayed",
  "completed",
  "failed",
  "expired",
];

/**
 * One step of a history. Numbers are relative to what the reference holds (`off` is how far an operation is wrong,
 * mostly not at all), so that most groups are accepted and the rest are refused for one reason.
 */
const off = fc.oneof(
  { weight: 12, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constantFrom(-1, 1) },
);
const name = fc.constantFrom(...NAMES);
const step = fc.record({
  appends: fc.array(
    fc.record({ scope: fc.constantFrom(...SCOPES), off, count: fc.integer({ min: 1, max: 3 }) }),
    { maxLength: 3 },
  ),
  snapshots: fc.array(fc.record({ scope: fc.constantFrom(...SCOPES), off, trim: fc.boolean() }), {
    maxLength: 1,
  }),
  tasks: fc.array(fc.record({ minute: fc.nat(5), status: fc.constantFrom(...STATUSES) }), {
    maxLength: 2,
  }),
  sessions: fc.array(fc.record({ name, minute: fc.nat(9), deleted: fc.boolean() }), {
    maxLength: 1,
  }),
  ready: fc.uniqueArray(fc.record({ queue: name, call: name, gone: fc.boolean() }), {
    selector: (row) => `${row.queue}/${row.call}`,
    maxLength: 3,
  }),
  timers: fc.array(
    fc.record({ scope: fc.constantFrom(...SCOPES), name, atMs: fc.option(fc.nat(9)) }),
    { maxLength: 2 },
  ),
  outbox: fc.array(fc.record({ id: name, done: fc.boolean() }), { maxLength: 2 }),
  keys: fc.array(fc.record({ name: fc.nat(30), minute: fc.nat(40) }), { maxLength: 1 }),
  streams: fc.array(
    fc.record({
      stream: fc.constantFrom(...STREAMS),
      op: fc.constantFrom("open", "append", "append", "append", "close"),
      off,
      count: fc.nat(4),
    }),
    { maxLength: 3 },
  ),
  after: fc.constantFrom("go on", "go on", "go on", "go on", "reopen", "purge"),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const historiesMax = 60;
/** Each history flushes some fifty commits: seconds on a slow disk. */
const timeoutMs = 60_000;

/** Random histories against the memory store, which is the reference. */
export function storeRandomContract(withStore: WithStore): void {
  const rule = "any history of groups gives the answers and the rows of the reference store";
  test(`[STORE1, STORE14] ${rule}`, { timeout: timeoutMs }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) =>
        withStore(async ({ store, reopen }) => {
          let handle = store;
          const reference = createMemoryStore();
          for (const [number, recipe] of steps.entries()) {
            const parts = resolve(reference, recipe, number);
            expect(sorted(await handle.commit(parts))).toEqual(sorted(reference.commit(parts)));
            if (recipe.after === "reopen") handle = await reopen();
            if (recipe.after === "purge") {
              const now = START_MS + number * 60_000;
              expect(await handle.purge(now, now, 2)).toEqual(reference.purge(now, now, 2));
            }
          }
          expect(await everything(handle)).toEqual(await everything(reference));
          expect(await everything(await reopen())).toEqual(await everything(reference));
        }),
      ),
      { numRuns: historiesMax },
    );
  });
}

function resolve(reference: SyncStore, recipe: Step, number: number): Group {
  const atMs = START_MS + number * 60_000;
  const ends = new Map<Scope, number>();
  const endOf = (scope: Scope): number => ends.get(scope) ?? lastSeq(reference, scope);
  const appends = recipe.appends.flatMap(({ scope, off: wrong, count }) => {
    const seq = Math.max(1, endOf(scope) + 1 + wrong);
    // A task that has a row has a log: its first rows come in one group.
    if (seq === 1 && reference.task(scope.slice("task/".length)) !== null) return [];
    ends.set(scope, seq + count - 1);
    return [{ scope, seq, count, atMs, body: bytes(`${number}`) }];
  });
  const snapshots = recipe.snapshots.map(({ scope, off: wrong, trim }) => ({
    scope,
    seq: Math.max(0, endOf(scope) + wrong),
    body: bytes(`state ${number}`),
    trim,
  }));
  return group({
    appends,
    snapshots: snapshots.filter(({ seq }) => seq > 0),
    tasks: newest(recipe.tasks.flatMap((row) => taskChange(reference, row, number))),
    sessions: recipe.sessions.map((row) => ({
      ...session(row.name, row.minute),
      deleted: row.deleted,
    })),
    readyPut: recipe.ready
      .filter((row) => !row.gone)
      .map(({ queue, call }, index) => ({
        queue,
        call,
        request: request(number * 10 + index + 1),
      })),
    readyGone: recipe.ready.filter((row) => row.gone).map(({ queue, call }) => ({ queue, call })),
    timers: recipe.timers.map((row) => ({
      ...row,
      atMs: row.atMs === null ? null : START_MS + row.atMs,
    })),
    outbox: recipe.outbox
      .filter((row) => !row.done)
      .map(({ id }) => ({ id, to: "queue/a", body: bytes(`${number}`) })),
    outboxDone: recipe.outbox.filter((row) => row.done).map(({ id }) => id),
    keys: recipe.keys.map((row) => key(`key ${row.name}`, row.minute)),
    streams: streamOps(reference, recipe),
  });
}

function lastSeq(reference: SyncStore, scope: Scope): number {
  const [loaded] = reference.load([scope]);
  const last = loaded?.rows.at(-1);
  return last === undefined ? (loaded?.snapshot?.seq ?? 0) : last.seq + last.count - 1;
}

/** A completed task stays so; other ends may be left again, but only for an open status. */
function taskChange(
  reference: SyncStore,
  { minute, status }: { minute: number; status: TaskStatus },
  number: number,
): TaskRow[] {
  const row = task(minute, { userId: minute % 2 === 0 ? "ann" : "bob", type: NAMES[minute % 3]! });
  const stored = reference.task(row.id);
  if (stored?.status === "completed") return [];
  if (stored !== null && isEnd(stored.status) && isEnd(status)) return [];
  return [isEnd(status) ? ended(row, minute + number, status) : { ...row, status }];
}

/** The kernel names a row once in a group. */
function newest(rows: readonly TaskRow[]): TaskRow[] {
  return [...new Map(rows.map((row) => [row.id, row])).values()];
}

function streamOps(reference: SyncStore, recipe: Step): StreamOp[] {
  const heads = new Map<string, { epoch: number; tail: number }>();
  return recipe.streams.map(({ stream, op, off: wrong, count }) => {
    const head = heads.get(stream) ?? reference.streamHead(stream) ?? { epoch: 0, tail: 0 };
    if (op === "open") {
      heads.set(stream, { epoch: head.epoch + 1 + wrong, tail: head.tail });
      return { op, stream, epoch: head.epoch + 1 + wrong };
    }
    if (op === "append") {
      const n = Math.max(0, head.tail + wrong);
      heads.set(stream, { epoch: head.epoch, tail: n + count + 1 });
      return { op, stream, epoch: head.epoch, ...entries(n, count + 1) };
    }
    const blocks: StreamRow[] = head.tail + wrong > 0 ? [entries(0, head.tail + wrong)] : [];
    return { op: "close", stream, epoch: head.epoch, blocks };
  });
}

function sorted(result: CommitResult): CommitResult {
  if (result.ok) return result;
  const { conflicts, keys, fenced } = result;
  return {
    ok: false,
    conflicts: [...conflicts].toSorted(),
    keys: [...keys].toSorted(),
    fenced: [...fenced].toSorted(),
  };
}

/** All that a store can be asked. */
async function everything(store: AnyStore): Promise<unknown> {
  const asked = Array.from({ length: 31 }, (_, n) => ({ userId: "ann", key: `key ${n}` }));
  const streams = [];
  for (const stream of STREAMS) {
    streams.push(
      await store.streamHead(stream),
      await store.streamRead(stream, 0, 99),
      await store.streamRead(stream, 3, 2),
    );
  }
  const lists = [];
  for (const userId of [null, "ann", "bob"]) {
    lists.push(await store.tasks({ userId, limit: 4 }));
    for (const statusClass of ["active", "completed", "failed"] as const) {
      lists.push(await store.tasks({ userId, statusClass, limit: 2, before: taskId(4) }));
    }
    lists.push(
      await store.tasks({ userId, types: ["y"], createdFromMs: START_MS + 60_000, limit: 2 }),
    );
  }
  const open = [];
  for (const status of STATUSES) open.push(await store.tasksOpen(status, taskId(0), 3));
  const ready = [];
  for (const queue of NAMES) ready.push(await store.ready(queue, 10, 3));
  return {
    scopes: await store.load(SCOPES),
    queues: [...(await store.queues())].toSorted(),
    lists,
    open,
    ready,
    streams,
    streamsOpen: await store.streamsOpen(),
    timers: await store.timersDue(START_MS + 5, 9),
    timerNext: await store.timerNext(),
    outbox: await store.outbox(2),
    keys: await store.keys(asked, START_MS + 10 * 60_000),
    sessions: await store.sessions("ann", START_MS + 8 * 60_000, 2),
  };
}
