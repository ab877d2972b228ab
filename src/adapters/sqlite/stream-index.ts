import type { StreamHead, StreamOp, StreamRow } from "../../ports/store.ts";

/** An open stream: where its rows are. 16 bytes a row. */
export interface OpenStream {
  epoch: number;
  tail: number;
  /** Number of the first entry of each row, ascending. */
  readonly starts: number[];
  /** Id of each row in `stream_row`. */
  readonly ids: number[];
}

/** What the store keeps in memory of the tables `stream` and `stream_row`. */
export interface StreamIndex {
  readonly open: Map<string, OpenStream>;
  /** Id of the next row. */
  nextId: number;
  /** Rows in the table: those of open streams, and dead ones that wait for the sweep. */
  stored: number;
  /** Rows of open streams. */
  live: number;
  /** The open stream that has the oldest row of the table, if the sweep has met it there. */
  blockedBy: string | null;
}

/** What one transaction did to `stream_row`, to be told to the index when it is through. */
export interface StreamChange {
  nextId: number;
  /** Rows that were given a new id. */
  readonly moves: { readonly open: OpenStream; readonly at: number; readonly id: number }[];
  /** Ids of the group's appends, in their order. */
  readonly appended: number[];
  swept: number;
  blockedBy: string | null;
}

/** Position of the row that holds entry `n`, for an `n` below the tail. */
export function rowHolding(open: OpenStream, n: number): number {
  let low = 0;
  let high = open.starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((open.starts[middle] ?? 0) <= n) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Head of an open stream; `null` if no stream of that name is open. */
export function openHead(index: StreamIndex, stream: string): StreamHead | null {
  const open = index.open.get(stream);
  return open === undefined ? null : { epoch: open.epoch, tail: open.tail, closed: false };
}

/** The head after an operation; `null` if the stream refuses it. */
export function headAfter(head: StreamHead | null, op: StreamOp): StreamHead | null {
  if (op.op === "open") {
    if (head === null) return { epoch: op.epoch, tail: 0, closed: false };
    return head.closed || op.epoch < head.epoch ? null : { ...head, epoch: op.epoch };
  }
  if (head === null || head.closed || op.epoch !== head.epoch) return null;
  if (op.op === "append") return op.n === head.tail ? { ...head, tail: op.n + op.count } : null;
  const tail = endOf(op.blocks);
  return tail < head.tail ? null : { ...head, tail, closed: true };
}

/** Number of entries in blocks that follow each other from 0; -1 if they do not. */
function endOf(blocks: readonly StreamRow[]): number {
  let end = 0;
  for (const block of blocks) {
    if (block.n !== end) return -1;
    end += block.count;
  }
  return end;
}

/** Tells the index what a committed transaction did: `change` to rows, `ops` to streams. */
export function applyChange(
  index: StreamIndex,
  change: StreamChange,
  ops: readonly StreamOp[],
): void {
  for (const { open, at, id } of change.moves) open.ids[at] = id;
  index.nextId = change.nextId;
  index.stored += change.appended.length - change.swept;
  index.blockedBy = change.blockedBy;
  let appends = 0;
  for (const op of ops) {
    switch (op.op) {
      case "open": {
        const open = index.open.get(op.stream);
        if (open !== undefined) open.epoch = op.epoch;
        else index.open.set(op.stream, { epoch: op.epoch, tail: 0, starts: [], ids: [] });
        break;
      }
      case "append": {
        const open = index.open.get(op.stream);
        const id = change.appended[appends];
        appends += 1;
        if (open === undefined || id === undefined) break;
        open.starts.push(op.n);
        open.ids.push(id);
        open.tail = op.n + op.count;
        index.live += 1;
        break;
      }
      case "close":
        dropStream(index, op.stream);
        break;
    }
  }
}

/** Forgets an open stream. Its rows stay in the table, dead, until they are swept. */
export function dropStream(index: StreamIndex, stream: string): void {
  index.live -= index.open.get(stream)?.ids.length ?? 0;
  index.open.delete(stream);
  if (index.blockedBy === stream) index.blockedBy = null;
}
