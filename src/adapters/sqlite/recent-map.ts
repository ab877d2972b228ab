/** A map that forgets what was not set for a while: it holds the last `sizeMax` keys set, and at most twice as many. */
export interface RecentMap<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
  clear(): void;
}

/** Makes an empty map. Two generations cost less than a list in order of use: nothing is moved one by one. */
export function createRecentMap<V>(sizeMax: number): RecentMap<V> {
  let young = new Map<string, V>();
  let old = new Map<string, V>();
  return {
    get: (key) => young.get(key) ?? old.get(key),
    set(key, value) {
      young.set(key, value);
      if (young.size < sizeMax) return;
      old = young;
      young = new Map();
    },
    delete(key) {
      young.delete(key);
      old.delete(key);
    },
    clear() {
      young.clear();
      old.clear();
    },
  };
}
