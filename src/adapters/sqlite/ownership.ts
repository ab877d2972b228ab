import { numberOf } from "./columns.ts";
import type { Driver } from "./driver.ts";
import { selectMeta, upsertMeta } from "./statements.ts";

/**
 * Makes this handle the owner of what the store keeps in memory: a number in the database says which handle wrote
 * last. Calling the answer costs one read (a microsecond); when another handle has taken the number since, it calls
 * `forget` and takes it back. A Durable Object has no `PRAGMA data_version` that would tell.
 */
export function openOwnership(driver: Driver, forget: () => void): () => void {
  const select = driver.prepare(selectMeta);
  const upsert = driver.prepare(upsertMeta);
  const last = (): number => {
    const row = select.get("owner");
    return row === undefined ? 0 : numberOf(row, "value");
  };
  let mine = last() + 1;
  upsert.run("owner", mine);
  return () => {
    const current = last();
    if (current === mine) return;
    forget();
    mine = current + 1;
    upsert.run("owner", mine);
  };
}
