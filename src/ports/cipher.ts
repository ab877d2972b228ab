import { ErrandError } from "../core/errors.ts";
import type { Bytes } from "./store.ts";

/** A user's data key is there and does not open (`internal`): nothing of that user can be sealed or read. Others are fine. */
export class DamagedDataKey extends ErrandError {
  constructor(message: string, cause: unknown) {
    super("internal", message, { cause });
  }
}

/**
 * Seals payloads at rest. AES-256-GCM with a data key per user, wrapped by the store's key (SPEC SEAL1..SEAL6).
 * `seal` and `open` are synchronous, because they run inside a commit; keys are made ready before.
 */
export interface Cipher {
  /**
   * Loads, or makes and stores, the data keys of these users ("" is the system). `undefined`: nothing to wait for.
   * Throws {@link DamagedDataKey} for the first whose key does not open.
   */
  prepare(users: readonly string[]): Promise<void> | undefined;
  /** Seals `plain` for `user`; `place` (scope and number) is authenticated, so that a row moved elsewhere does not open. */
  seal(
    user: string,
    place: string,
    plain: string,
    options?: { readonly compress?: boolean },
  ): Bytes;
  /** Opens what `seal` made for the same place. Throws `internal` if a bit changed, the place is another, or the key is gone. */
  open(place: string, sealed: Bytes): string;
  /** HMAC-SHA256 of `text` under the user's key, base64url: equal bodies are recognised without being stored. */
  mac(user: string, text: string): string;
}
