import type { Bytes } from "../../ports/store.ts";
import { bytesOf } from "./columns.ts";
import type { Driver } from "./driver.ts";
import { deleteParts, deletePartsBetween, insertPart, selectParts } from "./statements.ts";

/** Most bytes of a body that stand in its own row: with its key it must stay below a Durable Object's 2 MB. */
export const rowBytesMax = 1_500_000;

/** Keeps what of a body does not fit in a row. A body is known by its owner and its number there. */
export interface BodyParts {
  /** Stores what does not fit and returns what does: for most bodies, all of it. */
  put(owner: string, seq: number, body: Bytes): Bytes;
  /** The whole body, given what its row holds. */
  whole(owner: string, seq: number, head: Bytes): Bytes;
  /** Forgets the parts of an owner. */
  drop(owner: string): void;
  /** Forgets the parts of every owner named between `after` and `before`, both excluded. */
  dropBetween(after: string, before: string): void;
}

/** Opens the table `part`. */
export function openBodyParts(driver: Driver): BodyParts {
  const insert = driver.prepare(insertPart);
  const select = driver.prepare(selectParts);
  const remove = driver.prepare(deleteParts);
  const removeBetween = driver.prepare(deletePartsBetween);
  return {
    put(owner, seq, body) {
      if (body.length <= rowBytesMax) return body;
      for (let n = 1; n * rowBytesMax < body.length; n += 1) {
        insert.run(owner, seq, n, body.subarray(n * rowBytesMax, (n + 1) * rowBytesMax));
      }
      return body.subarray(0, rowBytesMax);
    },
    whole(owner, seq, head) {
      if (head.length < rowBytesMax) return head;
      const parts = [head, ...select.all(owner, seq).map((row) => bytesOf(row, "body"))];
      const body = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of parts) {
        body.set(part, at);
        at += part.length;
      }
      return body;
    },
    drop: (owner) => remove.run(owner),
    dropBetween: (after, before) => removeBetween.run(after, before),
  };
}
