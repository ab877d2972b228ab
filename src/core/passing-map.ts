/** What holds a value while its entry is there. */
interface Hold<V> {
  value: V | undefined;
}

/**
 * A map that entries pass through: many come, and soon go again. V8 links a table that a `Map` has outgrown, or filled
 * with holes, to the one that follows it. Once the first of them has grown old, all that follow are kept, with whatever
 * was in them at the time, until the next full collection: under load nearly everything that ever passed. Here only the
 * key and a small cell are kept. In the order of arrival, as a `Map`.
 */
export class PassingMap<V> {
  readonly #holds = new Map<string, Hold<V>>();

  get size(): number {
    return this.#holds.size;
  }

  get(key: string): V | undefined {
    return this.#holds.get(key)?.value;
  }

  has(key: string): boolean {
    return this.#holds.has(key);
  }

  /** Sets a value; a key that is there keeps its place. */
  set(key: string, value: V): this {
    const hold = this.#holds.get(key);
    if (hold === undefined) this.#holds.set(key, { value });
    else hold.value = value;
    return this;
  }

  delete(key: string): boolean {
    const hold = this.#holds.get(key);
    if (hold === undefined) return false;
    hold.value = undefined;
    return this.#holds.delete(key);
  }

  clear(): void {
    for (const hold of this.#holds.values()) hold.value = undefined;
    this.#holds.clear();
  }

  keys(): MapIterator<string> {
    return this.#holds.keys();
  }

  /** Values in the order their keys came. Entries may be deleted meanwhile. */
  *values(): Generator<V, undefined> {
    for (const { value } of this.#holds.values()) if (value !== undefined) yield value;
  }
}
