import type { Scope } from "../../core/scope.ts";
import type { Group, StreamHead, StreamOp, StreamRow } from "../../ports/store.ts";
import type { MemoryData } from "./memory-store.ts";

/** Scopes whose log does not end where the group's rows or snapshots expect it, each once. */
export function findConflicts(data: MemoryData, group: Group): readonly Scope[] {
  const conflicts = new Set<Scope>();
  const ends = new Map<Scope, number>();
  const endOf = (scope: Scope): number => ends.get(scope) ?? data.scopes.get(scope)?.lastSeq ?? 0;
  for (const { scope, seq, count } of group.appends) {
    if (seq !== endOf(scope) + 1) conflicts.add(scope);
    ends.set(scope, seq + count - 1);
  }
  for (const { scope, seq } of group.snapshots) if (seq !== endOf(scope)) conflicts.add(scope);
  return [...conflicts];
}

/**
 * Keys of the group that are stored already, as `userId/key`. A key that expired before the group's time is free
 * again.
 */
export function findTakenKeys(data: MemoryData, group: Group): readonly string[] {
  const nowMs = group.atMs ?? group.appends.reduce((latest, row) => Math.max(latest, row.atMs), 0);
  const taken: string[] = [];
  const seen = new Set<string>();
  for (const { userId, key } of group.keys) {
    const name = `${userId}/${key}`;
    const stored = data.keys.get(name);
    if (seen.has(name) || (stored !== undefined && stored.expiresAtMs > nowMs)) taken.push(name);
    seen.add(name);
  }
  return taken;
}

/** Streams of which an operation is refused, each once. Operations of one group see those before them. */
export function findFenced(data: MemoryData, group: Group): readonly string[] {
  const fenced = new Set<string>();
  const heads = new Map<string, StreamHead>();
  for (const op of group.streams) {
    const next = after(heads.get(op.stream) ?? data.streams.get(op.stream), op);
    if (next === null) fenced.add(op.stream);
    else heads.set(op.stream, next);
  }
  return [...fenced];
}

function after(head: StreamHead | undefined, op: StreamOp): StreamHead | null {
  if (op.op === "open") {
    if (head === undefined) return { epoch: op.epoch, tail: 0, closed: false };
    if (head.closed || op.epoch < head.epoch) return null;
    return { epoch: op.epoch, tail: head.tail, closed: false };
  }
  if (head === undefined || head.closed || op.epoch !== head.epoch) return null;
  if (op.op === "append") {
    if (op.n !== head.tail) return null;
    return { epoch: head.epoch, tail: op.n + op.count, closed: false };
  }
  const tail = endOfBlocks(op.blocks);
  return tail < head.tail ? null : { epoch: head.epoch, tail, closed: true };
}

/** Number of entries in blocks that follow each other from 0; -1 if they do not. */
function endOfBlocks(blocks: readonly StreamRow[]): number {
  let end = 0;
  for (const block of blocks) {
    if (block.n !== end) return -1;
    end += block.count;
  }
  return end;
}
