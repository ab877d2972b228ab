import type { Decider } from "../../core/decider.ts";
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
  readonly #entries = new Map<Scope, CachedScope>();
  readonly #bytesMax: number;
  /** Bytes that count against the limit, and those of queues, which do not. */
  #bytes = 0;
  #queueBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes + this.#queueBytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(scope: Scope): CachedScope | undefined {
    const entry = this.#entries.get(scope);
    if (entry === undefined) return undefined;
    this.#entries.delete(scope);
    this.#entries.set(scope, entry);
    return entry;
  }

  put(entry: CachedScope): void {
    this.drop(entry.scope);
    entry.bytes = entry.decider.weigh(entry.state) + entry.scope.length * 2 + 200;
    this.#entries.set(entry.scope, entry);
    this.#count(entry, entry.bytes);
    if (this.#bytes <= this.#bytesMax) return;
    for (const old of this.#entries.values()) {
      if (this.#bytes <= this.#bytesMax) return;
      if (old !== entry && !isPinned(old)) this.drop(old.scope);
    }
  }

  drop(scope: Scope): void {
    const entry = this.#entries.get(scope);
    if (entry === undefined) return;
    this.#entries.delete(scope);
    this.#count(entry, -entry.bytes);
  }

  #count(entry: CachedScope, bytes: number): void {
    if (isPinned(entry)) this.#queueBytes += bytes;
    else this.#bytes += bytes;
  }
}

/** Queues stay: a long one alone is larger than the limit, and must not push every other state out. */
function isPinned(entry: CachedScope): boolean {
  return entry.scope.startsWith("queue/");
}
