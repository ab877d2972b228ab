import { ErrandError } from "../../core/errors.ts";
import type { Clock } from "../../ports/host.ts";
import type { ApiKeyRow } from "../../ports/keys.ts";
import type { AuthSettings } from "../settings.ts";
import { hex, sameBytes, sha256 } from "./digest.ts";

/** Who asks. */
export interface Identity {
  readonly userId: string;
  /** May read and change what is of others, and make keys. */
  readonly isAdmin: boolean;
  /** Hash of the API key that was shown; null for the admin key and without keys. */
  readonly keyHash: string | null;
}

/** The user of a server without keys, and the admin of one with keys: turning keys on loses nobody's data. */
export const localUser = "local";

const admin: Identity = { userId: localUser, isAdmin: true, keyHash: null };

/** Longest key that is looked at: hashing must not be a way to keep the server busy. */
const keyCharsMax = 512;

/** Tells who sent a request. */
export interface Identifier {
  /** Throws `unauthenticated` if keys are on and the request shows none that is known. */
  identify(headers: Headers): Promise<Identity>;
  /** False once the key behind an identity was taken back or has expired; streams ask again and again. */
  isStillKnown(identity: Identity): Promise<boolean>;
}

/** Builds the identifier. Without `auth` everybody is the admin `local`: such a server listens on loopback only. */
export function createIdentifier(auth: AuthSettings | null, clock: Clock): Identifier {
  if (auth === null)
    return { identify: () => Promise.resolve(admin), isStillKnown: () => Promise.resolve(true) };
  const { keys } = auth;
  // Looked at when it is shown: nothing has to run at that moment.
  const valid = async (hash: string): Promise<ApiKeyRow | null> => {
    const row = await keys.find(hash);
    return row?.expiresAtMs !== undefined && row.expiresAtMs <= clock.nowMs() ? null : row;
  };
  const adminDigest = sha256(auth.adminKey);
  return {
    async identify(headers) {
      const key = keyOf(headers);
      if (key === null) {
        throw new ErrandError(
          "unauthenticated",
          "this server needs an API key: send it as Authorization: Bearer KEY, or as x-api-key",
        );
      }
      const digest = await sha256(key.slice(0, keyCharsMax));
      if (sameBytes(digest, await adminDigest)) return admin;
      const found = await valid(hex(digest));
      if (found === null || key.length > keyCharsMax)
        throw new ErrandError(
          "unauthenticated",
          "this API key is not known, has expired or was taken back",
        );
      return { userId: found.userId, isAdmin: false, keyHash: found.hash };
    },
    async isStillKnown({ keyHash }) {
      return keyHash === null || (await valid(keyHash)) !== null;
    },
  };
}

/** The shown key, whichever header carries it; null if there is none. */
function keyOf(headers: Headers): string | null {
  const authorization = headers.get("authorization");
  if (authorization === null) return headers.get("x-api-key");
  const match = /^bearer +(\S+) *$/i.exec(authorization);
  if (match?.[1] === undefined) {
    throw new ErrandError("unauthenticated", "the Authorization header must be: Bearer KEY");
  }
  return match[1];
}

/** A new key of 256 random bits and the hash under which it is kept. The key is shown once and stored nowhere. */
export async function makeApiKey(): Promise<{ readonly key: string; readonly hash: string }> {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const text = btoa(String.fromCharCode(...bytes));
  const key = `errand_${text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
  return { key, hash: hex(await sha256(key)) };
}
