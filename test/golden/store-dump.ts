/** What a program sees of a stored golden life: states, lists, streams, timers and messages, as plain JSON. */
import { createAesCipher } from "../../src/adapters/aes-cipher/aes-cipher.ts";
import { depth, why } from "../../src/core/queue/views.ts";
import type { QueueState } from "../../src/core/queue/state.ts";
import { saveQueue } from "../../src/core/queue/snapshot.ts";
import { scopeKind, scopeName, taskScope, type Scope } from "../../src/core/scope.ts";
import type { TaskState } from "../../src/core/task/state.ts";
import { taskView } from "../../src/core/task/view.ts";
import { deciders } from "../../src/engine/deciders.ts";
import { titlePlace } from "../../src/engine/kernel/group.ts";
import type { Cipher } from "../../src/ports/cipher.ts";
import type { Courier } from "../../src/ports/host.ts";
import type { SyncStore } from "../../src/ports/store.ts";
import { KernelBench } from "../contracts/kernel-bench.ts";
import { ELSEWHERE } from "./store-story.ts";

/** The key that seals golden data. It guards nothing: everybody has it. */
const storeKey = new Uint8Array(32).fill(71);

/** A bench on a golden store, the same for who makes it and who reads it. */
export function goldenBench(store: SyncStore): { bench: KernelBench; cipher: Cipher } {
  const cipher = createAesCipher({ store, storeKey, keySetting: "the golden key" });
  const courier: Courier = { deliver: () => new Promise(() => undefined) };
  const isLocal = (scope: Scope): boolean => scope !== ELSEWHERE;
  const options = { deciders, cipher, courier, isLocal, snapshotEventsEvery: 12 };
  return { bench: new KernelBench(store, options), cipher };
}

/** Reads everything that is stored. `scopes` are those of the life, because a store has no list of them. */
export async function dumpStore(
  { bench, cipher }: ReturnType<typeof goldenBench>,
  store: SyncStore,
  scopes: readonly Scope[],
): Promise<Record<string, unknown>> {
  const states: Record<string, unknown> = {};
  for (const scope of scopes) states[scope] = await stateOf(bench, store, scope);
  const tasks = store.tasks({ userId: null, limit: 999 });
  const outbox = store.outbox(99);
  return {
    scopes: states,
    tasks,
    open: ["queued", "running", "waiting", "delayed"].map((status) =>
      store.tasksOpen(status as "queued", "", 99),
    ),
    sessions: store.sessions("ann", null, 99).map(({ title, ...row }) => ({
      ...row,
      title: cipher.open(titlePlace(row.userId, row.chatId), title),
    })),
    timers: store.timersDue(Number.MAX_SAFE_INTEGER, 99),
    outbox: outbox.map(({ id, to, body }) => ({
      id,
      to,
      body: JSON.parse(cipher.open(`out:${id}`, body)) as unknown,
    })),
    keys: store.keys([{ userId: "ann", key: "k" }], 0),
    streams: await streamsOf(bench, store, scopes),
    logs: await logsOf(bench, scopes),
  };
}

async function stateOf(bench: KernelBench, store: SyncStore, scope: Scope): Promise<unknown> {
  return await bench.kernel.read(scope, (state, seq) => {
    switch (scopeKind(scope)) {
      case "task":
        return { seq, state: plain(state), view: plain(taskView(state as TaskState)) };
      case "queue":
        return { seq, ...queueOf(state as QueueState, store, scopeName(scope)) };
      default:
        return { seq, state: plain(state) };
    }
  });
}

function queueOf(state: QueueState, store: SyncStore, name: string): Record<string, unknown> {
  const waiting = store.ready(name, 0, 99);
  return {
    ledger: saveQueue(state),
    depth: depth(state),
    waiting: waiting.map(({ call, request }) => ({ call, request, why: why(state, call, 0) })),
  };
}

async function streamsOf(
  bench: KernelBench,
  store: SyncStore,
  scopes: readonly Scope[],
): Promise<unknown[]> {
  const streams: unknown[] = [];
  for (const scope of scopes) {
    const stream = `${scopeName(scope)}/1`;
    const head = scope === taskScope(scopeName(scope)) ? store.streamHead(stream) : null;
    if (head === null) continue;
    streams.push({ stream, head, entries: await bench.kernel.readStream(stream, 0) });
  }
  return streams;
}

/** Metas and stream tails of the tasks' facts; the facts themselves are in the states. */
async function logsOf(bench: KernelBench, scopes: readonly Scope[]): Promise<unknown[]> {
  const logs: unknown[] = [];
  for (const scope of scopes.filter((name) => name.startsWith("task/"))) {
    for (const { seq, atMs, events, metas, streamTail } of await bench.kernel.readLog(scope)) {
      const types = events.map((event) => (event as { type: string }).type);
      logs.push({ scope, seq, atMs, types, metas, streamTail });
    }
  }
  return logs;
}

/** Maps as objects and sets as lists. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return plain(Object.fromEntries(value));
  if (value instanceof Set) return [...value].map(plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
