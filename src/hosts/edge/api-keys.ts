/* oxlint-disable typescript/no-unsafe-type-assertion -- What comes back over RPC is what the other side's table gave. */
import type { Driver, SqlRow } from "../../adapters/sqlite/driver.ts";
import { userScope, type Scope } from "../../core/scope.ts";
import type { ApiKeyRow, ApiKeys } from "../../ports/keys.ts";
import { localUser } from "../../server/index.ts";
import { askHome, type HomeRpc, type KeysCall } from "./home-call.ts";
import type { OpenedHome } from "./opened-home.ts";

/** The admin's object holds everybody's API keys. */
export const keysHome: Scope = userScope(localUser);

/** API keys, asked of the object that holds them. */
export function remoteApiKeys(homes: DurableObjectNamespace<HomeRpc>): ApiKeys {
  const ask = (call: KeysCall): Promise<unknown> =>
    askHome(homes, keysHome, { is: "keys", ask: call });
  return {
    async add(row) {
      await ask({ is: "add", row });
    },
    find: async (hash) => (await ask({ is: "find", hash })) as ApiKeyRow | null,
    list: async () => (await ask({ is: "list" })) as readonly ApiKeyRow[],
    remove: async (userId, hash) => (await ask({ is: "remove", userId, hash })) === true,
    removeUser: async (userId) => Number(await ask({ is: "removeUser", userId })),
  };
}

/** Answers what is asked of the keys, and closes what was opened with one that is taken back. */
export async function answerKeys(
  { driver, env, log }: Pick<OpenedHome, "driver" | "env" | "log">,
  call: KeysCall,
): Promise<unknown> {
  const answer = answerFrom(driver, call);
  if (call.is !== "remove" && call.is !== "removeUser") return answer;
  try {
    await askHome(env.HOMES, userScope(call.userId), { is: "checkKeys" });
  } catch (error) {
    // Sockets ask themselves, too, when something is told on them.
    log.error("sockets of a key that was taken back could not be closed at once", error);
  }
  return answer;
}

/** From a table beside the store's own. */
function answerFrom(driver: Driver, call: KeysCall): unknown {
  driver.exec(
    "CREATE TABLE IF NOT EXISTS api_key (hash TEXT NOT NULL PRIMARY KEY, user_id TEXT NOT NULL, created_at_ms INTEGER NOT NULL, expires_at_ms INTEGER) WITHOUT ROWID",
  );
  switch (call.is) {
    case "add": {
      const { hash, userId, createdAtMs, expiresAtMs } = call.row;
      return driver
        .prepare(
          "INSERT INTO api_key (hash, user_id, created_at_ms, expires_at_ms) VALUES (?, ?, ?, ?)",
        )
        .run(hash, userId, createdAtMs, expiresAtMs ?? null);
    }
    case "find": {
      const row = driver.prepare("SELECT * FROM api_key WHERE hash = ?").get(call.hash);
      return row === undefined ? null : keyOf(row);
    }
    case "list":
      return driver.prepare("SELECT * FROM api_key ORDER BY created_at_ms, hash").all().map(keyOf);
    case "remove":
      return driver
        .prepare("DELETE FROM api_key WHERE user_id = ? AND hash = ?")
        .run(call.userId, call.hash);
    case "removeUser": {
      const { length } = driver
        .prepare("SELECT hash FROM api_key WHERE user_id = ?")
        .all(call.userId);
      driver.prepare("DELETE FROM api_key WHERE user_id = ?").run(call.userId);
      return length;
    }
    default: {
      const never: never = call;
      return never;
    }
  }
}

function keyOf(row: SqlRow): ApiKeyRow {
  const { hash, user_id: userId, created_at_ms: createdAtMs, expires_at_ms: expiresAtMs } = row;
  return {
    hash: String(hash),
    userId: String(userId),
    createdAtMs: Number(createdAtMs),
    ...(expiresAtMs === null ? {} : { expiresAtMs: Number(expiresAtMs) }),
  };
}
