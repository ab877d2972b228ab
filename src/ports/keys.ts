/** An API key as it is stored: never the key itself. */
export interface ApiKeyRow {
  /** SHA-256 of the key, 64 hexadecimal digits. */
  readonly hash: string;
  /** Whose key it is; it opens nothing of anybody else. */
  readonly userId: string;
  readonly createdAtMs: number;
  /** It opens nothing from this moment on. Absent: it does not expire. */
  readonly expiresAtMs?: number;
}

/** Where API keys are kept. What adds or removes has taken effect for good when it resolves. */
export interface ApiKeys {
  add(row: ApiKeyRow): Promise<void>;
  /** The key with this hash, or null. Called for every request: it must be quick. */
  find(hash: string): Promise<ApiKeyRow | null>;
  /** All keys, oldest first. */
  list(): Promise<readonly ApiKeyRow[]>;
  /** Removes one key of a user; false if there is none with this hash. */
  remove(userId: string, hash: string): Promise<boolean>;
  /** Removes all keys of a user; answers how many there were. */
  removeUser(userId: string): Promise<number>;
}
