/** What an index asks of who holds the keys. */
export interface SlotKeys {
  /** 32 bits that spread the keys: of the key in a slot. */
  hashOf(slot: number): number;
}

const shardCount = 256;
const placesAtFirst = 8;

/**
 * Slots by the hash of their key: open addressing in typed arrays, which hold a slot in 4 bytes and are nothing to a
 * collection of garbage. Many small tables, because one that grows to a million would stand still for 80 ms at once.
 */
export class SlotIndex {
  readonly #keys: SlotKeys;
  /** Of each shard, slot + 1 by place; 0: free. The number of places is a power of 2. */
  readonly #places: (Int32Array | undefined)[] = [];
  readonly #counts: Int32Array = new Int32Array(shardCount);

  constructor(keys: SlotKeys) {
    this.#keys = keys;
    for (let shard = 0; shard < shardCount; shard += 1) this.#places.push(undefined);
  }

  /** The slot with this hash for which `is` holds; -1 if there is none. */
  find(hash: number, is: (slot: number) => boolean): number {
    const places = this.#places[hash & (shardCount - 1)];
    if (places === undefined) return -1;
    const mask = places.length - 1;
    for (let place = (hash >>> 8) & mask; ; place = (place + 1) & mask) {
      const slot = (places[place] ?? 0) - 1;
      if (slot === -1 || is(slot)) return slot;
    }
  }

  /** Adds a slot that is not in it. */
  add(slot: number): void {
    const hash = this.#keys.hashOf(slot);
    const shard = hash & (shardCount - 1);
    const count = (this.#counts[shard] ?? 0) + 1;
    this.#counts[shard] = count;
    let places = this.#places[shard] ?? this.#resize(shard, placesAtFirst);
    // Above three quarters, chains become long.
    if (4 * count > 3 * places.length) places = this.#resize(shard, 2 * places.length);
    put(places, hash, slot);
  }

  /** Removes a slot that is in it, while its key can still be asked for. */
  remove(slot: number): void {
    const hash = this.#keys.hashOf(slot);
    const shard = hash & (shardCount - 1);
    const places = this.#places[shard];
    if (places === undefined) return;
    const mask = places.length - 1;
    let hole = (hash >>> 8) & mask;
    while (places[hole] !== slot + 1) hole = (hole + 1) & mask;
    this.#counts[shard] = (this.#counts[shard] ?? 0) - 1;
    // Whoever stands behind the hole because it was taken moves up, so that no chain has a gap.
    for (let place = (hole + 1) & mask; places[place] !== 0; place = (place + 1) & mask) {
      const other = (places[place] ?? 0) - 1;
      const home = (this.#keys.hashOf(other) >>> 8) & mask;
      if (((place - home) & mask) < ((place - hole) & mask)) continue;
      places[hole] = other + 1;
      hole = place;
    }
    places[hole] = 0;
  }

  /** Forgets every slot and gives the memory back. */
  clear(): void {
    this.#places.fill(undefined);
    this.#counts.fill(0);
  }

  #resize(shard: number, length: number): Int32Array {
    const places = new Int32Array(length);
    for (const entry of this.#places[shard] ?? []) {
      if (entry !== 0) put(places, this.#keys.hashOf(entry - 1), entry - 1);
    }
    this.#places[shard] = places;
    return places;
  }
}

function put(places: Int32Array, hash: number, slot: number): void {
  const mask = places.length - 1;
  let place = (hash >>> 8) & mask;
  while (places[place] !== 0) place = (place + 1) & mask;
  places[place] = slot + 1;
}
