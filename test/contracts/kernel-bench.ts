/** A kernel on a test's storage, with the world around it in the test's hands. */
import { plainCipher } from "../../src/adapters/aes-cipher/plain-cipher.ts";
import type { Scope } from "../../src/core/scope.ts";
import type { AnyDecider, Committed } from "../../src/engine/kernel/group.ts";
import { Kernel, type KernelOptions } from "../../src/engine/kernel/kernel.ts";
import type { KernelPorts } from "../../src/engine/kernel/kernel-ports.ts";
import type { StoredEntries } from "../../src/engine/kernel/open-stream.ts";
import type { Cipher } from "../../src/ports/cipher.ts";
import type { Courier } from "../../src/ports/host.ts";
import type { AsyncStore, CommitResult, Group, SyncStore } from "../../src/ports/store.ts";
import { START_MS, type AnyStore } from "./store-groups.ts";
import { tallies, type Tally } from "./tally.ts";

/** What a test may choose. */
export interface BenchOptions extends KernelOptions {
  readonly deciders?: ReadonlyMap<string, AnyDecider>;
  readonly cipher?: Cipher;
  readonly courier?: Courier;
  readonly isLocal?: (scope: Scope) => boolean;
  readonly dispatchAway?: NonNullable<KernelPorts["dispatchAway"]>;
  readonly listsAt?: NonNullable<KernelPorts["listsAt"]>;
  readonly entries?: (task: () => void) => void;
}

/** What happens to a commit instead of being written. `undefined`: it is written. */
export type Fate = (group: Group) => CommitResult | Error | undefined;

/** A kernel and all that it has said to its ports. */
export class KernelBench {
  readonly kernel: Kernel;
  readonly store: AnyStore;
  nowMs = START_MS;
  /** Decides over the next commits. */
  fate: Fate = () => undefined;
  /** Groups that were written. */
  readonly groups: Group[] = [];
  /** Commits that were asked for, written or not. */
  commits = 0;
  readonly errors: string[] = [];
  readonly fatal: unknown[] = [];
  alarmMs: number | null = null;

  constructor(store: AnyStore, options: BenchOptions = {}) {
    const { deciders = tallies, cipher = plainCipher, courier, isLocal, ...more } = options;
    const { dispatchAway, listsAt, entries, ...settings } = more;
    this.store = watched(store, this);
    let made = 0;
    this.kernel = new Kernel(
      {
        store: this.store,
        cipher,
        clock: { nowMs: () => this.nowMs },
        random: {
          bytes(bytes) {
            for (const index of bytes.keys()) bytes[index] = made = (made * 5 + 7) % 251;
            return bytes;
          },
          unit: () => 0,
        },
        turn: {
          later: (task) => void nextTurn().then(task),
          ...(entries === undefined ? {} : { entries }),
        },
        waker: { arm: (atMs) => (this.alarmMs = atMs) },
        log: { info: () => undefined, error: (message) => this.errors.push(message) },
        fatal: (error) => this.fatal.push(error),
        ...(courier === undefined ? {} : { courier }),
        ...(isLocal === undefined ? {} : { isLocal }),
        ...(dispatchAway === undefined ? {} : { dispatchAway }),
        ...(listsAt === undefined ? {} : { listsAt }),
      },
      deciders,
      settings,
    );
  }

  /** The notes of a tally scope. */
  notes(scope: Scope): Promise<readonly string[]> {
    return this.kernel.read(scope, (state) => [...(state as Tally).notes]);
  }

  /** Goes to a time and rings the alarm that is set by then. */
  async ringAt(nowMs: number): Promise<void> {
    this.nowMs = nowMs;
    if (this.alarmMs !== null && this.alarmMs <= nowMs) await this.kernel.wake();
    await quiet();
  }

  /** The last group that was written. */
  get lastGroup(): Group {
    const group = this.groups.at(-1);
    if (group === undefined) throw new Error("no group was written");
    return group;
  }
}

/** A listener that writes down what it hears, in order. */
export function listenTo({ kernel }: KernelBench): string[] {
  const heard: string[] = [];
  kernel.listen({
    entries: ({ stream, n, entries }: StoredEntries) =>
      heard.push(`${stream}: ${n}+${entries.length}`),
    committed: ({ scope, seq, events }: Committed) =>
      heard.push(`${scope}: ${seq}+${events.length}`),
    signal: ({ kind }) => heard.push(kind),
  });
  return heard;
}

/** Rows that a group writes: each is one row of some table. */
export function rowsOf(group: Group): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  const { atMs: _, ...parts } = group;
  for (const [part, rows] of Object.entries(parts)) if (rows.length > 0) counts[part] = rows.length;
  return counts;
}

/** The next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 0));
}

/** A few turns: what is under way by itself (a delivery, a timer's command) has its commit. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await nextTurn();
}

/** A store that answers only after a turn, as one behind a connection does. */
export function behindConnection(store: SyncStore): AsyncStore {
  const answerLater =
    (method: (...args: unknown[]) => unknown) =>
    async (...args: unknown[]): Promise<unknown> => {
      await nextTurn();
      return method(...args);
    };
  const methods = Object.entries(store).map(([name, method]) => [name, answerLater(method)]);
  return Object.fromEntries(methods);
}

function watched(store: AnyStore, bench: KernelBench): AnyStore {
  const written = (group: Group, result: CommitResult): CommitResult => {
    if (result.ok) bench.groups.push(group);
    return result;
  };
  return Object.assign(Object.create(store) as SyncStore, {
    commit(group: Group) {
      bench.commits += 1;
      const fate = bench.fate(group);
      if (fate instanceof Error) throw fate;
      if (fate !== undefined) return fate;
      const result = store.commit(group);
      return result instanceof Promise
        ? result.then((answer) => written(group, answer))
        : written(group, result);
    },
  });
}
