import { errorData } from "../../core/errors.ts";
import type { KeyRow } from "../../ports/store.ts";
import type { CommandKey, Item, Outcome } from "./group.ts";
import * as ask from "./store-op.ts";

/** A command, and what its sender is answered. */
interface Answered {
  readonly item: Item;
  readonly outcome: Outcome;
}

/** Takes the commands whose key is stored out of `work`, and answers them without their being decided. */
export function* answerKnownKeys(work: Item[], nowMs: number): ask.Dispatch<readonly Answered[]> {
  const keyed = work.filter((item) => item.key !== undefined);
  if (keyed.length === 0) return [];
  const asked = keyed.map((item) => ({ userId: item.key?.userId ?? "", key: item.key?.key ?? "" }));
  const found = yield* ask.keys(asked, nowMs);
  const answered: Answered[] = [];
  for (const [index, item] of keyed.entries()) {
    const row = found[index];
    if (row === null || row === undefined || item.key === undefined) continue;
    answered.push({ item, outcome: replay(item.key, row) });
  }
  if (answered.length === 0) return answered;
  const known = new Set(answered.map(({ item }) => item));
  const rest = work.filter((item) => !known.has(item));
  work.splice(0, work.length, ...rest);
  return answered;
}

/** What a command with a known key is answered: what the first one made, or that its body is another. */
export function replay(key: CommandKey, row: KeyRow): Outcome {
  if (row.hash === key.hash)
    return { reply: { ok: true, value: { ref: row.ref } }, replayed: true };
  const message = `Idempotency-Key "${key.key}" was used with another body; use a new key for a new request`;
  return {
    reply: { ok: false, error: errorData("idempotency_mismatch", message) },
    replayed: true,
  };
}
