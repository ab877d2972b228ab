/** An API key as it is stored: never the key itself. */
export interface ApiKeyRow {
  /** SHA-256 of the key, 64 hexadecimal digits. */
  readonly hash: string;
  /** Whose key it is; it opens nothing of anybody else. */
  readonly userId: string;
  readonly createdAtMs: number;
}

/** Where API keys are kept. `add` and `removeUser` have taken effect for good when they resolve. */
export interface ApiKeys {
  add(row: ApiKeyRow): Promise<void>;
  /** The key with this hash, or null. Called for every request: it must be quick. */
  find(hash: string): Promise<ApiKeyRow | null>;
  /** Removes all keys of a user; answers how many there were. */
  removeUser(userId: string): Promise<number>;
}
