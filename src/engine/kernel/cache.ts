import type { Decider } from "../../core/decider.ts";
import { PassingMap } from "../../core/passing-map.ts";
import type { Scope } from "../../core/scope.ts";

/** A scope's folded state, as of event `seq`. */
export interface CachedScope {
  readonly scope: Scope;
  readonly decider: Decider<unknown, unknown, unknown>;
  state: unknown;
  seq: number;
  /** Number of the last event in the newest snapshot. */
  snapshotSeq: number;
  bytes: number;
}

/**
 * Folded states, least recently used first out above a limit of rough bytes. Only committed states are in it.
 * Queues are never evicted: their heap is the cache of the ready rows.
 */
export class ScopeCache {
  /** In order of use. */
  readonly #entries = new PassingMap<CachedScope>();
  /** Queues stay: a long one alone is larger than the limit, and must not push every other state out. */
  readonly #queues = new Map<Scope, CachedScope>();
  readonly #bytesMax: number;
  /** Bytes that count against the limit, and those of queues, which do not. */
  #bytes = 0;
  #queueBytes = 0;
  #newest: CachedScope | undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes + this.#queueBytes;
  }

  get size(): number {
    return this.#entries.size + this.#queues.size;
  }

  get(scope: Scope): CachedScope | undefined {
    const queue = this.#queues.get(scope);
    if (queue !== undefined) return queue;
    const entry = this.#entries.get(scope);
    if (entry === undefined || entry === this.#newest) return entry;
    // Each move leaves a hole in the map, and a large map is copied when it has many: none is made without need.
    this.#entries.delete(scope);
    this.#entries.set(scope, entry);
    this.#newest = entry;
    return entry;
  }

  put(entry: CachedScope): void {
    this.drop(entry.scope);
    entry.bytes = entry.decider.weigh(entry.state) + entry.scope.length * 2 + 200;
    if (isQueue(entry.scope)) {
      this.#queues.set(entry.scope, entry);
      this.#queueBytes += entry.bytes;
      return;
    }
    this.#entries.set(entry.scope, entry);
    this.#newest = entry;
    this.#bytes += entry.bytes;
    for (const old of this.#entries.values()) {
      if (this.#bytes <= this.#bytesMax) return;
      if (old !== entry) this.drop(old.scope);
    }
  }

  drop(scope: Scope): void {
    const queue = this.#queues.get(scope);
    if (queue !== undefined) {
      this.#queues.delete(scope);
      this.#queueBytes -= queue.bytes;
    }
    const entry = this.#entries.get(scope);
    if (entry === undefined) return;
    this.#entries.delete(scope);
    this.#bytes -= entry.bytes;
    if (this.#newest === entry) this.#newest = undefined;
  }
}

function isQueue(scope: Scope): boolean {
  return scope.startsWith("queue/");
}
